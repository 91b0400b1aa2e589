/** Measures how long the other end of a socket has been silent (rule HB1), in whole ms of a monotonic clock; V8 stores whole numbers in the object itself. */
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

  /** To be called periodically. @returns whether to ping the peer, or to give it up because it did not answer a ping */
  judge(now: number): 'FINE' | 'ASK' | 'ASKED' | 'GONE' {
    if (now - this.#heardAt < this.#heartbeatMs) return 'FINE'
    if (this.#askedAt <= this.#heardAt) {
      this.#askedAt = now
      return 'ASK'
    }
    return now - this.#askedAt >= this.#heartbeatMs ? 'GONE' : 'ASKED'
  }
}
