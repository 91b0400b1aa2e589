import { compareStamps, type Stamp } from '@entente/protocol'
import type { Store, StoreKey, Write } from '../port/store.js'
import { registerOf } from '../row/row.js'
import type { RowStep } from '../row/rows.js'
import type { Value } from '../schema/value.js'

/** How many changes of a field are kept. */
export const historyBound = 50

/** What one edit changed in one record, as it is stored. */
export interface StoredChanges {
  readonly stamp: Stamp
  readonly changes: readonly (readonly [field: string, from: Value, to: Value])[]
}

/** One change of one field. */
export interface LoggedChange {
  readonly id: string
  readonly stamp: Stamp
  readonly field: string
  readonly from: Value
  readonly to: Value
}

/** The objects whose records have a history. */
const recorded: ReadonlySet<string> = new Set(['Lead', 'Opportunity'])

/** So many writes to a record, and what is beyond the bound is looked for. */
const pruneEvery = 200

/**
 * What becomes of this org's records, in the store alone: for each edit of a record one value under a key of its own, written in the transaction that takes the
 * edit in. So a save reads nothing for it.
 */
export class HistoryLog {
  readonly #store: Store
  readonly #problem: (what: string) => void
  /** Writes since the bound was last looked at, by record. */
  readonly #written = new Map<string, number>()

  constructor(store: Store, problem: (what: string) => void) {
    this.#store = store
    this.#problem = problem
  }

  /** What a transaction writes that changes rows so. */
  changed(steps: readonly RowStep[]): readonly Write[] {
    const writes: Write[] = []
    for (const { before, after, fields } of steps) {
      if (!before || !recorded.has(after.object)) continue
      const prefix = prefixOf(after.object, after.id)
      if (registerOf(after, '_deleted')?.[1] === true) {
        if (fields.includes('_deleted')) writes.push({ deleteAll: prefix })
        continue
      }
      for (const value of editsOf({ before, after, fields })) writes.push({ put: [...prefix, nameOf(value)], value })
      this.#count(after.object, after.id)
    }
    return writes
  }

  /** The changes of a record, the newest first, at most `historyBound` of each field. */
  async of(object: string, id: string): Promise<readonly LoggedChange[]> {
    const counts = new Map<string, number>()
    const kept: LoggedChange[] = []
    const gone: Write[] = []
    // This library wrote the values, so their shape is known.
    for (const [key, value] of (await this.#store.scan(prefixOf(object, id))).toReversed()) {
      const { stamp, changes } = value as StoredChanges
      const left = changes.filter(([field]) => (counts.get(field) ?? 0) < historyBound)
      for (const [field] of changes) counts.set(field, (counts.get(field) ?? 0) + 1)
      if (left.length === 0) gone.push({ delete: key })
      for (const [field, from, to] of left) kept.push({ id: `${key.at(-1) ?? ''} ${field}`, stamp, field, from, to })
    }
    if (gone.length > 0) await this.#store.update([], () => ({ writes: gone, result: undefined }))
    return kept.sort((a, b) => compareStamps(b.stamp, a.stamp))
  }

  #count(object: string, id: string): void {
    const name = `${object}\n${id}`
    const count = (this.#written.get(name) ?? 0) + 1
    this.#written.set(name, count % pruneEvery)
    if (count < pruneEvery) return
    this.of(object, id).catch((error: unknown) =>
      this.#problem(error instanceof Error ? error.message : 'A history could not be shortened.'),
    )
  }
}

const prefixOf = (object: string, id: string): StoreKey => ['history', object, id]

/** Sorts by the stamp. The first field tells parts of one edit apart that came one after the other. */
function nameOf({ stamp: [time, counter, session], changes }: StoredChanges): string {
  const [first] = changes
  return `${String(time).padStart(15, '0')}.${String(counter).padStart(8, '0')}.${session.toString(36)}.${first?.[0] ?? ''}`
}

/** What a step took in, edit by edit: several may come at once from another device. */
function editsOf({ before, after, fields }: RowStep): readonly StoredChanges[] {
  const edits = new Map<string, { stamp: Stamp; changes: [string, Value, Value][] }>()
  for (const field of fields) {
    const register = registerOf(after, field)
    if (!register || field.startsWith('_')) continue
    const [stamp, to] = register
    const name = stamp.join()
    let edit = edits.get(name)
    if (!edit) edits.set(name, (edit = { stamp, changes: [] }))
    edit.changes.push([field, registerOf(before, field)?.[1] ?? null, to])
  }
  return [...edits.values()]
}
