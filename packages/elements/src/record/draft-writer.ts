import type { Value } from '@entente/engine'

type Values = Readonly<Record<string, Value>>

/** How long typed values gather before they are written, in milliseconds: none is unwritten for longer. */
const gathering = 400

/** Gathers what is typed and writes it, at most once in 400 ms, in order. */
export class DraftWriter {
  #pending: Record<string, Value> = {}
  #write: ((values: Values) => Promise<void>) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #last: Promise<void> = Promise.resolve()

  /** What is typed and not being written yet. */
  get pending(): Values {
    return this.#pending
  }

  /** @param write writes all that was gathered. It must not reject */
  write(values: Values, write: (values: Values) => Promise<void>): void {
    Object.assign(this.#pending, values)
    this.#write = write
    this.#timer ??= setTimeout(() => void this.flush(), gathering)
  }

  /** Writes now what is pending. Resolves when nothing is being written any more. */
  flush(): Promise<void> {
    const [values, write] = [this.#pending, this.#write]
    this.#clear()
    if (write && Object.keys(values).length > 0) this.#last = this.#last.then(() => write(values))
    return this.#last
  }

  /** Writes nothing of what is pending. Resolves when nothing is being written any more. */
  drop(): Promise<void> {
    this.#clear()
    return this.#last
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pending = {}
  }
}
