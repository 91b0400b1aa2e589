import type { Statement, WriteConnection } from './connection.js'

interface QueuedWork {
  readonly run: () => void
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Runs the transactions of the one writing connection, one after the other. Work that arrives while one goes to the disk joins the next, so merges and small
 * changes cost no wait for the disk of their own.
 */
export class Transactions {
  readonly #writer: WriteConnection
  readonly #begin: Statement
  readonly #undone: () => void
  readonly #synced: (ms: number) => void
  #asked: QueuedWork[] = []
  #running: Promise<void> | undefined

  /**
   * @param undone called when a transaction is rolled back
   * @param synced called when a transaction is on disk, with the time of that last step in ms
   */
  constructor(writer: WriteConnection, begin: Statement, undone: () => void, synced: (ms: number) => void) {
    this.#writer = writer
    this.#begin = begin
    this.#undone = undone
    this.#synced = synced
  }

  /**
   * Runs a piece of work in a transaction. If other work in the same transaction fails, this piece runs again on its own.
   *
   * @throws the error of the work or the disk; then the work wrote nothing
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let done = (): void => {}
      const run = (): void => {
        const value = work()
        done = () => resolve(value)
      }
      this.#asked.push({ run, done: () => done(), failed: reject })
      this.#running ??= this.#work()
    })
  }

  /** Resolves when all requested work is done. */
  async finished(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #work(): Promise<void> {
    while (this.#asked.length > 0) {
      const together = this.#asked
      this.#asked = []
      if (!(await this.#try(together))) for (const one of together) await this.#try([one])
      // By then, callers that waited for this transaction have queued work for the next.
      await new Promise((resolve) => setImmediate(resolve))
    }
    // In the same step as the last check of the queue, so that work queued in between does not wait for ever.
    this.#running = undefined
  }

  /** @returns whether every piece of work has its result */
  async #try(together: readonly QueuedWork[]): Promise<boolean> {
    try {
      this.#begin.run([])
      for (const { run } of together) run()
      const began = performance.now()
      await this.#writer.exec('COMMIT')
      this.#synced(performance.now() - began)
    } catch (error) {
      await this.#writer.exec('ROLLBACK').catch(() => {})
      this.#undone()
      const [only] = together
      if (together.length > 1) return false
      only?.failed(error)
      return true
    }
    for (const { done } of together) done()
    return true
  }
}
