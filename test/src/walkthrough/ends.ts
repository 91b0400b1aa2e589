import { type ConnectionId, loadDoc, readSlots } from '@entente/protocol'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entries } from '../golden/store-dump.js'
import { agree, connect, type Party, share } from './journey.js'
import { quiet, until } from './orgs.js'
import { pairsOf, shown, targetOf } from './progress.js'

// What can end on the way of a shared record, and how it goes on.

/** A party whose stores can be searched. */
export interface SearchableParty extends Party {
  readonly stores: { readonly vendor: Entries; readonly partner: Entries }
}

/** The vendor edits some records in one field each: just those are listed as differing, at the partner. */
export async function listDifferences(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  await journal.step(
    'the vendor edits some records, in one field each',
    async () => {
      const listed = () => partner.differences.list({ object: 'Opportunity' })
      await until('all is compared', [partner], () => listed().pending === 0)
      journal.equal('copies do not differ from what they were made of', listed().records, 0)
      const edited = pairsOf(party, id, 30).map((pair, index) => ({ ...pair, field: ['StageName', plan.updateField][index % 2] ?? '' }))
      const before = edited.map(({ record, field }) => ({
        record,
        field,
        value: vendor.records.get('Opportunity', record)?.values[field] ?? null,
      }))
      for (const [index, { record, field }] of edited.entries()) {
        const present = vendor.records.get('Opportunity', record)?.values[field]
        const stage = present === 'Negotiation/Review' ? 'Qualification' : 'Negotiation/Review'
        await vendor.records.edit('Opportunity', record, { [field]: field === 'StageName' ? stage : `Only here ${index}` })
      }
      await quiet([vendor, partner])
      await until('all is compared', [partner], () => listed().pending === 0)
      const found = listed().differences.map(({ record, own }) => `${record} ${own.name}`)
      const expected = edited.map(({ copy, field }) => `${copy} ${targetOf(party, field)}`)
      journal.equal('just those differ', found.toSorted(), expected.toSorted())
      const stages = listed().differences.filter(({ own }) => own.name === targetOf(party, 'StageName')).length
      journal.check(
        'stages first',
        listed()
          .differences.slice(0, stages)
          .every(({ own }) => own.name === targetOf(party, 'StageName')),
      )
      for (const { record, field, value } of before) await vendor.records.edit('Opportunity', record, { [field]: value })
      await quiet([vendor, partner])
      return { differences: found.length }
    },
    (figures) => figures,
  )
}

/** The partner deletes a copy and exports the record again; the vendor deletes a record and takes that back. */
export async function deleteAndReturn(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  const [first, second] = pairsOf(party, id, 2)
  if (!first || !second) throw new Error('nothing was exported')
  const whyAt = (engine: typeof vendor, record: string) => engine.records.shares('Opportunity', record)[0]?.why

  await journal.step('the partner deletes a copy, and exports the record again', async () => {
    const before = partner.records.list('Opportunity').total
    const listing = partner.site.listings(id, 'Opportunity').listings.find(({ copy }) => copy === first.copy)?.id ?? ''
    await partner.records.remove('Opportunity', first.copy)
    await until('the vendor is told', [vendor], () => whyAt(vendor, first.record)?.what === 'deleted')
    journal.equal('by the other side', whyAt(vendor, first.record)?.by, 'peer')
    const job = await partner.site.export(id, 'Opportunity', [listing])
    await until('the copy is there again', [vendor, partner], () =>
      partner.site.jobs().some((view) => view.id === job && view.done && view.imported === 1),
    )
    journal.equal('and it is one', partner.records.list('Opportunity').total, before)
    await vendor.records.edit('Opportunity', first.record, { [plan.updateField]: 'After the second export' })
    await until('edits flow', [partner], () => shown(partner, first.copy, plan.updateField) === 'After the second export')
  })

  await journal.step('the vendor deletes a record, and takes that back', async () => {
    await vendor.records.remove('Opportunity', second.record)
    await until('the partner is told', [partner], () => whyAt(partner, second.copy)?.what === 'deleted')
    journal.check('its copy stays', partner.records.get('Opportunity', second.copy) !== undefined)
    const step = vendor.undo.list().find(({ kind, record }) => kind === 'delete' && record === second.record)
    await vendor.undo.run(step?.id ?? '')
    await until('it is shared again', [partner], () => partner.records.shares('Opportunity', second.copy)[0]?.why === undefined)
    await vendor.records.edit('Opportunity', second.record, { [plan.updateField]: 'Back again' })
    await until('edits flow', [partner], () => shown(partner, second.copy, plan.updateField) === 'Back again')
  })
  await quiet([vendor, partner])
}

/** The vendor withdraws a field alone while the partner is away. Nothing of it is found afterwards, in any file or store. */
export async function withdrawAlone(party: SearchableParty, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, relay, stores, journal } = party
  const pairs = pairsOf(party, id, 20)
  const target = targetOf(party, plan.updateField)
  const said = (side: string, index: number): string => `withdrawn later, ${side} ${index}`

  await journal.step(
    'the vendor withdraws a field while the partner is away',
    async () => {
      for (const [index, { record, copy }] of pairs.entries()) {
        await vendor.records.edit('Opportunity', record, { [plan.updateField]: said('vendor', index) })
        await partner.records.edit('Opportunity', copy, { [target]: said('partner', index) })
      }
      await until('all is mirrored', [vendor, partner], () =>
        pairs.every(
          ({ record, copy }, index) =>
            shown(partner, copy, plan.updateField) === said('vendor', index) && shown(vendor, record, target) === said('partner', index),
        ),
      )
      await quiet([vendor, partner])
      const slot = vendor.agreements
        .get(id)
        ?.effective?.objects.Opportunity?.fields.find((each) => each.vendor.name === plan.updateField)?.slot
      const seals = [...sealsIn(stores.vendor, slot), ...sealsIn(stores.partner, slot)]
      journal.check('its seals are at the relay', await isInFiles(relay.directory, seals))

      partner.sync.cut()
      await vendor.agreements.withdraw(id, 'Opportunity', [plan.updateField])
      await quiet([vendor])
      partner.sync.mend()
      await until('the partner’s mirrors drop it', [partner], () =>
        pairs.every(({ copy }) => mirrored(partner, copy, plan.updateField)?.state === 'not shared'),
      )
      journal.check(
        'and the vendor’s',
        pairs.every(({ record }) => mirrored(vendor, record, target)?.state === 'not shared'),
      )
      await quiet([vendor, partner])
      const kept = pairs.filter(({ copy }, index) => partner.records.get('Opportunity', copy)?.values[target] === said('partner', index))
      journal.equal('the copies keep what their owner wrote', kept.length, pairs.length)
      // Ended with grace, so that all that it wrote stands in its files.
      await relay.kill('SIGTERM')
      journal.check('no seal of it is in the relay’s files', !(await isInFiles(relay.directory, seals)))
      for (const [side, store] of Object.entries(stores)) {
        journal.equal(`no seal of it is in the ${side}’s docs`, sealsIn(store, slot).length, 0)
        const other = side === 'vendor' ? 'partner' : 'vendor'
        journal.check(`no value of the other org’s is in the ${side}’s store`, !isInStore(store, `withdrawn later, ${other}`))
      }
      await relay.start()
      await quiet([vendor, partner])
      return { records: pairs.length, seals: seals.length }
    },
    (figures) => figures,
  )
}

/** One side ends the connection, and both connect anew: the old record maps go on, and nothing comes twice. */
export async function connectAgain(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  const pairs = pairsOf(party, id, plan.exports)
  const copies = partner.records.list('Opportunity').total
  const [first] = pairs
  if (!first) throw new Error('nothing was exported')

  await journal.step('the partner disconnects', async () => {
    await partner.connections.disconnect(id)
    await until('the vendor is told', [vendor], () => vendor.connections.get(id)?.state === 'Disabled')
    await vendor.records.edit('Opportunity', first.record, { [plan.updateField]: 'Written after the end' })
    await vendor.sync.settled(20_000)
    journal.equal('what is written afterwards waits for nothing', vendor.sync.status().waiting, 0)
  })
  const again = await connect(party)
  journal.check('it is another connection', again !== id)
  await agree(party, again)
  await share(party, again)
  await journal.step(
    'the old record maps go on',
    async () => {
      await until('edits flow', [vendor, partner], () => shown(partner, first.copy, plan.updateField) === 'Written after the end')
      await partner.records.edit('Opportunity', first.copy, { [targetOf(party, plan.updateField)]: 'Connected again' })
      await until('both ways', [vendor], () => shown(vendor, first.record, targetOf(party, plan.updateField)) === 'Connected again')
      await until('the partner’s people are announced', [vendor], () => vendor.people.list(again).length > 0)
      for (const { id: person, granted } of vendor.people.list(again)) if (!granted) await vendor.people.grant(again, person)
      await until('the grant arrives', [partner], () => partner.site.obstacle(again) === undefined)
      const copied = () => partner.site.listings(again, 'Opportunity').listings.filter(({ copy }) => copy !== undefined)
      await until('the site knows every copy', [vendor, partner], () => copied().length === pairs.length)
      const known = copied()
      const job = await partner.site.export(
        again,
        'Opportunity',
        known.map((listing) => listing.id),
      )
      await until('the job is done', [vendor, partner], () => partner.site.jobs().some((view) => view.id === job && view.done), 120_000)
      const duplicates = partner.records.list('Opportunity').total - copies
      journal.equal('no record came twice', duplicates, 0)
      journal.equal('each has one share that is on', new Set(vendor.records.sharedOver('Opportunity', again)).size, pairs.length)
      await quiet([vendor, partner])
      return { duplicates }
    },
    (figures) => figures,
  )
}

function mirrored(engine: Party['vendor'], record: string, name: string) {
  return engine.mirrors.of('Opportunity', record)[0]?.fields.find((field) => field.name === name)
}

/** The seals that a device's docs hold in a slot. */
function sealsIn(store: Entries, slot: string | undefined): readonly Uint8Array[] {
  const seals: Uint8Array[] = []
  for (const [[kind], value] of store.values()) {
    if (kind !== 'doc') continue
    const state = typeof value === 'object' && value !== null && 'state' in value ? value.state : undefined
    const seal = state instanceof Uint8Array && slot !== undefined ? readSlots(loadDoc([state])).get(slot) : undefined
    if (seal) seals.push(seal)
  }
  return seals
}

async function isInFiles(directory: string, wanted: readonly Uint8Array[]): Promise<boolean> {
  for (const name of await readdir(directory)) {
    const file = await readFile(join(directory, name)).catch(() => undefined)
    if (file && wanted.some((bytes) => file.includes(Buffer.from(bytes)))) return true
  }
  return false
}

function isInStore(store: Entries, text: string): boolean {
  for (const [, value] of store.values()) if (JSON.stringify(value)?.includes(text)) return true
  return false
}
