import { type Register, type Row, valueOf } from '../row/row.js'
import type { Value } from '../schema/value.js'

// The existence register (rule ER1) holds true while a record is shared. Else it holds why not: false where a person stopped it, or one of these words.

/** Why a record is not shared any more, where no person stopped just this one. `ended`: the connection came to its end. */
export const endWords = ['deleted', 'converted', 'ended'] as const
export type EndWord = (typeof endWords)[number]

/** Whether a value says that a record is not shared. */
export function isEnd(value: Value | undefined): value is false | EndWord {
  return value === false || endWords.some((word) => word === value)
}

/** Whether a register says that a record is not shared. */
export function isGone(register: Register | undefined): boolean {
  return isEnd(register?.[1])
}

/** Whether the export of a record map is complete: since then its record is shared, or was. */
export function isBegun(map: Row | undefined): boolean {
  const on = valueOf(map, 'on')
  return on === true || isEnd(on)
}
