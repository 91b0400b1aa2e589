import type { SignedState } from '@entente/engine'

/**
 * For how long something may wait for its next signature before a person needs to know, in ms. A signature follows in 2 to 5 s after an edit, and every 30 s
 * where edits never rest.
 */
const usualWait = 40_000

interface Wait {
  readonly signedAt: number | undefined
  readonly since: number
}

/** Remembers since when a page shows that something waits for its next signature. */
export class Waits {
  readonly #waits = new Map<string, Wait>()

  /** Whether this has waited longer than usual. Each signature begins the time again. */
  isLong(id: string, { state, signedAt }: Pick<SignedState, 'state' | 'signedAt'>, now: number): boolean {
    if (state !== 'waiting') {
      this.#waits.delete(id)
      return false
    }
    const known = this.#waits.get(id)
    if (known && known.signedAt === signedAt) return now - known.since > usualWait
    this.#waits.set(id, { signedAt, since: now })
    return false
  }
}
