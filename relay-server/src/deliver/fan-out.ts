import { type ConnectionId, connectionOfDocs, type Entry, type FeedName, type RelayMessage } from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { type Chunk, encodeChunks, messagesOf } from './entry-chunks.js'
import type { Burden } from '../flow/burden.js'
import { SingleFlight } from '../flow/single-flight.js'
import type { Metrics } from '../observe/metrics.js'
import type { Commit, Page, PageEntry, Write } from '../store/store.js'

/** One session's subscription to one feed. */
export interface Subscription {
  /** The session's own number for the feed. */
  readonly number: number
  readonly access: Access
  readonly reader: FeedReader
  /** The last sequence that was sent. */
  cursor: number
  /** The feed's head when it was last read for this subscription; the cursor before the first read. */
  head: number
  /** Whether the subscription has caught up, so that committed entries are sent at once. */
  live: boolean
  ended: boolean
  /** Whether its session has followed the feed before, so that each page is charged. */
  readonly isAgain: boolean
}

/** A session that reads feeds. */
export interface FeedReader {
  send(message: RelayMessage): void
  sendEncoded(message: Uint8Array): void
  /** Lets one of its subscriptions catch up. */
  follow(subscription: Subscription): void
  /** Ends one of its subscriptions: the session may no longer read the feed. */
  dismiss(subscription: Subscription): void
  /** What it has lately used of the relay's time. */
  readonly burden: Burden
  /** Whether to wait before its next page. */
  readonly isBusy: boolean
  /** Whether so much waits for it that it must catch up at its own pace, and the relay holds no more for it. */
  readonly isFull: boolean
  drained(): Promise<void>
}

interface Followed {
  readonly subscriptions: Set<Subscription>
  live: number
  /** The last sequence sent to the live readers; without live readers, the last known one. */
  sent: number
  /** The highest head that another process is known to have reached. */
  grownTo: number
}

/** A stretch of a feed: every entry after `from`, up to `to`, that is not merged into a later one. */
interface Stretch {
  readonly entries: readonly PageEntry[]
  readonly from: number
  readonly to: number
}

/** Reads a page of a feed after a sequence, once for all its live readers. */
type ReadPage = (name: FeedName, after: number) => Promise<Page>

/** The readers of each feed, and the last sequence sent to them. */
export class FeedReaders {
  readonly #feeds = new Map<FeedName, Followed>()
  /** The followed feeds that hold docs, by their connection. */
  readonly #docFeeds = new Map<ConnectionId, Set<FeedName>>()
  readonly #readPage: ReadPage
  readonly #metrics: Metrics
  /** What another relay committed is read once for all live readers of a feed. */
  readonly #pulls = new SingleFlight((name: FeedName) => this.#pull(name))

  constructor(readPage: ReadPage, metrics: Metrics) {
    this.#readPage = readPage
    this.#metrics = metrics
  }

  add(subscription: Subscription): void {
    const { name, feed: parts } = subscription.access
    const feed = this.#feeds.get(name)
    if (feed) return void feed.subscriptions.add(subscription)
    this.#feeds.set(name, { subscriptions: new Set([subscription]), live: 0, sent: 0, grownTo: 0 })
    const connection = connectionOfDocs(parts)
    if (connection === undefined) return
    const docs = this.#docFeeds.get(connection)
    if (docs) docs.add(name)
    else this.#docFeeds.set(connection, new Set([name]))
  }

  remove(subscription: Subscription): void {
    subscription.ended = true
    const feed = this.#feeds.get(subscription.access.name)
    if (!feed?.subscriptions.delete(subscription)) return
    if (subscription.live) feed.live--
    if (feed.subscriptions.size > 0) return
    const { name, feed: parts } = subscription.access
    this.#feeds.delete(name)
    const connection = connectionOfDocs(parts)
    if (connection === undefined) return
    const docs = this.#docFeeds.get(connection)
    docs?.delete(name)
    if (docs?.size === 0) this.#docFeeds.delete(connection)
  }

  /** Ends the subscriptions to a connection's docs of all but the org that writes them. */
  dismissPeers(connection: ConnectionId): void {
    for (const name of this.#docFeeds.get(connection) ?? [])
      for (const subscription of this.#feeds.get(name)?.subscriptions ?? [])
        if (!subscription.access.writes) subscription.reader.dismiss(subscription)
  }

  /** Forgets the sent sequences after the store was replaced: they say nothing about another copy. */
  forgetAll(): void {
    for (const feed of this.#feeds.values()) {
      feed.live = 0
      for (const subscription of feed.subscriptions) {
        subscription.live = false
        subscription.ended = true
      }
    }
    this.#feeds.clear()
    this.#docFeeds.clear()
  }

  /** The last sequence of a feed that was sent here, or read. */
  sent(name: FeedName): number {
    return this.#feeds.get(name)?.sent ?? 0
  }

  /** The highest known head of a feed, reached here or by another process. */
  known(name: FeedName): number {
    const feed = this.#feeds.get(name)
    return feed ? Math.max(feed.sent, feed.grownTo) : 0
  }

  /** Whether a session here reads docs of a connection. */
  hasDocsOf(connection: ConnectionId): boolean {
    return this.#docFeeds.has(connection)
  }

  names(): Iterable<FeedName> {
    return this.#feeds.keys()
  }

  /** Sets a subscription live that was sent everything up to `head`. @returns false if others were sent more since, so that it must go on catching up */
  goLive(subscription: Subscription, head: number): boolean {
    const feed = this.#feeds.get(subscription.access.name)
    if (!feed || feed.sent > head) return false
    subscription.live = true
    // The other live readers still lack the entries in between.
    if (feed.live === 0) feed.sent = head
    feed.live++
    this.grew(subscription.access.name, Math.max(head, feed.grownTo))
    return true
  }

  /** Sends the entries of a commit at this relay to every live reader of their feeds. */
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
      // Another relay's entries lie between the last sent one and these; a read brings all of them.
      if (feed.live > 0 && feed.sent < from) this.grew(name, to)
      else this.#send(feed, { entries, from, to })
    }
  }

  /** Reads and sends what the live readers lack of a feed that has reached this head, here or by another process. */
  grew(name: FeedName, head: number): void {
    const feed = this.#feeds.get(name)
    if (!feed || head <= feed.sent) return
    feed.grownTo = Math.max(feed.grownTo, head)
    if (feed.live > 0) void this.#pulls.ask(name)
  }

  async #pull(name: FeedName): Promise<void> {
    const feed = this.#feeds.get(name)
    if (!feed || feed.live === 0 || feed.grownTo <= feed.sent) return
    const { sent: from, grownTo } = feed
    const page = await this.#readPage(name, from).catch(() => undefined)
    if (!page) return this.#dropBehind(feed)
    const { entries, done, head } = page
    if (head < from) return
    this.#send(feed, { entries, from, to: done ? head : (entries.at(-1)?.sequence ?? from) })
    if (!done) return this.#dropBehind(feed)
    // No further than the head of this page, unless the feed grew after it was read.
    if (feed.grownTo === grownTo) feed.grownTo = Math.max(head, feed.sent)
  }

  /** Lets the live readers catch up by themselves, each at its own pace. */
  #dropBehind(feed: Followed): void {
    for (const subscription of feed.subscriptions) if (subscription.live) this.#fellBehind(feed, subscription)
  }

  #fellBehind(feed: Followed, subscription: Subscription): void {
    subscription.live = false
    feed.live--
    subscription.reader.follow(subscription)
  }

  /** Encodes entries once for all readers, and the message's head once for readers with the same number for the feed; few have another. */
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

  /** @returns false if the reader's limit was reached before everything was sent */
  #give(subscription: Subscription, chunks: readonly Chunk[], messages: readonly Uint8Array[]): boolean {
    for (const [index, message] of messages.entries()) {
      if (subscription.reader.isFull) return false
      subscription.reader.sendEncoded(message)
      const chunk = chunks[index]
      if (!chunk) continue
      subscription.cursor = chunk.to
      this.#metrics.sent(chunk.count)
    }
    return true
  }
}
