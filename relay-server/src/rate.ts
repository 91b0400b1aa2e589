/** A token bucket: `perSecond` units flow in, at most `capacity` are kept. */
export class Bucket {
  readonly #perSecond: number
  readonly #capacity: number
  #level: number
  #at: number

  constructor(perSecond: number, capacity: number, now: number) {
    this.#perSecond = perSecond
    this.#capacity = capacity
    this.#level = capacity
    this.#at = now
  }

  /** Takes `units` where there are as many. @returns 0, or the milliseconds after which there will be */
  take(units: number, now: number): number {
    // The clock may be set back; then nothing flows in for this once.
    this.#level = Math.min(this.#capacity, this.#level + (Math.max(0, now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
    if (this.#level >= units) {
      this.#level -= units
      return 0
    }
    return Math.ceil(((Math.min(units, this.#capacity) - this.#level) * 1000) / this.#perSecond)
  }
}
