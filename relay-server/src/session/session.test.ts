import { connect } from 'node:net'
import { connectionId, encodeClientFrame, feedName, parseConnectionId, protocolVersions, type RelayMessage } from '@entente/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defaultConfig } from '../config/config.js'
import { TimeSlices } from '../flow/time-slices.js'
import { createConnection, createDevice, createOrg, fromStart, offerOf, RelayClient, TestRelay } from '../testing/index.js'

describe('a session', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  it('[ID1] opens for a device on its org’s roster and tells it time and incarnation', async () => {
    relay = await TestRelay.start()
    const vera = await createDevice(await createOrg())
    const client = new RelayClient(relay.url)
    await client.sayHello(vera)
    const welcome = await client.next('welcome')
    expect(Math.abs(welcome.time - Date.now())).toBeLessThan(5_000)
    expect(welcome.incarnation).toBeGreaterThan(0)
    client.send({ type: 'ping' })
    await client.next('pong')
  })

  it('[ID7] is closed where no hello comes, which else may take five seconds (row 4)', async () => {
    expect(defaultConfig.helloMs).toBe(5_000)
    relay = await TestRelay.start({ helloMs: 100 })
    const client = new RelayClient(relay.url)
    expect((await client.next('failed')).code).toBe('AUTH')
    expect(await client.closed()).toBe(1008)
  })

  it('[ID7] is closed where another message comes before the hello (row 5)', async () => {
    relay = await TestRelay.start()
    const mallory = new RelayClient(relay.url)
    await mallory.next('challenge')
    mallory.send({ type: 'ping' })
    expect((await mallory.next('failed')).code).toBe('AUTH')
    expect(await mallory.closed()).toBe(1008)
  })

  it('[ID7] is closed at the sixteenth ping of the WebSocket until it has opened (row 5)', async () => {
    relay = await TestRelay.start()
    const mallory = new RelayClient(relay.url)
    await mallory.next('challenge')
    for (let sent = 0; sent < 16; sent++) mallory.socket.ping()
    expect((await mallory.next('failed')).code).toBe('AUTH')
    expect(await mallory.closed()).toBe(1008)
  })

  it('[ID7] reads nothing behind the hello of a stranger', async () => {
    relay = await TestRelay.start()
    const [vera, mallory] = [await createDevice(await createOrg()), new RelayClient(relay.url)]
    await mallory.next('challenge')
    const hello = encodeClientFrame([vera.hello(new Uint8Array(16), mallory.relayName)])
    // No message of the protocol: whoever read it would answer VERSION.
    mallory.socket.send(Buffer.concat([hello, Buffer.alloc(200_000, 200)]))
    expect((await mallory.next('failed')).code).toBe('AUTH')
  })

  it.each([
    ['before', 'AUTH'],
    ['after', 'RATE'],
  ])('[RL3] ends at a frame of 262,144 pings %s the hello, and handles none of them (row 73)', async (when, code) => {
    relay = await TestRelay.start()
    const device = await createDevice(await createOrg())
    const mallory = when === 'after' ? await RelayClient.connect(relay.url, device) : new RelayClient(relay.url)
    if (when === 'before') await mallory.next('challenge')
    const pings = encodeClientFrame([{ type: 'ping' }])
    mallory.socket.send(new Uint8Array(262_144).fill(pings[0] ?? 0))
    expect((await mallory.next('failed')).code).toBe(code)
    expect(await mallory.closed()).toBe(1008)
    expect(mallory.heard.filter(({ type }) => type === 'pong')).toEqual([])
  })

  it('[RL3] ends a session that pings by the WebSocket as fast as it can, and answers a ping now and then', async () => {
    relay = await TestRelay.start()
    const [device, other] = await Promise.all([createDevice(await createOrg()), createDevice(await createOrg())])
    const [mallory, vera] = await Promise.all([RelayClient.connect(relay.url, device), RelayClient.connect(relay.url, other)])
    const answered = new Promise((resolve) => vera.socket.once('pong', resolve))
    vera.socket.ping()
    await answered
    for (let sent = 0; sent < 10_000; sent++) mallory.socket.ping()
    expect((await mallory.next('failed')).code).toBe('RATE')
    expect(await mallory.closed()).toBe(1008)
    vera.send({ type: 'ping' })
    await vera.next('pong')
  })

  it('answers every message of a full frame in its order', async () => {
    relay = await TestRelay.start()
    const [device, stranger] = [await createDevice(await createOrg()), await createOrg()]
    const vera = await RelayClient.connect(relay.url, device)
    const name = feedName({ kind: 'team', org: stranger.id, topic: 'messages' })
    const feeds = Array.from({ length: 2_000 }, (_, index) => index)
    vera.send(...feeds.map((feed) => ({ type: 'subscribe' as const, feed, name, ...fromStart })))
    const answers = () => vera.heard.flatMap((message) => (message.type === 'refused' ? [message.subject] : []))
    await expect.poll(() => answers().length, { timeout: 15_000 }).toBe(feeds.length)
    expect(answers()).toEqual(feeds)
  })

  it('[RL3] ends a session that goes on asking faster than a device needs to, and leaves the others alone', async () => {
    relay = await TestRelay.start()
    const [device, other] = await Promise.all([createDevice(await createOrg()), createDevice(await createOrg())])
    const [mallory, vera] = await Promise.all([RelayClient.connect(relay.url, device), RelayClient.connect(relay.url, other)])
    for (let frame = 0; frame < 5; frame++) mallory.send(...Array.from({ length: 2_000 }, () => ({ type: 'ping' as const })))
    expect((await mallory.next('failed')).code).toBe('RATE')
    expect(await mallory.closed()).toBe(1008)
    vera.send({ type: 'ping' })
    await vera.next('pong')
  })

  it('[W3] refuses a text frame with 1003 (row 6)', async () => {
    relay = await TestRelay.start()
    const client = new RelayClient(relay.url)
    await client.next('challenge')
    client.socket.send('{"type":"hello"}')
    expect(await client.closed()).toBe(1003)
  })

  it('[W3] refuses a frame over the limit with 1009 (row 7)', async () => {
    relay = await TestRelay.start()
    const client = new RelayClient(relay.url)
    await client.next('challenge')
    client.socket.send(new Uint8Array(256 * 1024 + 1))
    expect(await client.closed()).toBe(1009)
  })

  it('[W3] refuses endless fragments with 1008 (row 9)', async () => {
    relay = await TestRelay.start()
    const client = new RelayClient(relay.url)
    await client.next('challenge')
    for (let fragment = 0; fragment < 200; fragment++) client.socket.send(new Uint8Array([0]), { fin: false })
    expect(await client.closed()).toBe(1008)
  })

  it('[W2, W5] refuses an unknown message with VERSION and the range it speaks (row 10)', async () => {
    relay = await TestRelay.start()
    const client = await RelayClient.connect(relay.url, await createDevice(await createOrg()))
    client.socket.send(new Uint8Array([200]))
    expect(await client.next('failed')).toMatchObject({ code: 'VERSION', ...protocolVersions })
    expect(await client.closed()).toBe(1008)
  })

  it('[W5] refuses a protocol version it does not speak with VERSION (row 10)', async () => {
    relay = await TestRelay.start()
    const client = new RelayClient(relay.url)
    await client.sayHello(await createDevice(await createOrg()), { version: 99 })
    expect(await client.next('failed')).toMatchObject({ code: 'VERSION', ...protocolVersions })
  })

  it('[ID3] refuses a hello made for another nonce (row 11)', async () => {
    relay = await TestRelay.start()
    const vera = await createDevice(await createOrg())
    const eve = new RelayClient(relay.url)
    const overheard = new RelayClient(relay.url)
    const { nonce } = await overheard.next('challenge')
    await eve.next('challenge')
    eve.send(...vera.introduce(nonce, eve.relayName))
    expect((await eve.next('failed')).code).toBe('AUTH')
    expect(await eve.closed()).toBe(1008)
  })

  it('[ID3] takes a nonce once: a hello sent twice ends the session (row 11)', async () => {
    relay = await TestRelay.start()
    const vera = await createDevice(await createOrg())
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send(...vera.introduce(nonce, client.relayName))
    await client.next('welcome')
    client.send(vera.hello(nonce, client.relayName))
    expect((await client.next('failed')).code).toBe('AUTH')
  })

  it('[ID3] refuses a hello made for another relay', async () => {
    relay = await TestRelay.start()
    const vera = await createDevice(await createOrg())
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send(...vera.introduce(nonce, 'relay.elsewhere.example'))
    expect((await client.next('failed')).code).toBe('AUTH')
  })

  it('[ID1] refuses a device that is on the roster to whoever lacks its key', async () => {
    relay = await TestRelay.start()
    const org = await createOrg()
    const [vera, eve] = await Promise.all([createDevice(org), createDevice(await createOrg())])
    await RelayClient.connect(relay.url, vera)
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const [head, body] = vera.hello(nonce, client.relayName).token.split('.')
    client.send({ type: 'hello', token: eve.sign(`${head}.${body}`) })
    expect((await client.next('failed')).code).toBe('AUTH')
  })

  it('[ID5] answers what comes in the frame of the hello after the welcome', async () => {
    relay = await TestRelay.start()
    const connection = await createConnection()
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send(
      ...connection.vera.introduce(nonce, client.relayName),
      { type: 'attach', connection: connection.id, vendor: connection.vendor.id, partner: connection.partner.id, salt: connection.salt },
      { type: 'subscribe', feed: 1, name: connection.feed('vendor', 'opportunity'), ...fromStart },
    )
    await client.next('entries')
    expect(client.heard.map(({ type }) => type)).toEqual(['welcome'])
  })

  it('[CU2] sends the welcome and a long answer behind it in one frame', async () => {
    relay = await TestRelay.start()
    const org = await createOrg()
    const vera = await createDevice(org)
    const name = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    const before = await RelayClient.connect(relay.url, vera)
    await before.read(1, name)
    await before.publish(1, offerOf('k', 'message', new Uint8Array(40_000)))
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send(...vera.introduce(nonce, client.relayName), { type: 'subscribe', feed: 1, name, ...fromStart })
    const { entries } = await client.next('entries')
    expect(entries.map(({ bytes }) => bytes.length)).toEqual([40_000])
    expect(client.heard.map(({ type }) => type)).toEqual(['welcome'])
    expect(client.frames).toHaveLength(2)
  })

  it('[ID5] answers nothing that comes behind a hello which it does not accept', async () => {
    relay = await TestRelay.start()
    const [vera, eve] = await Promise.all([createDevice(await createOrg()), createDevice(await createOrg())])
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const [head, body] = vera.hello(nonce, client.relayName).token.split('.')
    const rows = feedName({ kind: 'team', org: vera.org, topic: 'rows' })
    client.send(
      { type: 'hello', token: eve.sign(`${head}.${body}`) },
      { type: 'subscribe', feed: 1, name: rows, ...fromStart },
      { type: 'ping' },
    )
    client.send({ type: 'ping' })
    expect(await client.closed()).toBe(1008)
    expect(client.heard.map(({ type }) => type)).toEqual(['failed'])
  })

  it('[F2] answers alike for a feed that does not exist and one that is another’s (rows 14, 34)', async () => {
    relay = await TestRelay.start()
    const connection = await createConnection()
    await connection.open(relay.url, connection.vera)
    const eve = await RelayClient.connect(relay.url, await createDevice(await createOrg()))
    const answers: RelayMessage[] = []
    const names = [
      connection.feed('vendor', 'opportunity'),
      connection.feed('vendor', 'messages'),
      feedName({ kind: 'connection', connection: parseConnectionId('AAAAAAAAAAAAAAAAAAAAAA'), side: 'vendor', topic: 'opportunity' }),
      feedName({ kind: 'team', org: connection.vendor.id, topic: 'rows' }),
    ]
    for (const name of names) {
      eve.subscribe(5, name)
      answers.push(await eve.next('refused'))
    }
    expect(answers[0]).toMatchObject({ what: 'feed', subject: 5, code: 'FEED' })
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(await eve.publish(5, offerOf('k', 'message'))).toMatchObject({ code: 'FEED' })
  })

  it('[F3] refuses to attach a stranger, or parties that the connection’s id does not prove, alike (row 14)', async () => {
    relay = await TestRelay.start()
    const connection = await createConnection()
    const eveOrg = await createOrg()
    const eve = await RelayClient.connect(relay.url, await createDevice(eveOrg))
    const parties = { vendor: connection.vendor.id, partner: connection.partner.id }
    eve.send({ type: 'attach', connection: connection.id, ...parties, salt: 'a-salt-for-tests' })
    const stranger = await eve.next('refused')
    eve.send({ type: 'attach', connection: connection.id, ...parties, partner: eveOrg.id, salt: 'a-salt-for-tests' })
    expect(await eve.next('refused')).toEqual(stranger)
    expect(stranger).toMatchObject({ what: 'attach', code: 'FEED' })
    const own = connectionId(connection.vendor.id, eveOrg.id, 'x')
    eve.send({ type: 'attach', connection: own, vendor: connection.vendor.id, partner: eveOrg.id, salt: 'x' }, { type: 'ping' })
    await eve.next('pong')
    expect(eve.heard).toEqual([])
  })

  it('[RL1] refuses offers over the rate with a delay, and shows a flood out (row 29)', async () => {
    relay = await TestRelay.start({ messagesPerSecond: 20, burst: 1 })
    const org = await createOrg()
    const client = await RelayClient.connect(relay.url, await createDevice(org))
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    const offers = Array.from({ length: 40 }, (_, id) => ({ id, ...offerOf(`k${id}`, 'message') }))
    client.send({ type: 'publish', feed: 1, offers })
    const refused = await client.next('refused')
    expect(refused.code).toBe('RATE')
    expect(refused.retryMs).toBeGreaterThan(0)
    const flood = encodeClientFrame(Array.from({ length: 100 }, () => ({ type: 'ping' as const })))
    // A second later one such frame would pass, and be paid for afterwards: the next does not.
    for (const frame of [flood, flood]) client.socket.send(frame)
    const failed = await client.next('failed')
    expect(failed.code).toBe('RATE')
    expect(failed.retryMs).toBeGreaterThan(0)
  })

  it('[RL1] judges no more of the offers of a session that makes it refuse too many, and all of the others’ (row 73)', async () => {
    relay = await TestRelay.start({ messagesPerSecond: 2_000, burst: 1 })
    const [mallorysOrg, verasOrg] = [await createOrg(), await createOrg()]
    const [mallory, vera] = await Promise.all([
      RelayClient.connect(relay.url, await createDevice(mallorysOrg)),
      RelayClient.connect(relay.url, await createDevice(verasOrg)),
    ])
    await mallory.read(1, feedName({ kind: 'team', org: mallorysOrg.id, topic: 'messages' }))
    await vera.read(1, feedName({ kind: 'team', org: verasOrg.id, topic: 'messages' }))
    const offers = Array.from({ length: 1_500 }, (_, id) => ({ id, ...offerOf(`k${id}`, 'message') }))
    mallory.send({ type: 'publish', feed: 1, offers: offers.map((offer) => ({ ...offer, seen: 7 })) })
    vera.send({ type: 'publish', feed: 1, offers })
    const answers = (client: RelayClient) =>
      client.heard.flatMap((one) => (one.type === 'accepted' ? one.ids.map(() => 'ok') : one.type === 'refused' ? [one.code] : []))
    await expect.poll(() => [answers(mallory).length, answers(vera).length], { timeout: 15_000 }).toEqual([1_500, 1_500])
    expect(answers(vera).filter((answer) => answer !== 'ok')).toEqual([])
    const codes = answers(mallory)
    expect([...new Set(codes)].toSorted()).toEqual(['BEHIND', 'RATE'])
    expect(codes.filter((code) => code === 'BEHIND').length).toBeLessThan(1_000)
    // The refusals come in far fewer frames than there are of them.
    expect(mallory.frames.length).toBeLessThan(200)
  })

  it('[RL5] takes along what it has used when it leaves and comes again', async () => {
    relay = await TestRelay.start()
    const device = await createDevice(await createOrg())
    const mallory = await RelayClient.connect(relay.url, device)
    mallory.send(...Array.from({ length: 4_000 }, () => ({ type: 'ping' as const })))
    await expect.poll(() => mallory.heard.filter(({ type }) => type === 'pong').length, { timeout: 15_000 }).toBe(4_000)
    await mallory.close()
    const take = vi.spyOn(TimeSlices.prototype, 'take')
    try {
      await RelayClient.connect(relay.url, device)
      expect(Math.min(...take.mock.calls.map(([burden]) => burden.lately()))).toBeGreaterThan(100)
    } finally {
      take.mockRestore()
    }
  })

  it('[HB1] is dropped when the line is half open, and kept when the device answers (row 38)', async () => {
    relay = await TestRelay.start({ heartbeatMs: 150 })
    const vera = await createDevice(await createOrg())
    const answering = await RelayClient.connect(relay.url, vera)
    const silent = connect(relay.port, '127.0.0.1')
    silent.write(
      'GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    silent.on('error', () => {})
    silent.resume()
    await new Promise((resolve) => silent.once('close', resolve))
    expect(relay.lines.some((line) => line.includes('silent-session-dropped'))).toBe(true)
    expect(answering.closeCode).toBeUndefined()
    answering.send({ type: 'ping' })
    await answering.next('pong')
  })

  it('survives bytes that are no frame, and nobody else notices', async () => {
    relay = await TestRelay.start()
    const org = await createOrg()
    const vera = await RelayClient.connect(relay.url, await createDevice(org))
    const eve = await RelayClient.connect(relay.url, await createDevice(org))
    eve.socket.send(new Uint8Array([6, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]))
    expect((await eve.next('failed')).code).toBe('FRAME')
    vera.send({ type: 'ping' })
    await vera.next('pong')
  })

  it('tells devices when to come back when the relay stops in good order', async () => {
    relay = await TestRelay.start()
    const client = await RelayClient.connect(relay.url, await createDevice(await createOrg()))
    await relay.restart()
    expect((await client.next('leaving')).retryMs).toBeGreaterThan(0)
    expect(client.closeCode).toBe(1001)
  })

  it('logs no token and no roster', async () => {
    relay = await TestRelay.start()
    const vera = await createDevice(await createOrg())
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const introduced = vera.introduce(nonce, client.relayName)
    client.send(...introduced)
    await client.next('welcome')
    const log = relay.lines.join('\n')
    expect(log).toContain('session-opened')
    expect(introduced).toHaveLength(2)
    for (const said of introduced) for (const text of Object.values(said).slice(1)) expect(log).not.toContain(String(text).slice(-40))
  })
})
