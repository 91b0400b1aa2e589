import type { Entry, FeedName, RelayMessage } from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { type Chunk, encodeChunks, messagesOf } from './entry-chunks.js'
import type { Metrics } from '../observe/metrics.js'
import type { Commit, Page, Write } from '../store/store.js'

/** One session's reading of one feed. */
export interface Subscription {
  /** The session's own number for the feed. */
  readonly number: number
  readonly access: Access
  readonly reader: Reader
  /** The last sequence that was sent. */
  cursor: number
  /** The feed's last sequence when it was last read for this subscription; its cursor where that has not been yet. */
  head: number
  /** Whether all up to the cursor was sent and what is committed from now on is to be sent at once. */
  live: boolean
  ended: boolean
}

/** Whoever reads feeds over one socket. */
export interface Reader {
  say(message: RelayMessage): void
  sayEncoded(message: Uint8Array): void
  /** Catches a subscription of its own up. */
  follow(subscription: Subscription): void
  /** Loses a subscription of its own: there is no such feed for it any more. */
  dismiss(subscription: Subscription): void
  /** Whether it is to be given time before it is paged on. */
  readonly isBusy: boolean
  /** Whether so much waits for it that it is to catch up at its own pace, and nothing more is to be held for it. */
  readonly isFull: boolean
  drained(): Promise<void>
}

interface Followed {
  readonly subscriptions: Set<Subscription>
  live: number
  /** The last sequence that was given to the live readers; where there are none, the last one that is known of. */
  sent: number
  /** Whether entries that another relay committed are being read for the live readers. */
  pulling: boolean
  /** How far the feed is known to have grown at other hands. */
  grownTo: number
}

/** A stretch of a feed: every entry after `from` up to `to` that is still to be told apart. */
interface Stretch {
  readonly entries: readonly Entry[]
  readonly from: number
  readonly to: number
}

/** Reads the page of a feed after a sequence, for all its live readers. */
type ReadPage = (name: FeedName, after: number) => Promise<Page>

/** Who reads which feed, and what of it has been sent. */
export class Readers {
  readonly #feeds = new Map<FeedName, Followed>()
  readonly #readPage: ReadPage
  readonly #metrics: Metrics

  constructor(readPage: ReadPage, metrics: Metrics) {
    this.#readPage = readPage
    this.#metrics = metrics
  }

  add(subscription: Subscription): void {
    const feed = this.#feeds.get(subscription.access.name)
    if (feed) feed.subscriptions.add(subscription)
    else this.#feeds.set(subscription.access.name, { subscriptions: new Set([subscription]), live: 0, sent: 0, pulling: false, grownTo: 0 })
  }

  remove(subscription: Subscription): void {
    subscription.ended = true
    const feed = this.#feeds.get(subscription.access.name)
    if (!feed?.subscriptions.delete(subscription)) return
    if (subscription.live) feed.live--
    if (feed.subscriptions.size === 0) this.#feeds.delete(subscription.access.name)
  }

  /** Ends the reading of a feed by all but the org that writes it. */
  dismissPeers(name: FeedName): void {
    for (const subscription of this.#feeds.get(name)?.subscriptions ?? [])
      if (!subscription.access.writes) subscription.reader.dismiss(subscription)
  }

  /** The store was replaced by another copy: what was sent to anyone says nothing about what lies there, so it must not stay with a feed. */
  forgetAll(): void {
    for (const feed of this.#feeds.values()) {
      feed.live = 0
      for (const subscription of feed.subscriptions) {
        subscription.live = false
        subscription.ended = true
      }
    }
    this.#feeds.clear()
  }

  /** The last sequence of a feed that is known of here. */
  sent(name: FeedName): number {
    return this.#feeds.get(name)?.sent ?? 0
  }

  /** How far a feed is known to have come, here or at other hands. */
  known(name: FeedName): number {
    const feed = this.#feeds.get(name)
    return feed ? Math.max(feed.sent, feed.grownTo) : 0
  }

  /** Whether anybody here reads a feed. */
  has(name: FeedName): boolean {
    return this.#feeds.has(name)
  }

  names(): Iterable<FeedName> {
    return this.#feeds.keys()
  }

  /** A subscription has been sent all up to `head`. @returns false where more has been sent to others since, so that it must go on catching up */
  goLive(subscription: Subscription, head: number): boolean {
    const feed = this.#feeds.get(subscription.access.name)
    if (!feed || feed.sent > head) return false
    subscription.live = true
    // With others live already, what lies between is still to be given to them.
    if (feed.live === 0) feed.sent = head
    feed.live++
    this.grew(subscription.access.name, Math.max(head, feed.grownTo))
    return true
  }

  /** Sends what was committed here to every live reader of its feed. */
  fanOut(writes: readonly Write[], { sequences }: Commit): void {
    const byFeed = new Map<FeedName, Entry[]>()
    writes.forEach((write, index) => {
      const sequence = sequences[index] ?? 0
      if (sequence === 0 || !this.#feeds.has(write.feed)) return
      const entry: Entry = { sequence, key: write.key, kind: write.kind, whole: write.whole, epoch: write.epoch, bytes: write.bytes }
      const entries = byFeed.get(write.feed)
      if (entries) entries.push(entry)
      else byFeed.set(write.feed, [entry])
    })
    for (const [name, entries] of byFeed) {
      const feed = this.#feeds.get(name)
      const from = (entries[0]?.sequence ?? 1) - 1
      const to = entries.at(-1)?.sequence ?? 0
      if (!feed) continue
      // Between the last that was sent and these lie entries of another relay; all of them are read together.
      if (feed.live > 0 && feed.sent < from) this.grew(name, to)
      else this.#send(feed, { entries, from, to })
    }
  }

  /** A feed has reached this head, perhaps at other hands: what its live readers have not been sent is read for them. */
  grew(name: FeedName, head: number): void {
    const feed = this.#feeds.get(name)
    if (!feed || head <= feed.sent) return
    feed.grownTo = Math.max(feed.grownTo, head)
    if (feed.pulling || feed.live === 0) return
    feed.pulling = true
    this.#pull(name, feed).catch(() => this.#dropBehind(feed))
  }

  async #pull(name: FeedName, feed: Followed): Promise<void> {
    try {
      while (feed.live > 0 && feed.grownTo > feed.sent) {
        const { sent: from, grownTo } = feed
        const { entries, done, head } = await this.#readPage(name, from)
        if (head < from) return
        this.#send(feed, { entries, from, to: done ? head : (entries.at(-1)?.sequence ?? from) })
        if (!done) return this.#dropBehind(feed)
        // No further than it reaches, unless it grew after this page was read.
        if (feed.grownTo === grownTo) feed.grownTo = Math.max(head, feed.sent)
      }
    } finally {
      // In the same step as the last look at how far the feed has grown, so that what it grows by next is not taken for what is being read.
      feed.pulling = false
    }
  }

  /** Leaves the live readers to catch up by themselves, each at its own pace. */
  #dropBehind(feed: Followed): void {
    for (const subscription of feed.subscriptions) if (subscription.live) this.#fellBehind(feed, subscription)
  }

  #fellBehind(feed: Followed, subscription: Subscription): void {
    subscription.live = false
    feed.live--
    subscription.reader.follow(subscription)
  }

  /** Encodes entries once for all readers, and what stands before them for those that have the same number for the feed; few have another. */
  #send(feed: Followed, { entries, from, to }: Stretch): void {
    feed.sent = Math.max(feed.sent, to)
    let chunks: readonly Chunk[] | undefined
    const messagesByNumber = new Map<number, readonly Uint8Array[]>()
    for (const subscription of feed.subscriptions) {
      const { number, cursor } = subscription
      if (!subscription.live || cursor >= to) continue
      if (cursor < from) {
        this.#fellBehind(feed, subscription)
        continue
      }
      const isWhole = cursor === from
      const known = isWhole ? messagesByNumber.get(number) : undefined
      const own = isWhole ? (chunks ??= encodeChunks(entries)) : encodeChunks(entries.filter((entry) => entry.sequence > cursor))
      const messages = known ?? messagesOf(number, own, to, { last: true, before: true })
      if (isWhole) messagesByNumber.set(number, messages)
      if (this.#give(subscription, own, messages)) subscription.cursor = to
      else this.#fellBehind(feed, subscription)
    }
  }

  /** @returns false where the reader has enough before all is given */
  #give(subscription: Subscription, chunks: readonly Chunk[], messages: readonly Uint8Array[]): boolean {
    for (const [index, message] of messages.entries()) {
      if (subscription.reader.isFull) return false
      subscription.reader.sayEncoded(message)
      const chunk = chunks[index]
      if (!chunk) continue
      subscription.cursor = chunk.to
      this.#metrics.sent(chunk.count)
    }
    return true
  }
}
