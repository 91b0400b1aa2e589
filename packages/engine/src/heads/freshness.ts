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
  /** How far its signer had read the peer's feeds. */
  readonly cursors: Readonly<Record<string, number>>
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

/** How far a feed had come by which time: the last sequence, and the signer's clock. In order. */
export type Steps = readonly (readonly [sequence: number, time: number])[]

/** What was signed of how far an own feed has come, in one incarnation: what stood at the relay, and what the peer's devices had read of it (rule RC1). */
export interface Receipts {
  readonly incarnation: number
  readonly relayed: Steps
  readonly read: Steps
}

/** How fresh a feed is here. */
export interface Freshness {
  /** When its owner signed what this device held at the last comparison that fitted: milliseconds since 1970, by the signer. */
  readonly confirmed?: number
  /** The newest head that was verified, whether it fits or not. */
  readonly newest?: VerifiedHead
  readonly trouble?: Trouble | undefined
  readonly receipts?: Receipts
  /** Of an own messages feed: when the peer last signed that it holds just that, and whether what it signed last was something else (rule HD9). */
  readonly held?: { readonly same?: number; readonly differs: boolean }
}

const unknown: Freshness = {}

/** The steps that are kept. Of what came before, the first of them is the time by which it had come. */
const mostSteps = 64

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

  /** Notes how far an own feed had come when a head was signed. */
  async note(feed: FeedName, what: 'relayed' | 'read', incarnation: number, sequence: number, time: number): Promise<void> {
    const known = this.get(feed).receipts
    const receipts = known?.incarnation === incarnation ? known : { incarnation, relayed: [], read: [] }
    const steps = receipts[what]
    const last = steps.at(-1)
    if (last && (sequence <= last[0] || time < last[1])) return
    await this.change(feed, { receipts: { ...receipts, [what]: [...steps, [sequence, time] as const].slice(-mostSteps) } })
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
