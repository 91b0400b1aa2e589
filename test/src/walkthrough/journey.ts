import type { Acceptance, ConnectionView, Engine, FieldMapping, ObjectSchema, Proposal, RecordView, Value } from '@entente/engine'
import type { ConnectionId } from '@entente/protocol'
import type { RelayProcess } from '../node/relay-process.js'
import type { Journal } from './check.js'
import { quiet, until } from './orgs.js'

/** What the two orgs of a walkthrough bring: the vendor's records and what both agree on. */
export interface Plan {
  readonly rows: readonly Readonly<Record<string, Value>>[]
  readonly vendorSchema: ObjectSchema
  readonly partnerSchema: ObjectSchema
  readonly proposal: Proposal
  readonly acceptance: Acceptance
  /** Picks which records the partner sees. */
  readonly shared: { readonly field: string; readonly values: readonly string[] }
  readonly exports: number
  /** A field of the proposal that travels once, an update field with an edit for each side, and one that never leaves. */
  readonly updateField: string
  readonly onceField: string
  readonly privateField: string
}

export interface Party {
  readonly vendor: Engine
  readonly partner: Engine
  readonly relay: RelayProcess
  readonly plan: Plan
  readonly journal: Journal
}

export async function importRecords({ vendor, partner, plan, journal }: Party): Promise<void> {
  await journal.step(
    'import the vendor’s opportunities',
    async () => {
      await vendor.records.setSchema(plan.vendorSchema)
      await partner.records.setSchema(plan.partnerSchema)
      await vendor.records.createMany('Opportunity', plan.rows)
      journal.equal('every row is a record', vendor.records.list('Opportunity').total, plan.rows.length)
    },
    () => ({ records: plan.rows.length }),
  )
}

export async function connect({ vendor, partner, journal }: Party): Promise<ConnectionId> {
  return journal.step('connect the two orgs', async () => {
    const invitation = await vendor.connections.invite('https://vendor.example/connect')
    const link = invitation.invitation?.link ?? ''
    journal.check('the secret is in the fragment only', new URL(link).search === '' && new URL(link).hash.length > 20)
    await partner.connections.accept(link)
    const found = (engine: Engine): ConnectionView | undefined =>
      engine.connections.list().find(({ code, state }) => code !== undefined && state !== 'Disabled')
    await until('both see a code', [vendor, partner], () => found(vendor) !== undefined && found(partner) !== undefined)
    journal.equal('both screens show the same code', found(partner)?.code, found(vendor)?.code)
    journal.equal('both have the same connection', found(partner)?.id, found(vendor)?.id)
    const id = found(vendor)?.id
    if (!id) throw new Error('no connection')
    await vendor.connections.compareCodes(id, true)
    await partner.connections.compareCodes(id, true)
    await until('both are enabled', [vendor, partner], () =>
      [vendor, partner].every((engine) => engine.connections.get(id)?.state === 'Enabled'),
    )
    journal.check(
      'each org has its integration user without a click',
      [vendor, partner].every((engine) => engine.people.users().some((user) => user.role === 'integration')),
    )
    return id
  })
}

export async function agree({ vendor, partner, plan, journal }: Party, id: ConnectionId): Promise<void> {
  await journal.step(
    'agree on fields',
    async () => {
      await vendor.agreements.propose(id, plan.proposal)
      await until('the proposal arrives', [partner], () => partner.agreements.get(id)?.proposal !== undefined)
      await partner.agreements.accept(id, plan.acceptance)
      await until('both hold the agreement', [vendor, partner], () =>
        [vendor, partner].every((engine) => engine.agreements.get(id)?.effective),
      )
      const [ours, theirs] = [vendor, partner].map((engine) => engine.agreements.get(id))
      journal.equal('the hashes are equal', ours?.effective?.hash, theirs?.effective?.hash)
    },
    () => {
      const fields = vendor.agreements.get(id)?.effective?.objects.Opportunity?.fields ?? []
      return { fields: fields.length, updateFields: fields.filter((field) => field.slot !== undefined).length }
    },
  )
}

export async function share({ vendor, partner, plan, journal }: Party, id: ConnectionId): Promise<void> {
  const expected = plan.rows.filter((row) => plan.shared.values.some((value) => value === row[plan.shared.field])).length
  await journal.step(
    'share by rule',
    async () => {
      const condition = { field: plan.shared.field, operator: 'oneOf' as const, value: [...plan.shared.values] }
      await vendor.sharing.setRule(id, 'Opportunity', { match: 'all', conditions: [condition], added: [], hidden: [] })
      await until('the listings arrive', [vendor, partner], () => partner.site.listings(id, 'Opportunity').total === expected)
      journal.equal('the partner sees what the rule shows', partner.site.listings(id, 'Opportunity').total, expected)
      const agreed = plan.acceptance.objects.Opportunity?.fields.map((field) => field.source) ?? []
      const names = new Set(partner.site.listings(id, 'Opportunity').listings.flatMap((listing) => Object.keys(listing.values)))
      journal.check(
        'listings hold agreed fields only',
        [...names].every((name) => agreed.includes(name)),
      )
    },
    () => ({ listings: expected }),
  )
}

export async function exportRecords(party: Party, id: ConnectionId): Promise<void> {
  const { vendor, partner, plan, journal } = party
  await journal.step(
    'export',
    async () => {
      journal.equal('without a grant nothing leaves', partner.site.obstacle(id)?.code, 'NOT_ALLOWED')
      await until('the partner’s people are announced', [vendor], () => vendor.people.list(id).length > 0)
      await vendor.people.grant(id, partner.user.id)
      await until('the grant arrives', [partner], () => partner.site.obstacle(id) === undefined)
      const listings = partner.site.listings(id, 'Opportunity').listings.slice(0, plan.exports)
      const job = await partner.site.export(
        id,
        'Opportunity',
        listings.map((listing) => listing.id),
      )
      const view = () => partner.site.jobs().find((candidate) => candidate.id === job)
      await until('the job is done', [vendor, partner], () => view()?.done === true, 120_000)
      journal.equal('every export came in', view()?.imported, plan.exports)
      journal.equal('one copy each', partner.records.list('Opportunity').total, plan.exports)
      checkCopies(party, id)
      await until(
        'statuses',
        [vendor, partner],
        () => vendorShares(vendor).every((status) => status === 'ExportSuccess' || status === 'UpdateSuccess'),
        60_000,
      )
      journal.equal('one record map each', vendorShares(vendor).length, plan.exports)
      const again = await partner.site.export(
        id,
        'Opportunity',
        listings.slice(0, 3).map((listing) => listing.id),
      )
      await until('the repeated job is done', [vendor, partner], () =>
        partner.site.jobs().some((candidate) => candidate.id === again && candidate.done),
      )
      journal.equal('exported twice makes no second copy', partner.records.list('Opportunity').total, plan.exports)
      await quiet([vendor, partner])
    },
    () => ({ exports: plan.exports }),
  )
}

function checkCopies({ partner, plan, journal }: Party, id: ConnectionId): void {
  const mappings: readonly FieldMapping[] = plan.acceptance.objects.Opportunity?.fields ?? []
  const copies = new Map(partner.records.list('Opportunity').records.map((record) => [record.id, record]))
  let wrong = 0
  for (const listing of partner.site.listings(id, 'Opportunity').listings) {
    const copy = listing.copy === undefined ? undefined : copies.get(listing.copy)
    if (!copy) continue
    for (const mapping of mappings) if (!isConverted(mapping, listing.values[mapping.source], copy.values[mapping.target])) wrong++
  }
  journal.equal('every copy holds the agreed values, converted', wrong, 0)
}

function isConverted(mapping: FieldMapping, before: Value | undefined, after: Value | undefined): boolean {
  const mapped = typeof before === 'string' && mapping.picklist ? (mapping.picklist[before] ?? before) : before
  return JSON.stringify(mapped ?? mapping.default ?? null) === JSON.stringify(after ?? null)
}

function vendorShares(vendor: Engine): readonly string[] {
  return vendor.records
    .list('Opportunity')
    .records.flatMap((record: RecordView) => vendor.records.shares('Opportunity', record.id))
    .map((share) => share.outbound ?? 'none')
}
