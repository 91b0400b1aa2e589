import { type ConnectionId, connectionId, type Key, type OrgId, parseConnectionId, parsedText, parseKey } from '@entente/protocol'
import * as v from 'valibot'

// After two orgs have connected anew, the record maps of their earlier connection may carry on under the new one (rules RA1 and RA2).

/** The key of a side's decision about the record maps of an earlier connection, in its messages of the new one. */
export function adoptionKey(from: ConnectionId): Key {
  return parseKey(`adoption.${from}`)
}

/** The record maps that one adoption names: their ids fit into a signed message. */
const listedMaps = 1_000

const mapIds = v.pipe(
  v.array(parsedText(parseKey)),
  v.maxLength(listedMaps),
  v.check((ids) => new Set(ids).size === ids.length),
)

/** An adoption as an admin signs it. */
export const adoptionTerms = v.object({
  /** The earlier connection, and the salt that proves that it was between the same two orgs (rule F3). */
  from: parsedText(parseConnectionId),
  salt: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  /** The record maps of the earlier connection that carry on. */
  maps: v.union([v.literal('all'), mapIds]),
  /** Whether their docs flow again under the present agreement. Otherwise their mirrors stay as they are. */
  flows: v.boolean(),
})
export type AdoptionTerms = v.InferOutput<typeof adoptionTerms>

/** Whether an adoption is of an earlier connection of the same vendor and partner. */
export function isOfParties({ from, salt }: AdoptionTerms, vendor: OrgId, partner: OrgId, present: ConnectionId): boolean {
  return from !== present && connectionId(vendor, partner, salt) === from
}

/** What both sides have decided: the record maps that both name, and a flow where both want it. Undefined where they name different connections. */
export function joinAdoptions(vendor: AdoptionTerms, partner: AdoptionTerms): AdoptionTerms | undefined {
  if (vendor.from !== partner.from) return undefined
  return { ...vendor, maps: joinMaps(vendor.maps, partner.maps), flows: vendor.flows && partner.flows }
}

function joinMaps(vendor: AdoptionTerms['maps'], partner: AdoptionTerms['maps']): AdoptionTerms['maps'] {
  if (vendor === 'all') return partner
  return partner === 'all' ? vendor : vendor.filter((id) => partner.includes(id))
}
