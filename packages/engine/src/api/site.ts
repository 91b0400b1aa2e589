import type { ConnectionId, Side } from '@entente/protocol'
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

/**
 * One export: what a person of the partner asked for at once. Both orgs have it, each as far as it knows. The counts are listings, each in one of `imported`, `partial`,
 * `skipped`, `failed` and `cancelled` once it has ended.
 */
export interface JobView {
  /** At the partner 128 bits, base64url. At the vendor the connection's id, a dot, and that. */
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  /** Which side of the connection this org is: the partner asked, the vendor was asked. */
  readonly side: Side
  /** Milliseconds since 1970 by this device's clock: when a person of the partner asked, or when the vendor first heard of it. */
  readonly startedAt: number
  /** Id of the person of the partner who asked. */
  readonly by: string
  /** Listings asked for; at the vendor as far as it has read the requests. */
  readonly total: number
  /** Sent by the vendor. */
  readonly exported: number
  /** Of those, imported by the partner as they are. */
  readonly imported: number
  /** Of those, imported with a value that was cut, rounded or lost a part, as agreed. */
  readonly partial: number
  /** Left out by the vendor, which had exported them before. */
  readonly skipped: number
  /** Refused by the vendor, or not imported by the partner. `SiteApi.errors` says why. */
  readonly failed: number
  /** Given up by the partner before they were imported. */
  readonly cancelled: number
  /** `paused`: the partner asks for nothing more until a person resumes it. At the vendor an export that was paused or cancelled is `done` once what left has ended. */
  readonly state: 'running' | 'paused' | 'done'
  /** Why a running export of this org asks for nothing now, as `SiteApi.obstacle` says it. It goes on by itself. Undefined at the vendor. */
  readonly waits: EngineError | undefined
  /**
   * Records of it that the vendor has recalled: `asked` of the partner, `deleted` there or taken back before, and `kept` because a person there has edited the copy
   * or shared it on. Undefined where none was.
   */
  readonly recall: { readonly asked: number; readonly deleted: number; readonly kept: number } | undefined
  /** Whether `state` is `done`: each listing has ended. */
  readonly done: boolean
  /** Listings that ended in a second, over the last 10 seconds of its work. 0 before the first. */
  readonly perSecond: number
}

/**
 * What becomes of the recall of a record: `asked` until the partner's engine has answered; `deleted`, if nobody there had edited the copy; `edited` or `shared on`, which
 * is why the copy stays; `gone`, if the partner has no copy any more; `taken back`, if it was not imported yet.
 */
export type RecallOutcome = 'asked' | 'deleted' | 'edited' | 'shared on' | 'gone' | 'taken back'

/** One recalled record. */
export interface RecallView {
  /** Id of the own record: at the partner of the copy. */
  readonly record: string
  /** What people call it, by this org's values; '' where none names it. */
  readonly name: string
  readonly outcome: RecallOutcome
}

/** One error of an export, with what this org knows of the record. None of that is stored with the error. */
export interface JobError extends ExportError {
  /** Id of the listing. */
  readonly listing: string
  readonly status: OutboundStatus
  /** What people call the record, by this org's values; '' where none names it. */
  readonly name: string
  /** The label of the field to blame, or its API name where there is no such field. */
  readonly label: string
  /** The value that was refused, in stored form: at the partner as its listing shows it, at the vendor as its record has it now. Null if this org has none. */
  readonly value: Value
  /** The own field for which `retry` takes another value. Undefined where none would help. */
  readonly correct: Field | undefined
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
   * Why this person may not export now, or undefined: NOT_CONNECTED (not enabled, no agreement, or the object is switched off), NOT_ALLOWED (the vendor, or no grant with a seat, or one that has
   * run out or is for the other object), or NOT_VERIFIED (nobody has compared the codes). The error is returned, not thrown.
   *
   * @param object of which records would be exported; any one if not given
   */
  obstacle(connection: ConnectionId, object?: ObjectName): EngineError | undefined

  /**
   * Asks the vendor for records, as a person of the partner. Resolves when the export is noted; it waits while offline. Listings whose export is under way
   * are left out. Those that are not on the site any more count as failed, and keep nothing else from leaving.
   *
   * @returns the job's id: an earlier job's, if all of these are under way
   * @throws EngineError NOT_FOUND if there is no such connection, no listing is given, or none of them is on the site any more; NOT_CONNECTED if the connection
   * is not enabled or has no agreement; NOT_ALLOWED for the vendor, or without a grant that has a seat; NOT_VERIFIED if nobody has compared the codes;
   * CHANGED if another agreement comes into force at the same moment
   */
  export(connection: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string>

  /** The ids of the own copies of what a job asked for, as far as they exist. Also those that an earlier job had made. Empty for an unknown job. */
  copies(job: string): readonly string[]

  /** All exports that this org has asked for or was asked for, the latest first. */
  jobs(): readonly JobView[]

  /** Why records of an export failed. Each names record, field, value, rule and fix. Empty for an unknown job. */
  errors(job: string): readonly JobError[]

  /** The errors of an export as a CSV file for a spreadsheet, with formulas escaped. */
  errorFile(job: string): string

  /**
   * Asks for nothing more of an export, and takes back the requests that the vendor has not answered. What left before is still imported.
   *
   * @throws EngineError NOT_FOUND if there is no such job; NOT_ALLOWED at the vendor
   */
  pause(job: string): Promise<void>

  /**
   * Goes on with a paused export.
   *
   * @throws EngineError as `pause`
   */
  resume(job: string): Promise<void>

  /**
   * Ends an export: nothing of it is imported any more. Copies that were made stay.
   *
   * @throws EngineError as `pause`
   */
  cancel(job: string): Promise<void>

  /**
   * Asks again for what failed in an export, within the same job.
   *
   * @param corrections own values in place of those that could not be taken, by listing and API name of the own field. Only these listings are asked for then
   * @returns the job's id
   * @throws EngineError NOT_FOUND if there is no such job, or nothing that failed in it is on the site; INVALID for a value that does not fit its field; else as
   * `export`
   */
  retry(job: string, corrections?: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<string>

  /**
   * Recalls what was exported in a job, as an admin of the vendor. What the partner has not imported is taken back. What it has imported its engine deletes, if nobody
   * has edited the copy or shared it on since; `recalls` says what became of each. Sharing of what is deleted stops. A record that the rule shows stays on the site.
   *
   * @param records ids of own records; all of the job if not given
   * @throws EngineError NOT_FOUND if there is no such job, or nothing of it to recall; NOT_ALLOWED for a member or the partner; NOT_CONNECTED if the connection is not
   * enabled
   */
  recall(job: string, records?: readonly string[]): Promise<void>

  /** The records of an export that the vendor has recalled. Empty for an unknown job. */
  recalls(job: string): readonly RecallView[]
}
