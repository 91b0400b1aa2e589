import { type Entry, existenceSlot, type Key, parseKey } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { type ConnectionFacts, connectionFacts, messageEdit, messageId } from '../connect/connection-facts.js'
import { eraseReconciler } from '../export/erase-reconciler.js'
import { connectionFeed } from '../replica/feed-role.js'
import type { PlaceAbove, SealAbove } from '../replica/index.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import type { Value } from '../schema/value.js'
import { Attacker, highStamp } from '../testing/attacker.js'
import { absorb, offersOf, offerToEntry, registerPolicies } from '../testing/by-hand.js'
import { agreementEdits, mapEdit, type MemoryOrg, type MemoryReplica, sampleConnection, sampleFields, setup } from '../testing/index.js'
import { lead } from '../testing/steps.js'
import { MemoryBrowser } from '../testing/tabs.js'
import { FreshnessTable } from './freshness.js'
import { backKey, handingBackReconciler } from './handing-back-reconciler.js'

const leads = connectionFeed(sampleConnection, 'vendor', 'lead')
const saidByPaul = connectionFeed(sampleConnection, 'partner', 'messages')
const ada = parseKey('map-of-ada')

describe('Vera’s laptop is restored from Monday’s backup, and the relay from Monday’s too', () => {
  it('[BK1, BK2, BK3] and Paul’s mirror gives her Thursday’s values back; what she deleted on Thursday is not shared again', async () => {
    const made = await setup({ upTo: 'shared' })
    const { network, vera, paul, relay, settle } = made
    const [adas, beas] = [await vera.records.create('Lead', lead('Ada')), await vera.records.create('Lead', lead('Bea'))]
    await settle()
    await made.exportListed()
    await settle()
    const until: typeof network.untilLater = (...wait) => network.untilLater(...wait)
    const isSigned = (org: MemoryOrg): boolean =>
      org.sync.status().signed.length === 8 && org.sync.status().signed.every(({ state }) => state === 'signed')
    const mirrorOf = (name: string) => {
      const copy = paul.records.list('Lead').records.find(({ values }) => values['LastName'] === name)?.id ?? ''
      const mirror = paul.mirrors.of('Lead', copy)[0]
      return [mirror?.state, mirror?.fields.find((each) => each.name === 'Status')?.value]
    }
    await until('all is signed', () => isSigned(vera) && isSigned(paul))
    const [monday, mondays] = [await vera.store.backup(), relay.state]
    await vera.records.edit('Lead', adas, { Status: 'Working - Contacted' })
    await vera.records.edit('Lead', adas, { Email: 'ada@thursday.example' })
    await vera.records.remove('Lead', beas)
    await until('all is signed', () => isSigned(vera) && isSigned(paul))
    const before = [mirrorOf('Ada'), mirrorOf('Bea')]
    await vera.close()
    relay.restart(mondays)
    const restored = await made.open({ ...vera.options, store: monday })
    const valueAt = (record: string, field: string) => restored.records.get('Lead', record)?.values[field]
    expect(valueAt(adas, 'Status')).toBe('Open - Not Contacted')
    await until('Vera has Thursday’s values', () => valueAt(adas, 'Status') === 'Working - Contacted')
    await until('both sides agree', () => isSigned(restored) && isSigned(paul))
    expect(valueAt(adas, 'Email')).toBe('ada@thursday.example')
    expect([mirrorOf('Ada'), mirrorOf('Bea')]).toEqual(before)
    const [map] = restored.replica.recordMaps.mapsOfRecord('Lead', beas)
    expect(valueOf(restored.rows.get('RecordMap', map ?? ''), 'on')).toBe('deleted')
    // What she says from now on is above what she said on Thursday.
    await restored.records.edit('Lead', adas, { Status: 'Closed - Converted' })
    await until('Paul sees it', () => mirrorOf('Ada')[1] === 'Closed - Converted')
  })
})

/** The fields of ten slots. */
const fields = Array.from({ length: 10 }, (_, slot) => sampleFields[slot] ?? `Field${slot}`)
const slots = Array.from({ length: 10 }, (_, slot) => slot)
const shareOf = (id: string, values: RowEdit['values']): RowEdit[] => [{ object: 'Lead', id, values }, mapEdit(`map-of-${id}`, id)]

/**
 * Vera shared leads with Paul until Thursday. Then she and the relay went back to Monday: `vera` is her restored device, and Paul has read what she published since.
 * `round` does what follows one signed head.
 */
async function wentBack(monday: readonly RowEdit[], thursday: readonly RowEdit[]) {
  const { vera: lost, paul, open, clock } = await setup({ level: 'replica', slots })
  const vera = await open('vendor')
  await vera.rows.save(agreementEdits('vendor', 1, slots))
  await registerPolicies(lost, paul, vera)
  let sequence = 0
  const publish = async (device: MemoryReplica): Promise<readonly Entry[]> => {
    const entries: Entry[] = []
    for (let offers = await offersOf(device, leads); offers.length > 0; offers = await offersOf(device, leads)) {
      const more = offers.map((offer) => offerToEntry(offer, ++sequence))
      for (const each of [device, paul]) await absorb(each, leads, ...more)
      entries.push(...more)
    }
    return entries
  }
  const saved = (edits: readonly RowEdit[], time: number) => edits.map((edit) => ({ ...edit, stamp: [time, 0, 0] as const }))
  await lost.rows.save([...saved(monday, 2)])
  await publish(lost)
  await lost.rows.save([...saved(thursday, 4)])
  await publish(lost)
  await vera.rows.save([...saved(monday, 2)])
  await paul.replica.lost(leads)
  sequence = 0
  await publish(vera)

  const fresh = { vera: await freshnessOf(vera), paul: await freshnessOf(paul) }
  const reconcilers = {
    vera: handingBackReconciler({ ...vera, clock }, fresh.vera),
    paul: handingBackReconciler({ ...paul, clock }, fresh.paul),
  }
  let [heads, messages] = [0, 1]
  /** Carries what Paul has to say to Vera, and lets her answer to her head of a time. */
  const hear = async (time: number): Promise<void> => {
    await fresh.vera.change(leads, { newest: { ...head, sequence: sequence - 1, time }, confirmed: time })
    for (const offer of await offersOf(paul, saidByPaul)) {
      const entry = offerToEntry(offer, ++messages)
      for (const each of [vera, paul]) await absorb(each, saidByPaul, entry)
    }
    await reconcilers.vera.react(connectionOf(vera))
  }
  const tell = async (body: Value, time: number): Promise<void> => {
    await paul.rows.save([messageEdit(saidByPaul, backKey('lead'), body)])
    await hear(time)
  }
  const round = async (): Promise<number> => {
    const time = ++heads
    await fresh.paul.change(leads, { newest: { ...head, sequence: sequence - 1, time }, confirmed: time })
    await reconcilers.paul.react(connectionOf(paul))
    await hear(time)
    await publish(vera)
    return seals().length
  }
  const seals = () => sealsIn(paul)
  const valueAt = (id: string, field: string) => valueOf(vera.rows.get('Lead', id), field)
  /** What Paul has of her lead, as she sealed it on Thursday. */
  const sealed = async (slot: string): Promise<SealAbove> => {
    const [seal] = await paul.replica.sealsAbove(leads, [{ key: ada, slot }])
    if (!seal) throw new Error(`Paul has no seal of ${slot}.`)
    return seal
  }
  const shown = (key: Key) => paul.replica.peerDocs(leads).get(key)
  return { lost, vera, paul, clock, round, tell, publish, seals, sealed, valueAt, shown }
}

const head = { token: '', incarnation: 1, root: '', generation: 0, cursors: {} }

const connectionOf = ({ rows }: MemoryReplica): ConnectionFacts => {
  const facts = connectionFacts(rows.get('Connection', sampleConnection))
  if (!facts) throw new Error('There is no connection.')
  return facts
}

const saidBack = ({ rows }: MemoryReplica) => valueOf(rows.get('Message', messageId(saidByPaul, backKey('lead'))), 'body')

/** What Paul hands back now. */
function sealsIn(paul: MemoryReplica): readonly unknown[] {
  const body = saidBack(paul)
  return typeof body === 'object' && body !== null && 'seals' in body ? (body['seals'] as unknown[]) : []
}

async function freshnessOf({ store }: MemoryReplica): Promise<FreshnessTable> {
  return FreshnessTable.open(store, new MemoryBrowser().open())
}

const adas = (Status: string): RowEdit[] => shareOf('ada', { Name: 'Ada', Status })
const onThursday: RowEdit[] = [{ object: 'Lead', id: 'ada', values: { Status: 'Working' } }]
const isShared = ({ rows }: MemoryReplica) => valueOf(rows.get('RecordMap', ada), 'on')

describe('A reader of a feed whose owner went back', () => {
  it('[BK1, BK2, BK3] hands back what stands above, and only that; what the owner publishes of it then comes as one update', async () => {
    const { vera, paul, round, seals, valueAt, shown } = await wentBack(adas('Open'), onThursday)
    expect(paul.replica.above(leads)).toEqual([{ key: ada, slot: '1' }])
    expect([valueAt('ada', 'Status'), shown(ada)?.registers['1']?.[1]]).toEqual(['Open', 'Working'])
    await round()
    expect([seals().length, valueAt('ada', 'Status'), vera.replica.waiting()]).toEqual([1, 'Working', 0])
    expect(paul.replica.above(leads)).toEqual([])
    await round()
    expect(seals()).toEqual([])
  })

  it('[BK1] hands back nothing that the owner has said anew', async () => {
    const { vera, paul, publish, round, valueAt } = await wentBack(adas('Open'), onThursday)
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status: 'Closed' } }])
    await publish(vera)
    expect(paul.replica.above(leads)).toEqual([])
    await round()
    expect(valueAt('ada', 'Status')).toBe('Closed')
  })

  it('[BK1] has the seals still after garbage, a second loss and a reload', async () => {
    const { vera, paul, round, valueAt } = await wentBack(adas('Open'), onThursday)
    const garbage = new Attacker().doc(leads, ada, { version: 1, number: 1 }, { 1: [highStamp, 'Lost'] }, undefined)
    await absorb(paul, leads, { ...garbage, sequence: 2 })
    await paul.replica.lost(leads)
    await paul.replica.lost(leads)
    expect(paul.replica.above(leads).map(({ slot }) => slot)).toEqual([existenceSlot, '0', '1'])
    await vera.replica.lost(leads)
    await absorb(vera, leads)
    await round()
    await round()
    expect(valueAt('ada', 'Status')).toBe('Working')
  })

  it('[BK2] hands back first that a record was shared, then its values', async () => {
    const monday = [...adas('Open').slice(0, 1), mapEdit(ada, 'ada', false)]
    const { vera, round, valueAt } = await wentBack(monday, [...adas('Working')])
    await round()
    expect([isShared(vera), valueAt('ada', 'Status')]).toEqual([true, 'Open'])
    await round()
    expect(valueAt('ada', 'Status')).toBe('Working')
  })

  it('[BK2] hands back that a record was shared no more', async () => {
    const { vera, round, shown } = await wentBack(adas('Open'), [mapEdit(ada, 'ada', false)])
    await round()
    expect([isShared(vera), shown(ada)?.kind]).toEqual([false, 'erased'])
  })

  it('[BK1, BK2] has the seals of the values still when the record was not shared for a while', async () => {
    const { vera, publish, round, valueAt } = await wentBack(adas('Open'), onThursday)
    for (const on of [false, true]) {
      await vera.rows.save([mapEdit(ada, 'ada', on)])
      await publish(vera)
    }
    await round()
    expect(valueAt('ada', 'Status')).toBe('Working')
  })

  it('[BK4] asks an owner that does not want it again only after ten minutes', async () => {
    const { vera, paul, clock, round, seals } = await wentBack(adas('Open'), onThursday)
    await vera.rows.save([{ object: 'Connection', id: sampleConnection, values: { peerVerified: '' } }])
    await round()
    expect(seals()).toHaveLength(1)
    const first = saidBack(paul)
    await round()
    expect([saidBack(paul), vera.replica.waiting()]).toEqual([first, 0])
    clock.advance(10 * 60_000)
    await vera.rows.save([{ object: 'Connection', id: sampleConnection, values: { peerVerified: 'yes' } }])
    await round()
    expect(paul.replica.above(leads)).toEqual([])
  })

  it('[CN11] leaves nothing of it at the relay once the connection is over', async () => {
    const { paul, round, seals } = await wentBack(adas('Open'), onThursday)
    await round()
    expect(seals()).toHaveLength(1)
    await paul.rows.save([{ object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } }])
    const { subjects, react } = eraseReconciler(paul)
    for (const connection of subjects()) await react(connection)
    expect(valueOf(paul.rows.get('Message', messageId(saidByPaul, backKey('lead'))), 'body')).toBeNull()
  })

  it('[BK2, BK4] hands all back in parts of 200 at most, one with each head', async () => {
    const some = slots.slice(0, 4).map((slot) => fields[slot] ?? '')
    const all = (value: string): RowEdit[] =>
      Array.from({ length: 50 }, (_, id) => shareOf(`lead-${id}`, Object.fromEntries(some.map((field) => [field, value])))).flat()
    const { paul, round, valueAt } = await wentBack(all('old'), all('new'))
    expect(paul.replica.above(leads)).toHaveLength(250)
    expect([await round(), paul.replica.above(leads).length, await round(), await round()]).toEqual([200, 50, 50, 0])
    expect([paul.replica.above(leads), valueAt('lead-49', 'Phone')]).toEqual([[], 'new'])
  })

  it.each([
    [10_000, 140, 200],
    [900, 1_400, 30],
  ])('[BK2, BK4] gets %i registers of %i bytes into messages of %i that each fit, and none twice', async (all, size, each) => {
    const { paul, clock } = await setup({ level: 'replica' })
    const places = Array.from({ length: all / 10 }, (_, id) =>
      slots.map((slot) => ({ key: parseKey(`map-${id}`), slot: `${slot}` })),
    ).flat()
    const seal = { epoch: { version: 1, number: 1 }, bytes: new Uint8Array(size) }
    const replica = {
      above: () => places,
      sealsAbove: async (_: unknown, some: readonly PlaceAbove[]) => some.map((place) => ({ ...place, ...seal })),
      takeBack: async () => undefined,
      inbox: () => new Map(),
      position: () => ({ cursor: 1, incarnation: 1, position: 1, rebuild: false, writes: 1 }),
    }
    const freshness = await freshnessOf(paul)
    const { react } = handingBackReconciler({ rows: paul.rows, replica, clock }, freshness)
    const told = new Set<string>()
    for (let time = 1; time <= all / each; time++) {
      await freshness.change(leads, { newest: { ...head, sequence: 0, time }, confirmed: time })
      for (let again = 0; again < 2; again++) await react(connectionOf(paul))
      const seals = sealsIn(paul) as readonly (readonly unknown[])[]
      expect(seals).toHaveLength(each)
      for (const [key, slot] of seals) told.add(`${String(key)} ${String(slot)}`)
    }
    expect(told.size).toBe(all)
  })
})

describe('A peer that hands back what it likes', () => {
  it('[BK3, OR1] brings nothing in that the org did not seal itself at that place (row 99)', async () => {
    const { vera, sealed, publish, valueAt } = await wentBack(adas('Open'), onThursday)
    const epoch = { version: 1, number: 9 }
    const place = { feed: leads, key: ada, slot: '1', epoch }
    const own = await sealed('1')
    const forged = [
      { key: ada, slot: '1', epoch, bytes: new Attacker().seal(place, [highStamp, 'Lost']) },
      { key: ada, slot: 'e', epoch, bytes: new Attacker().seal({ ...place, slot: 'e' }, [highStamp, false]) },
      { ...own, epoch },
      { ...own, slot: '0' },
      { ...own, key: parseKey('map-of-bea') },
      { ...own, slot: 'constructor' },
      { ...own, bytes: new Uint8Array() },
    ]
    await vera.replica.takeBack(leads, forged)
    expect([valueAt('ada', 'Status'), valueAt('ada', 'Name'), isShared(vera), await publish(vera)]).toEqual(['Open', 'Ada', true, []])
  })

  it('[BK3] changes nothing by what the org itself said once (row 99)', async () => {
    const { vera, sealed, valueAt, publish } = await wentBack(adas('Open'), onThursday)
    const old = await sealed('1')
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status: 'Closed' } }])
    await publish(vera)
    await vera.replica.takeBack(leads, [old])
    expect([valueAt('ada', 'Status'), await publish(vera)]).toEqual(['Closed', []])
  })

  it('[BK2, BK3] brings back no withdrawn field, nothing of an earlier version and nothing after the end (row 99)', async () => {
    for (const change of [
      agreementEdits('vendor', 1, [0]),
      agreementEdits('vendor', 2, slots),
      [{ object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } }],
      [{ object: 'Connection', id: sampleConnection, values: { verified: 'mismatch' } }],
    ] satisfies readonly (readonly RowEdit[])[]) {
      const { vera, sealed, valueAt } = await wentBack(adas('Open'), onThursday)
      await vera.rows.save(change)
      await vera.replica.takeBack(leads, [await sealed('1')])
      expect(valueAt('ada', 'Status')).toBe('Open')
    }
  })

  it('[BK3, ER2] cannot have a deleted record shared again, nor make one that the org does not have (row 99)', async () => {
    const monday = [...adas('Open').slice(0, 1), mapEdit(ada, 'ada', false)]
    const { vera, paul, sealed, publish, shown } = await wentBack(monday, adas('Working'))
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { _deleted: true } }])
    const back = [await sealed('e'), await sealed('1')]
    await vera.replica.takeBack(leads, back)
    await publish(vera)
    expect(shown(ada)?.kind).toBe('erased')
    const { vera: without } = await wentBack([], adas('Working'))
    await without.replica.takeBack(leads, back)
    expect([without.rows.get('Lead', 'ada'), without.rows.get('RecordMap', ada)]).toEqual([undefined, undefined])
    expect(paul.problems).toEqual([])
  })

  it('[BK4] is heard once for each head that the org signs, and only in the right form (row 99)', async () => {
    const { sealed, valueAt, tell } = await wentBack(adas('Open'), onThursday)
    const { key, slot, epoch, bytes } = await sealed('1')
    const seal = [key, slot, epoch.version, epoch.number, toBase64UrlEncoded(bytes)]
    const bad = [
      'seals',
      { time: 1, seals: 'all' },
      { time: 1, seals: Array.from({ length: 201 }, () => seal) },
      { time: 1, seals: [[...seal.slice(0, 4), 'A']] },
      { time: 1, seals: [[key, slot, -1, 2 ** 53, 'AAAA']] },
      { time: 1, seals: [['../key', slot, 1, 1, 'AAAA']] },
      { time: 2, seals: [seal] },
    ]
    for (const body of bad) await tell(body, 1)
    await tell({ time: 3, seals: [] }, 3)
    await tell({ time: 3, seals: [seal] }, 3)
    expect(valueAt('ada', 'Status')).toBe('Open')
    await tell({ time: 4, seals: [seal] }, 4)
    expect(valueAt('ada', 'Status')).toBe('Working')
  })
})
