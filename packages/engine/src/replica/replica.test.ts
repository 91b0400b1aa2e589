import { decodeControlEntry, decodePolicy, type Entry, parseKey, policyKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import {
  agreementEdits,
  mapEdit,
  type MemoryReplica,
  type MemoryReplicaOptions,
  MemoryStore,
  openMemoryReplica,
  sampleConnection,
  setup,
  vendorOrg,
} from '../testing/index.js'
import { valueOf } from '../row/row.js'
import { absorb, acknowledgeTeam, offersNow, offersOf, offerToEntry, registerPolicies } from '../testing/by-hand.js'
import { needOf } from './compare.js'
import { messageRowId } from './feed-key.js'
import { connectionFeed, teamFeed } from './feed-role.js'
import { policyText, readPolicy } from './policy.js'
import type { DisabledRule } from './replica-context.js'
import type { DocHead } from './stored.js'

const map = parseKey('map-of-ada')
const leads = connectionFeed(sampleConnection, 'vendor', 'lead')
const messages = (['vendor', 'partner'] as const).map((side) => connectionFeed(sampleConnection, side, 'messages'))

/** The replicas of Vera and Paul, whose agreement gives two fields slots. Tests carry entries between them by hand. */
const replicas = (options: { readonly vera?: MemoryReplicaOptions } = {}) => setup({ level: 'replica', slots: [0, 1], ...options })

describe('a replica', () => {
  it('[PB1, DC3, DF1] offers the update of what is above the relay’s copy, and its own entry acknowledges it', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    expect(whole).toMatchObject({ seen: 0, whole: true, epoch: { version: 1, number: 0 } })
    if (whole) await absorb(vera, leads, offerToEntry(whole, 1))
    expect(vera.replica.acknowledged(leads, map)).toBe(true)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status: 'Won' } }])
    expect(vera.replica.acknowledged(leads, map)).toBe(false)
    const [update] = await offersOf(vera, leads)
    expect(update).toMatchObject({ seen: 1, whole: false })
    expect(update?.bytes.length).toBeLessThan(200)
    if (whole && update) await absorb(paul, leads, offerToEntry(whole, 1), offerToEntry(update, 2))
    expect(paul.replica.peerDocs(leads).get(map)?.registers['1']?.[1]).toBe('Won')
    expect(paul.problems).toEqual([])
  })

  it('[AB1, AB3] takes a chunk in once, however often it comes', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    const told: unknown[] = []
    paul.replica.watchFeeds((changed) => told.push(changed))
    for (let time = 0; time < 3; time++) if (whole) await absorb(paul, leads, offerToEntry(whole, 1))
    expect(told).toHaveLength(1)
    expect(paul.replica.position(leads).cursor).toBe(1)
  })

  it('[SE4, AN1] keeps the last good values where a seal does not open, and flags it (row 39)', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    if (!whole) throw new Error('nothing to send')
    await absorb(paul, leads, offerToEntry(whole, 1))
    // The same bytes under the next epoch: their seals are bound to the one before.
    await absorb(paul, leads, offerToEntry({ ...whole, epoch: { version: 1, number: 1 } }, 2))
    const doc = paul.replica.peerDocs(leads).get(map)
    expect(doc?.unreadable).toEqual(['0', 'e'])
    expect(doc?.registers['0']?.[1]).toBe('Ada')
    expect(paul.problems).toHaveLength(1)
  })

  it('[AB4] checks what the relay sends as the relay did, and keeps the last good state', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    if (!whole) throw new Error('nothing to send')
    await absorb(paul, leads, offerToEntry(whole, 1))
    const broken = { ...whole, epoch: { version: 1, number: 1 }, bytes: new Uint8Array([...whole.bytes, 0]) }
    await absorb(paul, leads, offerToEntry(broken, 2))
    expect(paul.replica.peerDocs(leads).get(map)?.registers['0']?.[1]).toBe('Ada')
    expect(paul.problems).toHaveLength(1)
  })

  it('[EP5] begins a doc anew under the next epoch once it is mostly dead, and it is small again', async () => {
    const { open, ...opened } = await replicas()
    const { paul } = opened
    let { vera } = opened
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    let [edits, last] = [0, 0]
    // Each page load writes under a client id of its own, and that is what makes a doc grow.
    for (; last === 0 && edits < 200; edits++) {
      vera = await open('vendor', { store: vera.store })
      await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: `Ada ${edits}` } }])
      const [offer] = await offersOf(vera, leads)
      if (!offer) throw new Error('nothing to send')
      last = offer.epoch.number
      expect(offer.whole).toBe(edits === 0 || last === 1)
      for (const device of [vera, paul]) await absorb(device, leads, offerToEntry(offer, edits + 1))
    }
    expect(last).toBe(1)
    expect(edits).toBeGreaterThan(10)
    expect(paul.problems).toEqual([])
    expect(paul.replica.peerDocs(leads).get(map)?.registers['0']?.[1]).toBe(`Ada ${edits - 1}`)
  })

  it('[MS1] settles two devices of an org that say different things under one key on the later one', async () => {
    const { vera: first, clock, open } = await replicas()
    const second = await open('vendor')
    const [feed = leads] = messages
    await first.rows.save([{ object: 'Message', id: `${feed}#note`, values: { body: 'earlier' } }])
    clock.advance(1)
    await second.rows.save([{ object: 'Message', id: `${feed}#note`, values: { body: 'later' } }])
    const note = async (device: MemoryReplica) => (await offersOf(device, feed)).find((offer) => offer.key === 'note')
    const said = await note(first)
    if (!said) throw new Error('nothing to say')
    for (const device of [first, second]) await absorb(device, feed, offerToEntry(said, 1))
    // The later one still stands above what the relay has; the earlier one hears it and gives way.
    const again = await note(second)
    expect(await note(first)).toBeUndefined()
    if (!again) throw new Error('nothing more to say')
    for (const device of [first, second]) await absorb(device, feed, offerToEntry(again, 2))
    for (const device of [first, second]) expect(valueOf(device.rows.get('Message', `${feed}#note`), 'body')).toBe('later')
  })

  it('[EP4] leaves a doc of a version that it does not know alone until the agreement comes', async () => {
    const { vera, paul, open } = await replicas()
    await paul.replica.lead()
    await registerPolicies(vera, paul)
    await vera.rows.save([...agreementEdits('vendor', 2, [0]), { object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const secondPolicy = async (index: 0 | 1, device: MemoryReplica): Promise<void> => {
      const feed = messages[index]
      const [policy] = feed ? await offersOf(device, feed) : []
      if (feed && policy) await absorb(vera, feed, offerToEntry(policy, 2))
    }
    await secondPolicy(0, vera)
    const elsewhere = await open('partner')
    await elsewhere.rows.save(agreementEdits('partner', 2, [0]))
    await secondPolicy(1, elsewhere)
    const [whole] = await offersOf(vera, leads)
    if (!whole) throw new Error('nothing to send')
    await absorb(paul, leads, offerToEntry(whole, 1))
    expect(paul.replica.peerDocs(leads).get(map)?.registers).toEqual({})
    await paul.rows.save(agreementEdits('partner', 2, [0]))
    await absorb(paul, leads)
    expect(paul.replica.peerDocs(leads).get(map)?.registers['0']?.[1]).toBe('Ada')
  })

  it('[EP4] never writes over a doc that it has not read', () => {
    const head: DocHead = {
      kind: 'doc',
      epoch: { version: 1, number: 0 },
      sequence: 1,
      version: 1,
      floor: 1,
      exists: undefined,
      registers: {},
      unreadable: [],
      deferred: true,
      mostlyDead: false,
      leaf: undefined,
      lost: false,
    }
    const desired = {
      kind: 'doc',
      version: 1,
      registers: { 0: [[1, 0, 1], 'older'] },
      exists: [[1, 0, 1], true],
      begun: true,
      slots: undefined,
    } as const
    expect(needOf(desired, head)).toBe('wait')
    expect(needOf(desired, head, new Set(['defer']))).toBe('update')
    expect(needOf(desired, { ...head, epoch: { version: 2, number: 0 } })).toBe('none')
  })

  it('[EP5] begins a mostly dead doc anew only where there is something to say', () => {
    const register = [[2, 0, 1], 'Ada'] as const
    const exists = [[1, 0, 1], true] as const
    const head: DocHead = {
      kind: 'doc',
      epoch: { version: 1, number: 0 },
      sequence: 1,
      version: 1,
      floor: 1,
      exists,
      registers: { 0: register },
      unreadable: [],
      deferred: false,
      mostlyDead: true,
      leaf: undefined,
      lost: false,
    }
    const desired = (stamp: number) =>
      ({ kind: 'doc', version: 1, registers: { 0: [[stamp, 0, 1], 'Ada L.'] }, exists, begun: true, slots: undefined }) as const
    expect([needOf(desired(2), head), needOf(desired(3), head)]).toEqual(['none', 'begin'])
    expect(needOf(desired(3), { ...head, mostlyDead: false })).toBe('update')
  })

  it('[TM1] sends a record’s map to the team before its doc to a connection, or a lost device would leave a doc that no one knows', async () => {
    for (const disabledRules of [[], ['team-first']] as DisabledRule[][]) {
      const { vera, paul } = await replicas({ vera: { disabledRules } })
      await registerPolicies(vera, paul)
      await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
      expect(await offersNow(vera, leads)).toHaveLength(disabledRules.length)
      await acknowledgeTeam(vera)
      expect(await offersNow(vera, leads)).toHaveLength(1)
    }
  })

  it('[TM1] counts a record that waits for its team and for a peer once, and knows after a new page load what waits for the team', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await acknowledgeTeam(vera)
    const { replica, rows } = vera
    const others = replica.waiting()
    await rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    // The record, and its map.
    expect(replica.waiting() - others).toBe(2)
    await replica.lead()
    expect([replica.waiting() - others, await offersNow(vera, leads)]).toEqual([2, []])
    await acknowledgeTeam(vera)
    // The team has both: what waits is the doc.
    expect([replica.waiting() - others, (await offersNow(vera, leads)).length]).toEqual([1, 1])
    await rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada L.' } }])
    expect([replica.waiting() - others, (await offersNow(vera, leads)).length]).toEqual([1, 1])
  })

  it('[TM1] says nothing to a peer before the team has what was decided, nor while the team is read anew', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    const [said = leads] = messages
    await vera.rows.save([
      { object: 'Grant', id: 'of-pia', values: { granted: true } },
      { object: 'Message', id: messageRowId(said, parseKey('grants')), values: { body: 'signed' } },
    ])
    expect(await offersNow(vera, said)).toEqual([])
    await acknowledgeTeam(vera)
    expect((await offersNow(vera, said)).map(({ key }) => key)).toEqual(['grants'])
    // What no decision stands behind goes to both at once.
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }])
    expect(await offersNow(vera, said)).toHaveLength(1)
    await vera.replica.lost(teamFeed(vendorOrg, 'rows'))
    expect(await offersNow(vera, said)).toEqual([])
    await acknowledgeTeam(vera)
    expect(await offersNow(vera, said)).toHaveLength(1)
    // What is decided here, and has yet to be signed, is not in the team either.
    vera.replica.judgeBy({ hasUnsigned: true, carries: () => true, admit: async (rows) => ({ rows, refused: [] }) })
    expect(await offersNow(vera, said)).toEqual([])
  })

  it('[IN3, DF3] publishes again what the relay has lost, tombstones too, and shows the peer’s record until it comes again', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    const gone = parseKey('map-of-bob')
    await vera.rows.save([
      { object: 'Lead', id: 'ada', values: { Name: 'Ada' } },
      { object: 'Lead', id: 'bob', values: { Name: 'Bob' } },
      mapEdit(map, 'ada'),
      mapEdit(gone, 'bob'),
    ])
    const both = (await offersOf(vera, leads)).map((offer, index) => offerToEntry(offer, index + 1))
    for (const device of [vera, paul]) await absorb(device, leads, ...both)
    await vera.rows.save([mapEdit(gone, 'bob', false)])
    const [erasure] = await offersOf(vera, leads)
    if (erasure) for (const device of [vera, paul]) await absorb(device, leads, offerToEntry(erasure, 3))
    for (const device of [vera, paul]) await device.replica.lost(leads)
    expect(paul.replica.peerDocs(leads).get(map)?.registers['0']?.[1]).toBe('Ada')
    for (const device of [vera, paul]) await absorb(device, leads)
    expect(
      (await offersOf(vera, leads)).map(({ key, kind, seen }) => [key, kind, seen] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    ).toEqual([
      [map, 'doc', 0],
      [gone, 'erased', 0],
    ])
  })

  describe('[IN4] after a relay came back from a backup', () => {
    /** Paul saw "Won", the backup has "Open": what came of the record's doc until each of them. */
    async function edited() {
      const { vera, paul } = await replicas()
      await registerPolicies(vera, paul)
      await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } }, mapEdit(map, 'ada')])
      const say = async (sequence: number): Promise<Entry> => {
        const [offer] = await offersOf(vera, leads)
        if (!offer) throw new Error('nothing to send')
        const entry = offerToEntry(offer, sequence)
        for (const device of [vera, paul]) await absorb(device, leads, entry)
        return entry
      }
      const backup = await say(1)
      await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status: 'Won' } }])
      await say(2)
      return { vera, paul, say, backup }
    }
    const shown = (device: MemoryReplica) => {
      const doc = device.replica.peerDocs(leads).get(map)
      return [doc?.kind, ...Object.values(doc?.registers ?? {}).map(([, value]) => value)]
    }

    it('a mirror waits for its owner with what it showed, and keeps it where the record is then erased', async () => {
      const { vera, paul, say, backup } = await edited()
      for (const device of [vera, paul]) await device.replica.lost(leads)
      for (const device of [vera, paul]) await absorb(device, leads, backup)
      expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
      // Another loss, before anybody of the vendor's came, takes nothing of it away.
      await paul.replica.lost(leads)
      await absorb(paul, leads, backup)
      await vera.rows.save([mapEdit(map, 'ada', false)])
      await say(3)
      expect(shown(paul)).toEqual(['erased', 'Ada', 'Won'])
    })

    it('a mirror that was frozen already keeps what it showed, over the doc and the tombstone that come again', async () => {
      const { vera, paul, say, backup } = await edited()
      await vera.rows.save([mapEdit(map, 'ada', false)])
      await say(3)
      for (const device of [vera, paul]) await device.replica.lost(leads)
      for (const device of [vera, paul]) await absorb(device, leads, backup)
      await say(2)
      expect(shown(paul)).toEqual(['erased', 'Ada', 'Won'])
    })

    it('a slot that was withdrawn meanwhile does not come back with the erasure', async () => {
      const { vera, paul, backup } = await edited()
      await paul.replica.lead()
      for (const device of [vera, paul]) await device.replica.lost(leads)
      for (const device of [vera, paul]) await absorb(device, leads, backup)
      for (const [side, device] of [
        ['vendor', vera],
        ['partner', paul],
      ] as const)
        await device.rows.save(agreementEdits(side, 2, [0]))
      await vera.rows.save([mapEdit(map, 'ada', false)])
      await absorb(paul, leads)
      const [erasure] = await offersOf(vera, leads)
      if (erasure) await absorb(paul, leads, offerToEntry(erasure, 2))
      expect(shown(paul)).toEqual(['erased', 'Ada'])
    })
  })

  it('[NB2, NB3] reads what a frozen mirror keeps by the version under which it was told, not by that of the tombstone', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    if (whole) for (const device of [vera, paul]) await absorb(device, leads, offerToEntry(whole, 1))
    await vera.rows.save([...agreementEdits('vendor', 2, [0]), mapEdit(map, 'ada', false)])
    const [erasure] = await offersOf(vera, leads)
    expect(erasure?.epoch.version).toBe(2)
    if (erasure) await absorb(paul, leads, offerToEntry(erasure, 2))
    expect(paul.replica.peerDocs(leads).get(map)).toMatchObject({ kind: 'erased', version: 1 })
  })

  it('[NB2] shows a record that is shared again by an owner who forgot the version of the tombstone, and no tombstone that is repeated', async () => {
    const store = new MemoryStore({ history: 10 })
    const { vera, paul, network } = await replicas({ vera: { store } })
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    await vera.rows.save([...agreementEdits('vendor', 2, [0]), mapEdit(map, 'ada', false)])
    const [erasure] = await offersOf(vera, leads)
    if (!erasure) throw new Error('nothing to send')
    await absorb(paul, leads, offerToEntry(erasure, 1))
    const kind = () => paul.replica.peerDocs(leads).get(map)?.kind
    expect([erasure.epoch.version, kind()]).toEqual([2, 'erased'])
    // Her device loses power before it has the new version on its disk, and the relay comes back empty.
    const restored = await openMemoryReplica(network, 'vendor', { store: store.loseTail(2) })
    network.clock.advance(1)
    for (const on of [false, true]) await restored.rows.save([mapEdit(map, 'ada', on)])
    await paul.replica.lost(leads)
    await absorb(restored, leads)
    const [whole] = await offersOf(restored, leads)
    if (whole) await absorb(paul, leads, offerToEntry(whole, 1))
    expect([whole?.epoch.version, kind(), paul.replica.above(leads)]).toEqual([1, 'doc', []])
    await absorb(paul, leads, offerToEntry(erasure, 2))
    expect(kind()).toBe('doc')
    restored.close()
  })

  it('[DF4] does not begin the doc of an imported copy before its first edit', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    const own = connectionFeed(sampleConnection, 'partner', 'lead')
    await absorb(paul, own)
    const edit = mapEdit(map, 'copy')
    await paul.rows.save([
      { object: 'Lead', id: 'copy', values: { Name: 'Ada' }, stamp: [5, 0, 0] },
      { ...edit, values: { ...edit.values, importStamp: [5, 0, 0] } },
    ])
    await acknowledgeTeam(paul)
    expect(paul.replica.waiting()).toBe(0)
    await paul.rows.save([{ object: 'Lead', id: 'copy', values: { Status: 'Contacted' } }])
    expect(await offersOf(paul, own)).toHaveLength(1)
  })

  it('[EP3, EP2, DF2] replaces every old doc under a narrowed agreement, by an empty one where nothing is left', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    const onlyStatus = parseKey('map-of-bob')
    await vera.rows.save([
      { object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } },
      { object: 'Lead', id: 'bob', values: { Status: 'Open' } },
      mapEdit(map, 'ada'),
      mapEdit(onlyStatus, 'bob'),
    ])
    const begun = (await offersOf(vera, leads)).map((offer, index) => offerToEntry(offer, index + 1))
    for (const device of [vera, paul]) await absorb(device, leads, ...begun)
    await vera.rows.save(agreementEdits('vendor', 2, [0]))
    await paul.rows.save(agreementEdits('partner', 2, [0]))
    expect(await offersOf(vera, leads)).toEqual([])
    for (const [index, device] of [vera, paul].entries()) {
      const feed = messages[index]
      const [policy] = feed ? await offersOf(device, feed) : []
      if (feed && policy) for (const each of [vera, paul]) await absorb(each, feed, offerToEntry(policy, 2))
    }
    const narrowed = await offersOf(vera, leads)
    expect(narrowed.map(({ whole, epoch }) => [whole, epoch])).toEqual([
      [true, { version: 2, number: 0 }],
      [true, { version: 2, number: 0 }],
    ])
    await absorb(paul, leads, ...narrowed.map((offer, index) => offerToEntry(offer, index + 3)))
    expect(Object.keys(paul.replica.peerDocs(leads).get(map)?.registers ?? {})).toEqual(['0'])
    expect(paul.replica.peerDocs(leads).get(onlyStatus)?.registers).toEqual({})
  })

  it('shows no withdrawn slot of a doc that its owner never came to replace', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } }, mapEdit(map, 'ada')])
    const begun = (await offersOf(vera, leads)).map((offer, index) => offerToEntry(offer, index + 1))
    await paul.rows.save(agreementEdits('partner', 2, [0]))
    await absorb(paul, leads, ...begun)
    expect(Object.keys(paul.replica.peerDocs(leads).get(map)?.registers ?? {})).toEqual(['0'])
  })

  it('[CN8, IN3] tells the relay of an end once its docs are erased, and again when the relay has lost it', async () => {
    const { vera, paul } = await replicas()
    await registerPolicies(vera, paul)
    const [said = leads] = messages
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    const [whole] = await offersOf(vera, leads)
    if (!whole) throw new Error('nothing to send')
    await absorb(vera, leads, offerToEntry(whole, 1))
    const policy = readPolicy(valueOf(vera.rows.get('ControlEntry', messageRowId(said, policyKey)), 'body'))
    if (!policy) throw new Error('no policy')
    await vera.rows.save([
      { object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } },
      { object: 'ControlEntry', id: messageRowId(said, policyKey), values: { body: policyText({ ...policy, ended: true }) } },
    ])
    // The feed of opportunities has not been read yet: something may turn out to be erased there.
    const [erasure] = await offersOf(vera, leads)
    expect([erasure?.kind, await offersOf(vera, said)]).toEqual(['erased', []])
    if (erasure) await absorb(vera, leads, offerToEntry(erasure, 2))
    expect(await offersOf(vera, said)).toEqual([])
    await absorb(vera, connectionFeed(sampleConnection, 'vendor', 'opportunity'))
    const [ended] = await offersOf(vera, said)
    expect(ended && decodePolicy(decodeControlEntry(ended.bytes).copy)).toEqual({ ...policy, ended: true })
    if (ended) await absorb(vera, said, offerToEntry(ended, 2))
    // What was said stays in sight; a loss of it brings the other feeds back until they have been read.
    const followed = () => vera.replica.followed().feeds.filter((feed) => feed.startsWith(sampleConnection))
    expect(followed()).toEqual([said])
    await vera.replica.lost(said)
    expect(followed()).toHaveLength(3)
    await vera.replica.lost(leads)
    for (const feed of [said, leads]) await absorb(vera, feed)
    expect((await offersOf(vera, said)).map(({ key }) => key)).not.toContain(policyKey)
    const [again] = await offersOf(vera, leads)
    expect(again).toMatchObject({ kind: 'erased', seen: 0 })
    if (again) await absorb(vera, leads, offerToEntry(again, 1))
    expect((await offersOf(vera, said)).map(({ key }) => key)).toContain(policyKey)
  })

  it('[MS3] keeps an erased message erased on the org’s other devices', async () => {
    const feed = messages[0]
    if (!feed) return
    const { vera, open } = await replicas()
    const vito = await open('vendor')
    const id = `${feed}#listing`
    await vera.rows.save([{ object: 'Message', id, values: { body: 'Ada' } }])
    const said = (await offersOf(vera, feed)).map((offer, index) => offerToEntry(offer, index + 1))
    for (const device of [vera, vito]) await absorb(device, feed, ...said)
    expect(valueOf(vito.rows.get('Message', id), 'body')).toBe('Ada')
    await vera.rows.save([{ object: 'Message', id, values: { body: null } }])
    const [erasure] = await offersOf(vera, feed)
    expect(erasure?.kind).toBe('erased')
    if (erasure) for (const device of [vera, vito]) await absorb(device, feed, offerToEntry(erasure, 9))
    expect(valueOf(vito.rows.get('Message', id), 'body')).toBeNull()
    expect(vito.rows.get('Message', id)).toEqual(vera.rows.get('Message', id))
    expect(said.map(({ key }) => key)).toContain(policyKey)
    expect(await offersOf(vito, feed)).toEqual([])
  })

  it('[MS1, MS3] settles on the later of two erasures of a message, so that none takes back what is said after it', async () => {
    const feed = messages[0]
    if (!feed) return
    const { vera, open } = await replicas()
    const vito = await open('vendor')
    const id = `${feed}#listing`
    await vera.rows.save([{ object: 'Message', id, values: { body: 'Ada' } }])
    const said = (await offersOf(vera, feed)).map((offer, index) => offerToEntry(offer, index + 1))
    for (const device of [vera, vito]) await absorb(device, feed, ...said)
    // Both take it back at once, and Vito's erasure, the earlier one, is the first at the relay.
    const takeBack = (device: MemoryReplica, time: number) =>
      device.rows.save([{ object: 'Message', id, values: { body: null }, stamp: [time, 0, 1] }])
    await takeBack(vito, 2 ** 44)
    await takeBack(vera, 2 ** 44 + 1)
    const [earlier] = await offersOf(vito, feed)
    if (earlier) for (const device of [vera, vito]) await absorb(device, feed, offerToEntry(earlier, 9))
    const [later] = await offersOf(vera, feed)
    expect([earlier?.kind, later?.kind]).toEqual(['erased', 'erased'])
    if (later) for (const device of [vera, vito]) await absorb(device, feed, offerToEntry(later, 10))
    expect(vito.rows.get('Message', id)).toEqual(vera.rows.get('Message', id))
    expect([await offersOf(vera, feed), await offersOf(vito, feed)]).toEqual([[], []])
  })
})
