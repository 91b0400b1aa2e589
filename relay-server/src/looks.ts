import type { FeedName } from '@entente/protocol'
import { LruMap } from './lru.js'

/** Feeds of which it is remembered; of the others it is looked once more. */
const keptFeeds = 50_000
/** A session that was just being opened while a feed was looked at is found by the next look. In ms. */
const onceInMs = 60_000

/** Which feeds were looked at for revocations, so that a store that tells the same head again and again costs no reading. */
export class Looks {
  readonly #last = new LruMap<FeedName, { readonly head: number; readonly at: number }>(keptFeeds)

  /** Whether a feed with this head is to be looked at now; then it counts as looked at. @param now ms on any clock that goes on */
  isDue(feed: FeedName, head: number, now: number): boolean {
    const last = this.#last.get(feed)
    if (last && last.head === head && now - last.at < onceInMs) return false
    this.#last.set(feed, { head, at: now })
    return true
  }
}
