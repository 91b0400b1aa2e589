import { limits } from '@entente/protocol'
import { type Chunk, chunkBytes, encodeChunks, messagesOf } from './entry-chunks.js'
import type { FeedReader, FeedReaders, Subscription } from './fan-out.js'
import type { Metrics } from '../observe/metrics.js'
import type { Store } from '../store/store.js'
import type { TimeSlices } from '../flow/time-slices.js'
import type { WithdrawnSlots } from './withdrawn-slots.js'

/** One page from the store: as much as fits a frame beside the answers for other feeds. */
export const pageBounds = { bytes: chunkBytes, entries: limits.entriesPerFrame }
/** While others wait for their turn: what is read within half a millisecond or so. */
const smallPage = { bytes: chunkBytes, entries: 48 }
/** Feeds of one session read in one step, so that the answers to a returning device leave in one frame. */
const feedsAtOnce = 16
/** The same while others wait for their turn. */
const feedsWhenBusy = 2

/** The parts of the relay that catch-up uses. */
export interface CatchUpTools {
  readonly store: Store
  readonly readers: FeedReaders
  readonly timeSlices: TimeSlices
  /** Whether anybody waits for a turn of the relay's thread: to be read, to be handled, or to catch up. */
  isBusy(): boolean
  readonly withdrawnSlots: WithdrawnSlots
  readonly metrics: Metrics
}

/** The next stretch of a feed for a subscription. */
interface Answer {
  readonly chunks: readonly Chunk[]
  /** The feed's last sequence, 0 for an empty feed. */
  readonly head: number
  /** Whether nothing is left between these entries and the head. */
  readonly done: boolean
  /** The sequence that the reader stands at afterwards. */
  readonly to: number
  readonly isRead: boolean
}

interface QueuedSubscription {
  readonly subscription: Subscription
  /** The feed's head, if the store was already asked for it. */
  readonly head: number | undefined
}

/** The session whose subscriptions catch up. */
export interface CatchUpOwner {
  /** The feed lost entries: a cursor, or a sequence that other readers received, is beyond its head. */
  lose(subscription: Subscription): void
  readFailed(error: unknown): void
  /** A page was read for a subscription. */
  pageRead(subscription: Subscription): void
  /** All subscriptions have caught up, for now. */
  caughtUp(): void
}

/**
 * Catches the subscriptions of one session up from their cursors, and sets each live (rules CU1 to CU3, CU5). The feeds take turns, a page each, and wait while
 * the socket is busy. So a session's memory is bounded, however much it has to catch up on.
 *
 * No entry is missed between the last page and going live. Entries committed after the page was read have not been sent to any reader yet, and
 * entries already sent call for another page.
 */
export class CatchUp {
  readonly #tools: CatchUpTools
  readonly #reader: FeedReader
  readonly #owner: CatchUpOwner
  #queue: QueuedSubscription[] = []
  #atOnce = feedsAtOnce
  #running = false

  constructor(tools: CatchUpTools, reader: FeedReader, owner: CatchUpOwner) {
    this.#tools = tools
    this.#reader = reader
    this.#owner = owner
  }

  get isRunning(): boolean {
    return this.#running
  }

  /**
   * @param head the feed's head, if the store was asked for it since the subscription was added to the readers: a cursor at the head needs no read
   */
  follow(subscription: Subscription, head?: number): void {
    this.#queue.push({ subscription, head })
    if (this.#running) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#owner.readFailed(error))
  }

  async #run(): Promise<void> {
    const { timeSlices } = this.#tools
    try {
      while (this.#queue.length > 0) {
        if (this.#reader.isBusy) await this.#reader.drained()
        // No read for subscriptions that ended while they waited.
        const some = this.#queue
          .splice(0, this.#tools.isBusy() ? feedsWhenBusy : this.#atOnce)
          .filter(({ subscription }) => !subscription.ended)
        if (some.length === 0) continue
        this.#atOnce = Math.min(feedsAtOnce, this.#atOnce * 2)
        const sent = some.map(({ subscription }) => this.#tools.readers.sent(subscription.access.name))
        const answers = await timeSlices.take(this.#reader.burden, () => Promise.all(some.map((asked) => this.#answer(asked))))
        for (const [index, answer] of answers.entries()) {
          const subscription = some[index]?.subscription
          if (!subscription || subscription.ended) continue
          if (index > 0 && this.#reader.isBusy) {
            // These pages are large: the rest is read again when there is room, and fewer at once.
            this.#queue.unshift(...some.slice(index))
            this.#atOnce = 1
            break
          }
          // A feed that was dropped or replaced lost entries: its readers would page for ever towards a head that no longer exists.
          if (answer.head < Math.max(subscription.cursor, sent[index] ?? 0)) this.#owner.lose(subscription)
          else if (!this.#give(subscription, answer)) this.#queue.push({ subscription, head: undefined })
        }
      }
    } finally {
      // In the same step as the last check of the queue; else the next subscription would count as answered already.
      this.#running = false
    }
    this.#owner.caughtUp()
  }

  async #answer({ subscription, head }: QueuedSubscription): Promise<Answer> {
    const { access, cursor } = subscription
    // The feed may have grown while the subscription waited for its turn.
    if (head === cursor && this.#tools.readers.known(access.name) <= cursor)
      return { chunks: [], head, done: true, to: head, isRead: false }
    return this.#read(subscription)
  }

  async #read({ access, cursor }: Subscription): Promise<Answer> {
    const { entries, head, done } = await this.#tools.store.page(access.name, cursor, this.#tools.isBusy() ? smallPage : pageBounds)
    // After the page: what is withdrawn from now on was not in it, or is hidden.
    const chunks = encodeChunks(await this.#tools.withdrawnSlots.hide(access, entries))
    return { chunks, head, done, to: done ? head : (entries.at(-1)?.sequence ?? cursor), isRead: true }
  }

  /** @returns whether the subscription has caught up */
  #give(subscription: Subscription, { chunks, done, head, to, isRead }: Answer): boolean {
    if (isRead) {
      this.#tools.metrics.caughtUp(chunks.reduce((sum, { count }) => sum + count, 0))
      this.#owner.pageRead(subscription)
    }
    subscription.head = head
    subscription.cursor = to
    const isLive = done && this.#tools.readers.goLive(subscription, head)
    for (const message of messagesOf(subscription.number, chunks, head, { last: isLive, before: false })) this.#reader.sendEncoded(message)
    return isLive
  }
}
