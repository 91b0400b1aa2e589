import type { Write } from '../port/store.js'

/** Writes that belong to a transaction, and what memory takes over once they are stored. */
export interface Attached {
  /** Written in the transaction. */
  readonly writes: readonly Write[]
  /** Takes over what was written. Called after the transaction. */
  commit(): void
}
