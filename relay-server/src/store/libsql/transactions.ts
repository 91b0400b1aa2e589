import type { Statement, WriteConnection } from './connection.js'

interface QueuedWork {
  readonly run: () => void
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * The transactions of the one writing connection, one after the other. What is asked for while one is on its way to the disk goes with the next, so
 * that merges and small changes cost no wait for the disk of their own.
 */
export class Transactions {
  readonly #writer: WriteConnection
  readonly #begin: Statement
  readonly #undone: () => void
  readonly #synced: (ms: number) => void
  #asked: QueuedWork[] = []
  #running: Promise<void> | undefined

  /**
   * @param undone called when what was written is taken back
   * @param synced called when it is on the disk, with the time that this last step took
   */
  constructor(writer: WriteConnection, begin: Statement, undone: () => void, synced: (ms: number) => void) {
    this.#writer = writer
    this.#begin = begin
    this.#undone = undone
    this.#synced = synced
  }

  /**
   * Does a piece of work in a transaction. It is done again, on its own, where something else that went with it failed.
   *
   * @throws what the work or the disk threw; then nothing of it is written
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

  /** Resolves when all that was asked for is done. */
  async finished(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #work(): Promise<void> {
    while (this.#asked.length > 0) {
      const together = this.#asked
      this.#asked = []
      if (!(await this.#try(together))) for (const one of together) await this.#try([one])
      // Whoever was waiting for this one has the next ready by then.
      await new Promise((resolve) => setImmediate(resolve))
    }
    // In the same step as the last look at what is asked for, so that nothing asked in between waits for ever.
    this.#running = undefined
  }

  /** @returns whether each has been told how it ended */
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
