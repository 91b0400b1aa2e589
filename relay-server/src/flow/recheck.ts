import type { FeedName } from '@entente/protocol'
import { LruMap } from './lru.js'

/** Feeds of which it is remembered; of the others it is looked once more. */
const keptFeeds = 50_000
/** A session that was just being opened while a feed was looked at is found by the next look. In ms. */
const onceInMs = 60_000

/** Which feeds were looked at, so that a store that tells the same head again and again costs no reading. */
export class Looks {
  readonly #last = new LruMap<FeedName, { readonly head: number; readonly at: number }>(keptFeeds)

  /**
   * Looks at a feed with this head, where that is due now. What fails is due again when the head is told the next time.
   *
   * @param now ms on any clock that goes on
   * @throws what the look throws
   */
  async look(feed: FeedName, head: number, now: number, look: () => Promise<void>): Promise<void> {
    const last = this.#last.get(feed)
    if (last && last.head === head && now - last.at < onceInMs) return
    this.#last.set(feed, { head, at: now })
    try {
      await look()
    } catch (error) {
      this.#last.delete(feed)
      throw error
    }
  }
}
