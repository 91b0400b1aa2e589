import type { Clock } from '../port/clock.js'

const firstMs = 1_000
const mostMs = 60 * 60 * 1000

/**
 * How long to wait before what was left out is published or read again (rule AN2). The first time nothing, then ever longer: a relay that lies on each answer must not
 * keep a device busy. It outlives sessions, because such a relay ends those too.
 */
export class Repairs {
  readonly #clock: Clock
  readonly #times = new Map<string, { readonly count: number; readonly at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The pause before the next try, in milliseconds. @param name a feed, or a key of one */
  next(name: string): number {
    const now = this.#clock.now()
    // After a long rest it is another trouble. The oldest come first.
    for (const [other, { at }] of this.#times) {
      if (now - at < 2 * mostMs) break
      this.#times.delete(other)
    }
    const count = this.#times.get(name)?.count ?? 0
    this.#times.delete(name)
    this.#times.set(name, { count: count + 1, at: now })
    return count === 0 ? 0 : Math.min(firstMs * 2 ** (count - 1), mostMs)
  }
}
