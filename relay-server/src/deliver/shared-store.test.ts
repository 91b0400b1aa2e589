import { createHash, randomBytes } from 'node:crypto'
import { feedName, mailboxIdOf } from '@entente/protocol'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { runOrgs } from '../command/orgs.js'
import {
  controlEntryOf,
  agree,
  createConnection,
  createDevice,
  createOrg,
  docOffer,
  editor,
  feedNumbers,
  headOffer,
  offerOf,
  registerPolicy,
  RelayClient,
  rosterOffer,
  TestPostgres,
  TestRelay,
  without,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('two relays on one store', () => {
  let database: TestPostgres
  let north: TestRelay
  let south: TestRelay
  let store: string

  beforeAll(async () => {
    database = await TestPostgres.start()
  }, 60_000)
  afterAll(() => database.remove())
  beforeEach(async () => {
    store = database.url(await database.newDatabase())
    ;[north, south] = [await TestRelay.start({ store }), await TestRelay.start({ store })]
  })
  afterEach(async () => {
    await Promise.all([north.stop(), south.stop()])
  })

  it('[RS2] bring Vera’s entries at the one to Paul at the other, in order, whoever else writes', async () => {
    const connection = await createConnection()
    const { vera } = await agree(connection, north.url)
    const paul = await connection.open(south.url, connection.paul)
    const name = connection.feed('vendor', 'opportunity')
    await paul.read(1, name)
    const colleague = await connection.open(south.url, await createDevice(connection.vendor))
    await colleague.read(1, name)
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        index % 2 === 0
          ? vera.publish(feedNumbers.vendorOpportunity, docOffer(`r${index}`, bytes('a')))
          : colleague.publish(1, docOffer(`r${index}`, bytes('b'))),
      ),
    )
    for (const client of [paul, colleague, vera]) {
      const feed = client === vera ? feedNumbers.vendorOpportunity : 1
      const sequences = (): readonly number[] =>
        client.heard
          .flatMap((message) => (message.type === 'entries' && message.feed === feed ? message.entries : []))
          .map((entry) => entry.sequence)
      await expect.poll(() => sequences().at(-1)).toBe(60)
      expect(sequences()).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
    }
  })

  it('[RS3] judge by what the other wrote: the key’s last entry, and both policies', async () => {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, north.url)
    const feed = feedNumbers.vendorOpportunity
    const first = docOffer('r1', bytes('a'))
    const [edit, editHere] = [editor(first.bytes), editor(first.bytes, 9)]
    await vera.publish(feed, first)
    const away = await connection.open(south.url, connection.vera)
    await away.read(feed, connection.feed('vendor', 'opportunity'))
    await away.read(1, connection.feed('vendor', 'messages'))
    expect((await away.publish(feed, { ...first, whole: false, seen: 1, bytes: edit(bytes('b')) })).code).toBe('ACCEPTED')
    // North remembers another last entry and has to look again.
    expect((await vera.publish(feed, { ...first, whole: false, seen: 1, bytes: editHere(bytes('c')) })).code).toBe('BEHIND')
    expect((await vera.publish(feed, { ...first, whole: false, seen: 2, bytes: edit(bytes('c')) })).code).toBe('ACCEPTED')
    expect((await vera.publish(feed, docOffer('r2', bytes('a')))).code).toBe('ACCEPTED')
    // Vera narrows at the one relay; the other knew both policies and must not take what they allowed.
    expect((await away.publish(feed, docOffer('r3', bytes('a')))).code).toBe('ACCEPTED')
    expect(await registerPolicy(vera, feedNumbers.vendorMessages, 2, ['0'], 1)).toBe('ACCEPTED')
    expect(await away.publish(feed, docOffer('r4', bytes('a')))).toMatchObject({ code: 'STALE_EPOCH', version: 2 })
    expect(await registerPolicy(paul, feedNumbers.partnerMessages, 2, ['0'], 1)).toBe('ACCEPTED')
    expect((await away.publish(feed, docOffer('r4', bytes('a'), 2))).code).toBe('ACCEPTED')
    // And the other way round: what the one would refuse by old policies goes in by the new ones.
    expect(await registerPolicy(away, 1, 3, ['0', '1'], 2)).toBe('ACCEPTED')
    expect(await registerPolicy(paul, feedNumbers.partnerMessages, 3, ['0', '1'], 2)).toBe('ACCEPTED')
    expect((await vera.publish(feed, docOffer('r5', bytes('a'), 3, '1'))).code).toBe('ACCEPTED')
  })

  it('[HD1, RS3] take one of two heads that are signed at once, and none that an entry at the other overtook', async () => {
    const connection = await createConnection()
    const { vera } = await agree(connection, north.url)
    const [feed, name] = [feedNumbers.vendorOpportunity, connection.feed('vendor', 'opportunity')]
    const colleague = await connection.open(south.url, await createDevice(connection.vendor))
    await colleague.read(feed, name)
    const sign = async (client: RelayClient, sequence: number, seen: number): Promise<string> =>
      (await client.publish(feed, headOffer(sequence, seen))).code
    let [head, seen] = [0, 0]
    for (let round = 0; round < 10; round++) {
      // North and south each take an edit; the head at the other names what was last before it.
      const [writer, signer] = round % 2 === 0 ? [vera, colleague] : [colleague, vera]
      expect((await writer.publish(feed, docOffer(`r${round}`, bytes('a')))).code).toBe('ACCEPTED')
      expect(await sign(signer, head, seen)).toBe('BEHIND')
      const codes = await Promise.all([sign(vera, head + 1, seen), sign(colleague, head + 1, seen)])
      expect(codes.toSorted()).toEqual(['ACCEPTED', 'BEHIND'])
      head += 2
      seen = head
    }
    const read = await (await connection.open(south.url, connection.paul)).read(feed, name)
    expect(read.map(({ key, sequence }) => `${key} ${sequence}`)).toEqual([
      ...Array.from({ length: 10 }, (_, at) => `r${at} ${at * 2 + 1}`),
      'head 20',
    ])
  })

  it('[MB1, RS2] tell Vera at the one that Paul claimed her invitation at the other', async () => {
    const [vera, paul] = [
      await RelayClient.connect(north.url, await createDevice(await createOrg())),
      await RelayClient.connect(south.url, await createDevice(await createOrg())),
    ]
    const claim = new Uint8Array(randomBytes(32))
    const claimHash = createHash('sha256').update(claim).digest()
    const mailbox = mailboxIdOf(claimHash)
    vera.send({ type: 'invite', mailbox, claimHash, expires: Date.now() + 60_000 })
    expect((await vera.next('mailbox')).state).toBe('open')
    const feed = (side: 'vendor' | 'partner'): ReturnType<typeof feedName> => feedName({ kind: 'mailbox', mailbox, side })
    await vera.read(1, feed('vendor'))
    await vera.read(2, feed('partner'))
    paul.send({ type: 'claim', mailbox, claim })
    expect((await paul.next('mailbox')).state).toBe('claimed')
    expect((await vera.next('mailbox')).state).toBe('claimed')
    await paul.read(1, feed('vendor'))
    await paul.read(2, feed('partner'))
    expect((await paul.publish(2, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    expect((await vera.next('entries', (message) => message.feed === 2)).entries[0]?.key).toBe('hello')
    expect((await vera.publish(1, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    expect((await paul.next('entries', (message) => message.feed === 1)).entries[0]?.key).toBe('hello')
  })

  it('[RO3] end the session of a device at the one that was removed from the roster at the other', async () => {
    const org = await createOrg()
    const [admin, lost] = await Promise.all([createDevice(org), createDevice(org)])
    const thief = await RelayClient.connect(south.url, lost)
    const client = await RelayClient.connect(north.url, admin)
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    expect((await client.publish(1, rosterOffer(org, without(org, lost)))).code).toBe('ACCEPTED')
    expect((await thief.next('failed')).code).toBe('AUTH')
    expect(await thief.closed()).toBe(1008)
  })

  it('[AM3] let no org in that was revoked elsewhere while its hello waited for the database', async () => {
    const org = await createOrg()
    const lock = new pg.Client({ connectionString: store })
    await lock.connect()
    // Holds up the look at how the org stands, and which roster it has.
    await lock.query('BEGIN; LOCK TABLE entente.rosters IN ACCESS EXCLUSIVE MODE')
    const refused = expect(RelayClient.connect(south.url, await createDevice(org))).rejects.toThrow('AUTH')
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%entente.rosters%'"
    await expect.poll(async () => (await database.query(waiting)).length).toBe(1)
    await runOrgs({ command: 'orgs', action: 'revoke', org: org.id, location: { data: '', store } }, () => {})
    await lock.query('COMMIT')
    await lock.end()
    await refused
  })

  it('[PO5, GW7, RS2] end at the one what an end at the other ends: the reading of the other org’s docs, and the gateway sockets', async () => {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, north.url)
    const first = docOffer('r1', bytes('a'))
    await vera.publish(feedNumbers.vendorOpportunity, first)
    const away = await connection.open(south.url, connection.paul)
    await away.read(1, connection.feed('vendor', 'messages'))
    await away.read(3, connection.feed('vendor', 'opportunity'))
    await away.read(4, connection.feed('partner', 'opportunity'))
    expect((await away.publish(4, docOffer('p1', bytes('a')))).code).toBe('ACCEPTED')
    // Another device of Paul's reads nothing but the docs.
    const quiet = await connection.open(south.url, await createDevice(connection.partner))
    await quiet.read(1, connection.feed('vendor', 'opportunity'))
    paul.send({ type: 'askGateway', id: 1, feed: feedNumbers.vendorOpportunity, key: first.key })
    const { token } = await paul.next('gatewayToken')
    const room = `${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/r1`
    const socket = new WebSocket(`${south.url.replace('http', 'ws')}/gateway/${room}?token=${token}`)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    const ended = controlEntryOf({ version: 1, slots: { lead: ['0'], opportunity: ['0'] }, ended: true })
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'control', ended), seen: 1 })).code).toBe('ACCEPTED')
    expect((await away.next('refused', ({ what, subject }) => what === 'feed' && subject === 3)).code).toBe('FEED')
    expect((await quiet.next('refused')).code).toBe('FEED')
    expect(await closed).toBe(4410)
    // This relay knew both policies from before.
    expect((await away.publish(4, docOffer('p2', bytes('a')))).code).toBe('FEED')
  })

  it('[PO5, RS2] end the reading of docs also where nobody at the other reads in which feed the end is told', async () => {
    const connection = await createConnection()
    const { vera } = await agree(connection, north.url)
    const quiet = await connection.open(south.url, await createDevice(connection.partner))
    await quiet.read(1, connection.feed('vendor', 'opportunity'))
    const late = await connection.open(south.url, connection.paul)
    await late.read(1, connection.feed('partner', 'messages'))
    const ended = controlEntryOf({ version: 1, slots: { lead: ['0'], opportunity: ['0'] }, ended: true })
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'control', ended), seen: 1 })).code).toBe('ACCEPTED')
    expect((await quiet.next('refused')).code).toBe('FEED')
  })

  it('[GW4, RS2] open at the one the gateway that the other gave the token for, and show there what is written at the other', async () => {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, north.url)
    const first = docOffer('r1', bytes('a'))
    const edit = editor(first.bytes)
    await vera.publish(feedNumbers.vendorOpportunity, first)
    paul.send({ type: 'askGateway', id: 1, feed: feedNumbers.vendorOpportunity, key: first.key })
    const { token } = await paul.next('gatewayToken')
    const room = `${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/r1`
    const socket = new WebSocket(`${south.url.replace('http', 'ws')}/gateway/${room}?token=${token}`)
    const frames: Buffer[] = []
    let code = 0
    socket.on('message', (data: Buffer) => frames.push(data))
    socket.on('close', (closed) => (code = closed))
    await new Promise((resolve) => socket.once('open', resolve))
    const change = edit(bytes('a-sealed-change'))
    await vera.publish(feedNumbers.vendorOpportunity, { ...first, whole: false, seen: 1, bytes: change })
    await expect.poll(() => frames.some((frame) => frame.includes('a-sealed-change'))).toBe(true)
    await vera.publish(feedNumbers.vendorOpportunity, { ...offerOf('r1', 'erased'), epoch: { version: 1, number: 1 }, seen: 2 })
    await expect.poll(() => code).toBe(4410)
  })
})
