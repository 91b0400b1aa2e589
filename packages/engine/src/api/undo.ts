import type { ObjectName } from '../schema/schema.js'

/** What a person did in one go and may take back: an undo step. */
export interface UndoStep {
  readonly id: string
  readonly kind: 'create' | 'save' | 'delete' | 'convert' | 'stop sharing' | 'import'
  /** When it was done: milliseconds since 1970 by this device's clock. */
  readonly at: number
  readonly object: ObjectName
  /** The record that it was done to. Undefined for an import. */
  readonly record: string | undefined
  /** What it is called in a list: the file of an import, or the record that was deleted. Undefined for any other. */
  readonly name: string | undefined
  /** How many records it changed. */
  readonly records: number
}

/** What an undo brought back, and what it left alone. */
export interface UndoResult {
  readonly step: UndoStep
  /** How many records it restored, brought back or removed. */
  readonly records: number
  /** How many of these the step had made, so that they are removed now. */
  readonly removed: number
  /** The API names of the fields that hold their earlier values again, over all records. */
  readonly fields: readonly string[]
  /** What stayed as it is. Empty where everything came back. */
  readonly left: readonly UndoLeft[]
}

/** A record or field that an undo left alone. */
export interface UndoLeft {
  readonly object: ObjectName
  readonly record: string
  /** The API name of the field; '' for the whole record. */
  readonly field: string
  /**
   * - `changed`: somebody changed it since
   * - `exported`: a record that the step made is at another org, or on its way there
   * - `deleted`: the record was deleted since
   * - `disconnected`: the record is back, but a connection over which it was shared has ended
   */
  readonly why: 'changed' | 'exported' | 'deleted' | 'disconnected'
}

/**
 * What people did at this device in the last seven days and may take back: at most 200 steps, of them at most 20 imports, and of each record the last one.
 * Steps stay on the device. They are written in the transaction of the change itself, so a crash loses neither of the two alone.
 *
 * An undo restores only what nobody changed since, register by register, and says what it left alone. It is a change like any other: it reaches the org's
 * other devices and its mirrors.
 *
 * @example
 * ```ts
 * const deal = vendor.records.list('Opportunity').records[0]?.id ?? ''
 * await vendor.records.edit('Opportunity', deal, { StageName: 'Needs Analysis', NextStep: 'Call' })
 *
 * const step = vendor.undo.last('Opportunity', deal)
 * const { fields, left } = await vendor.undo.run(step?.id ?? '')
 * console.log(fields, left) // ["StageName","NextStep"] []
 * ```
 */
export interface UndoApi {
  /** All steps, the newest first. */
  list(): readonly UndoStep[]

  /** The last step of a record; undefined if there is none that can be undone. */
  last(object: ObjectName, record: string): UndoStep | undefined

  /**
   * Takes a step back. A saved field gets its earlier value, a record that was made is deleted, a deleted one comes back with its shares, and a share goes
   * on. A converted lead is open again, unless its opportunity was changed or exported. A record that the step made stays where somebody changed it or it was exported. The step is gone afterwards, also where it left something alone.
   *
   * A record that comes back is shared over each connection as it was before, and its mirrors there are live again. They were frozen meanwhile, and the
   * other org saw it. Of an import, 500 records are one transaction: after a crash what remains can be undone again.
   *
   * @param step the id of an `UndoStep`
   * @param onProgress hears of how many records the step is undone, after each slice. What it throws ends the work, as INTERNAL
   * @throws EngineError NOT_FOUND if there is no such step any more; NOT_CONNECTED for a share over a connection that has ended; CHANGED if other tabs
   * keep changing the same records; SIZE if a record would be too large with its earlier values
   */
  run(step: string, onProgress?: (done: number) => void): Promise<UndoResult>
}
