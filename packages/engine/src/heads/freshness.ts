import type { FeedName, Key } from '@entente/protocol'
import type { Store, StoreKey } from '../port/store.js'
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

const freshnessKey = (feed: FeedName): StoreKey => ['fresh', feed]
const unknown: Freshness = {}

interface TabMessage {
  readonly type: 'freshness'
  readonly feed: FeedName
  readonly freshness: Freshness
}

/** The freshness of each feed: on disk, so that a page that opens offline says how old its mirrors are. */
export class FreshnessTable {
  readonly #store: Store
  readonly #tabs: Tabs
  readonly #byFeed = new Map<FeedName, Freshness>()
  readonly #listeners = new Set<(feed: FeedName) => void>()
  readonly #stopListening: () => void

  static async open(store: Store, tabs: Tabs): Promise<FreshnessTable> {
    const table = new FreshnessTable(store, tabs)
    for (const [[, feed], value] of await store.scan(['fresh'])) table.#byFeed.set(feed as FeedName, value as Freshness)
    return table
  }

  private constructor(store: Store, tabs: Tabs) {
    this.#store = store
    this.#tabs = tabs
    this.#stopListening = tabs.listen((message) => {
      if (isTabMessage(message)) this.#take(message.feed, message.freshness)
    })
  }

  get(feed: FeedName): Freshness {
    return this.#byFeed.get(feed) ?? unknown
  }

  async change(feed: FeedName, change: Partial<Freshness>): Promise<void> {
    const freshness = { ...this.get(feed), ...change }
    this.#take(feed, freshness)
    this.#tabs.tell({ type: 'freshness', feed, freshness } satisfies TabMessage)
    await this.#store.update([], () => ({ writes: [{ put: freshnessKey(feed), value: freshness }], result: undefined }))
  }

  /** Calls back with a feed whose freshness has changed. */
  watch(listener: (feed: FeedName) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#stopListening()
    this.#listeners.clear()
  }

  #take(feed: FeedName, freshness: Freshness): void {
    this.#byFeed.set(feed, freshness)
    for (const listener of this.#listeners) listener(feed)
  }
}

function isTabMessage(message: unknown): message is TabMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'freshness'
}
