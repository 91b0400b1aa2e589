import { type Store, StoreError, type StoreKey, type Write } from '../port/store.js'

type Entries = Map<string, readonly [StoreKey, unknown]>

/** What happens to a store on a device that loses power or room. */
export interface MemoryStoreFaults {
  /** Called before a transaction commits. What it throws refuses the whole transaction. */
  beforeCommit?: (writes: readonly Write[]) => void
  /** How many transactions `loseTail` can take back. Default 0. */
  history?: number
}

/**
 * A store in memory, with the guarantees of the store port (`storePromises` holds it to them) and with the faults of a real device.
 *
 * Every method rejects with StoreError CLOSED after `close`, `reopen` or `loseTail`, with ABORTED for a value that cannot be stored, and with what
 * `beforeCommit` throws.
 */
export class MemoryStore implements Store {
  readonly #faults: MemoryStoreFaults
  readonly #entries: Entries
  /** What each of the last transactions took the place of. */
  #history: ReadonlyMap<string, readonly [StoreKey, unknown] | undefined>[] = []
  readonly #sorted = new Map<string, readonly (readonly [StoreKey, unknown])[]>()
  #queue: Promise<unknown> = Promise.resolve()
  #hold: { readonly isIt: (keys: readonly StoreKey[]) => boolean; readonly wait: () => Promise<void> } | undefined
  #closed = false

  constructor(faults: MemoryStoreFaults = {}, entries: Entries = new Map()) {
    this.#faults = faults
    this.#entries = entries
  }

  async update<T>(reads: readonly StoreKey[], change: (values: readonly unknown[]) => { writes: readonly Write[]; result: T }): Promise<T> {
    const keys = this.#hold?.isIt(reads) === false ? await this.#triedOut(reads, change) : reads
    if (this.#hold?.isIt(keys) === true) {
      const { wait } = this.#hold
      this.#hold = undefined
      await wait()
    }
    return this.#inTurn(() => {
      const { writes, result } = change(reads.map((key) => this.#read(key)))
      if (writes.length === 0) return result
      this.#faults.beforeCommit?.(writes)
      this.#commit(writes)
      this.#sorted.clear()
      return result
    })
  }

  /**
   * Holds the next transaction that reads or would put such keys, before it reads them, until `release`. All others go on. So a test decides what is stored between a
   * call's checks and its commit.
   *
   * @returns `held` resolves once a transaction waits
   */
  hold(isIt: (keys: readonly StoreKey[]) => boolean = () => true): { readonly held: Promise<void>; readonly release: () => void } {
    let [reach, release] = [(): void => undefined, (): void => undefined]
    const held = new Promise<void>((resolve) => (reach = resolve))
    const gate = new Promise<void>((resolve) => (release = resolve))
    this.#hold = {
      isIt,
      wait: () => {
        reach()
        return gate
      },
    }
    return { held, release }
  }

  /** The keys that a transaction would write. */
  #triedOut(
    reads: readonly StoreKey[],
    change: (values: readonly unknown[]) => { writes: readonly Write[] },
  ): Promise<readonly StoreKey[]> {
    return this.#inTurn(() => change(reads.map((key) => this.#read(key))).writes.flatMap((write) => ('put' in write ? [write.put] : [])))
  }

  get(keys: readonly StoreKey[]): Promise<readonly unknown[]> {
    return this.#inTurn(() => keys.map((key) => this.#read(key)))
  }

  scan(
    prefix: StoreKey,
    options: { readonly after?: StoreKey; readonly limit?: number } = {},
  ): Promise<readonly (readonly [StoreKey, unknown])[]> {
    return this.#inTurn(() => {
      const { after, limit = Number.POSITIVE_INFINITY } = options
      const sorted = this.#sortedUnder(prefix)
      const start = after ? sorted.findIndex(([key]) => compareKeys(key, after) > 0) : 0
      return start < 0 ? [] : sorted.slice(start, start + limit).map(([key, value]) => [key, structuredCopy(value)] as const)
    })
  }

  /** Kept until the next transaction: an org that opens reads all of it, page by page. */
  #sortedUnder(prefix: StoreKey): readonly (readonly [StoreKey, unknown])[] {
    const name = keyText(prefix)
    let sorted = this.#sorted.get(name)
    if (!sorted) {
      sorted = [...this.#entries.values()].filter(([key]) => beginsWith(key, prefix)).sort(([a], [b]) => compareKeys(a, b))
      this.#sorted.set(name, sorted)
    }
    return sorted
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** The store as the next page load finds it. This one is closed. */
  reopen(): MemoryStore {
    return this.loseTail(0)
  }

  /** What is committed now, as a store of its own. This one goes on. */
  backup(): Promise<MemoryStore> {
    return this.#inTurn(() => new MemoryStore(this.#faults, new Map(this.#entries)))
  }

  /** The store as a device finds it after a power cut: without its last `count` transactions, at most `history` of them. This one is closed. */
  loseTail(count: number): MemoryStore {
    this.#closed = true
    for (const undo of count > 0 ? this.#history.slice(-count).toReversed() : []) {
      for (const [text, before] of undo) {
        if (before) this.#entries.set(text, before)
        else this.#entries.delete(text)
      }
    }
    return new MemoryStore(this.#faults, this.#entries)
  }

  #commit(writes: readonly Write[]): void {
    // Copied first: one value that cannot be stored refuses all.
    const values = writes.map((write) => ('put' in write ? structuredCopy(write.value) : undefined))
    const entries = this.#entries
    const undo = new Map<string, readonly [StoreKey, unknown] | undefined>()
    const note = (text: string): string => {
      if (!undo.has(text)) undo.set(text, entries.get(text))
      return text
    }
    for (const [index, write] of writes.entries()) {
      if ('put' in write) entries.set(note(keyText(write.put)), [write.put, values[index]])
      else if ('delete' in write) entries.delete(note(keyText(write.delete)))
      else for (const [text, [key]] of entries) if (beginsWith(key, write.deleteAll)) entries.delete(note(text))
    }
    const keep = this.#faults.history ?? 0
    if (keep > 0) this.#history = [...this.#history, undo].slice(-keep)
  }

  #read(key: StoreKey): unknown {
    return structuredCopy(this.#entries.get(keyText(key))?.[1])
  }

  /** One after the other, and never before the caller has gone on: as a database does. */
  #inTurn<T>(run: () => T): Promise<T> {
    const turn = this.#queue.then(() => {
      if (this.#closed) throw new StoreError('CLOSED', 'The store was closed. Open the org again.')
      return run()
    })
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}

/** The order of keys: part by part as UTF-16 text; a key comes before those that it begins. */
export function compareKeys(a: StoreKey, b: StoreKey): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left = '', right = ''] = [a[index], b[index]]
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}

function beginsWith(key: StoreKey, prefix: StoreKey): boolean {
  return prefix.every((part, index) => key[index] === part)
}

const keyText = (key: StoreKey): string => JSON.stringify(key)

/** What structured clone does to plain data and bytes; other objects (keys of WebCrypto) are carried as they are. */
function structuredCopy(value: unknown): unknown {
  if (typeof value === 'function') throw new StoreError('ABORTED', 'A function cannot be stored.')
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return value.map(structuredCopy)
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const copy: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) {
    // Assigning `__proto__` would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(copy, name, { value: structuredCopy(part), enumerable: true, configurable: true, writable: true })
    else copy[name] = structuredCopy(part)
  }
  return copy
}
