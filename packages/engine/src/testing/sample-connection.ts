import { connectionId, type ConnectionId, encodePolicy, parseOrgId, type OrgId, type Policy, policyKey, type Side } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8 } from 'lib0/string'
import { messageRowId } from '../replica/feed-key.js'
import { connectionFeed } from '../replica/feed-role.js'
import type { RowEdit } from '../row/rows.js'

/** The fields that the sample agreement gives slots, in the order of their slots. */
export const sampleFields = ['Name', 'Status', 'Amount', 'Phone'] as const

/** The orgs of the sample connection. Their ids belong to no key, so only the relay in memory believes them. */
export const vendorOrg: OrgId = parseOrgId('V'.repeat(43))
export const partnerOrg: OrgId = parseOrgId('P'.repeat(43))
const salt = 'salt-of-the-sample'
/** The connection whose rows `connectionEdits` and `agreementEdits` make. */
export const sampleConnection: ConnectionId = connectionId(vendorOrg, partnerOrg, salt)

const secretOf = (fill: number): string => toBase64UrlEncoded(new Uint8Array(32).fill(fill))

/** The secret that both orgs of the sample connection share: 32 bytes in base64url. */
export const sampleSecret = secretOf(7)

/** The rows of one side after connecting, with the key of its team feed. */
export function connectionEdits(side: Side): readonly RowEdit[] {
  const values = {
    side,
    vendor: vendorOrg,
    partner: partnerOrg,
    salt,
    secret: sampleSecret,
    state: 'Enabled',
    verified: 'yes',
    peerVerified: 'yes',
  }
  return [
    { object: 'Connection', id: sampleConnection, values },
    { object: 'Key', id: 'team', values: { secret: secretOf(side === 'vendor' ? 1 : 2) } },
  ]
}

/**
 * The rows of one side of an agreement in force, with its policy. Fields have the same names on both sides.
 *
 * @param slots numbers of `sampleFields`; a higher number gets a field of its own
 * @param stampTime milliseconds since 1970 of the rows' stamps, where they are not stamped as the org's own edits
 */
export function agreementEdits(side: Side, version: number, slots: readonly number[], stampTime?: number): readonly RowEdit[] {
  const names = slots.map((slot) => String(slot))
  const fields = slots.map((slot) => {
    const name = sampleFields[slot] ?? `Field${slot}`
    return { slot: String(slot), vendor: { name }, partner: { name } }
  })
  const policy: Policy = { version, slots: { lead: names, opportunity: [] } }
  const feed = connectionFeed(sampleConnection, side, 'messages')
  const stamp = stampTime === undefined ? {} : { stamp: [stampTime, version, 0] as const }
  return [
    {
      object: 'Agreement',
      id: sampleConnection,
      values: { effective: { version, hash: `v${version}`, objects: { Lead: { fields } } } },
      ...stamp,
    },
    { object: 'ControlEntry', id: messageRowId(feed, policyKey), values: { body: decodeUtf8(encodePolicy(policy)) }, ...stamp },
  ]
}

/** The record map by which the vendor shares a lead. @param on false stops sharing it */
export function mapEdit(mapId: string, record: string, on = true): RowEdit {
  return { object: 'RecordMap', id: mapId, values: { connection: sampleConnection, object: 'Lead', record, on } }
}
