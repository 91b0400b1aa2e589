import type { ConnectionId } from '@entente/protocol'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

/** One agreed field in which the own record and the other org's differ now. */
export interface DifferenceView {
  /** The record map's id and the field's name. */
  readonly id: string
  /** The record map's id, as in `MirrorView`. */
  readonly share: string
  readonly connection: ConnectionId
  readonly peerName: string
  readonly object: ObjectName
  /** The own record's id. */
  readonly record: string
  /** The own field and its value, in stored form (see `Field`). */
  readonly own: Field
  readonly ours: Value
  /** The other org's field and its value. */
  readonly peer: Field
  readonly theirs: Value
  /** When the other org set its value: milliseconds since 1970, by its stamp. */
  readonly at: number | undefined
  /** The own opportunity's Amount, exact and in its own currency. Undefined for a lead, and where there is none. */
  readonly stake: Stake | undefined
}

/** An exact amount with its ISO 4217 code. */
export interface Stake {
  readonly amount: string
  readonly currency: string
}

/** Which differences to list, and in which order. */
export interface DifferencesQuery {
  readonly object?: ObjectName
  readonly connection?: string
  /** API name of the own field. */
  readonly field?: string
  /** Only records with an amount in this currency, of at least so much. No amount is ever converted. */
  readonly stake?: { readonly currency: string; readonly least?: string }
  /** `field` (unless set): the stage first, then the fields as the agreement names them. `value`: currency by currency, the org's own first, the highest amount first. */
  readonly sort?: 'field' | 'value'
}

/** Differences in their order, with what is at stake in them. */
export interface DifferencesPage {
  readonly differences: readonly DifferenceView[]
  /** How many own records they are about. */
  readonly records: number
  /** The sum of these records' amounts, one line for each currency. */
  readonly stakes: readonly (Stake & { readonly records: number })[]
  /** How many records are still to be compared. While it is above 0, `watch` tells when there is more to read. */
  readonly pending: number
}

/**
 * Where the own records and the other orgs' differ, field by field. Two values are alike if the agreement's mapping brings the vendor's to the partner's: each side has its own words
 * for a stage. Only fields that keep flowing are compared, over connections and shares that are live.
 *
 * @example
 * ```ts
 * const { differences, records } = partner.differences.list({ object: 'Opportunity', sort: 'value' })
 * const [most] = differences
 * console.log(records, most?.own.label, most?.ours, most?.theirs) // 1 Stage Qualification Negotiation/Review
 * ```
 */
export interface DifferencesApi {
  /**
   * Cheap at any number of records: it looks only at what has changed since the last call.
   *
   * @throws EngineError INVALID for a `least` that is no decimal
   */
  list(query?: DifferencesQuery): DifferencesPage
}
