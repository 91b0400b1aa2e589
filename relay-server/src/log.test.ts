import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createLog } from './log.js'
import {
  agree,
  createConnection,
  createDevice,
  createOrg,
  docOffer,
  feedNumbers,
  offerOf,
  RelayClient,
  TestRelay,
} from './testing/index.js'

describe('a log', () => {
  it('writes one JSON object per line, from its level on', () => {
    const lines: string[] = []
    const log = createLog('info', (line) => lines.push(line))
    log.debug('seen')
    log.warn('slow', { bytes: 3, why: undefined })
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([{ time: expect.any(String), level: 'warn', event: 'slow', bytes: 3 }])
  })

  it('carries what it was given to carry, and leaves the log it came from as it was', () => {
    const lines: string[] = []
    const log = createLog('debug', (line) => lines.push(line))
    log.with({ session: 'a' }).with({ feed: 7 }).error('lost', { code: 'LOST' })
    log.info('seen')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'lost', session: 'a', feed: 7, code: 'LOST' })
    expect(lines[1]).not.toContain('session')
  })
})

describe('the log of a relay', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  it('tells the lines of one request or session by an id, which the answer tells too', async () => {
    relay = await TestRelay.start()
    const id = (await fetch(`${relay.url}/nothing?token=planted`)).headers.get('x-request-id')
    await expect
      .poll(() => eventsOf(relay, 'answered'))
      .toContainEqual(expect.objectContaining({ request: id, path: '/nothing', status: 404 }))
    const vera = new RelayClient(relay.url)
    const [response] = await once(vera.socket, 'upgrade')
    await vera.sayHello(await createDevice(await createOrg()))
    await vera.next('welcome')
    await vera.close()
    const session: unknown = response.headers['x-request-id']
    expect(session).toMatch(/^[0-9a-f]{12}$/)
    expect(session).not.toBe(id)
    await expect.poll(() => eventsOf(relay, 'session-closed')).toEqual([expect.objectContaining({ session })])
    expect(eventsOf(relay, 'session-opened')).toEqual([expect.objectContaining({ session })])
  })

  it('holds no token, roster or byte of an entry, whatever is said to the relay', async () => {
    const tokens = { join: 'the-join-token-of-the-relay', admin: 'the-admin-token-of-the-relay', wrong: 'a-token-that-was-guessed' }
    const value = new TextEncoder().encode('Umbrella order of spring')
    relay = await TestRelay.start({ admission: 'token', joinToken: tokens.join, adminToken: tokens.admin })
    const planted: string[] = Object.values(tokens)

    // Who is let in, who is not, and who says hello twice.
    const connection = await createConnection()
    for (const [device, join] of [
      [connection.vera, tokens.join],
      [connection.paul, tokens.join],
      [await createDevice(await createOrg()), tokens.wrong],
    ] as const) {
      const client = new RelayClient(relay.url)
      const { nonce } = await client.next('challenge')
      const introduced = device.introduce(nonce, client.relayName, { join })
      for (const message of introduced)
        if (message.type === 'hello') planted.push(...message.token.split('.'))
        else if (message.type === 'roster') planted.push(...message.roster.split('.').slice(1))
      client.send(...introduced)
      client.send(device.hello(nonce, client.relayName, { join }))
      await client.closed()
    }

    // Entries that are taken, that come too late, and that cannot be.
    const { vera, paul } = await agree(connection, relay.url)
    await vera.publish(feedNumbers.vendorMessages, offerOf('m1', 'message', value))
    await vera.publish(feedNumbers.vendorMessages, offerOf('m1', 'message', value))
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', value))
    await vera.publish(feedNumbers.vendorOpportunity, offerOf('r2', 'doc', value))
    await paul.publish(feedNumbers.vendorOpportunity, docOffer('r3', value))
    paul.socket.send(value)
    await paul.closed()

    // The gateway, with its token, with a wrong one, and with the right one for another doc.
    vera.send({ type: 'askGateway', id: 9, feed: feedNumbers.vendorOpportunity, key: docOffer('r1', value).key })
    const { token } = await vera.next('gatewayToken')
    planted.push(token)
    const gateway = `${relay.url.replace('http', 'ws')}/gateway/${encodeURIComponent(connection.feed('vendor', 'opportunity'))}`
    for (const path of [`r1?token=${token}`, `r1?token=${tokens.wrong}`, `r2?token=${token}`]) {
      const socket = new WebSocket(`${gateway}/${path}`)
      socket.on('error', () => {})
      socket.on('open', () => socket.close())
      await new Promise((resolve) => socket.once('close', resolve))
    }

    // The figures, and tokens where they do not belong.
    for (const [path, shown] of [
      ['/metrics', tokens.admin],
      ['/metrics', tokens.wrong],
      [`/metrics?token=${tokens.admin}`, ''],
      [`/gateway/x?token=${token}`, ''],
    ] as const)
      await (await fetch(relay.url + path, { headers: { authorization: `Bearer ${shown}` } })).text()
    await vera.close()

    const seen = new Set(relay.lines.map((line) => JSON.parse(line).event))
    for (const event of ['session-opened', 'session-failed', 'upgraded', 'upgrade-refused', 'answered']) expect(seen).toContain(event)
    const bytes = Buffer.from(value)
    planted.push(
      bytes.toString(),
      bytes.toString('base64url').slice(0, 20),
      bytes.toString('hex').slice(0, 20),
      [...value].slice(0, 8).join(','),
    )
    const log = relay.lines.join('\n')
    for (const secret of planted) expect(log.includes(secret), secret).toBe(false)
  })
})

function eventsOf(relay: TestRelay, event: string): readonly unknown[] {
  return relay.lines.map((line): unknown => JSON.parse(line)).filter((line) => (line as { event: string }).event === event)
}
