import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

/** What a form edits: a record, the agreement of a connection, or one of its sharing rules. */
export type DraftedObject = ObjectName | 'Agreement' | 'SharingRule'

/** What a person typed into a form and has not saved. */
export interface DraftView {
  readonly object: DraftedObject
  /** The record's id; for a new record, and what is no record, the id under which its form kept it. */
  readonly id: string
  /** Whether it is of a record that does not exist yet. */
  readonly isNew: boolean
  /** When the last of it was typed: milliseconds since 1970 by this device's clock. */
  readonly at: number
  /** By API name, as typed: a value may be one that a save would refuse. Never one that the record holds already. */
  readonly values: Readonly<Record<string, Value>>
  /** Those of its fields that somebody changed in the record after they were typed: in another tab, at another device, by an import. */
  readonly changed: readonly string[]
}

/**
 * Drafts: what is typed and not saved survives navigation, a reload and a crash. They stay on this device, for 30 days; neither the relay nor another device
 * has them. All tabs have the same: of each field what was typed last.
 *
 * @example
 * ```ts
 * const deal = vendor.records.list('Opportunity').records[0]?.id ?? ''
 * await vendor.drafts.keep('Opportunity', deal, { NextStep: 'Call on Mon' })
 * console.log(vendor.drafts.of('Opportunity', deal)?.values) // {"NextStep":"Call on Mon"}
 *
 * await vendor.drafts.drop('Opportunity', deal)
 * console.log(vendor.drafts.list().length) // 0
 * ```
 */
export interface DraftsApi {
  /** All drafts, the one typed last first. */
  list(): readonly DraftView[]

  /** The draft of a record; undefined if there is none, or the record holds all of it already. */
  of(object: DraftedObject, id: string): DraftView | undefined

  /**
   * Keeps these fields as typed, beside those that the draft has. A value that the record holds is dropped from the draft. Of more than 100 drafts, the
   * oldest go.
   *
   * @param id the record's id; for a new record any text of up to 200 characters that its form keeps
   * @throws EngineError INVALID for a value that is no plain data; SIZE for a value over 256 KiB
   */
  keep(object: DraftedObject, id: string, values: Readonly<Record<string, unknown>>): Promise<void>

  /**
   * Drops a draft, or only some fields of it, once they are saved or discarded. Without a draft it does nothing.
   *
   * @throws EngineError STORE if the store of the device refuses
   */
  drop(object: DraftedObject, id: string, fields?: readonly string[]): Promise<void>
}
