import type { ObjectName } from '../schema/schema.js'
import type { UndoResult } from './undo.js'

/** One row to import: a new record, or values for the record of this id. */
export interface ImportRow {
  readonly id?: string
  /** By API name, as for `records.create` and `records.edit`. */
  readonly values: Readonly<Record<string, unknown>>
}

/** One import of many rows, and how far it is. */
export interface ImportView {
  readonly id: string
  readonly object: ObjectName
  /** What people know it by: the name of the file. */
  readonly name: string
  /** When it began: milliseconds since 1970 by this device's clock. */
  readonly at: number
  /**
   * - `running`: this tab or another one writes its rows
   * - `stopped`: a reload, a crash or a person ended it half-way. It waits to be continued or undone
   * - `done`: all of its rows are written
   * - `undone`: a person took it back
   */
  readonly state: 'running' | 'stopped' | 'done' | 'undone'
  /** How many rows are written, of how many. */
  readonly done: number
  readonly total: number
  /** How many of all rows make a record. The others change one. */
  readonly creates: number
  /** How many of the written rows were for a record that somebody had deleted since. They changed nothing. */
  readonly skipped: number
  /** Whether it, or what an interrupted undo left, can be undone. */
  readonly undoable: boolean
}

/**
 * Imports of many rows, such as a file. All rows are kept on the device before the first is written, and are written 100 per transaction, with how far the import is in the
 * same transaction. So a reload or a crash never leaves an import half done without a trace: it is `stopped`, and `run` goes on exactly where it ended. Two tabs
 * never write a row twice.
 *
 * @example
 * ```ts
 * const rows = [{ values: { Name: 'Switch renewal', StageName: 'Prospecting', CloseDate: '2026-06-30' } }]
 * const id = await vendor.imports.start('Opportunity', 'deals.csv', rows)
 * const done = await vendor.imports.run(id)
 * console.log(done.state, done.done) // done 1
 *
 * const { removed, left } = await vendor.imports.undo(id)
 * console.log(removed, left) // 1 []
 * ```
 */
export interface ImportsApi {
  /** All imports of this device, the newest first: those that wait, and the last 50 others. */
  list(): readonly ImportView[]

  /**
   * Checks all rows and keeps them on this device. Nothing is imported yet: `run` does it.
   *
   * @param name what people know the import by, at most 255 characters
   * @returns the import's id
   * @throws EngineError INVALID for no rows, or with the problems of each row in `details`, whose messages begin with the row's number; SIZE as for `records.create`
   */
  start(object: ObjectName, name: string, rows: readonly ImportRow[]): Promise<string>

  /**
   * Writes the rows that wait. Resolves when it is done, stopped by `stop`, or another tab does it. Runs at once are one.
   *
   * @param onProgress hears of the import after each transaction. What it throws ends the work, as INTERNAL
   * @throws EngineError NOT_FOUND if there is no such import
   */
  run(id: string, onProgress?: (view: ImportView) => void): Promise<ImportView>

  /** Stops an import after the transaction that is under way. It can be continued or undone. @throws EngineError NOT_FOUND if there is no such import */
  stop(id: string): Promise<ImportView>

  /**
   * Takes an import back, whether it is done or half-way: the rows that wait are dropped, and what was written is undone as `undo.run` says. Records that somebody
   * changed since, or that were exported, stay and are listed.
   *
   * @throws EngineError NOT_FOUND if there is no such import, or nothing to undo: after seven days, and beyond 20 imports
   */
  undo(id: string, onProgress?: (done: number) => void): Promise<UndoResult>
}
