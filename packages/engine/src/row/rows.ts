import { compareStamps, nextStamp, type Stamp } from '@entente/protocol'
import { type Page, scanPages, segmentsAtOnce } from '../flow/scan-pages.js'
import type { Store, StoreKey, Write } from '../port/store.js'
import { isSameValue, type Value } from '../schema/value.js'
import type { Attached } from './attached.js'
import { copyRegisters, isAbove, mergeRows, type Register, registerOf, type Row, setRegister } from './row.js'
import { checkSize } from './size.js'
import { RowStore, type Written } from './row-store.js'
import { rowKey, storedRow, storedRows } from './stored-row.js'
import type { Stamper } from './stamper.js'

/** New values for fields of one row. */
export interface RowEdit {
  readonly object: string
  readonly id: string
  readonly values: Readonly<Record<string, Value>>
  /** Imports come with the stamp of their request: taken where it is above the present one, else the field stays (rule ST4). */
  readonly stamp?: Stamp
  /** Another stamp to be above. The fields are stamped then also where they hold these values already. */
  readonly above?: Stamp
  /** The stamp of a peer's word from which this follows. Where the present one is not below it, the next after the present one (rule DR3). */
  readonly follows?: Stamp
  /** The signature of the one value, under `stamp`. */
  readonly proof?: string
}

/** Reads one row: as it is in memory, or as a transaction finds it. */
export interface RowReader {
  get(object: string, id: string): Row | undefined
}

/** What must hold of the rows as stored for edits to be saved: other calls and other tabs may have saved since they were decided. */
export interface Condition {
  /** The rows that it looks at, beside those that the edits change. */
  readonly reads?: readonly Pick<RowEdit, 'object' | 'id'>[]
  /** What must be stored still. Where it is gone, nothing is left to save. */
  readonly present?: StoreKey
  /**
   * Runs synchronously in the transaction. Rows beside those that are read are as in memory. What it throws ends the transaction.
   *
   * @returns false where there is nothing left to save
   */
  holds(stored: RowReader): boolean
}

/** That these rows are still stored as they are known now: what is computed from them now holds then. */
export function whileUnchanged(rows: RowReader, reads: NonNullable<Condition['reads']>): Condition {
  const known = reads.map(({ object, id }) => rows.get(object, id))
  return {
    reads,
    holds: (stored) =>
      reads.every(({ object, id }, index) => {
        const [before, row] = [known[index], stored.get(object, id)]
        return !row || (before !== undefined && mergeRows(before, row) === before)
      }),
  }
}

/** Which fields of a row changed, and by whom: this tab, another one, or an entry of a feed. */
export interface RowChange {
  readonly object: string
  readonly id: string
  readonly fields: readonly string[]
  readonly origin: 'own' | 'tab' | 'feed'
}

/** A row before and after, as far as one transaction changed it. */
export interface RowStep {
  readonly before: Row | undefined
  readonly after: Row
  readonly fields: readonly string[]
}

/** Takes part in every save: the replica, which knows the feeds that carry the rows and passes them on to the other tabs. */
export interface RowObserver {
  /** The dirty flags that these steps set. Called in the transaction that saves them. */
  flagDirty(steps: readonly RowStep[]): Attached
  /** Rows are durable and in memory. */
  saved(rows: readonly Row[], written: Written | undefined): void
}

/** Writes down what saves did, in their transactions. */
export interface Journal {
  /** What the transaction of a save that concerns it reads. */
  readonly reads: StoreKey
  /** Whether rows of an object may tell it something. */
  concerns(object: string): boolean
  /** What it writes. @param read the value of `reads` @param now milliseconds since 1970 */
  record(steps: readonly RowStep[], read: unknown, now: number): readonly Write[]
  /** What any transaction writes that changes rows so: a save, and one that takes entries of a feed in. */
  changed(steps: readonly RowStep[]): readonly Write[]
}

/** Lets a save go on, or throws. Called in its transaction with the value of its key. */
export interface Fence {
  readonly key: StoreKey
  check(stored: unknown): void
}

/** What else a save writes, by the rows before and after. Called in its transaction. */
export type Alongside = (steps: readonly RowStep[]) => Attached

const nobody: RowObserver = { flagDirty: () => ({ writes: [], commit: () => undefined }), saved: () => undefined }

/**
 * An org's rows: all in memory for lists and filters, each durable in the store. The store is the truth; memory follows it after each transaction,
 * by the same merge rule as everything else, so that it does not matter in which order tabs hear of each other's saves.
 */
export class Rows {
  readonly #store: Store
  readonly #stamper: Stamper
  readonly #observer: RowObserver
  readonly #journal: Journal | undefined
  /** These rows, or those of which these are a part behind a fence: the same for all who see the same rows. */
  origin: Rows = this
  /** The store, for transactions on rows. */
  readonly stored: RowStore
  #fence: Fence | undefined
  #rowsByObject = new Map<string, Map<string, Row>>()
  #listeners = new Set<(changes: readonly RowChange[]) => void>()

  constructor(store: Store, stamper: Stamper, observer: RowObserver = nobody, journal?: Journal, stored?: RowStore) {
    this.#store = store
    this.stored = stored ?? new RowStore(store, this, stamper.session)
    this.#stamper = stamper
    this.#observer = observer
    this.#journal = journal
  }

  /** The same rows, for whoever may save only as long as a fence lets it. */
  behind(fence: Fence): Rows {
    const rows = new Rows(this.#store, this.#stamper, this.#observer, this.#journal, this.stored)
    rows.#fence = fence
    rows.origin = this.origin
    rows.#rowsByObject = this.#rowsByObject
    rows.#listeners = this.#listeners
    return rows
  }

  get(object: string, id: string): Row | undefined {
    return this.#rowsByObject.get(object)?.get(id)
  }

  /** All rows of an object by id, also those with `_deleted`. Live: not a copy. */
  list(object: string): ReadonlyMap<string, Row> {
    return this.#tableOf(object)
  }

  /** The names of all objects that have rows. */
  objects(): IterableIterator<string> {
    return this.#rowsByObject.keys()
  }

  /**
   * Saves edits in one transaction: all or none. Each changed field gets a stamp above the stored one's; a field set to the value that it holds is left
   * alone. Resolves when durable, with the rows as they are then.
   *
   * @param condition is checked on the rows as stored, in the same transaction; where it does not hold, nothing is written and the result is undefined
   * @param alongside gives what else the transaction writes
   * @throws EngineError SIZE before anything is written, what the condition throws, StoreError where the store says no; memory is unchanged then
   */
  async save(edits: readonly RowEdit[], condition?: undefined, alongside?: Alongside): Promise<readonly Row[]>
  async save(edits: readonly RowEdit[], condition: Condition, alongside?: Alongside): Promise<readonly Row[] | undefined>
  async save(edits: readonly RowEdit[], condition?: Condition, alongside?: Alongside): Promise<readonly Row[] | undefined> {
    if (edits.length === 0) return []
    const reads = uniqueKeys(condition?.reads ? [...edits, ...condition.reads] : edits)
    const present = condition?.present
    const journal = edits.some(({ object, proof }) => proof === undefined && this.#journal?.concerns(object)) ? this.#journal : undefined
    const fence = this.#fence
    const more = [...(present ? [present] : []), ...(fence ? [fence.key] : []), ...(journal ? [journal.reads] : [])]
    let found: readonly Row[] = []
    const { result: saved, written } = await this.stored.update(more, reads, (values, stored) => {
      fence?.check(values[present ? 1 : 0])
      if (present && values[0] === undefined) return { rows: [], writes: [], result: undefined }
      const rowsByKey = new Map<string, Row | undefined>()
      // A row that lies in a segment was taken into memory with it.
      reads.forEach(([, object = '', id = ''], index) =>
        rowsByKey.set(keyText(object, id), storedRow(stored[index]) ?? this.get(object, id)),
      )
      const before = new Map(rowsByKey)
      const get: RowReader['get'] = (object, id) => before.get(keyText(object, id)) ?? this.get(object, id)
      if (condition?.holds({ get }) === false) {
        found = [...before.values()].filter((row) => row !== undefined)
        return { rows: [], writes: [], result: undefined }
      }
      // One moment for all: the registers of a new row have one stamp.
      const now = this.#stamper.now()
      for (const edit of edits) {
        const key = keyText(edit.object, edit.id)
        rowsByKey.set(key, this.#apply(rowsByKey.get(key), edit, now))
      }
      const steps: RowStep[] = []
      const rows: Row[] = []
      for (const [key, after] of rowsByKey) {
        if (!after) continue
        rows.push(after)
        const step = stepBetween(before.get(key), after)
        if (!step) continue
        checkSize(after)
        steps.push(step)
      }
      const flagged = this.#observer.flagDirty(steps)
      const beside = alongside?.(steps)
      const noted = journal?.record(steps, values.at(-1), now) ?? []
      const history = this.#journal?.changed(steps) ?? []
      return {
        rows: steps,
        writes: [...flagged.writes, ...(beside?.writes ?? []), ...noted, ...history],
        result: { rows, steps, flagged, beside },
      }
    })
    if (!saved) {
      // Memory may be behind, where a tab was closed before it told of its save: whoever decided by it would decide so again.
      this.take(found, 'tab')
      return undefined
    }
    const { rows, steps, flagged, beside } = saved
    const changed = steps.map(({ after }) => after)
    if (changed.length > 0) {
      this.take(changed, 'own')
      this.stored.took(written)
      this.#observer.saved(changed, written)
    }
    // After the rows are in memory: the link, which hears of it, makes its offers from them.
    flagged.commit()
    beside?.commit()
    return rows
  }

  /** Calls back after each transaction that changed rows. Returns the function that ends it. */
  watch(listener: (changes: readonly RowChange[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Merges rows that are durable already into memory and calls the watchers. For the replica, and for what other tabs saved. */
  take(rows: readonly Row[], origin: RowChange['origin']): void {
    const changes: RowChange[] = []
    for (const row of rows) {
      const step = this.#merge(row)
      if (step) changes.push({ object: row.object, id: row.id, fields: step.fields, origin })
    }
    if (changes.length === 0) return
    for (const listener of this.#listeners) listener(changes)
  }

  /** Fills memory from the store. */
  load(): Promise<void> {
    return this.stored.loading(() =>
      this.#scan((rows) => {
        for (const row of rows) {
          const table = this.#tableOf(row.object)
          table.set(row.id, mergeRows(table.get(row.id), row))
        }
      }),
    )
  }

  /** Takes what other tabs have stored, and this one was not told of. */
  async catchUp(): Promise<void> {
    if (await this.stored.isCurrent()) return
    await this.stored.loading(() => this.#scan((rows) => this.take(rows, 'tab')))
  }

  /** All rows of the store, some at a time. One that lies in a segment and has an entry of its own comes twice. */
  async #scan(take: (rows: readonly Row[]) => void): Promise<void> {
    const takeSegment = ([key, value]: Page[number]): void => {
      const rows = storedRows(value)
      this.stored.lieIn(key, rows)
      take(rows)
    }
    await scanPages(this.#store, ['rows'], (page) => page.forEach(takeSegment), segmentsAtOnce)
    await scanPages(this.#store, ['row'], (page) => {
      const rows = page.flatMap(([, value]) => storedRow(value) ?? [])
      take(rows)
      this.stored.lieAlone(rows)
    })
  }

  #apply(row: Row | undefined, { object, id, values, stamp, above, follows, proof }: RowEdit, now: number): Row {
    let registers: Record<string, Register> | undefined
    for (const field of Object.keys(values)) {
      const value = values[field]
      if (value === undefined) continue
      const present = registerOf(row, field)
      if (!stamp && !above && present && isSameValue(present[1], value)) continue
      const previous = above && present && compareStamps(present[0], above) > 0 ? present[0] : (above ?? present?.[0])
      const own = (): Stamp => (follows ? following(follows, previous) : this.#stamper.next(previous, now))
      const register: Register = proof === undefined ? [stamp ?? own(), value] : [stamp ?? own(), value, proof]
      if (!isAbove(register, present)) continue
      registers ??= copyRegisters(row?.registers ?? {})
      setRegister(registers, field, register)
    }
    if (row && !registers) return row
    return { object, id, registers: registers ?? {} }
  }

  #merge(row: Row): RowStep | undefined {
    const table = this.#tableOf(row.object)
    const before = table.get(row.id)
    const after = mergeRows(before, row)
    if (after === before) return undefined
    table.set(row.id, after)
    return stepBetween(before, after)
  }

  #tableOf(object: string): Map<string, Row> {
    let table = this.#rowsByObject.get(object)
    if (!table) this.#rowsByObject.set(object, (table = new Map()))
    return table
  }
}

/** The same on every device of the org, whenever it hears what the peer said. */
function following(follows: Stamp, present: Stamp | undefined): Stamp {
  return !present || compareStamps(follows, present) > 0 ? follows : nextStamp(present, present[0], follows[2])
}

/** The difference between a row and its successor; undefined where there is none. */
export function stepBetween(before: Row | undefined, after: Row): RowStep | undefined {
  if (before === after) return undefined
  const fields = Object.keys(after.registers).filter((field) => {
    const register = registerOf(after, field)
    return register && isAbove(register, registerOf(before, field))
  })
  return fields.length > 0 || !before ? { before, after, fields } : undefined
}

function uniqueKeys(edits: readonly Pick<RowEdit, 'object' | 'id'>[]): readonly StoreKey[] {
  const keys = new Map<string, StoreKey>()
  for (const { object, id } of edits) keys.set(keyText(object, id), rowKey(object, id))
  return [...keys.values()]
}

const keyText = (object: string, id: string): string => `${object}\n${id}`
