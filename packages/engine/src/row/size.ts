import { limits } from '@entente/protocol'
import { EngineError } from '../error.js'
import type { Value } from '../schema/value.js'
import { decides } from './deciding.js'
import type { Row } from './row.js'

/** Bytes beside the JSON of a value: seal (40), padding (at most 31), stamp and length (at most 27), the words of its Yjs item (at most 60). */
const bytesPerRegister = 160

/** Bytes of a signature with its signer, which a register of a row that decides is given after it was saved (rule DR1). */
const bytesPerProof = 140

/**
 * Refuses a row that could not travel: a value over the limit of one sealed value, or a row whose doc would not fit in one frame (rule ST5). Measured
 * from above without encoding anything: a character takes at most six bytes in JSON, so short texts need no closer look.
 *
 * @throws EngineError SIZE; names the field, never its value
 */
export function checkSize(row: Row): void {
  let total = 0
  const proof = decides(row.object, row.id) ? bytesPerProof : 0
  for (const [field, [, value]] of Object.entries(row.registers)) {
    // Beside the value a seal holds object, id and field, where it is alone in its part of the row (rule TM2).
    const size = sizeOf(value) + bytesPerRegister + proof + 3 * (row.object.length + row.id.length + field.length)
    if (size > limits.valueBytes) {
      throw new EngineError(
        'SIZE',
        `The field ${field} is too large to be kept: at most ${limits.valueBytes} bytes when sealed. Shorten it.`,
      )
    }
    total += size
  }
  if (total > limits.entryBytes) {
    throw new EngineError(
      'SIZE',
      `The ${row.object} is too large to be kept: at most ${limits.entryBytes} bytes over all fields. Shorten a text.`,
    )
  }
}

/** How many bytes of JSON a value takes at most. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length < 2_000 ? value.length * 3 + 2 : utf8Length(JSON.stringify(value))
  if (typeof value !== 'object' || value === null) return 25
  return utf8Length(JSON.stringify(value))
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // A surrogate counts two: its pair takes four bytes in all.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}
