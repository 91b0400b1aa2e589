import type { ErrorCode, FeedName, Key } from '@entente/protocol'
import { DeviceTable } from '../device/device-table.js'
import type { Clock } from '../port/clock.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'

/** Why the relay does not have the latest change of a key. */
export interface RefusedOffer {
  /** The relay's refusal; `hidden` where it says that it has the change, and does not show it. */
  readonly code: ErrorCode | 'hidden'
  /** Since when: milliseconds since 1970 by this device's clock. */
  readonly at: number
}

/** The offers that the relay did not take, until it takes one of the same key: for what pages say of a share, in every tab and after a reload. */
export class RefusedOffers {
  readonly #table: DeviceTable<RefusedOffer>
  readonly #clock: Clock
  readonly #problem: (what: string) => void

  static async open(store: Store, tabs: Tabs, clock: Clock, problem: (what: string) => void): Promise<RefusedOffers> {
    return new RefusedOffers(await DeviceTable.open<RefusedOffer>(store, tabs, 'refused'), clock, problem)
  }

  private constructor(table: DeviceTable<RefusedOffer>, clock: Clock, problem: (what: string) => void) {
    this.#table = table
    this.#clock = clock
    this.#problem = problem
  }

  get(feed: FeedName, key: Key): RefusedOffer | undefined {
    return this.#table.get(nameOf(feed, key))
  }

  note(feed: FeedName, key: Key, code: RefusedOffer['code']): void {
    if (this.get(feed, key)?.code !== code) this.#change(nameOf(feed, key), { code, at: this.#clock.now() })
  }

  taken(feed: FeedName, key: Key): void {
    if (this.get(feed, key)) this.#change(nameOf(feed, key), undefined)
  }

  /** Calls back after each change. */
  watch(listener: () => void): () => void {
    return this.#table.watch(listener)
  }

  close(): void {
    this.#table.close()
  }

  #change(name: string, refused: RefusedOffer | undefined): void {
    this.#table
      .write(this.#table.attach([[name, refused]]))
      .catch((error: unknown) => this.#problem(error instanceof Error ? error.message : 'A refusal could not be noted.'))
  }
}

const nameOf = (feed: FeedName, key: Key): string => `${feed}#${key}`
