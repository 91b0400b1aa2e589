import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  controlEntryOf,
  agree,
  createConnection,
  docOffer,
  editor,
  feedNumbers,
  offerOf,
  registerPolicy,
  type RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('publishing', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let paul: RelayClient

  beforeEach(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    ;({ vera, paul } = await agree(connection, relay.url))
  })
  afterEach(() => relay.stop())

  it('[PB3] brings Vera’s doc to Paul and back to Vera before it is acknowledged', async () => {
    const offer = docOffer('r1', bytes('a'))
    expect((await vera.publish(feedNumbers.vendorOpportunity, offer)).code).toBe('ACCEPTED')
    const atPaul = await paul.next('entries', (message) => message.feed === feedNumbers.vendorOpportunity)
    expect(atPaul.live).toBe(true)
    expect(atPaul.entries).toEqual([
      { sequence: 1, key: 'r1', kind: 'doc', whole: true, epoch: { version: 1, number: 0 }, bytes: offer.bytes },
    ])
    const place = vera.heard.findIndex((message) => message.type === 'entries' && message.entries.some((entry) => entry.key === 'r1'))
    const acknowledged = vera.heard.findIndex((message) => message.type === 'accepted' && message.ids.includes(2))
    expect(place).toBeGreaterThanOrEqual(0)
    expect(acknowledged).toBeGreaterThan(place)
  })

  it('[PB1] refuses an offer that does not name the key’s last entry, with BEHIND (row 22)', async () => {
    const first = docOffer('r1', bytes('a'))
    const edit = editor(first.bytes)
    await vera.publish(feedNumbers.vendorOpportunity, first)
    const update = { ...first, whole: false, bytes: edit(bytes('b')) }
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...update, seen: 0 })).code).toBe('BEHIND')
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...update, seen: 2 })).code).toBe('BEHIND')
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...update, seen: 1 })).code).toBe('ACCEPTED')
  })

  it('[PB1] takes one of two offers for a key that come in one frame', async () => {
    const first = docOffer('r1', bytes('a'))
    vera.send({
      type: 'publish',
      feed: feedNumbers.vendorOpportunity,
      offers: [
        { id: 100, ...first },
        { id: 101, ...first },
      ],
    })
    expect((await vera.next('accepted', (message) => message.ids.includes(100))).ids).toEqual([100])
    expect((await vera.next('refused')).code).toBe('BEHIND')
  })

  it('[F4] refuses a write to the peer’s feed, with WRITER (row 15)', async () => {
    expect((await paul.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a')))).code).toBe('WRITER')
    expect((await vera.publish(feedNumbers.partnerMessages, offerOf('hello', 'message'))).code).toBe('WRITER')
  })

  it('[PO2] refuses a slot that the partner did not accept, with FIELD (row 17)', async () => {
    expect((await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 1, '2'))).code).toBe('FIELD')
    const first = docOffer('r1', bytes('a'))
    await vera.publish(feedNumbers.vendorOpportunity, first)
    const edit = editor(first.bytes)
    expect(
      (await vera.publish(feedNumbers.vendorOpportunity, { ...first, whole: false, seen: 1, bytes: edit(bytes('b'), '7') })).code,
    ).toBe('FIELD')
  })

  it('[PO1] refuses an eleventh slot, with FIELD (row 16)', async () => {
    const eleven = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '0']
    const policy = controlEntryOf({ version: 2, slots: { lead: [], opportunity: eleven } })
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'control', policy), seen: 1 })).code).toBe('FIELD')
    const odd = controlEntryOf({ version: 2, slots: { lead: [], opportunity: ['10'] } })
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'control', odd), seen: 1 })).code).toBe('FIELD')
  })

  it('[PO3] refuses an older agreement version with the current one, and lets a later one wait (row 18)', async () => {
    expect(await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 2))).toMatchObject({ code: 'WAIT', version: 1 })
    expect(await registerPolicy(vera, feedNumbers.vendorMessages, 2, ['0'], 1)).toBe('ACCEPTED')
    expect(await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 2))).toMatchObject({ code: 'WAIT', version: 0 })
    expect(await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 1))).toMatchObject({
      code: 'STALE_EPOCH',
      version: 2,
    })
    expect(await registerPolicy(paul, feedNumbers.partnerMessages, 2, ['0'], 1)).toBe('ACCEPTED')
    expect((await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 2))).code).toBe('ACCEPTED')
    expect(await vera.publish(feedNumbers.vendorOpportunity, docOffer('r2', bytes('a'), 1))).toMatchObject({
      code: 'STALE_EPOCH',
      version: 2,
    })
  })

  it('[PO1, PO3] does not let a policy’s version go down, nor anything else take its key', async () => {
    expect(await registerPolicy(vera, feedNumbers.vendorMessages, 0, ['0'], 1)).toBe('STALE_EPOCH')
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'erased'), seen: 1 })).code).toBe('FIELD')
    expect((await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'message'), seen: 1 })).code).toBe('FIELD')
    expect((await vera.publish(feedNumbers.vendorMessages, offerOf('anything', 'control'))).code).toBe('FIELD')
  })

  it('[EP1] takes a doc anew only under a later epoch, and an update only under the present one', async () => {
    const first = docOffer('r1', bytes('a'), 1, '0', 3)
    const edit = editor(first.bytes)
    await vera.publish(feedNumbers.vendorOpportunity, first)
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...first, seen: 1 })).code).toBe('STALE_EPOCH')
    const update = { ...first, whole: false, seen: 1, bytes: edit(bytes('b')) }
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...update, epoch: { version: 1, number: 2 } })).code).toBe('STALE_EPOCH')
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...update, key: docOffer('r9', bytes('')).key, seen: 0 })).code).toBe(
      'STALE_EPOCH',
    )
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...docOffer('r1', bytes('c'), 1, '0', 4), seen: 1 })).code).toBe('ACCEPTED')
  })

  it('[EP1, ER1] takes an erasure only under a later epoch, and keeps that epoch', async () => {
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a'), 1, '0', 3))
    const erased = { ...offerOf('r1', 'erased'), seen: 1 }
    const erase = async (number: number): Promise<string> =>
      (await vera.publish(feedNumbers.vendorOpportunity, { ...erased, epoch: { version: 1, number } })).code
    expect([await erase(0), await erase(3), await erase(4)]).toEqual(['STALE_EPOCH', 'STALE_EPOCH', 'ACCEPTED'])
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...docOffer('r1', bytes('b'), 1, '0', 4), seen: 2 })).code).toBe(
      'STALE_EPOCH',
    )
    // The slot of a doc's existence is admitted beside the agreed ones.
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...docOffer('r1', bytes('b'), 1, 'e', 5), seen: 2 })).code).toBe('ACCEPTED')
  })

  it('[PO4, EP1] lets an erasure through while the versions differ, unless its own is below the doc’s', async () => {
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a')))
    await registerPolicy(vera, feedNumbers.vendorMessages, 2, ['0'], 1)
    const erased = { ...offerOf('r1', 'erased', new Uint8Array()), seen: 1 }
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...erased, epoch: { version: 0, number: 0 } })).code).toBe('STALE_EPOCH')
    expect((await vera.publish(feedNumbers.vendorOpportunity, { ...erased, epoch: { version: 1, number: 1 } })).code).toBe('ACCEPTED')
  })

  it('[PB2] takes docs only where docs belong', async () => {
    expect((await vera.publish(feedNumbers.vendorOpportunity, offerOf('m', 'message'))).code).toBe('TYPE')
    expect((await vera.publish(feedNumbers.vendorMessages, docOffer('d', bytes('a')))).code).toBe('TYPE')
    expect((await vera.publish(feedNumbers.vendorOpportunity, offerOf('policy', 'control'))).code).toBe('TYPE')
  })

  it('keeps everything over a restart', async () => {
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', bytes('a')))
    await relay.restart()
    const again = await connection.open(relay.url, connection.paul)
    const entries = await again.read(1, connection.feed('vendor', 'opportunity'))
    expect(entries.map((entry) => entry.key)).toEqual(['r1'])
    const policies = await again.read(2, connection.feed('vendor', 'messages'))
    expect(policies.map((entry) => [entry.key, entry.kind])).toEqual([['policy', 'control']])
  })

  it('[QU1, QU2] counts an org’s connections by the policies that it registers, and lets known ones narrow theirs', async () => {
    await relay.stop()
    relay = await TestRelay.start({ quota: { bytes: 1, docs: 1, connections: 1 } })
    ;({ vera, paul } = await agree(connection, relay.url))
    expect(await registerPolicy(vera, feedNumbers.vendorMessages, 2, [], 1)).toBe('ACCEPTED')
    const second = connection.again('another-salt')
    const other = await second.open(relay.url, second.vera)
    await other.read(1, second.feed('vendor', 'messages'))
    expect(await registerPolicy(other, 1, 1, ['0'])).toBe('QUOTA')
  })
})
