import type { ConnectionId } from '@entente/protocol'
import type { RecordQuery } from '../query/query.js'
import type { Field } from '../schema/field.js'
import type { ObjectName, ObjectSchema } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

export type { ObjectName } from '../schema/schema.js'

/** One of the org's own leads or opportunities. */
export interface RecordView {
  readonly object: ObjectName
  /** 128 bits, base64url: random for a record made here, derived from the record map for a copy (rule IM2). */
  readonly id: string
  /** By API name, in stored form (see `Field`). A field that was never set is absent. */
  readonly values: Readonly<Record<string, Value>>
  /** The latest edit: milliseconds since 1970, by the device's clock as corrected by the relay (rule ST1). */
  readonly changedAt: number
  /** True for a copy that came by export from a vendor. */
  readonly imported: boolean
  /** The id of the opportunity that a lead became. Such a lead is not edited any more. */
  readonly converted: string | undefined
}

/**
 * The org's own leads and opportunities, their fields, and how each record is shared.
 *
 * @example
 * ```ts
 * import { EngineError } from '@entente/engine'
 *
 * const id = await vendor.records.create('Opportunity', {
 *   Name: 'Router refresh',
 *   StageName: 'Prospecting',
 *   CloseDate: '2026-03-31',
 *   Amount: { amount: '12000', currency: 'EUR' },
 * })
 * await vendor.records.edit('Opportunity', id, { StageName: 'Qualification' })
 *
 * const { records, total } = vendor.records.list('Opportunity', {
 *   search: 'router',
 *   sort: [{ field: 'CloseDate', direction: 'ascending' }],
 * })
 * console.log(records[0]?.values['StageName'], total) // Qualification 1
 *
 * // A save that is refused changes nothing. `details` names each field.
 * try {
 *   await vendor.records.edit('Opportunity', id, { CloseDate: '31 February', Amount: 'much' })
 * } catch (error) {
 *   if (error instanceof EngineError) console.log(error.code, error.details.map(({ field }) => field)) // INVALID ["CloseDate","Amount"]
 * }
 * ```
 */
export interface RecordsApi {
  /** Salesforce's standard fields, as this org changed them, then its own fields in the order of their making. */
  schema(object: ObjectName): ObjectSchema

  /**
   * Adds a field of the org's own. `custom` need not be set.
   *
   * @throws EngineError INVALID for a name that does not end in `__c` or is taken, a type that does not travel, a bad length or picklist, or a
   * 301st field; SIZE for a picklist over 64 KiB
   */
  addField(object: ObjectName, field: Field): Promise<void>

  /**
   * Takes over a whole schema: its labels, the standard fields as the org changed them, and its own fields. Fields that it leaves out stay.
   *
   * @throws EngineError INVALID for a field that is not well formed; SIZE for a picklist over 64 KiB
   */
  setSchema(schema: ObjectSchema): Promise<void>

  /** Undefined if there is no such record, or it was deleted. */
  get(object: ObjectName, id: string): RecordView | undefined

  /**
   * Filters and sorts. Without a query: all records, by id. `total` counts all records of the object, whether they match or not.
   *
   * @throws EngineError INVALID for a field that the object does not have, or a condition that does not fit its type
   */
  list(object: ObjectName, query?: RecordQuery): { readonly records: readonly RecordView[]; readonly total: number }

  /** The ids of the records that `list` gives, in the same order and with the same errors. Cheaper, where only some of the records are to be read. */
  ids(object: ObjectName, query?: RecordQuery): { readonly ids: readonly string[]; readonly total: number }

  /**
   * Makes a record of values as a form or program gives them: a number 50 becomes "50", an instant goes to UTC (see `validateField`).
   *
   * @param draft the id of the draft that it is made of, if there is one. It goes in the same transaction
   * @returns the record's id
   * @throws EngineError INVALID with every problem in `details`: an unknown field, a value that does not fit, a required field that is missing; SIZE for
   * a value over 64 KiB, or a record over 252 KiB, when sealed (rule ST5)
   */
  create(object: ObjectName, values: Readonly<Record<string, unknown>>, draft?: string): Promise<string>

  /**
   * Makes many records, 500 per transaction, and lets the page draw in between. All rows are checked before the first is saved. Where the store fails half-way, what was
   * saved is deleted again: all or nothing, unless the page ends before that.
   *
   * @param onProgress hears how many records are durable, after each slice. What it throws ends the work, as INTERNAL
   * @returns the ids, in the order of the rows
   * @throws EngineError INVALID with the problems of each row in `details`, whose messages begin with the row's number; SIZE as for `create`
   */
  createMany(
    object: ObjectName,
    rows: readonly Readonly<Record<string, unknown>>[],
    onProgress?: (done: number) => void,
  ): Promise<readonly string[]>

  /**
   * Sets the given fields and leaves the others alone. Null or an empty text empties a field.
   *
   * @throws EngineError NOT_FOUND if there is no such record; CHANGED for a lead that was converted; INVALID and SIZE as for `create`, a required field that would be emptied included
   */
  edit(object: ObjectName, id: string, values: Readonly<Record<string, unknown>>): Promise<void>

  /**
   * Makes an opportunity of a lead. The lead stays, marked as converted; it is shared no more, and the other org sees why. The opportunity is shared by nothing
   * but what a rule or an export says of it.
   *
   * @param values of the opportunity, as `create` takes them
   * @returns the opportunity's id
   * @throws EngineError NOT_FOUND if there is no such lead; CHANGED if it was converted before; INVALID and SIZE as for `create`
   */
  convert(lead: string, values: Readonly<Record<string, unknown>>): Promise<string>

  /**
   * Deletes a record. Its mirror at the other org freezes; the other org's own record stays.
   *
   * @throws EngineError NOT_FOUND if there is no such record
   */
  remove(object: ObjectName, id: string): Promise<void>

  /** One for each connection over which the record was exported or imported. Empty for any other record. */
  shares(object: ObjectName, id: string): readonly ShareView[]

  /**
   * The ids of an object's records that a connection keeps in step now: exported or imported over it, and not stopped. Cheap enough for a list of
   * thousands; `shares` says more about one of them.
   */
  sharedOver(object: ObjectName, connection: ConnectionId): readonly string[]

  /**
   * Stops sending a record's update fields to the other org, whose mirror freezes. Both records stay.
   *
   * @param share the id of a `ShareView`
   * @throws EngineError NOT_FOUND if there is no such share; NOT_CONNECTED while its export is under way
   */
  stopSharing(share: string): Promise<void>

  /**
   * Sends a record's update fields again.
   *
   * @param share the id of a `ShareView`
   * @throws EngineError NOT_FOUND if there is no such share; NOT_CONNECTED while its export is under way, or if its connection is not enabled; CHANGED for a record that was deleted or converted
   */
  resumeSharing(share: string): Promise<void>
}

/** How a record's way out stands: the values of `OutboundStatus` of Salesforce's `ExtlRecShrRecordMap` (Partner Connect, API 62.0). */
export type OutboundStatus =
  | 'ExportInProgress'
  | 'ExportSuccess'
  | 'ExportSuccessSkipped'
  | 'ExportSuccessPartial'
  | 'ExportPublishFieldMapError'
  | 'ExportPublishConnectionError'
  | 'ExportPublishEventError'
  | 'ExportPublishUnknownError'
  | 'ExportSubscribeFieldMapError'
  | 'ExportSubscribeUnknownError'
  | 'UpdateInProgress'
  | 'UpdateSuccess'
  | 'UpdatePublishFieldMapError'
  | 'UpdatePublishConnectionError'
  | 'UpdatePublishEventError'
  | 'UpdatePublishUnknownError'
  | 'UpdateSubscribeFieldMapError'
  | 'UpdateSubscribeRecordNotFound'
  | 'UpdateSubscribeUnknownError'

/** How a record's way in stands: the values of `InboundStatus` of Salesforce's `ExtlRecShrRecordMap` (Partner Connect, API 62.0). */
export type InboundStatus =
  | 'ImportSuccess'
  | 'ImportConctExtlRecError'
  | 'UpdateSuccess'
  | 'UpdateFieldMapError'
  | 'UpdateConctExtlRecError'
  | 'UpdateUnknownError'

/** Why nothing flows over a share, in either direction, any more or for now. `docs/statuses.md` has a sentence for each. */
export interface Why {
  /**
   * - `stopped`: sharing of this record was stopped. `deleted`: the record was. `converted`: the lead became an opportunity.
   * - `paused`, `disconnected`: the connection was. `mismatch`: the codes of both orgs differ. `disagreement`: both computed another agreement.
   * - `switchedOff`: the object was, for this connection.
   * - `withdrawn`: every field that kept flowing was withdrawn. `unagreed`: the agreement in force lets no field of this object keep flowing.
   * - `purged`: the connection was removed from the list.
   */
  readonly what:
    | 'stopped'
    | 'deleted'
    | 'converted'
    | 'paused'
    | 'switchedOff'
    | 'disconnected'
    | 'mismatch'
    | 'disagreement'
    | 'withdrawn'
    | 'unagreed'
    | 'purged'
  readonly by: 'own' | 'peer' | 'both'
  /** Milliseconds since 1970. Undefined if it is not known. */
  readonly at: number | undefined
}

/** How far the latest edit of the own record has come, among the fields that flow: three ticks. Times are in milliseconds since 1970. */
export interface Receipt {
  readonly reached: 'device' | 'relay' | 'peer'
  /** When the edit was saved on a device of this org, by its stamp. */
  readonly edited: number
  /** By when the relay had it, as a device of this org signed. Undefined if it has not, or nobody has signed it yet. */
  readonly relayed: number | undefined
  /** By when a device of the other org had read it, as that device signed. Undefined if none has. */
  readonly read: number | undefined
}

/** How one record is shared over one connection: its record map, as Salesforce's `ExtlRecShrRecordMap` (rule EX2). `docs/statuses.md` says how each of its parts comes about. */
export interface ShareView {
  /** The record map's id, the same in both orgs. 128 bits, base64url. */
  readonly id: string
  readonly connection: ConnectionId
  readonly peerName: string
  /** False while the export is under way, and after `stopSharing`. */
  readonly on: boolean
  /**
   * - `exporting`: the partner does not have its copy yet. `failed`: the export failed, see `errors`.
   * - `current`: the other org has read all, and what it sends is here. `sending`: an edit is on its way, see `receipt`.
   * - `stuck`: something does not get through, see `errors`. `ended`: nothing flows, see `why`.
   */
  readonly state: 'exporting' | 'failed' | 'current' | 'sending' | 'stuck' | 'ended'
  /** Why nothing flows. Present exactly where the state is `ended`; a mirror beside the record is frozen then. */
  readonly why: Why | undefined
  /** Undefined where nothing of this record is to travel: no copy or no field that flows was edited. */
  readonly receipt: Receipt | undefined
  /** The export's status until the first edit after it; then that of the latest edit: `UpdateSuccess` once the other org has read it. Undefined for a copy that nobody has edited. */
  readonly outbound: OutboundStatus | undefined
  /** Whether the other org's values arrive. Undefined if none has come. */
  readonly inbound: InboundStatus | undefined
  /** What went wrong, with what to do. */
  readonly errors: readonly ExportError[]
  /** When this org exported or imported it: milliseconds since 1970 by this device's clock. 0 if that is not known. */
  readonly exportedAt: number
}

/** Why one record could not be exported or imported. Both orgs see the same words. */
export interface ExportError {
  /** At the vendor the record's id, at the partner the listing's. */
  readonly record: string
  /** The API name of the field to blame, or '' if none is. */
  readonly field: string
  /** The short name of the broken rule, or a code of the engine. */
  readonly rule: string
  readonly message: string
  /** What to do. */
  readonly fix: string
  /** The own value to blame, looked up on this device when it is shown. No message and no log ever holds it. */
  readonly value?: Value
}
