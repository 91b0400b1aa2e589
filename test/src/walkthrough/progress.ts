import type { Engine, MirrorView, SyncView, Value } from '@entente/engine'
import type { ConnectionId } from '@entente/protocol'
import { setTimeout as pause } from 'node:timers/promises'
import type { Party } from './journey.js'
import { quiet, signed, until } from './orgs.js'

/** A record of the vendor's and the partner's copy of it. */
interface Pair {
  readonly record: string
  readonly copy: string
}

/** Edits on both sides, online: mirrors follow, own records stay their owners'. */
export async function followEachOther(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  const [pair] = pairsOf(party, id, 1)
  if (!pair) throw new Error('nothing was exported')
  const partnerField = targetOf(party, plan.updateField)

  await journal.step('the vendor edits', async () => {
    const copyBefore = partner.records.get('Opportunity', pair.copy)?.values
    journal.equal('the vendor has no mirror before the partner’s first edit', vendor.mirrors.of('Opportunity', pair.record).length, 0)
    await vendor.records.edit('Opportunity', pair.record, { [plan.updateField]: 'Call on Monday' })
    await until('the mirror follows', [partner], () => shown(partner, pair.copy, plan.updateField) === 'Call on Monday')
    journal.equal('the partner’s own record is untouched', partner.records.get('Opportunity', pair.copy)?.values, copyBefore)
    const states = mirror(partner, pair.copy)?.fields.map((field) => field.state) ?? []
    journal.check('a field that does not keep flowing reads “not shared”', states.includes('not shared'))
  })

  await journal.step('the partner edits', async () => {
    const recordBefore = vendor.records.get('Opportunity', pair.record)?.values
    await partner.records.edit('Opportunity', pair.copy, { [partnerField]: 'Demo booked' })
    await until('the vendor’s mirror appears', [vendor], () => shown(vendor, pair.record, partnerField) === 'Demo booked')
    journal.equal('the vendor’s own record is untouched', vendor.records.get('Opportunity', pair.record)?.values, recordBefore)
  })

  await journal.step(
    'edit a field that does not keep flowing',
    async () => {
      await quiet([vendor, partner])
      await signed([vendor, partner])
      // The vendor's own devices hear of it. Heads of what was before come within some seconds.
      for (let last = -1; last !== wire(partner).bytesIn; await pause(6_000)) last = wire(partner).bytesIn
      const before = wire(partner)
      await vendor.records.edit('Opportunity', pair.record, { [plan.onceField]: 'Changed after the export' })
      await vendor.records.edit('Opportunity', pair.record, { [plan.privateField]: 'Never agreed' })
      await pause(1_500)
      const bytes = wire(partner).bytesIn - before.bytesIn
      journal.equal('it sends 0 bytes', bytes, 0)
    },
    () => ({ bytes: 0 }),
  )
}

/** The wire is cut: edits are saved, counted, and leave as little as possible afterwards. */
export async function workOffline(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  const pairs = pairsOf(party, id, plan.exports)
  const [first] = pairs
  if (!first) throw new Error('nothing was exported')

  await journal.step(
    'a hundred offline edits of one record',
    async () => {
      await signed([vendor, partner])
      const settledBefore = partner.sync.status()
      vendor.sync.cut()
      for (let edit = 1; edit <= 100; edit++)
        await vendor.records.edit('Opportunity', first.record, { [plan.updateField]: `Offline note ${edit}` })
      journal.equal('one change waits', vendor.sync.status().waiting, 1)
      vendor.sync.mend()
      await until('the last edit arrives', [vendor, partner], () => shown(partner, first.copy, plan.updateField) === 'Offline note 100')
      const entries = partner.sync.status().entriesIn - settledBefore.entriesIn
      journal.equal('they leave as one update', entries, 1)
      return { entries }
    },
    (figures) => figures,
  )

  await journal.step(
    'reconnect when 50 of the mirrored records changed',
    async () => {
      const changed = pairs.slice(0, Math.min(50, pairs.length))
      await quiet([partner])
      partner.sync.cut()
      for (const pair of changed)
        await vendor.records.edit('Opportunity', pair.record, { [plan.updateField]: `While away ${pair.record.slice(0, 4)}` })
      await quiet([vendor])
      const before = wire(partner)
      const start = performance.now()
      partner.sync.mend()
      await until('all arrive', [partner], () =>
        changed.every((pair) => shown(partner, pair.copy, plan.updateField)?.startsWith('While away') === true),
      )
      const ms = Math.round(performance.now() - start)
      await quiet([partner])
      const after = wire(partner)
      const figures = { changed: changed.length, bytesIn: after.bytesIn - before.bytesIn, framesIn: after.framesIn - before.framesIn, ms }
      journal.check('at most 15 KB come in', figures.bytesIn <= 15_000, `${figures.bytesIn} bytes`)
      journal.check('in at most 8 frames', figures.framesIn <= 8, `${figures.framesIn} frames`)
      return figures
    },
    (figures) => figures,
  )

  await journal.step('both edit the same record offline', async () => {
    vendor.sync.cut()
    partner.sync.cut()
    await vendor.records.edit('Opportunity', first.record, { [plan.updateField]: 'Vendor, offline' })
    await partner.records.edit('Opportunity', first.copy, { [targetOf(party, plan.updateField)]: 'Partner, offline' })
    vendor.sync.mend()
    partner.sync.mend()
    await until(
      'each sees the other’s',
      [vendor, partner],
      () =>
        shown(partner, first.copy, plan.updateField) === 'Vendor, offline' &&
        shown(vendor, first.record, targetOf(party, plan.updateField)) === 'Partner, offline',
    )
    journal.equal('and keeps its own', vendor.records.get('Opportunity', first.record)?.values[plan.updateField], 'Vendor, offline')
  })
}

/** The relay is killed while entries are on their way, and later loses its disk. */
export async function loseTheRelay(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, relay, plan, journal } = party
  const pairs = pairsOf(party, id, plan.exports)

  await journal.step('kill the relay with -9 under load and start it again', async () => {
    const some = pairs.slice(0, 200)
    const edits = some.map((pair, index) =>
      vendor.records.edit('Opportunity', pair.record, { [plan.updateField]: `Before the kill ${index}` }),
    )
    await Promise.all(edits)
    await pause(20)
    await relay.kill('SIGKILL')
    await partner.records.edit('Opportunity', some[0]?.copy ?? '', {
      [targetOf(party, plan.updateField)]: 'Written while the relay was down',
    })
    await relay.start()
    await until(
      'all arrive without a click',
      [vendor, partner],
      () => some.every((pair, index) => shown(partner, pair.copy, plan.updateField) === `Before the kill ${index}`),
      90_000,
    )
    await until(
      'and the other way',
      [vendor],
      () => shown(vendor, some[0]?.record ?? '', targetOf(party, plan.updateField)) === 'Written while the relay was down',
    )
    await quiet([vendor, partner])
  })

  await journal.step(
    'delete the relay’s disk and let the clients rebuild it',
    async () => {
      const mirrorsBefore = mirrorsOf(partner, pairs)
      await relay.kill('SIGKILL')
      await relay.loseDisk()
      const before = wire(vendor)
      await relay.start()
      await until(
        'both are online',
        [vendor, partner],
        () => [vendor, partner].every((engine) => engine.sync.status().state === 'online'),
        90_000,
      )
      await quiet([vendor, partner])
      journal.equal('every mirror is as it was', mirrorsOf(partner, pairs), mirrorsBefore)
      const last = pairs.at(-1)
      if (last) {
        await vendor.records.edit('Opportunity', last.record, { [plan.updateField]: 'After the rebuild' })
        await until('edits flow again', [partner], () => shown(partner, last.copy, plan.updateField) === 'After the rebuild')
      }
      return { bytesOut: wire(vendor).bytesOut - before.bytesOut }
    },
    (figures) => figures,
  )
}

/** Records of the vendor's with their copies, in the order of the listings. */
export function pairsOf({ vendor, partner }: Party, id: ConnectionId, most: number): readonly Pair[] {
  const copyByShare = new Map<string, string>()
  for (const record of partner.records.list('Opportunity').records) {
    for (const view of partner.records.shares('Opportunity', record.id)) copyByShare.set(view.id, record.id)
  }
  const pairs: Pair[] = []
  for (const record of vendor.records.list('Opportunity').records) {
    if (pairs.length >= most) break
    const share = vendor.records.shares('Opportunity', record.id).find((view) => view.connection === id)
    const copy = share && copyByShare.get(share.id)
    if (copy) pairs.push({ record: record.id, copy })
  }
  return pairs
}

export function targetOf({ plan }: Party, source: string): string {
  return plan.acceptance.objects.Opportunity?.fields.find((field) => field.source === source)?.target ?? source
}

function mirror(engine: Engine, record: string): MirrorView | undefined {
  return engine.mirrors.of('Opportunity', record)[0]
}

/** A text that a mirror shows. */
export function shown(engine: Engine, record: string, field: string): string | undefined {
  const value: Value | undefined = mirror(engine, record)?.fields.find((candidate) => candidate.name === field)?.value
  return typeof value === 'string' ? value : undefined
}

function mirrorsOf(partner: Engine, pairs: readonly Pair[]): readonly unknown[] {
  return pairs.map((pair) => mirror(partner, pair.copy)?.fields)
}

function wire(engine: Engine): SyncView {
  return engine.sync.status()
}
