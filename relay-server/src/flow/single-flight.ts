/** Runs one round of work at a time for each key, and one more round for all requests that arrived meanwhile. */
export class SingleFlight<K> {
  readonly #work: (key: K) => Promise<void>
  /** For each key with a round in flight: whether another request arrived. */
  readonly #again = new Map<K, boolean>()

  constructor(work: (key: K) => Promise<void>) {
    this.#work = work
  }

  /**
   * Requests a round. Resolves at once if one is in flight, which another then follows; else when this round and those that followed it are done.
   *
   * @throws the error of the last failed round
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
