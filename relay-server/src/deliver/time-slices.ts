/**
 * Shares the relay's one thread between those who catch up and everyone else: catching up gets `budgetMs` of each turn of the event loop, in the order
 * in which it was asked for, so that however many devices come back at once, no publish waits for more than that.
 */
export class TimeSlices {
  readonly #budgetMs: number
  readonly #atOnce: number
  #spentMs = 0
  #running = 0
  #scheduled = false
  #waiting: (() => void)[] = []

  /** @param atOnce how many pieces of work that wait for something else (a database) may be under way */
  constructor(budgetMs: number, atOnce: number) {
    this.#budgetMs = budgetMs
    this.#atOnce = atOnce
  }

  /** Does a piece of work when its turn has come. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isFree() || this.#waiting.length > 0) await new Promise<void>((resolve) => this.#wait(resolve))
    this.#running++
    const start = performance.now()
    try {
      const doing = work()
      // What counts is the time on this thread; while a database is waited for, others go on.
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
      // While all that may be under way is waiting for something else, the end of one calls the next; turning the loop would only burn time.
      if (this.#waiting.length > 0 && this.#running < this.#atOnce) this.#nextTurn()
    })
  }

  /** One at a time: whether there is time for the next is known when it has shown what it takes. */
  #wakeOne(): void {
    if (this.#isFree()) this.#waiting.shift()?.()
  }
}
