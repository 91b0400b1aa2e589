import type { Change, Store, StoreKey, Write } from '../port/store.js'
import { mergeRows, type Row } from './row.js'
import { isMap, leastInSegment, mostInSegment, rowWrite, segmentKey, storedInSegment, toSegment } from './stored-row.js'

/** A transaction wrote rows: what the store said of its rows before it, and says after it. */
export interface Written {
  readonly before: string
  readonly after: string
  /** The segments that it made, with the names of the rows in them. */
  readonly made: readonly (readonly [StoreKey, readonly string[]])[]
}

/** What a transaction on rows writes: rows, and what belongs to them. */
export interface RowsChange<T> extends Change<T> {
  readonly rows: readonly { readonly before: Row | undefined; readonly after: Row }[]
}

interface Done<T> {
  readonly result: T
  /** Undefined where no row was written. */
  readonly written: Written | undefined
}

/** Where the store says which transaction last wrote rows. */
const lastKey: StoreKey = ['meta', 'rows']
/** The objects of which rows come by the hundred. No tab edits one of these rows before it knows it; of other rows it may decide by what is stored. */
const segmented: ReadonlySet<string> = new Set(['Lead', 'Opportunity', 'RecordMap'])

/** Where rows lie that have no entries of their own. */
interface Segment {
  readonly key: StoreKey
  readonly names: Set<string>
  /** Whether another tab writes it too, or wrote some of its rows elsewhere. It is not written again here. */
  isShared: boolean
}

/** More than a tab hears of before it has loaded. */
const mostSteps = 1_000

/**
 * The store, for transactions on rows. In a browser each entry that is read or written costs about as much as a hundred rows in one. So two things are done here.
 *
 * A row would be read before it is written, since another tab may have written it. Each transaction that writes rows leaves a name in the store, and the tabs tell each other
 * of it. While memory has all that was written up to the name in the store, it holds the rows as stored, and none is read.
 *
 * Many rows that are new to this device become segments: one entry for a hundred of them, in the order of their ids. Many of one segment that are written again stay in it.
 * Where they are few, or this tab may not know all that is stored, each gets an entry of its own. That holds all that the segment says of it, unless the tab did not know
 * of the segment: then the segment keeps it, and whoever loads merges both.
 */
export class RowStore {
  readonly #store: Store
  readonly #session: number
  #count = 0
  /** Up to which transaction memory has the rows. */
  #known: string | undefined
  /** Whether another tab wrote something of which this one has not heard yet. */
  #isBehind = true
  /** What followed which transaction, where memory is not that far. */
  readonly #steps = new Map<string, string>()
  readonly #memory: { get(object: string, id: string): Row | undefined }
  /** By the names of the rows that lie in them. */
  readonly #segments = new Map<string, Segment>()

  /** @param memory the rows in memory @param session a number of this page load */
  constructor(store: Store, memory: { get(object: string, id: string): Row | undefined }, session: number) {
    this.#store = store
    this.#memory = memory
    this.#session = session
  }

  /**
   * One transaction.
   *
   * @param rows the keys of the rows that it reads; each is undefined for `change` where memory holds them as stored. May be called twice
   * @returns also what `took` is to hear once memory has the rows
   */
  async update<T>(
    reads: readonly StoreKey[],
    rows: readonly StoreKey[],
    change: (values: readonly unknown[], rows: readonly unknown[]) => RowsChange<T>,
  ): Promise<Done<T>> {
    const attempt = async (isRead: boolean): Promise<Done<T> | undefined> => {
      let place = (): void => undefined
      const names = rows.map(([, object = '', id = '']) => nameOfRow({ object, id }))
      const segments = new Set(names.flatMap((name) => this.#segments.get(name) ?? []))
      const keys = [lastKey, ...reads, ...(isRead ? [...rows, ...[...segments].map(({ key }) => key)] : [])]
      const done = await this.#store.update<Done<T> | undefined>(keys, ([stored, ...values]) => {
        const before = nameOf(stored)
        if (!isRead && before !== this.#known) return { writes: [], result: undefined }
        const [own, shared] = [values.slice(reads.length, reads.length + rows.length), values.slice(reads.length + rows.length)]
        const lying = new Map(shared.flatMap(storedInSegment).map((row) => [nameOfRow(row), row]))
        const found = isRead ? names.map((name, index) => own[index] ?? lying.get(name)) : []
        const { rows: steps, writes, result } = change(values.slice(0, reads.length), found)
        if (steps.length === 0) return { writes, result: { result, written: undefined } }
        const after = `${this.#session}.${++this.#count}`
        const put = this.#writesOf(steps, before === this.#known)
        place = put.place
        const written = { before, after, made: put.made }
        return { writes: [...put.writes, ...writes, { put: lastKey, value: after }], result: { result, written } }
      })
      place()
      return done
    }
    if (rows.length > 0 && !this.#isBehind) {
      const done = await attempt(false)
      if (done) return done
      this.#isBehind = true
    }
    const done = await attempt(true)
    if (!done) throw new Error('A transaction that reads its rows has a result.')
    return done
  }

  /** @param isCurrent whether memory has the rows as stored @returns also the segments that are made, and what notes where all lies then */
  #writesOf(
    steps: RowsChange<unknown>['rows'],
    isCurrent: boolean,
  ): { readonly writes: readonly Write[]; readonly made: Written['made']; readonly place: () => void } {
    const [alone, fresh]: [Row[], Row[]] = [[], []]
    const again = new Map<Segment, Map<string, Row>>()
    for (const { before, after } of steps) {
      const segment = this.#segments.get(nameOfRow(after))
      if (segment && isCurrent && !segment.isShared)
        again.set(segment, (again.get(segment) ?? new Map<string, Row>()).set(nameOfRow(after), after))
      else if (!before && isCurrent && segmented.has(after.object)) fresh.push(after)
      else alone.push(after)
    }
    const writes: Write[] = []
    for (const [{ key, names }, changed] of again) {
      if (changed.size < leastInSegment) alone.push(...changed.values())
      else writes.push({ put: key, value: toSegment([...names].flatMap((name) => changed.get(name) ?? this.#inMemory(name))) })
    }
    if (fresh.length < leastInSegment) alone.push(...fresh.splice(0))
    const made: [StoreKey, readonly string[]][] = []
    for (const rows of segmentsOf(fresh)) {
      const key = segmentKey(rows)
      writes.push({ put: key, value: toSegment(rows) })
      made.push([key, rows.map(nameOfRow)])
    }
    writes.push(...alone.map(rowWrite))
    const place = (): void => {
      this.lieAlone(alone)
      for (const [key, names] of made) this.#lieIn(key, names)
    }
    return { writes, made, place }
  }

  #inMemory(name: string): readonly Row[] {
    const [object = '', id = ''] = name.split('\n')
    const row = this.#memory.get(object, id)
    return row ? [row] : []
  }

  /** These rows lie in a segment, and no others do. */
  lieIn(key: StoreKey, rows: readonly Row[]): void {
    this.#lieIn(key, rows.map(nameOfRow))
  }

  #lieIn(key: StoreKey, names: readonly string[], isShared = false): void {
    const segment: Segment = { key, names: new Set(names), isShared }
    for (const name of names) this.#segments.set(name, segment)
  }

  /** Rows have entries of their own, which memory has taken. A segment goes on with a row of which it says more than the entry. */
  lieAlone(rows: readonly Row[]): void {
    for (const row of rows) {
      const name = nameOfRow(row)
      const segment = this.#segments.get(name)
      if (segment && mergeRows(row, this.#memory.get(row.object, row.id) ?? row) === row) segment.names.delete(name)
      this.#segments.delete(name)
    }
  }

  /** Another tab wrote rows, which memory has now. */
  heard(rows: readonly Row[], written: Written | undefined): void {
    for (const row of rows) {
      const segment = this.#segments.get(nameOfRow(row))
      if (segment) segment.isShared = true
    }
    for (const [key, names] of written?.made ?? []) this.#lieIn(key, names, true)
    this.took(written)
  }

  /** Memory has what a transaction wrote. */
  took(written: Written | undefined): void {
    if (!written) return
    if (this.#steps.size >= mostSteps) this.#steps.clear()
    this.#steps.set(written.before, written.after)
    this.#goOn()
  }

  /** Whether memory has all that is stored. */
  async isCurrent(): Promise<boolean> {
    return (await this.#last()) === this.#known
  }

  /** Runs what reads all rows into memory. */
  async loading(load: () => Promise<void>): Promise<void> {
    const last = await this.#last()
    this.#segments.clear()
    await load()
    this.#known = last
    this.#isBehind = false
    this.#goOn()
  }

  #goOn(): void {
    while (this.#known !== undefined) {
      const next = this.#steps.get(this.#known)
      if (next === undefined) return
      this.#steps.delete(this.#known)
      this.#known = next
      this.#isBehind = false
    }
  }

  async #last(): Promise<string> {
    return nameOf((await this.#store.get([lastKey]))[0])
  }
}

// This library wrote it.
const nameOf = (stored: unknown): string => (stored ?? '') as string

const nameOfRow = ({ object, id }: Pick<Row, 'object' | 'id'>): string => `${object}\n${id}`

/** Rows by the segments that they are to make: those of records apart from record maps, each in the order of their ids. */
function segmentsOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const [maps, records] = [rows.filter(isMap), rows.filter((row) => !isMap(row))]
  return [maps, records].flatMap((some) => {
    const ordered = some.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    return Array.from({ length: Math.ceil(ordered.length / mostInSegment) }, (_, index) =>
      ordered.slice(index * mostInSegment, (index + 1) * mostInSegment),
    )
  })
}
