import type { ConnectionId } from '@entente/protocol'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'
import type { Why } from './records.js'
import type { SignedState } from './sync.js'

/** One agreed field of a mirror, as the other org describes it. */
export interface MirrorField {
  readonly label: string
  /** The other org's API name. */
  readonly name: string
  readonly field: Field
  /** `not shared`: the field does not keep flowing. `unreadable`: its seal does not open (rule SE4), or the value is not of its type. */
  readonly state: 'value' | 'not shared' | 'unreadable'
  /** In stored form (see `Field`). Null for `not shared`; for `unreadable` the last good value, or null. */
  readonly value: Value
  /** Milliseconds since 1970, by the stamp of the other org's edit. Undefined if nothing has come. */
  readonly changedAt: number | undefined
  /** The own field that the agreement maps to it. */
  readonly own: Field
  /** Whether the own record says something else, by the agreed mapping: each side has its own words for a stage. False where there is nothing to compare. */
  readonly differs: boolean
}

/**
 * The other org's record beside the own one, read only everywhere: what Salesforce's Partner Connect calls a connected external lead or opportunity. It
 * shows exactly what the other org's doc holds (rule AB2).
 */
export interface MirrorView {
  /** The record map's id, the same in both orgs. 128 bits, base64url. */
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  readonly peerName: string
  /** `waiting`: no value has come. `live`: edits arrive. `frozen`: nothing flows, see `why`; the last values stay. */
  readonly state: 'live' | 'frozen' | 'waiting'
  /** Why nothing flows: the same as in the record's `ShareView`. Present exactly where the mirror is frozen. */
  readonly why: Why | undefined
  /** All agreed fields, in the order of the agreement. */
  readonly fields: readonly MirrorField[]
  /** The latest edit of a shown value: milliseconds since 1970, by the other org's stamps. Undefined while waiting. */
  readonly changedAt: number | undefined
  /** How old the mirror is, and whether it is what the other org signed. */
  readonly signed: SignedState
}

/**
 * The mirrors of the other org's records. There is no way to write one.
 *
 * @example
 * ```ts
 * const copy = partner.records.list('Opportunity').records.find(({ imported }) => imported)
 * const stage = () =>
 *   partner.mirrors
 *     .of('Opportunity', copy?.id ?? '')
 *     .flatMap(({ fields }) => fields)
 *     .find(({ name }) => name === 'StageName')
 *
 * // The vendor works on. The partner's mirror follows, and its own copy stays as it is.
 * const [original] = vendor.records.list('Opportunity').records
 * await vendor.records.edit('Opportunity', original?.id ?? '', { StageName: 'Negotiation/Review' })
 * await until(partner, () => stage()?.value === 'Negotiation/Review')
 * console.log(copy?.values['StageName'], partner.mirrors.count(connection)) // Qualification 1
 * ```
 */
export interface MirrorsApi {
  /** The mirrors beside one of the own records, one per connection. The vendor's comes with the partner's first edit of an update field (rule DF4). */
  of(object: ObjectName, record: string): readonly MirrorView[]

  /** How many mirrors there are over a connection, of both objects. 0 for an unknown connection. */
  count(connection: ConnectionId): number
}
