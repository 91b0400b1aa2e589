import type { FeedName, Key } from '@entente/protocol'
import { DeviceTable } from '../device/device-table.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'

/** A head that was verified: where it stands, and what it says of its feed. */
export interface VerifiedHead {
  readonly token: string
  readonly incarnation: number
  readonly sequence: number
  readonly root: string
  readonly generation: number
  /** Milliseconds since 1970, by the signer. */
  readonly time: number
}

/** What does not fit between a feed as this device holds it and what its owner signed. */
export interface Trouble {
  /** `held`: something is known of which nothing comes. `differs`: this device holds something else than what was signed. */
  readonly kind: 'held' | 'differs'
  /** Milliseconds since 1970 by this device's clock. */
  readonly since: number
  /** For `differs`: the keys, as far as they have been found. */
  readonly keys: readonly Key[]
}

/** How fresh a feed is here. */
export interface Freshness {
  /** When its owner signed what this device held at the last comparison that fitted: milliseconds since 1970, by the signer. */
  readonly confirmed?: number
  /** The newest head that was verified, whether it fits or not. */
  readonly newest?: VerifiedHead
  readonly trouble?: Trouble | undefined
}

const unknown: Freshness = {}

/** The freshness of each feed: on disk, so that a page that opens offline says how old its mirrors are. */
export class FreshnessTable {
  readonly #store: Store
  readonly #table: DeviceTable<Freshness>

  static async open(store: Store, tabs: Tabs): Promise<FreshnessTable> {
    return new FreshnessTable(store, await DeviceTable.open<Freshness>(store, tabs, 'fresh'))
  }

  private constructor(store: Store, table: DeviceTable<Freshness>) {
    this.#store = store
    this.#table = table
  }

  get(feed: FeedName): Freshness {
    return this.#table.get(feed) ?? unknown
  }

  async change(feed: FeedName, change: Partial<Freshness>): Promise<void> {
    const { writes, commit } = this.#table.attach([[feed, { ...this.get(feed), ...change }]])
    commit()
    await this.#store.update([], () => ({ writes, result: undefined }))
  }

  /** Calls back with a feed whose freshness has changed. */
  watch(listener: (feed: FeedName) => void): () => void {
    return this.#table.watch((feeds) => {
      for (const feed of feeds) listener(feed as FeedName)
    })
  }

  close(): void {
    this.#table.close()
  }
}
