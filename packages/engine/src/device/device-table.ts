import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Attached } from '../row/attached.js'

/** New values by name; undefined deletes. */
export type TableChange<T> = readonly (readonly [name: string, value: T | undefined])[]

interface TabMessage {
  readonly type: 'table'
  readonly kind: string
  readonly change: TableChange<unknown>
}

/**
 * Values that stay on this device: each durable under `[kind, name]`, all of them in memory, and the same in every tab. No feed carries them, so neither
 * the relay nor another device ever has them.
 */
export class DeviceTable<T> {
  readonly #store: Store
  readonly #tabs: Tabs
  readonly #kind: string
  readonly #values = new Map<string, T>()
  readonly #listeners = new Set<(names: readonly string[]) => void>()
  readonly #stopListening: () => void

  static async open<T>(store: Store, tabs: Tabs, kind: string): Promise<DeviceTable<T>> {
    const table = new DeviceTable<T>(store, tabs, kind)
    for (const [name, value] of await table.#stored()) table.#values.set(name, value)
    return table
  }

  private constructor(store: Store, tabs: Tabs, kind: string) {
    this.#store = store
    this.#tabs = tabs
    this.#kind = kind
    this.#stopListening = tabs.listen(
      (message) => {
        if (isTabMessage(message) && message.kind === kind) this.#take(message.change as TableChange<T>)
      },
      // A store that is closed has nothing to catch up with.
      () => void this.#catchUp().catch(() => undefined),
    )
  }

  get(name: string): T | undefined {
    return this.#values.get(name)
  }

  /** All values by name. Live: not a copy. */
  get all(): ReadonlyMap<string, T> {
    return this.#values
  }

  /** A change, for a transaction that writes more than it. */
  attach(change: TableChange<T>): Attached {
    return {
      writes: change.map(([name, value]) => (value === undefined ? { delete: [this.#kind, name] } : { put: [this.#kind, name], value })),
      commit: () => {
        if (change.length === 0) return
        this.#take(change)
        this.#tabs.tell({ type: 'table', kind: this.#kind, change } satisfies TabMessage)
      },
    }
  }

  /** Writes in a transaction of its own. Resolves when it is durable. */
  async write({ writes, commit }: Attached): Promise<void> {
    await this.#store.update([], () => ({ writes, result: undefined }))
    commit()
  }

  /** Calls back with the names whose values have changed. */
  watch(listener: (names: readonly string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#stopListening()
    this.#listeners.clear()
  }

  async #catchUp(): Promise<void> {
    const stored = new Map(await this.#stored())
    const gone = [...this.#values.keys()].filter((name) => !stored.has(name))
    this.#take([...stored, ...gone.map((name) => [name, undefined] as const)])
  }

  async #stored(): Promise<readonly (readonly [string, T])[]> {
    // This library wrote the values, so their shape is known.
    return (await this.#store.scan([this.#kind])).map(([[, name = ''], value]) => [name, value as T])
  }

  #take(change: TableChange<T>): void {
    for (const [name, value] of change) {
      if (value === undefined) this.#values.delete(name)
      else this.#values.set(name, value)
    }
    const names = change.map(([name]) => name)
    for (const listener of this.#listeners) listener(names)
  }
}

function isTabMessage(message: unknown): message is TabMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'table'
}
