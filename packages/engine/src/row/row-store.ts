import type { Change, Store, StoreKey, Write } from '../port/store.js'

/** A transaction wrote rows: what the store said of its rows before it, and says after it. */
export interface Written {
  readonly before: string
  readonly after: string
}

interface Done<T> {
  readonly result: T
  /** Undefined where no row was written. */
  readonly written: Written | undefined
}

/** Where the store says which transaction last wrote rows. */
const lastKey: StoreKey = ['meta', 'rows']
/** More than a tab hears of before it has loaded. */
const mostSteps = 1_000

/**
 * The store, for transactions on rows. A row is read before it is written, since another tab may have written it: in a browser, half of the work. So each transaction that writes rows
 * leaves a name in the store, and the tabs tell each other of it. While memory has all that was written up to the name in the store, it holds the rows as stored, and none is read.
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

  /** @param session a number of this page load */
  constructor(store: Store, session: number) {
    this.#store = store
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
    change: (values: readonly unknown[], rows: readonly unknown[]) => Change<T>,
  ): Promise<Done<T>> {
    const attempt = (isRead: boolean): Promise<Done<T> | undefined> =>
      this.#store.update<Done<T> | undefined>([lastKey, ...reads, ...(isRead ? rows : [])], ([stored, ...values]) => {
        const before = nameOf(stored)
        if (!isRead && before !== this.#known) return { writes: [], result: undefined }
        const { writes, result } = change(values.slice(0, reads.length), values.slice(reads.length))
        if (!writes.some(isRowWrite)) return { writes, result: { result, written: undefined } }
        const after = `${this.#session}.${++this.#count}`
        return { writes: [...writes, { put: lastKey, value: after }], result: { result, written: { before, after } } }
      })
    if (rows.length > 0 && !this.#isBehind) {
      const done = await attempt(false)
      if (done) return done
      this.#isBehind = true
    }
    const done = await attempt(true)
    if (!done) throw new Error('A transaction that reads its rows has a result.')
    return done
  }

  /** Memory has what a transaction wrote, of this tab or another. */
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

const isRowWrite = (write: Write): boolean => 'put' in write && (write.put[0] === 'row' || write.put[0] === 'rows')
