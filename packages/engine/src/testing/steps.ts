import type { ConnectionId } from '@entente/protocol'
import type { ConnectionView, Engine, Value } from '../index.js'
import type { MemoryNetwork } from './network.js'
import type { MemoryOrg } from './org.js'

// The steps by which two orgs come to share records, each as the people of both orgs take it: through the engines' API, to its end.

/** What Vera proposes of leads unless a test says otherwise. */
export const leadFields = ['LastName', 'Company', 'Status', 'Email', 'AnnualRevenue', 'Description'] as const

/** Those of `leadFields` that keep flowing after an export. */
export const updateFields: readonly string[] = ['Status', 'Email', 'AnnualRevenue']

/** Values of a lead of Acme, which the rule of a setup shows. */
export const lead = (lastName: string, more: Readonly<Record<string, Value>> = {}): Readonly<Record<string, Value>> => ({
  LastName: lastName,
  Company: 'Acme',
  Status: 'Open - Not Contacted',
  Email: `${lastName.toLowerCase()}@acme.example`,
  AnnualRevenue: { amount: '1054000', currency: 'EUR' },
  Phone: '+49 30 1234567',
  ...more,
})

/** The address of the vendor's page that invitations lead to. */
export const invitationPage = 'https://vista.example/connect'

/** The first enabled connection of an org. */
export function enabledConnection(org: Engine): ConnectionView | undefined {
  return org.connections.list().find(({ state }) => state === 'Enabled')
}

/** Two orgs at a network, by their sides. */
export interface Pair {
  readonly network: MemoryNetwork
  readonly vendor: MemoryOrg
  readonly partner: MemoryOrg
}

export interface Connected extends Pair {
  readonly connection: ConnectionId
}

/** The vendor invites and the partner accepts; both show one code, not compared yet. */
export async function connect({ network, vendor, partner }: Pair): Promise<ConnectionId> {
  await network.settle(vendor, partner)
  const known = new Set(vendor.connections.list().map(({ id }) => id))
  const isNew = ({ id, state }: ConnectionView): boolean => state === 'Enabled' && !known.has(id)
  const { invitation } = await vendor.connections.invite(invitationPage)
  await network.settle(vendor)
  await partner.connections.accept(invitation?.link ?? '')
  await network.until('both orgs are connected', () => [vendor, partner].every((org) => org.connections.list().some(isNew)))
  await network.settle(vendor, partner)
  const connection = vendor.connections.list().find(isNew)
  if (!connection) throw new Error('The connection ended while both orgs came to rest.')
  return connection.id
}

/** Both compare the codes and find them the same. */
export async function compareCodes({ network, connection, vendor, partner }: Connected): Promise<void> {
  for (const org of [vendor, partner]) await org.connections.compareCodes(connection, true)
  await network.settle(vendor, partner)
}

/** The vendor grants the partner's person a seat. */
export async function grant({ network, connection, vendor, partner }: Connected): Promise<void> {
  await network.until('the partner’s people are announced', () => vendor.people.list(connection).some(({ id }) => id === partner.user.id))
  await vendor.people.grant(connection, partner.user.id)
  await network.settle(vendor, partner)
}

/** The vendor proposes fields of leads; the partner accepts them as suggested. */
export async function agree(
  { network, connection, vendor, partner }: Connected,
  names: readonly string[] = leadFields,
  updates: readonly string[] = updateFields,
): Promise<void> {
  const fields = names.flatMap((name) => vendor.records.schema('Lead').fields.filter((field) => field.name === name))
  await vendor.agreements.propose(connection, {
    objects: { Lead: { fields: fields.map((field) => ({ field, update: updates.includes(field.name) })) } },
  })
  await network.settle(vendor, partner)
  await partner.agreements.accept(connection, { objects: { Lead: { fields: partner.agreements.suggest(connection, 'Lead') } } })
  await network.settle(vendor, partner)
}

/** The vendor's rule shows all leads of Acme. */
export async function share({ network, connection, vendor, partner }: Connected): Promise<void> {
  await vendor.sharing.setRule(connection, 'Lead', {
    match: 'all',
    conditions: [{ field: 'Company', operator: 'equals', value: 'Acme' }],
    added: [],
    hidden: [],
  })
  await network.settle(vendor, partner)
}

/** The partner exports every listed lead. @returns the job's id */
export async function exportListed({ partner, connection }: Connected): Promise<string> {
  const { listings } = partner.site.listings(connection, 'Lead')
  return partner.site.export(
    connection,
    'Lead',
    listings.map(({ id }) => id),
  )
}
