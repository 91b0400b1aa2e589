import { zeroStamp } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { nextTurn } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { Row } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { checkSize } from '../row/size.js'
import type { RecordError } from '../schema/error.js'
import type { ObjectSchema } from '../schema/schema.js'
import { parseRecord } from '../schema/validate.js'

/** Rows in one transaction of many: enough to be fast, few enough that the page draws in between. */
export const sliceRows = 500

/** Rows checked in one task. */
const checkedRows = 50

/** Problems that one refusal of many rows lists. */
const mostErrors = 1_000

/** Values as a form or program gives them: of a new record, or of the one with this id. */
export interface GivenRow {
  readonly id?: string
  readonly values: Readonly<Record<string, unknown>>
}

export const newRecordId = (random: RandomBytes): string => toBase64UrlEncoded(random(16))

/** Checks all rows before anything is saved, and lets the page draw in between. @throws EngineError INVALID with each problem of each row */
export async function parseRows(
  { random, clock }: Pick<EngineContext, 'random' | 'clock'>,
  schema: ObjectSchema,
  list: readonly GivenRow[],
): Promise<readonly RowEdit[]> {
  const { object } = schema
  const edits: RowEdit[] = []
  const errors: RecordError[] = []
  for (const [index, { id, values }] of list.entries()) {
    if (index % checkedRows === 0) await nextTurn(clock)
    const parsed = parseRecord(schema, values, id === undefined ? 'create' : 'edit')
    if (parsed.ok) {
      const edit = { object, id: id ?? newRecordId(random), values: parsed.values }
      checkSize(rowOfEdit(edit))
      edits.push(edit)
    } else if (errors.length < mostErrors)
      errors.push(...parsed.errors.map((error) => ({ ...error, message: `Row ${index + 1}: ${error.message}` })))
  }
  if (errors.length === 0) return edits
  const [first] = errors
  throw new EngineError('INVALID', `Nothing was saved. ${first?.message ?? ''}`, errors)
}

function rowOfEdit({ object, id, values }: RowEdit): Row {
  const registers = Object.entries(values).map(([field, value]) => [field, [zeroStamp, value] as const] as const)
  return { object, id, registers: Object.fromEntries(registers) }
}
