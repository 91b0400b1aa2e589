import type { Clock } from '../port/clock.js'

/**
 * A clock that a test turns by hand.
 *
 * Guarantee: no timer runs but inside `advance`, each in the order of its time, and timers of one time in the order in which they were set.
 */
export class ManualClock implements Clock {
  #now: number
  #order = 0
  #timers: { readonly at: number; readonly order: number; readonly call: () => void }[] = []

  /** @param start milliseconds since 1970 */
  constructor(start = Date.UTC(2026, 0, 5, 9)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, call: () => void): () => void {
    // A clock shows whole milliseconds, also when a timer of a part of one has run.
    const timer = { at: Math.ceil(this.#now + ms), order: this.#order++, call }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Moves time on by `ms` and runs the timers that are due, also those that a timer sets meanwhile. `advance(0)` runs what is due now. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (!due) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.call()
    }
    this.#now = end
  }

  /** Sets the time by `ms` forward or back, as a user or an empty battery does. Timers run as if it had not. */
  jump(ms: number): void {
    this.#now += ms
    this.#timers = this.#timers.map((timer) => ({ ...timer, at: timer.at + ms }))
  }

  /** How long until the next timer is due, in milliseconds. Undefined where none is set. */
  untilNext(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map((timer) => timer.at)) - this.#now
  }
}

/** The clock of a device that is wrong by `skew` milliseconds. Its timers run by the true clock. */
export class SkewedClock implements Clock {
  readonly #trueClock: Clock
  /** Milliseconds by which this clock is ahead of the true one. A test may change it at any time. */
  skew: number

  constructor(trueClock: Clock, skew = 0) {
    this.#trueClock = trueClock
    this.skew = skew
  }

  now(): number {
    return this.#trueClock.now() + this.skew
  }

  after(ms: number, call: () => void): () => void {
    return this.#trueClock.after(ms, call)
  }
}
