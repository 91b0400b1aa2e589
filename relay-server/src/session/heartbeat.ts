/** How long the other end of a socket has been silent (rule HB1), in whole ms (V8 keeps those in the object itself) by a clock that nobody sets. */
export class Heartbeat {
  readonly #heartbeatMs: number
  #heardAt: number
  #askedAt = 0

  constructor(heartbeatMs: number, now: number) {
    this.#heartbeatMs = heartbeatMs
    this.#heardAt = now
  }

  heard(now: number): void {
    this.#heardAt = now
  }

  /** To be called every now and then. @returns whether to ask if it is there, or to give it up as it did not answer that */
  judge(now: number): 'FINE' | 'ASK' | 'ASKED' | 'GONE' {
    if (now - this.#heardAt < this.#heartbeatMs) return 'FINE'
    if (this.#askedAt <= this.#heardAt) {
      this.#askedAt = now
      return 'ASK'
    }
    return now - this.#askedAt >= this.#heartbeatMs ? 'GONE' : 'ASKED'
  }
}
