import { type Entry, type FeedName, limits, parseKey } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  agree,
  controlEntryOf,
  createConnection,
  createDevice,
  docOffer,
  editor,
  feedNumbers,
  headOffer,
  offerOf,
  RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const placesOf = (entries: readonly Entry[]): readonly string[] => entries.map(({ key, sequence }) => `${key} ${sequence}`)

describe('the head of a feed', () => {
  const docs = feedNumbers.vendorOpportunity
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let paul: RelayClient
  /** Another device of Vera's org, which reads the feed under the same number. */
  let colleague: RelayClient
  let name: FeedName

  beforeEach(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    name = connection.feed('vendor', 'opportunity')
    ;({ vera, paul } = await agree(connection, relay.url))
    colleague = await connection.open(relay.url, await createDevice(connection.vendor))
    await colleague.read(docs, name)
  })
  afterEach(() => relay.stop())

  const sign = async (client: RelayClient, sequence: number, seen = 0): Promise<string> =>
    (await client.publish(docs, headOffer(sequence, seen))).code

  it('[HD1] is that of one of two devices of Vera’s org that sign at once', async () => {
    await vera.publish(docs, docOffer('r1', bytes('a')))
    const codes = await Promise.all([sign(vera, 1), sign(colleague, 1)])
    expect(codes.toSorted()).toEqual(['ACCEPTED', 'BEHIND'])
    const late = codes[0] === 'BEHIND' ? vera : colleague
    expect(await sign(late, 2, 2)).toBe('ACCEPTED')
    expect(placesOf(await vera.read(9, name))).toEqual(['r1 1', 'head 3'])
  })

  it('[HD1] is not taken where an edit overtook it, be it on the disk or on its way there', async () => {
    const first = docOffer('r1', bytes('a'))
    const edit = editor(first.bytes)
    await vera.publish(docs, first)
    await colleague.publish(docs, { ...first, whole: false, seen: 1, bytes: edit(bytes('b')) })
    expect(await sign(vera, 1)).toBe('BEHIND')
    // In one frame, so that the relay judges the head while the edit is pending.
    vera.send({
      type: 'publish',
      feed: docs,
      offers: [
        { id: 71, ...first, whole: false, seen: 2, bytes: edit(bytes('c')) },
        { id: 72, ...headOffer(2) },
        { id: 73, ...headOffer(3) },
      ],
    })
    for (const subject of [72, 73]) expect((await vera.next('refused', (one) => one.subject === subject)).code).toBe('BEHIND')
    expect(await sign(vera, 4)).toBe('BEHIND')
    expect(await sign(vera, 3)).toBe('ACCEPTED')
    expect(await sign(vera, 3, 4)).toBe('BEHIND')
  })

  it('[HD1] comes to its readers at its own sequence, live and later, and the next one takes its place', async () => {
    await vera.publish(docs, docOffer('r1', bytes('a')))
    expect(await sign(vera, 1)).toBe('ACCEPTED')
    const live = await paul.next('entries', (message) => message.feed === docs && message.entries.some(({ kind }) => kind === 'head'))
    const { key, kind, bytes: signed } = headOffer(1)
    expect(live.entries.at(-1)).toEqual({ sequence: 2, key, kind, whole: true, epoch: { version: 0, number: 0 }, bytes: signed })
    const again = new RelayClient(relay.url)
    await again.sayHello(connection.paul)
    const { incarnation } = await again.next('welcome')
    again.send({
      type: 'attach',
      connection: connection.id,
      vendor: connection.vendor.id,
      partner: connection.partner.id,
      salt: connection.salt,
    })
    expect(placesOf(await again.read(1, name, { after: 1, incarnation, position: 1 }))).toEqual(['head 2'])
    await vera.publish(docs, docOffer('r2', bytes('a')))
    expect(await sign(colleague, 3, 2)).toBe('ACCEPTED')
    expect(await sign(colleague, 4, 4)).toBe('ACCEPTED')
    expect(placesOf(await paul.read(10, name))).toEqual(['r1 1', 'r2 3', 'head 5'])
  })

  it('[HD1] may be that of an empty feed', async () => {
    expect(await sign(vera, 1)).toBe('BEHIND')
    expect(await sign(vera, 0)).toBe('ACCEPTED')
    expect(await sign(vera, 0, 1)).toBe('BEHIND')
  })

  it('[HD1] stands alone under its key, and is of its form', async () => {
    expect((await vera.publish(docs, docOffer('head', bytes('a')))).code).toBe('FIELD')
    expect((await vera.publish(docs, { ...headOffer(0), key: parseKey('other') })).code).toBe('FIELD')
    expect((await vera.publish(docs, { ...headOffer(0), bytes: new Uint8Array() })).code).toBe('FRAME')
    expect((await vera.publish(docs, headOffer(0, 0, `a.b.${'c'.repeat(limits.tokenBytes)}`))).code).toBe('SIZE')
    expect((await paul.publish(docs, headOffer(0))).code).toBe('WRITER')
    expect(await sign(vera, 0)).toBe('ACCEPTED')
    expect((await vera.publish(docs, { ...offerOf('head', 'erased'), epoch: { version: 1, number: 1 }, seen: 1 })).code).toBe('FIELD')
    paul.send({ type: 'askGateway', id: 1, feed: docs, key: parseKey('head') })
    expect((await paul.next('refused', ({ what }) => what === 'gateway')).code).toBe('FEED')
  })

  it('[PO5, HD1] goes on in the messages of a connection that has ended, and not in its docs', async () => {
    const ended = controlEntryOf({ version: 1, slots: { lead: ['0'], opportunity: ['0'] }, ended: true })
    await vera.publish(feedNumbers.vendorMessages, { ...offerOf('policy', 'control', ended), seen: 1 })
    expect(await sign(vera, 0)).toBe('FEED')
    expect((await vera.publish(feedNumbers.vendorMessages, headOffer(2))).code).toBe('ACCEPTED')
    expect((await paul.publish(feedNumbers.partnerMessages, headOffer(1))).code).toBe('ACCEPTED')
  })
})
