import { type Entry, parseKey } from '@entente/protocol'
import { describe, expect, it, vi } from 'vitest'
import { absorb, offersNow, offerToEntry } from '../testing/by-hand.js'
import { openMemoryReplica, setup, vendorOrg } from '../testing/index.js'
import { FeedSealer } from './feed-sealer.js'
import { teamFeed } from './feed-role.js'
import { type OpenedDoc, OpenedDocs } from './opened-docs.js'

const feed = teamFeed(vendorOrg, 'rows')
const key = parseKey('a-row')
const epoch = { version: 0, number: 0 }
const doc: OpenedDoc = {
  epoch,
  bytes: new Uint8Array([1, 2, 3]),
  slots: new Map(),
  opened: { registers: {}, exists: [[0, 0, 0], true], unreadable: [], parts: new Map() },
}
const entry: Entry = { sequence: 1, key, kind: 'doc', whole: true, epoch, bytes: new Uint8Array([1, 2, 3]) }

describe('the docs that a page has offered', () => {
  it('[AB4] are known by each byte and by their place, and by nothing less', () => {
    const offered = new OpenedDocs()
    offered.add(feed, key, doc)
    expect(offered.find(feed, entry)).toBe(doc)
    for (const other of [
      { ...entry, bytes: new Uint8Array([1, 2, 4]) },
      { ...entry, bytes: new Uint8Array([1, 2, 3, 0]) },
      { ...entry, epoch: { version: 0, number: 1 } },
      { ...entry, key: parseKey('another-row') },
      { ...entry, whole: false },
    ])
      expect(offered.find(feed, other)).toBeUndefined()
    expect(offered.find(teamFeed(vendorOrg, 'messages'), entry)).toBeUndefined()
    offered.forget(feed, key)
    expect(offered.find(feed, entry)).toBeUndefined()
  })

  it('are few: one that does not come back makes room for later ones', () => {
    const offered = new OpenedDocs()
    for (let index = 0; index < 1_001; index++) offered.add(feed, parseKey(`row-${index}`), doc)
    expect(offered.find(feed, { ...entry, key: parseKey('row-0') })).toBeUndefined()
    expect(offered.find(feed, { ...entry, key: parseKey('row-1') })).toBe(doc)
  })

  it('[AB4, AN1] are read as any entry where the relay changed a byte: Vera’s page leaves that out, and publishes again', async () => {
    const { vera } = await setup({ level: 'replica', slots: [0, 1] })
    const team = teamFeed(vera.replica.org, 'rows')
    await absorb(vera, team)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }])
    const offers = await offersNow(vera, team)
    const { cursor } = vera.replica.position(team)
    const entries = offers.map((offer, index) => offerToEntry(offer, cursor + 1 + index))
    const [changed, ...others] = entries.toReversed()
    if (!changed) throw new Error('nothing to send')
    const bytes = changed.bytes.slice()
    bytes[bytes.length - 8] = (bytes[bytes.length - 8] ?? 0) ^ 1
    await absorb(vera, team, ...others.toReversed(), { ...changed, bytes })
    expect(vera.problems).toHaveLength(1)
    const again = await offersNow(vera, team)
    expect(again).toHaveLength(1)
    await absorb(vera, team, ...again.map((offer) => offerToEntry(offer, changed.sequence + 1)))
    expect(await offersNow(vera, team)).toEqual([])
  })

  it('[AB4] are also those that a page has opened ahead of their turn, unless something in them does not open', async () => {
    const { vera, network } = await setup({ level: 'replica', slots: [0, 1] })
    const team = teamFeed(vera.replica.org, 'rows')
    await absorb(vera, team)
    for (const id of ['ada', 'bob']) await vera.rows.save([{ object: 'Lead', id, values: { Name: id } }])
    const { cursor } = vera.replica.position(team)
    const offers = (await offersNow(vera, team)).slice(-2)
    const [first, second] = offers.map((offer, index) => offerToEntry(offer, cursor + 1 + index))
    if (!first || !second) throw new Error('nothing to send')
    const bytes = second.bytes.slice()
    bytes[bytes.length - 8] = (bytes[bytes.length - 8] ?? 0) ^ 1
    // Another page of hers, which has sealed nothing.
    const { replica, problems } = await openMemoryReplica(network, 'vendor', { store: vera.store })
    const open = vi.spyOn(FeedSealer.prototype, 'openPart')
    replica.openAhead(team, [first, { ...second, bytes }])
    expect(open).toHaveBeenCalledTimes(2)
    expect(problems).toEqual([])
    const chunk = { incarnation: 1, position: second.sequence, live: true, entries: [first, { ...second, bytes }] }
    expect(await replica.absorb(team, chunk)).toEqual([second.key])
    expect(open).toHaveBeenCalledTimes(3)
    expect(problems).toHaveLength(1)
    expect([replica.acknowledged(team, first.key), replica.acknowledged(team, second.key)]).toEqual([true, false])
  })

  it('are opened ahead where a relay sends one message after another', async () => {
    const { vera, network, settle } = await setup({ level: 'replica', slots: [0, 1], relay: { entriesPerChunk: 80 } })
    const earlier = await vera.store.backup()
    await vera.rows.save(Array.from({ length: 240 }, (_, index) => ({ object: 'Lead', id: `lead ${index}`, values: { Name: 'Ada' } })))
    vera.link.start()
    await settle(vera)
    vera.close()
    const restored = await openMemoryReplica(network, 'vendor', { store: earlier })
    const ahead = vi.spyOn(restored.replica, 'openAhead')
    restored.link.start()
    await settle(restored)
    expect(restored.rows.list('Lead').size).toBe(240)
    expect(ahead.mock.calls.map(([, entries]) => entries.length)).toContain(50)
    restored.close()
  })
})
