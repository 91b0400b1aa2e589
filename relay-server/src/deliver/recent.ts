import { type FeedName, limits } from '@entente/protocol'
import { type Chunk, chunkBytes } from './entry-chunks.js'

/** Bytes that are kept in all, and of one feed, where they and their number are bound by what makes one message. */
const keptBytes = 8 * 1024 * 1024
const keptBytesPerFeed = chunkBytes
const keptEntriesPerFeed = limits.entriesPerFrame
/** What a stretch, and a feed, takes beside its bytes, about. */
const overhead = 256

/** What the readers of a feed were sent at once: every entry after `from` up to `to`. */
export interface Sent {
  readonly from: number
  readonly to: number
  readonly chunks: readonly Chunk[]
}

/** The last of what a feed's readers were sent, without a gap. */
interface Kept {
  readonly stretches: Sent[]
  to: number
  entries: number
  bytes: number
}

/**
 * The latest updates of the feeds that were busy last, as they were sent: a device that was away for a short while is answered out of these, without
 * reading and encoding again what has only just been written. Bounded in all and per feed, whatever the number of records.
 *
 * Only updates are kept. Where anything else comes, which may replace or erase what came before it, the feed begins anew behind it: nobody is to be sent
 * what the store no longer gives.
 */
export class Recent {
  // In the order of their last update.
  readonly #feeds = new Map<FeedName, Kept>()
  readonly #most: number
  #bytes = 0

  /** @param most bytes that are kept in all */
  constructor(most = keptBytes) {
    this.#most = most
  }

  /** @param isUpdates whether all that was sent are updates of docs */
  note(name: FeedName, sent: Sent, isUpdates: boolean): void {
    const known = this.#feeds.get(name)
    this.forget(name)
    if (!isUpdates) return
    const kept = known?.to === sent.from ? known : { stretches: [], to: sent.from, entries: 0, bytes: overhead }
    kept.stretches.push(sent)
    kept.to = sent.to
    kept.entries += sent.to - sent.from
    kept.bytes += bytesOf(sent)
    while (kept.bytes > keptBytesPerFeed || kept.entries > keptEntriesPerFeed) {
      const oldest = kept.stretches.shift() ?? sent
      kept.entries -= oldest.to - oldest.from
      kept.bytes -= bytesOf(oldest)
    }
    if (kept.stretches.length === 0) return
    this.#feeds.set(name, kept)
    this.#bytes += kept.bytes
    for (const oldest of this.#feeds.keys()) {
      if (this.#bytes <= this.#most) return
      this.forget(oldest)
    }
  }

  /**
   * What came after a cursor.
   *
   * @param head up to which, at least, it must be known
   * @returns undefined where it is to be read from the store
   */
  after(name: FeedName, cursor: number, head: number): Sent | undefined {
    const kept = this.#feeds.get(name)
    if (!kept || kept.to < head) return undefined
    const first = kept.stretches.findIndex(({ from }) => from === cursor)
    if (first < 0) return undefined
    const chunks = kept.stretches.slice(first).flatMap((sent) => sent.chunks)
    const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0)
    return { from: cursor, to: kept.to, chunks: [{ count, bytes: Buffer.concat(chunks.map(({ bytes }) => bytes)), to: kept.to }] }
  }

  forget(name: FeedName): void {
    this.#bytes -= this.#feeds.get(name)?.bytes ?? 0
    this.#feeds.delete(name)
  }

  forgetAll(): void {
    this.#feeds.clear()
    this.#bytes = 0
  }
}

function bytesOf({ chunks }: Sent): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes.length, overhead)
}
