import type { StoreKey, Write } from '../port/store.js'

/**
 * Whether memory holds all rows that are stored. Each transaction that writes rows raises the version in the store by one, and each tab tells the others which
 * one it wrote. Where memory has them all, nobody needs to read rows again that a change begins from: of an import or of a feed's entries, thousands.
 */
export class RowsVersion {
  static readonly key: StoreKey = ['meta', 'rows']
  /** Memory holds the rows of this version and of all before it. */
  #taken = 0
  /** Later ones that memory holds, too. What came between was not heard yet. */
  readonly #ahead = new Set<number>()

  /** Memory is filled from the store. @param stored the version that was read before the rows */
  loaded(stored: unknown): void {
    this.#taken = Math.max(this.#taken, versionOf(stored))
    this.#advance()
  }

  /** Memory holds what a transaction wrote. */
  took(version: number): void {
    this.#ahead.add(version)
    this.#advance()
  }

  /** Whether memory holds all that is stored. @param stored the version, as the transaction reads it */
  isTaken(stored: unknown): boolean {
    return versionOf(stored) === this.#taken
  }

  #advance(): void {
    for (const version of this.#ahead) if (version <= this.#taken) this.#ahead.delete(version)
    while (this.#ahead.delete(this.#taken + 1)) this.#taken++
  }
}

/** The version that a transaction writes, and what writes it. */
export function nextVersion(stored: unknown): { readonly version: number; readonly write: Write } {
  const version = versionOf(stored) + 1
  return { version, write: { put: RowsVersion.key, value: version } }
}

// This library wrote it. A store of which no row was written since it was made has none.
const versionOf = (stored: unknown): number => (stored as number | undefined) ?? 0
