/**
 * Shares the relay's one thread between catch-up and everything else. Catch-up gets `budgetMs` of each turn of the event loop, first come, first served. So
 * no publish waits longer than that, however many devices return at once.
 */
export class TimeSlices {
  readonly #budgetMs: number
  readonly #atOnce: number
  #spentMs = 0
  #running = 0
  #scheduled = false
  #waiting: (() => void)[] = []

  /** @param atOnce how many pieces of work may wait for a database at the same time */
  constructor(budgetMs: number, atOnce: number) {
    this.#budgetMs = budgetMs
    this.#atOnce = atOnce
  }

  /** Runs a piece of work when its turn comes. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isFree() || this.#waiting.length > 0) await new Promise<void>((resolve) => this.#wait(resolve))
    this.#running++
    const start = performance.now()
    try {
      const doing = work()
      // Only time on this thread counts; others go on while a piece waits for a database.
      this.#spentMs += performance.now() - start
      return await doing
    } finally {
      this.#running--
      this.#wakeOne()
      this.#nextTurn()
    }
  }

  #isFree(): boolean {
    return this.#spentMs < this.#budgetMs && this.#running < this.#atOnce
  }

  #wait(resolve: () => void): void {
    this.#waiting.push(resolve)
    this.#nextTurn()
  }

  #nextTurn(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#spentMs = 0
      this.#wakeOne()
      // While all permitted pieces wait for a database, the end of one starts the next; turning the loop would only burn time.
      if (this.#waiting.length > 0 && this.#running < this.#atOnce) this.#nextTurn()
    })
  }

  /** Runs one piece at a time: its duration shows whether there is time for the next. */
  #wakeOne(): void {
    if (this.#isFree()) this.#waiting.shift()?.()
  }
}
