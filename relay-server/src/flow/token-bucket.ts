/** A token bucket: it gains `perSecond` units and holds at most `capacity`. */
export class TokenBucket {
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

  isFull(now: number): boolean {
    return this.#levelAt(now) >= this.#capacity
  }

  /** Whether `take` would let as much through. */
  holds(units: number, now: number): boolean {
    return this.#levelAt(now) >= Math.min(units, this.#capacity)
  }

  /**
   * Takes `units` if the bucket holds them. What is larger than a full bucket passes when the bucket is full, and is paid for afterwards: nothing passes
   * until that much has flowed in.
   *
   * @returns 0, or after how many ms the bucket will hold them
   */
  take(units: number, now: number): number {
    this.#level = this.#levelAt(now)
    this.#at = now
    if (this.#level >= Math.min(units, this.#capacity)) {
      this.#level -= units
      return 0
    }
    return Math.ceil(((Math.min(units, this.#capacity) - this.#level) * 1000) / this.#perSecond)
  }

  /** Takes `units` whether the bucket holds them or not. What it lacks must flow in before anything passes; it never lacks more than it can hold. */
  charge(units: number, now: number): void {
    this.#level = Math.max(this.#levelAt(now) - units, -this.#capacity)
    this.#at = now
  }

  /** After how many ms the bucket lacks nothing; 0 where it does not. */
  lacksForMs(now: () => number): number {
    return this.#level >= 0 ? 0 : Math.ceil((Math.max(0, -this.#levelAt(now())) * 1000) / this.#perSecond)
  }

  /** A clock that was set back adds nothing this time. */
  #levelAt(now: number): number {
    return Math.min(this.#capacity, this.#level + (Math.max(0, now - this.#at) * this.#perSecond) / 1000)
  }
}
