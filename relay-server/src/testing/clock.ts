import { Session } from '../session/session.js'

/** Shifts `Date` in this process, the relay included. The clock of `performance.now()` is unchanged. */
export class ShiftedClock {
  readonly #present = Date
  /** The shift, in ms. */
  offset = 0

  constructor() {
    const now = (): number => this.#present.now() + this.offset
    globalThis.Date = new Proxy(Date, {
      construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
      get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    })
  }

  restore(): void {
    globalThis.Date = this.#present
  }
}

/**
 * Counts the heartbeat checks of all sessions of this process. A test that waits for checks instead of milliseconds means the same on a slow machine. A relay
 * checks each of its sessions three times in `heartbeatMs`.
 */
export class HeartbeatChecks {
  readonly #beat = Session.prototype.beat
  #count = 0
  #waiting: { readonly until: number; readonly resolve: () => void }[] = []

  constructor() {
    const { beat } = Session.prototype
    const counted = (): void => this.#counted()
    Session.prototype.beat = function countedBeat(this: Session): void {
      beat.call(this)
      counted()
    }
  }

  get count(): number {
    return this.#count
  }

  /** Resolves after so many more checks. */
  pass(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ until: this.#count + count, resolve }))
  }

  restore(): void {
    Session.prototype.beat = this.#beat
  }

  #counted(): void {
    this.#count++
    for (const { until, resolve } of this.#waiting) if (this.#count >= until) resolve()
    this.#waiting = this.#waiting.filter(({ until }) => this.#count < until)
  }
}
