import { limits } from '@entente/protocol'
import { chunkBytes, encodeEntries } from './entries.js'
import type { Reader, Readers, Subscription } from './fan-out.js'
import type { Metrics } from './metrics.js'
import type { Page, Store } from './store/store.js'
import type { Turns } from './turns.js'

/** What is read from the store in one step: what fits one frame beside other feeds' answers. */
export const pageBounds = { bytes: chunkBytes, entries: limits.entriesPerFrame }
/** Feeds of one session that are read in one step, so that the answers to a device that comes back leave in one frame. */
const feedsAtOnce = 16

/** What catching up shares with the rest of the relay. */
export interface CatchUpTools {
  readonly store: Store
  readonly readers: Readers
  readonly turns: Turns
  readonly metrics: Metrics
}

/** Whose subscriptions are answered. */
export interface Asker {
  /** A cursor, or what others were sent, is beyond the feed's head. */
  lose(subscription: Subscription): void
  readFailed(error: unknown): void
  /** No subscription is left to be answered, for now. */
  caughtUp(): void
}

/**
 * Answers the subscriptions of one session from their cursors on, until nothing is left, and sets each live (rules CU1 to CU3). The feeds take turns,
 * a page each, and none is paged on while the socket is busy: what a session costs in memory is bounded, however much it has to catch up on.
 *
 * Nothing is missed between the last page and going live: entries committed after the page was read have not been sent to anyone yet, and
 * entries that have been sent already call for another page.
 */
export class CatchUp {
  readonly #tools: CatchUpTools
  readonly #reader: Reader
  readonly #asker: Asker
  #queue: Subscription[] = []
  #atOnce = feedsAtOnce
  #running = false

  constructor(tools: CatchUpTools, reader: Reader, asker: Asker) {
    this.#tools = tools
    this.#reader = reader
    this.#asker = asker
  }

  get isRunning(): boolean {
    return this.#running
  }

  follow(subscription: Subscription): void {
    this.#queue.push(subscription)
    if (this.#running) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#asker.readFailed(error))
  }

  async #run(): Promise<void> {
    const { store, turns } = this.#tools
    try {
      while (this.#queue.length > 0) {
        if (this.#reader.isBusy) await this.#reader.drained()
        // Nothing is read for those who left while they waited.
        const some = this.#queue.splice(0, this.#atOnce).filter(({ ended }) => !ended)
        if (some.length === 0) continue
        this.#atOnce = Math.min(feedsAtOnce, this.#atOnce * 2)
        const sent = some.map(({ access }) => this.#tools.readers.sent(access.name))
        const pages = await turns.take(() => Promise.all(some.map(({ access, cursor }) => store.page(access.name, cursor, pageBounds))))
        for (const [index, page] of pages.entries()) {
          const subscription = some[index]
          if (!subscription || subscription.ended) continue
          if (index > 0 && this.#reader.isBusy) {
            // Their pages are large: the rest is read again when there is room for it, and not so many at once.
            this.#queue.unshift(...some.slice(index))
            this.#atOnce = 1
            break
          }
          // A feed that was dropped or replaced has lost what it had: its readers would be paged on for ever, to where it no longer reaches.
          if (page.head < Math.max(subscription.cursor, sent[index] ?? 0)) this.#asker.lose(subscription)
          else if (!this.#give(subscription, page)) this.#queue.push(subscription)
        }
      }
    } finally {
      // In the same step as the last look at the queue: a subscription that comes next would else be taken for one that is answered already.
      this.#running = false
    }
    this.#asker.caughtUp()
  }

  /** @returns whether the subscription is done with catching up */
  #give(subscription: Subscription, { entries, done, head }: Page): boolean {
    this.#tools.metrics.caughtUpPage(entries.length)
    subscription.head = head
    subscription.cursor = done ? head : (entries.at(-1)?.sequence ?? subscription.cursor)
    const isLive = done && this.#tools.readers.goLive(subscription, head)
    for (const { bytes } of encodeEntries(subscription.number, entries, head, { last: isLive, before: false }))
      this.#reader.sayEncoded(bytes)
    return isLive
  }
}
