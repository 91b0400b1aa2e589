import type { ConnectionId } from '@entente/protocol'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

/** One thing that another org did to a shared record since the person at this device last looked. */
export interface ChangeView {
  /** Names this change. The next one of the same field has another id. */
  readonly id: string
  /** The record map's id, as in `MirrorView`. */
  readonly share: string
  readonly connection: ConnectionId
  readonly peerName: string
  readonly object: ObjectName
  /** The own record's id. */
  readonly record: string
  /** `field`: a value. `ended`: the other org shares its record no more. `resumed`: it does again. */
  readonly what: 'field' | 'ended' | 'resumed'
  /** The other org's field. Undefined where no field changed. */
  readonly field: Field | undefined
  /** The value that the person saw last, else the one that came with the export, in stored form (see `Field`). Undefined where this org does not know it: of long texts nothing is kept. */
  readonly from: Value | undefined
  /** The present value. */
  readonly to: Value
  /** When the other org did it: milliseconds since 1970, by its stamp. */
  readonly at: number
}

/** Which changes to list. Without any part: all. */
export interface ChangesQuery {
  readonly object?: ObjectName
  readonly connection?: string
  /** API name of the other org's field. */
  readonly field?: string
  /** The id of an own record. */
  readonly record?: string
}

/** Changes, newest first. */
export interface ChangesPage {
  readonly changes: readonly ChangeView[]
  /** How many own records they are about. */
  readonly records: number
  /** How many records are still to be compared. While it is above 0, `watch` tells when there is more to read. */
  readonly pending: number
}

/**
 * What the other orgs changed since the person at this device last looked, whatever device of the org the person looked at it with.
 *
 * @example
 * ```ts
 * const { changes } = partner.changes.list({ object: 'Opportunity' })
 * const [latest] = changes
 * console.log(latest?.field?.label, latest?.from, latest?.to) // Stage Qualification Negotiation/Review
 * await partner.changes.markSeen(changes.map(({ id }) => id))
 * console.log(partner.changes.count()) // 0
 * ```
 */
export interface ChangesApi {
  /** Cheap at any number of records: it looks only at what has changed since the last call. */
  list(query?: ChangesQuery): ChangesPage

  /** How many own records have changes, for a badge. One that two peers changed counts once. */
  count(): number

  /**
   * Remembers that the person has seen changes. What has changed again since it was listed stays.
   *
   * @param ids of changes; all that are known now if left out
   * @throws EngineError STORE; what was marked until then stays marked
   */
  markSeen(ids?: readonly string[]): Promise<void>
}
