import type { Row } from '../row/row.js'
import type { Rows } from '../row/rows.js'

/** The ids of an object's records, in order. While an import runs, a list asks for them with every slice: only what has come is sorted. */
export class SortedIds {
  readonly #rows: Rows
  readonly #isShown: (row: Row) => boolean
  readonly #known = new Map<string, { ids: readonly string[]; readonly changed: Set<string> }>()

  constructor(rows: Rows, isShown: (row: Row) => boolean) {
    this.#rows = rows
    this.#isShown = isShown
    rows.watch((changes) => {
      for (const { object, id } of changes) this.#known.get(object)?.changed.add(id)
    })
  }

  /** The same array while no record came or went. */
  of(object: string): readonly string[] {
    const known = this.#known.get(object)
    const rows = this.#rows.list(object)
    const isThere = (id: string): boolean => {
      const row = rows.get(id)
      return row !== undefined && this.#isShown(row)
    }
    if (!known) {
      const ids = [...rows.keys()].filter(isThere).sort()
      this.#known.set(object, { ids, changed: new Set() })
      return ids
    }
    if (known.changed.size > 0) {
      const { ids, changed } = known
      const [kept, come] = [ids.filter((id) => !changed.has(id) || isThere(id)), [...changed].filter(isThere).sort()]
      known.ids = kept.length === ids.length && come.every((id) => has(ids, id)) ? ids : merge(kept, come)
      changed.clear()
    }
    return known.ids
  }
}

/** Two sorted lists as one, each id once. */
function merge(left: readonly string[], right: readonly string[]): readonly string[] {
  const merged: string[] = []
  let at = 0
  for (const id of left) {
    for (let next = right[at]; next !== undefined && next <= id; next = right[++at]) if (next !== id) merged.push(next)
    merged.push(id)
  }
  return [...merged, ...right.slice(at)]
}

/** Whether a sorted list has an id. */
function has(ids: readonly string[], id: string): boolean {
  let [from, to] = [0, ids.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const found = ids[middle] ?? ''
    if (found === id) return true
    if (found < id) from = middle + 1
    else to = middle
  }
  return false
}
