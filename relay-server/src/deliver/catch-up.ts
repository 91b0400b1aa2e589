import { limits } from '@entente/protocol'
import { type Chunk, chunkBytes, encodeChunks, messagesOf } from './entry-chunks.js'
import type { Reader, Readers, Subscription } from './fan-out.js'
import type { Metrics } from '../observe/metrics.js'
import type { Store } from '../store/store.js'
import type { TimeSlices } from './time-slices.js'

/** What is read from the store in one step: what fits one frame beside other feeds' answers. */
export const pageBounds = { bytes: chunkBytes, entries: limits.entriesPerFrame }
/** Feeds of one session that are read in one step, so that the answers to a device that comes back leave in one frame. */
const feedsAtOnce = 16

/** What catching up shares with the rest of the relay. */
export interface CatchUpTools {
  readonly store: Store
  readonly readers: Readers
  readonly timeSlices: TimeSlices
  readonly metrics: Metrics
}

/** What is next for a subscription. */
interface Answer {
  readonly chunks: readonly Chunk[]
  /** The feed's last sequence, 0 where it has none. */
  readonly head: number
  /** Whether nothing is left between these entries and the head. */
  readonly done: boolean
  readonly isRead: boolean
}

interface Asked {
  readonly subscription: Subscription
  /** The feed's head, where the store was asked for it before. */
  readonly head: number | undefined
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
  #queue: Asked[] = []
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

  /**
   * @param head of the feed, where the store was asked for it since the subscription was added to the readers: nothing is read for a cursor that is
   * there already
   */
  follow(subscription: Subscription, head?: number): void {
    this.#queue.push({ subscription, head })
    if (this.#running) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#asker.readFailed(error))
  }

  async #run(): Promise<void> {
    const { timeSlices } = this.#tools
    try {
      while (this.#queue.length > 0) {
        if (this.#reader.isBusy) await this.#reader.drained()
        // Nothing is read for those who left while they waited.
        const some = this.#queue.splice(0, this.#atOnce).filter(({ subscription }) => !subscription.ended)
        if (some.length === 0) continue
        this.#atOnce = Math.min(feedsAtOnce, this.#atOnce * 2)
        const sent = some.map(({ subscription }) => this.#tools.readers.sent(subscription.access.name))
        const answers = await timeSlices.take(() => Promise.all(some.map((asked) => this.#answer(asked))))
        for (const [index, answer] of answers.entries()) {
          const subscription = some[index]?.subscription
          if (!subscription || subscription.ended) continue
          if (index > 0 && this.#reader.isBusy) {
            // Their pages are large: the rest is read again when there is room for it, and not so many at once.
            this.#queue.unshift(...some.slice(index))
            this.#atOnce = 1
            break
          }
          // A feed that was dropped or replaced has lost what it had: its readers would be paged on for ever, to where it no longer reaches.
          if (answer.head < Math.max(subscription.cursor, sent[index] ?? 0)) this.#asker.lose(subscription)
          else if (!this.#give(subscription, answer)) this.#queue.push({ subscription, head: undefined })
        }
      }
    } finally {
      // In the same step as the last look at the queue: a subscription that comes next would else be taken for one that is answered already.
      this.#running = false
    }
    this.#asker.caughtUp()
  }

  async #answer({ subscription, head }: Asked): Promise<Answer> {
    const { access, cursor } = subscription
    // While the subscription waited for its turn the feed may have grown.
    if (head === cursor && this.#tools.readers.known(access.name) <= cursor) return { chunks: [], head, done: true, isRead: false }
    return this.#read(subscription)
  }

  async #read({ access, cursor }: Subscription): Promise<Answer> {
    const { entries, head, done } = await this.#tools.store.page(access.name, cursor, pageBounds)
    return { chunks: encodeChunks(entries), head, done, isRead: true }
  }

  /** @returns whether the subscription is done with catching up */
  #give(subscription: Subscription, { chunks, done, head, isRead }: Answer): boolean {
    if (isRead) this.#tools.metrics.caughtUp(chunks.reduce((sum, { count }) => sum + count, 0))
    subscription.head = head
    subscription.cursor = done ? head : (chunks.at(-1)?.to ?? subscription.cursor)
    const isLive = done && this.#tools.readers.goLive(subscription, head)
    for (const message of messagesOf(subscription.number, chunks, head, { last: isLive, before: false })) this.#reader.sayEncoded(message)
    return isLive
  }
}
