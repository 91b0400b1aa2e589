/** Measures how long the other end of a socket has been silent (rule HB1), in whole ms of a monotonic clock; V8 stores whole numbers in the object itself. */
export class Heartbeat {
  readonly #heartbeatMs: number
  #receivedAt: number
  #pingedAt = 0

  constructor(heartbeatMs: number, now: number) {
    this.#heartbeatMs = heartbeatMs
    this.#receivedAt = now
  }

  received(now: number): void {
    this.#receivedAt = now
  }

  /** To be called periodically. @returns whether to ping the peer, or to give it up because it did not answer a ping */
  judge(now: number): 'ALIVE' | 'PING' | 'PINGED' | 'GONE' {
    if (now - this.#receivedAt < this.#heartbeatMs) return 'ALIVE'
    if (this.#pingedAt <= this.#receivedAt) {
      this.#pingedAt = now
      return 'PING'
    }
    return now - this.#pingedAt >= this.#heartbeatMs ? 'GONE' : 'PINGED'
  }
}
