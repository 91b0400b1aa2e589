/** Work that may be asked for faster than it is done: for each key one round at a time, and one more for all who asked meanwhile. */
export class SingleFlight<K> {
  readonly #work: (key: K) => Promise<void>
  /** By the key of a round under way: whether it was asked for again. */
  readonly #again = new Map<K, boolean>()

  constructor(work: (key: K) => Promise<void>) {
    this.#work = work
  }

  /**
   * Resolves at once where a round is under way, which another then follows, else when it and those that followed it are done.
   *
   * @throws what the last round that failed threw
   */
  async ask(key: K): Promise<void> {
    if (this.#again.has(key)) {
      this.#again.set(key, true)
      return
    }
    let failure: { readonly error: unknown } | undefined
    do {
      this.#again.set(key, false)
      try {
        await this.#work(key)
      } catch (error) {
        failure = { error }
      }
    } while (this.#again.get(key))
    this.#again.delete(key)
    if (failure) throw failure.error
  }
}
