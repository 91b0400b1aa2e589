import type { FeedName, Key } from '@entente/protocol'

interface Flight {
  readonly feed: FeedName
  readonly key: Key
  readonly seen: number
  readonly bytes: number
  /** Whether it needs no entry before it. */
  readonly whole: boolean
}

/** Bounds of the offers in flight: enough to fill the line, few enough that a lost line costs little. */
export const mostInFlight = { count: 500, bytes: 1024 * 1024 } as const

/** The offers of a session that the relay has not answered. One per key at a time. */
export class InFlight {
  readonly #byId = new Map<number, Flight>()
  readonly #keysByFeed = new Map<FeedName, Set<Key>>()
  #bytes = 0
  #lastId = 0

  get count(): number {
    return this.#byId.size
  }

  /** What may be sent beside the offers in flight. */
  get room(): { readonly count: number; readonly bytes: number } {
    return { count: mostInFlight.count - this.#byId.size, bytes: mostInFlight.bytes - this.#bytes }
  }

  has(feed: FeedName, key: Key): boolean {
    return this.#keysByFeed.get(feed)?.has(key) ?? false
  }

  /** @returns the offer's id */
  add(flight: Flight): number {
    this.#lastId++
    this.#byId.set(this.#lastId, flight)
    const keys = this.#keysByFeed.get(flight.feed)
    if (keys) keys.add(flight.key)
    else this.#keysByFeed.set(flight.feed, new Set([flight.key]))
    this.#bytes += flight.bytes
    return this.#lastId
  }

  /** Takes out an offer that the relay has answered. Undefined for one that was answered before. */
  take(id: number): Flight | undefined {
    const flight = this.#byId.get(id)
    if (!flight) return undefined
    this.#byId.delete(id)
    this.#keysByFeed.get(flight.feed)?.delete(flight.key)
    this.#bytes -= flight.bytes
    return flight
  }
}
