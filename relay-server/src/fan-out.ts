import { encodeRelayFrame, type Entry, type FeedName, type RelayMessage } from '@entente/protocol'
import * as encoding from 'lib0/encoding'
import type { Access } from './access.js'
import type { Commit, Write } from './store/store.js'

/** Entries of about this many bytes make one message, so that a frame never waits for a whole feed. */
export const chunkBytes = 64 * 1024
/** What an entry costs on the wire beside its bytes, at most about. */
const entryOverhead = 96

/** One session's reading of one feed. */
export interface Subscription {
  /** The session's own number for the feed. */
  readonly number: number
  readonly access: Access
  readonly reader: { say(message: RelayMessage): void; sayEncoded(parts: readonly Uint8Array[]): void; drained(): Promise<void> }
  /** The last sequence that was sent. */
  cursor: number
  /** Whether all up to the cursor was sent and what is committed from now on is to be sent at once. */
  live: boolean
  ended: boolean
}

/** Who reads which feed, and what of it has been sent. */
export class Readers {
  readonly #feeds = new Map<FeedName, { readonly subscriptions: Set<Subscription>; sent: number }>()
  readonly #fellBehind: (subscription: Subscription) => void

  /** @param fellBehind called for a live subscription that missed an entry, to catch up again */
  constructor(fellBehind: (subscription: Subscription) => void) {
    this.#fellBehind = fellBehind
  }

  add(subscription: Subscription): void {
    const feed = this.#feeds.get(subscription.access.name)
    if (feed) feed.subscriptions.add(subscription)
    else this.#feeds.set(subscription.access.name, { subscriptions: new Set([subscription]), sent: 0 })
  }

  remove(subscription: Subscription): void {
    subscription.ended = true
    const feed = this.#feeds.get(subscription.access.name)
    feed?.subscriptions.delete(subscription)
    if (feed?.subscriptions.size === 0) this.#feeds.delete(subscription.access.name)
  }

  /** The last sequence of a feed that was given to its live readers. */
  sent(name: FeedName): number {
    return this.#feeds.get(name)?.sent ?? 0
  }

  /** Sends what was committed to every live reader of its feed, encoded once per feed. */
  fanOut(writes: readonly Write[], commit: Commit): void {
    const byFeed = new Map<FeedName, Entry[]>()
    writes.forEach((write, index) => {
      const sequence = commit.sequences[index] ?? 0
      if (sequence === 0 || !this.#feeds.has(write.feed)) return
      const entry: Entry = { sequence, key: write.key, kind: write.kind, whole: write.whole, epoch: write.epoch, bytes: write.bytes }
      const entries = byFeed.get(write.feed)
      if (entries) entries.push(entry)
      else byFeed.set(write.feed, [entry])
    })
    for (const [name, entries] of byFeed) this.#send(name, entries, commit.position)
  }

  #send(name: FeedName, entries: readonly Entry[], position: number): void {
    const feed = this.#feeds.get(name)
    const first = entries[0]
    const last = entries.at(-1)
    if (!feed || !first || !last) return
    feed.sent = last.sequence
    let shared: readonly Uint8Array[] | undefined
    for (const subscription of feed.subscriptions) {
      if (!subscription.live || subscription.cursor >= last.sequence) continue
      if (subscription.cursor < first.sequence - 1) {
        subscription.live = false
        this.#fellBehind(subscription)
        continue
      }
      const isWhole = subscription.cursor === first.sequence - 1
      shared ??= isWhole ? encodeEntries(entries, position, true, true) : undefined
      const chunks =
        isWhole && shared
          ? shared
          : encodeEntries(
              entries.filter((entry) => entry.sequence > subscription.cursor),
              position,
              true,
              true,
            )
      for (const chunk of chunks) subscription.reader.sayEncoded([entriesPrefix(subscription.number), chunk])
      subscription.cursor = last.sequence
    }
  }
}

/**
 * Encodes `entries` messages without their beginning, which names the session's own number for the feed and is all that differs from reader to
 * reader; `entriesPrefix` makes it.
 *
 * @param live whether the last of them is up to date; @param before whether those before it are
 */
export function encodeEntries(entries: readonly Entry[], position: number, live: boolean, before: boolean): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  let chunk: Entry[] = []
  let size = 0
  const close = (isLive: boolean): void => {
    chunks.push(encodeRelayFrame([{ type: 'entries', feed: 0, position, live: isLive, entries: chunk }]).subarray(2))
    chunk = []
    size = 0
  }
  for (const entry of entries) {
    const length = entry.bytes.length + entryOverhead
    if (chunk.length > 0 && size + length > chunkBytes) close(before)
    chunk.push(entry)
    size += length
  }
  if (chunk.length > 0 || chunks.length === 0) close(live)
  return chunks
}

/** The number of the message `entries` on the wire, as the codec itself writes it. */
const entriesNumber = encodeRelayFrame([{ type: 'entries', feed: 0, position: 0, live: false, entries: [] }])[0] ?? 0
const prefixes = new Map<number, Uint8Array>()

export function entriesPrefix(feed: number): Uint8Array {
  const known = prefixes.get(feed)
  if (known) return known
  const prefix = encoding.encode((encoder) => {
    encoding.writeUint8(encoder, entriesNumber)
    encoding.writeVarUint(encoder, feed)
  })
  if (prefixes.size < 1_024) prefixes.set(feed, prefix)
  return prefix
}
