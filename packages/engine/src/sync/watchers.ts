import type { Topic } from '../api/index.js'
import type { Clock } from '../port/clock.js'

/** Live queries: gathers changes and calls watchers once per turn of the event loop, so that an import of thousands is one call. */
export class Watchers {
  readonly #clock: Clock
  readonly #listeners = new Set<(changed: ReadonlySet<Topic>) => void>()
  #changed = new Set<Topic>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(listener: (changed: ReadonlySet<Topic>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(topics: Iterable<Topic>): void {
    const first = this.#changed.size === 0
    for (const topic of topics) this.#changed.add(topic)
    if (first && this.#changed.size > 0) this.#clock.after(0, () => this.#flush())
  }

  /** Calls nobody any more, also not about changes that it has gathered already. */
  close(): void {
    this.#listeners.clear()
  }

  #flush(): void {
    const changed = this.#changed
    this.#changed = new Set()
    const failures: unknown[] = []
    for (const listener of this.#listeners) {
      try {
        listener(changed)
      } catch (error) {
        failures.push(error)
      }
    }
    // One listener's mistake is its page's to see, and keeps no change from the others.
    if (failures.length > 0) throw failures[0]
  }
}
