import type { Register, Row } from '../row/row.js'

/** Which of what came of rows that decide counts, as the engine says. */
export interface DecidingRows {
  /** Whether a register goes to the team: nobody would take in what no admin's device has signed. */
  carries(register: Register): boolean
  /** Whether something was decided at this device and is not signed yet: what follows from it waits. */
  readonly hasUnsigned: boolean
  /** Leaves out what counts not of rows, or not yet. */
  admit(found: readonly Row[]): Promise<Admitted>
}

export interface Refused {
  readonly object: string
  readonly id: string
  readonly field: string
  /** Whether it did count once: an admin’s device answers it, and no other (rule DR4). */
  readonly isOutdated?: boolean
}

export interface Admitted {
  /** What of the rows counts. */
  readonly rows: readonly Row[]
  /** The registers that do not, or not yet. */
  readonly refused: readonly Refused[]
}
