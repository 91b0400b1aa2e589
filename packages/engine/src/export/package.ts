import { utf8ByteLength } from 'lib0/string'
import type { AgreedField, ObjectName } from '../api/index.js'
import { canonicalJson } from '../agree/canonical.js'
import { type RecordValues, validateField } from '../schema/validate.js'
import { type Value, valueIn } from '../schema/value.js'
import { type Row, valueOf } from '../row/row.js'
import { type Answer, exportError } from './export-messages.js'

/** Bytes of answers in one package, at most: signed (base64url) and sealed it stays below the limit of a message. */
const packageBytes = 44_000

/** A longer text is not kept beside the copy that has it: of its first change, nobody says what was there before. */
const maxBaseText = 1_000

/**
 * What both sides' record maps keep of an export: the vendor's values of the fields that keep flowing, so that people see later what has changed since. The agreed
 * mapping brings them to what the copy began with.
 */
export function exportBase(fields: readonly AgreedField[], values: RecordValues): Value {
  const base: [string, Value][] = []
  for (const { slot, vendor } of fields) {
    const value = valueIn(values, vendor.name)
    if (slot !== undefined && (typeof value !== 'string' || value.length <= maxBaseText)) base.push([vendor.name, value])
  }
  return Object.fromEntries(base)
}

/** Packs one record: the agreed fields and nothing else (rule EX3), or the reason why it cannot leave. */
export function recordToAnswer(object: ObjectName, listing: string, map: string, row: Row, fields: readonly AgreedField[]): Answer {
  const values: [string, Value][] = []
  for (const { vendor } of fields) {
    const value = valueOf(row, vendor.name) ?? null
    if (value === null) continue
    const checked = validateField(vendor, value)
    if (!checked.ok) {
      const { field, rule, message, fix } = checked.error
      return {
        listing,
        status: 'ExportPublishFieldMapError',
        errors: [exportError(listing, rule, message, `${fix} Then export it again.`, field)],
      }
    }
    values.push([vendor.name, checked.value])
  }
  const answer: Answer = { listing, map, values: Object.fromEntries(values) }
  if (sizeOf(answer) <= packageBytes) return answer
  const message = `This ${object} is too large to travel: at most ${packageBytes} bytes over all agreed fields.`
  return {
    listing,
    status: 'ExportPublishEventError',
    errors: [exportError(listing, 'size', message, 'Shorten its longest text, or leave that field out of the agreement.')],
  }
}

/** Splits answers into packages that each fit into one message. */
export function answersToParts(answers: readonly Answer[]): readonly (readonly Answer[])[] {
  const parts: Answer[][] = []
  let room = 0
  for (const answer of answers) {
    const size = sizeOf(answer)
    if (size > room || parts.length === 0) {
      parts.push([])
      room = packageBytes
    }
    room -= size
    parts.at(-1)?.push(answer)
  }
  return parts
}

function sizeOf(answer: Answer): number {
  return utf8ByteLength(canonicalJson(answer)) + 1
}
