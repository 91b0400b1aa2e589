import type { ErrorCode, FeedName, Key } from '@entente/protocol'
import type { Clock } from '../port/clock.js'

/** A pause with no known end lasts this long, in ms. The event that ends it normally comes much sooner. */
const longMs = 5_000
const firstMs = 100
const mostMs = 10_000
/** The shortest pause of all offers, in ms, doubled each time that none was accepted since the one before. After so many of them it is worth a word. */
const firstAllMs = 250
const manyPauses = 6
/** How long an offer that found no room waits, in ms: long enough for the many behind it to have their turn. */
const noRoomMs = 60_000

/** Offers of one key in a span of so many ms, beyond which the key waits for the span to end. No person edits one record as fast for as long. */
const mostOffers = 50
const spanMs = 10_000

/** Keeps refused offers from being sent again at once, and one key from being offered again and again. All pauses end with the session. */
export class Pauses {
  readonly #clock: Clock
  readonly #again: () => void
  readonly #feeds = new Map<FeedName, { readonly until: number; readonly times: number }>()
  readonly #keys = new Map<string, { readonly until: number; readonly times: number }>()
  /** The names of the keys that are blocked. */
  readonly #blocked = new Map<Key, string>()
  /** The keys that found no room, or will not be accepted. */
  readonly #refused = new Set<string>()
  /** How often each key was offered in its present span. */
  readonly #offered = new Map<string, { readonly since: number; readonly times: number }>()
  #all = 0
  /** How many pauses of all offers have followed each other. */
  #pausesInVain = 0
  #cancel: () => void = () => undefined
  #wakeAt = Number.POSITIVE_INFINITY

  /** @param again called when a pause has run out */
  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#again = again
  }

  isPaused(feed: FeedName, key: Key): boolean {
    const now = this.#clock.now()
    if (now < this.#all || now < (this.#feeds.get(feed)?.until ?? 0)) return true
    const name = `${feed}#${key}`
    const offered = this.#offered.get(name)
    if (offered && offered.times >= mostOffers && now < offered.since + spanMs) return true
    return now < (this.#keys.get(name)?.until ?? 0)
  }

  /**
   * The relay is busy or cannot store: nothing is published for a while. Reading goes on.
   *
   * @returns whether the relay has accepted nothing over many such pauses
   */
  pauseAll(retryMs: number): boolean {
    // Of all offers in flight that are refused, the first begins a pause.
    if (this.#clock.now() >= this.#all) this.#pausesInVain++
    this.#all = this.#until(Math.max(retryMs, Math.min(firstAllMs * 2 ** (this.#pausesInVain - 1), mostMs)))
    return this.#pausesInVain >= manyPauses
  }

  /** The feed's agreement version is not the one that both sides have registered. @returns how many times in a row this was so, and no message came */
  pauseFeed(feed: FeedName): number {
    const { until, times } = this.#feeds.get(feed) ?? { until: 0, times: 0 }
    // Of all offers in flight that are refused, the first begins a pause.
    if (this.#clock.now() < until) return 0
    this.#feeds.set(feed, { until: this.#until(longMs), times: times + 1 })
    return times + 1
  }

  /** Another device published the key first, and its entry has not come yet. @returns how many times in a row this was so */
  pauseKey(feed: FeedName, key: Key): number {
    const times = (this.#keys.get(`${feed}#${key}`)?.times ?? 0) + 1
    this.#keys.set(`${feed}#${key}`, { until: this.#until(Math.min(firstMs * 2 ** times, mostMs)), times })
    return times
  }

  /** Whether the relay takes a key no more, or not before there is room: nothing waits for it (rule TM1). */
  isRefused(feed: FeedName, key: Key): boolean {
    return this.#refused.has(`${feed}#${key}`)
  }

  /** An entry of the key was left out, and its repair has no hurry. */
  pauseKeyFor(feed: FeedName, key: Key, ms: number): void {
    this.#keys.set(`${feed}#${key}`, { until: this.#until(ms), times: 0 })
  }

  /** A row was edited: what the relay has refused of it may be right now. */
  unblockKey(key: Key): void {
    const name = this.#blocked.get(key)
    if (name === undefined) return
    this.#blocked.delete(key)
    this.#refused.delete(name)
    this.#keys.delete(name)
    this.#again()
  }

  /** The org has reached its quota: the key waits for long, and all others for a moment. Some of them may need no room. */
  noRoom(feed: FeedName, key: Key, retryMs: number): void {
    this.#all = this.#until(Math.max(retryMs, firstAllMs))
    this.#keys.set(`${feed}#${key}`, { until: this.#until(noRoomMs), times: 0 })
    this.#refused.add(`${feed}#${key}`)
  }

  /** The relay will not accept this key from this session, unless its row is edited. */
  blockKey(feed: FeedName, key: Key): void {
    this.#blocked.set(key, `${feed}#${key}`)
    this.#refused.add(`${feed}#${key}`)
    this.#keys.set(`${feed}#${key}`, { until: Number.POSITIVE_INFINITY, times: 0 })
  }

  /**
   * An offer of a key is sent. Whatever makes a key due again and again, it waits for the end of its span.
   *
   * @returns whether the key has to wait from now on
   */
  offered(feed: FeedName, key: Key): boolean {
    const name = `${feed}#${key}`
    const now = this.#clock.now()
    const present = this.#offered.get(name)
    const { since, times } = present && now < present.since + spanMs ? present : { since: now, times: 0 }
    this.#offered.set(name, { since, times: times + 1 })
    if (times + 1 < mostOffers) return false
    this.#wake(since + spanMs)
    return true
  }

  /** Messages have come, and with them maybe the agreement that paused feeds wait for. */
  resumeFeeds(): void {
    this.#feeds.clear()
  }

  /** The relay accepted an offer of the key. */
  resumeKey(feed: FeedName, key: Key): void {
    this.#pausesInVain = 0
    this.#feeds.delete(feed)
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
      // One timer serves all pauses, so the next end needs it again.
      for (const end of this.#ends()) if (end > now && end < Number.POSITIVE_INFINITY) this.#wake(end)
      this.#again()
    })
  }

  *#ends(): Iterable<number> {
    yield this.#all
    for (const { until } of this.#feeds.values()) yield until
    for (const { until } of this.#keys.values()) yield until
    for (const { since, times } of this.#offered.values()) if (times >= mostOffers) yield since + spanMs
  }
}

/** Whether a refusal means that the relay accepts nothing for a while. */
export function isGeneral(code: ErrorCode): boolean {
  return code === 'RATE' || code === 'UNAVAILABLE'
}
