import type { Clock } from '../port/clock.js'

export interface Problem {
  readonly at: number
  readonly what: string
  /** The connection or invitation that it concerns. */
  readonly connection?: string
}

/** How many problems are kept: enough to understand a bad day, too few to grow. */
const kept = 50

/** The engine's own failures, newest first, for the sync view. They hold no values and no secrets. */
export class Problems {
  readonly #clock: Clock
  readonly #changed: () => void
  #list: readonly Problem[] = []

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock
    this.#changed = changed
  }

  get list(): readonly Problem[] {
    return this.#list
  }

  /** Notes a failure; the same one again only moves up. */
  note(what: string, connection?: string): void {
    const others = this.#list.filter((problem) => problem.what !== what || problem.connection !== connection)
    this.#list = [{ at: this.#clock.now(), what, ...(connection !== undefined && { connection }) }, ...others].slice(0, kept)
    this.#changed()
  }
}
