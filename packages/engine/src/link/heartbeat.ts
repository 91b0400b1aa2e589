import type { Clock } from '../port/clock.js'

/** Pings a silent line, and gives it up when the answer takes as long again: a cut network leaves sockets open (rule HB1). */
export class Heartbeat {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #ping: () => void
  readonly #giveUp: () => void
  #heard = true
  #cancel: () => void = () => undefined

  constructor(clock: Clock, everyMs: number, ping: () => void, giveUp: () => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#ping = ping
    this.#giveUp = giveUp
    this.#wait(false)
  }

  /** Anything that arrives shows that the line lives. */
  hear(): void {
    this.#heard = true
  }

  stop(): void {
    this.#cancel()
  }

  #wait(asked: boolean): void {
    this.#heard = false
    this.#cancel = this.#clock.after(this.#everyMs, () => {
      if (this.#heard) return this.#wait(false)
      if (asked) return this.#giveUp()
      this.#ping()
      this.#wait(true)
    })
  }
}
