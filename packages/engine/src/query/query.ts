import { matchesCondition, validateCondition, type CheckResult, type Condition } from './condition.js'
import { refuse } from '../schema/error.js'
import { isTextType } from '../schema/field.js'
import { foldLabel } from '../schema/match-picklist.js'
import { compareValues } from './order.js'
import { findField, type ObjectSchema } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'

/** What a list needs of a record; whatever else it carries comes back with it. */
export interface ListedRecord {
  readonly id: string
  readonly values: RecordValues
}

export interface SortKey {
  readonly field: string
  readonly direction: 'ascending' | 'descending'
}

export interface RecordQuery {
  /** Words that must all occur in the record's texts or picklist labels, in any case and order. */
  readonly search?: string
  readonly match?: 'all' | 'any'
  readonly conditions?: readonly Condition[]
  readonly sort?: readonly SortKey[]
}

/**
 * Filters and sorts records; the input is not changed. Empty values come last in either direction, and ties go by id, so that every device
 * shows the same order. Keys that name no field are left out (validateQuery tells them).
 */
export function queryRecords<R extends ListedRecord>(schema: ObjectSchema, records: readonly R[], query: RecordQuery): readonly R[] {
  const { conditions = [], match = 'all' } = query
  const hasText = searcher(schema, query.search ?? '')
  const meets = (record: R): boolean => {
    if (conditions.length === 0) return true
    const holds = (condition: Condition): boolean => matchesCondition(schema, condition, record.values)
    return match === 'all' ? conditions.every(holds) : conditions.some(holds)
  }
  return records.filter((record) => meets(record) && hasText(record.values)).toSorted(compareRecords(schema, query.sort ?? []))
}

/** Says whether a query names only known fields and fitting conditions (FIELD, RULE). */
export function validateQuery(schema: ObjectSchema, query: RecordQuery): CheckResult {
  for (const condition of query.conditions ?? []) {
    const checked = validateCondition(schema, condition)
    if (!checked.ok) return checked
  }
  const unknown = query.sort?.find((key) => findField(schema, key.field) === undefined)
  return unknown === undefined
    ? { ok: true }
    : refuse('FIELD', unknown.field, 'known field', `${schema.label} has no such field.`, 'Sort by another field.')
}

function searcher(schema: ObjectSchema, search: string): (values: RecordValues) => boolean {
  const words = foldLabel(search)
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0) return () => true
  const fields = schema.fields.filter((field) => isTextType(field.type) || field.type === 'picklist')
  const labels = new Map(fields.flatMap((field) => field.picklist ?? []).map(({ value, label }) => [value, label]))
  return (values) => {
    const texts: string[] = []
    for (const field of fields) {
      const value = values[field.name]
      if (typeof value === 'string') texts.push(field.type === 'picklist' ? (labels.get(value) ?? value) : value)
    }
    const text = foldLabel(texts.join('\n'))
    return words.every((word) => text.includes(word))
  }
}

function compareRecords(schema: ObjectSchema, sort: readonly SortKey[]): (left: ListedRecord, right: ListedRecord) => number {
  const keys = sort.flatMap(({ field: name, direction }) => {
    const field = findField(schema, name)
    return field === undefined ? [] : [{ field, sign: direction === 'ascending' ? 1 : -1 }]
  })
  return (left, right) => {
    for (const { field, sign } of keys) {
      const a = left.values[field.name] ?? null
      const b = right.values[field.name] ?? null
      if (a === null || b === null) {
        if (a === b) continue
        return a === null ? 1 : -1
      }
      const order = compareValues(field, a, b)
      if (order !== 0) return sign * order
    }
    return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
  }
}
