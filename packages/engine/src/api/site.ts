import type { ConnectionId } from '@entente/protocol'
import type { EngineError } from '../error.js'
import type { RecordQuery } from '../query/query.js'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'
import type { ExportError, OutboundStatus } from './records.js'

/** One of the vendor's records as the partner site shows it. */
export interface ListingView {
  /** 128 bits, base64url (rule SH2). It says nothing about the record's id at the vendor. */
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  /**
   * The vendor's values of the export fields, by the vendor's API names (rule SH3). A text is cut after 1,000 characters, or earlier in a listing of many
   * long ones, and then ends in "…".
   */
  readonly values: Readonly<Record<string, Value>>
  /** The latest edit of what is shown: milliseconds since 1970 by the vendor's stamps. It stands still from the export on (rule SH4). */
  readonly changedAt: number
  /** Id of the own copy, once imported and not deleted. */
  readonly copy: string | undefined
  /** How its last export stands. Undefined if nobody here asked for it. */
  readonly status: OutboundStatus | undefined
}

/** One export: what a person asked for at once. The four counts are listings. */
export interface JobView {
  /** 128 bits, base64url. */
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  /** Milliseconds since 1970 by the clock of the device that asked. */
  readonly startedAt: number
  /** Id of the person who asked. */
  readonly by: string
  /** Listings asked for. */
  readonly total: number
  /** Sent by the vendor. */
  readonly exported: number
  /** Of those, imported here. */
  readonly imported: number
  /** Left out by the vendor, which had exported them before. */
  readonly skipped: number
  /** Refused by the vendor, or not imported here; `errors` says why. */
  readonly failed: number
  /** True when each listing was imported, skipped or has failed. */
  readonly done: boolean
  readonly errors: readonly ExportError[]
}

/**
 * The vendor's partner site, as a person of the partner sees it: listings, exports and their jobs.
 *
 * @example
 * ```ts
 * // Listings, the grant and the vendor's confirmation come by themselves.
 * const onSite = () => partner.site.listings(connection, 'Opportunity').listings
 * await until(partner, () => partner.site.obstacle(connection) === undefined && onSite().length > 0)
 * console.log(onSite()[0]?.values['Name'], onSite()[0]?.copy) // Router refresh undefined
 *
 * const job = await partner.site.export(
 *   connection,
 *   'Opportunity',
 *   onSite().map(({ id }) => id),
 * )
 * await until(partner, () => partner.site.jobs().some(({ id, done }) => id === job && done))
 * console.log(onSite()[0]?.status, partner.records.list('Opportunity').total) // ExportSuccess 1
 * ```
 */
export interface SiteApi {
  /**
   * The vendor's records that the partner may see, filtered and sorted by the vendor's fields. `total` counts all of them. Empty for the vendor and for an
   * unknown connection.
   *
   * @throws EngineError INVALID for a field that the site does not show, or a condition that does not fit its type
   */
  listings(
    connection: ConnectionId,
    object: ObjectName,
    query?: RecordQuery,
  ): { readonly listings: readonly ListingView[]; readonly total: number }

  /** The fields that a listing shows: the vendor's side of the agreement in force. Empty without one. */
  fields(connection: ConnectionId, object: ObjectName): readonly Field[]

  /**
   * Why this person may not export now, or undefined: NOT_CONNECTED (not enabled, no agreement, or the object is switched off), NOT_ALLOWED (the vendor, or no grant with a seat), or
   * NOT_VERIFIED (nobody has compared the codes). The error is returned, not thrown.
   */
  obstacle(connection: ConnectionId, object?: ObjectName): EngineError | undefined

  /**
   * Asks the vendor for records, as a person of the partner. Resolves when the request is noted; it waits while offline. Listings whose export is under way
   * are left out.
   *
   * @returns the job's id: an earlier job's, if all of these are under way
   * @throws EngineError NOT_FOUND if there is no such connection, no listing is given, or one is not on the site any more; NOT_CONNECTED if the connection
   * is not enabled or has no agreement; NOT_ALLOWED for the vendor, or without a grant that has a seat; NOT_VERIFIED if nobody has compared the codes;
   * CHANGED if another agreement comes into force at the same moment
   */
  export(connection: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string>

  /** The ids of the own copies of what a job asked for, as far as they exist. Also those that an earlier job had made. Empty for an unknown job. */
  copies(job: string): readonly string[]

  /** All exports of this org, the latest first. */
  jobs(): readonly JobView[]

  /**
   * Asks again for what failed in a job.
   *
   * @returns the new job's id
   * @throws EngineError NOT_FOUND if there is no such job or nothing in it failed; else as `export`
   */
  retry(job: string): Promise<string>
}
