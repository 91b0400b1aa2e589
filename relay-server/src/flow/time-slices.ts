import type { Burden } from './burden.js'

/** Lanes for each doubling of what a party has used. */
const lanesPerDoubling = 4
/**
 * Below this, in ms, all parties are alike: it is about what each of fifty has used lately who share the thread. A device that works a lot uses as much, and would
 * otherwise wait behind fifty of which each has used a little less.
 */
const leastMs = 50

/**
 * Shares the relay's one thread between one kind of work and everything else. That kind gets `budgetMs` of each turn of the event loop. Whoever has used least
 * lately goes first, and among equals, or where both have used little, who came first. So nobody's publish waits longer than that, however many devices return at once, and
 * no flood takes the turn of a device that asks for little.
 */
export class TimeSlices {
  readonly #budgetMs: number
  readonly #atOnce: number
  /** When this turn's budget is used up; undefined until the turn's first piece of work. */
  #ends: number | undefined
  #turn = 0
  #running = 0
  #isScheduled = false
  readonly #lanes: (() => void)[][] = []
  #waiting = 0

  /** @param atOnce how many pieces of work may wait for a database at the same time */
  constructor(budgetMs: number, atOnce = Number.POSITIVE_INFINITY) {
    this.#budgetMs = budgetMs
    this.#atOnce = atOnce
  }

  /** Whether somebody waits for a turn, so that pieces should be small. */
  get isBusy(): boolean {
    return this.#waiting > 0
  }

  /** Runs a piece of work of a party when its turn comes: at once, where nobody waits. */
  async take<T>(burden: Burden, work: () => T | Promise<T>): Promise<T> {
    if (this.#waiting > 0 || !this.#isFree()) await new Promise<void>((resolve) => this.#wait(burden, resolve))
    this.#running++
    const turn = this.#turn
    let from = performance.now()
    const count = (): void => {
      const now = performance.now()
      burden.add(now - from, now)
      from = now
    }
    try {
      const doing = work()
      count()
      return await doing
    } finally {
      // Time in which a piece waited for a database does not count; the embedded store answers within the turn.
      if (turn === this.#turn) count()
      this.#running--
      this.#wakeOne()
    }
  }

  #isFree(): boolean {
    if (this.#running >= this.#atOnce) return false
    const now = performance.now()
    this.#ends ??= now + this.#budgetMs
    this.#nextTurn()
    return now < this.#ends
  }

  #wait(burden: Burden, resolve: () => void): void {
    const lane = Math.max(0, Math.ceil(lanesPerDoubling * Math.log2(burden.lately() / leastMs)))
    ;(this.#lanes[lane] ??= []).push(resolve)
    this.#waiting++
    this.#nextTurn()
  }

  #nextTurn(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#ends = undefined
      this.#turn++
      // While all permitted pieces wait for a database, the end of one starts the next; turning the loop would only burn time.
      this.#wakeOne()
    })
  }

  /** Runs one piece at a time: its duration shows whether there is time for the next. */
  #wakeOne(): void {
    if (this.#waiting === 0 || !this.#isFree()) return
    const next = this.#lanes.find((lane) => lane !== undefined && lane.length > 0)?.shift()
    this.#waiting--
    next?.()
  }
}
