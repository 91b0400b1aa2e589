import type { Register, Row } from '../row/row.js'

/** What the seals of a doc hold. */
export interface Opened {
  /** Of a team's doc by field, of any other by slot. */
  readonly registers: Readonly<Record<string, Register>>
  readonly exists: Register | undefined
  /** The slots that did not open. */
  readonly unreadable: readonly string[]
  /** The parts of a team's row by slot. */
  readonly parts: ReadonlyMap<string, Row>
}

export const noParts: Opened['parts'] = new Map()
