import type { RandomBytes } from '../port/random.js'

const firstMs = 500
const mostMs = 30_000

/** Exponential backoff with full jitter, so that a thousand devices that lost the same relay do not come back at once. */
export class Backoff {
  readonly #random: RandomBytes
  #attempt = 0

  constructor(random: RandomBytes) {
    this.#random = random
  }

  /** How long to wait before the next try, in milliseconds. */
  next(): number {
    const most = Math.min(mostMs, firstMs * 2 ** this.#attempt++)
    return Math.floor(this.fraction() * most)
  }

  /** Starts again from the shortest wait: a session was of use. */
  reset(): void {
    this.#attempt = 0
  }

  /** From 0 to below 1. */
  fraction(): number {
    const [a = 0, b = 0] = this.#random(2)
    return (a * 256 + b) / 65_536
  }
}
