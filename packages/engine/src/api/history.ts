import type { DeviceId } from '@entente/protocol'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

/** One change of one field of an own record. */
export interface HistoryChange {
  /** Names the change among those of its record. */
  readonly id: string
  /** The API name of the field. */
  readonly field: string
  readonly from: Value
  readonly to: Value
  /** When it was made: milliseconds since 1970, by the clock of the device that made it, as the relay corrected it. */
  readonly at: number
  /** Who made it, and the name where this device knows it. Undefined where it was made too long ago to tell. */
  readonly person: string | undefined
  readonly personName: string | undefined
  /** The device at which it was made, and its name where it has one. Undefined where it was made too long ago to tell. */
  readonly device: DeviceId | undefined
  readonly deviceName: string | undefined
  /** Whether it was made at this device. */
  readonly own: boolean
  /** Whether it is what the field holds now: nobody has changed the field since. */
  readonly present: boolean
}

/**
 * What became of an own record, field by field: the last 50 changes of each, by whomever of the org and however they came about: edits, imports, values of the other
 * org that were filled in, undos. Each device writes down what changes in its store, in the transaction of the change, and what it hears from the org's other
 * devices. It begins with the first change after the record was made, or came to this device. It is not read before somebody asks, and goes when the record is deleted.
 *
 * @example
 * ```ts
 * const deal = vendor.records.list('Opportunity').records[0]?.id ?? ''
 * await vendor.records.edit('Opportunity', deal, { NextStep: 'Call' })
 * await vendor.records.edit('Opportunity', deal, { NextStep: 'Visit' })
 *
 * const [last] = await vendor.history.of('Opportunity', deal)
 * console.log(last?.field, last?.from, last?.to, last?.own) // NextStep Call Visit true
 *
 * await vendor.history.putBack('Opportunity', deal, last?.id ?? '')
 * console.log(vendor.records.get('Opportunity', deal)?.values['NextStep']) // Call
 * ```
 */
export interface HistoryApi {
  /**
   * The changes of a record, the newest first. `watch` tells `records` when there may be more.
   *
   * @throws EngineError NOT_FOUND if there is no such record; STORE if the store of the device cannot be read
   */
  of(object: ObjectName, record: string): Promise<readonly HistoryChange[]>

  /**
   * Gives a field the value that it had before a change. It is an edit like any other: it travels, it is in the history, and `undo` takes it back.
   *
   * @param change the id of a `HistoryChange`
   * @param anyway also where the field was changed again since. Default false
   * @throws EngineError NOT_FOUND if there is no such record or change; CHANGED if the field was changed since; INVALID if the field takes that value no more
   */
  putBack(object: ObjectName, record: string, change: string, anyway?: boolean): Promise<void>
}
