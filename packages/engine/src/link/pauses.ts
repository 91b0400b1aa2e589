import type { ErrorCode, FeedName, Key } from '@entente/protocol'
import type { Clock } from '../port/clock.js'

/** A pause with no known end is tried again after this; what ends it normally comes much sooner. */
const longMs = 5_000
const firstMs = 100
const mostMs = 10_000
/** Before what found no room is tried again: long enough that what stands behind much of it has its turn. */
const noRoomMs = 60_000

/** What a refusal keeps from being sent again at once. All of it ends with the session. */
export class Pauses {
  readonly #clock: Clock
  readonly #again: () => void
  readonly #feeds = new Map<FeedName, number>()
  readonly #keys = new Map<string, { readonly until: number; readonly times: number }>()
  #all = 0
  #cancel: () => void = () => undefined
  #wakeAt = Number.POSITIVE_INFINITY

  /** @param again called when a pause has run out */
  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#again = again
  }

  isPaused(feed: FeedName, key: Key): boolean {
    const now = this.#clock.now()
    if (now < this.#all || now < (this.#feeds.get(feed) ?? 0)) return true
    return now < (this.#keys.get(`${feed}#${key}`)?.until ?? 0)
  }

  /** The relay is busy or cannot store: nothing is sent for a while. Reading goes on. */
  pauseAll(retryMs: number): void {
    this.#all = this.#until(Math.max(retryMs, 250))
  }

  /** The feed's agreement version is not the one that both sides have registered. */
  pauseFeed(feed: FeedName): void {
    this.#feeds.set(feed, this.#until(longMs))
  }

  /** Another device was faster, and its entry has not come yet. */
  pauseKey(feed: FeedName, key: Key): void {
    const times = (this.#keys.get(`${feed}#${key}`)?.times ?? 0) + 1
    this.#keys.set(`${feed}#${key}`, { until: this.#until(Math.min(firstMs * 2 ** times, mostMs)), times })
  }

  /** The org's room at the relay is used up: what takes up more waits for long, and all else for a moment. */
  noRoom(feed: FeedName, key: Key, retryMs: number): void {
    this.pauseAll(retryMs)
    this.#keys.set(`${feed}#${key}`, { until: this.#until(noRoomMs), times: 0 })
  }

  /** The relay will not take this from this session, now or later. */
  blockKey(feed: FeedName, key: Key): void {
    this.#keys.set(`${feed}#${key}`, { until: Number.POSITIVE_INFINITY, times: 0 })
  }

  /** Messages or agreements have changed: what waits for them may go. */
  resumeFeeds(): void {
    this.#feeds.clear()
  }

  /** An offer of the key was taken. */
  resumeKey(feed: FeedName, key: Key): void {
    this.#keys.delete(`${feed}#${key}`)
  }

  stop(): void {
    this.#cancel()
  }

  #until(ms: number): number {
    const until = this.#clock.now() + ms
    this.#wake(until)
    return until
  }

  #wake(at: number): void {
    if (at >= this.#wakeAt) return
    this.#cancel()
    this.#wakeAt = at
    this.#cancel = this.#clock.after(at - this.#clock.now(), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      const now = this.#clock.now()
      // One timer for all: what ends later than this has none of its own yet.
      for (const end of this.#ends()) if (end > now && end < Number.POSITIVE_INFINITY) this.#wake(end)
      this.#again()
    })
  }

  *#ends(): Iterable<number> {
    yield this.#all
    yield* this.#feeds.values()
    for (const { until } of this.#keys.values()) yield until
  }
}

/** Refusals that say that nothing at all will be taken for a while. */
export function isGeneral(code: ErrorCode): boolean {
  return code === 'RATE' || code === 'UNAVAILABLE'
}
