import { matchesCondition, validateCondition, type CheckResult, type Condition } from './condition.js'
import { refuse } from '../schema/error.js'
import { isTextType } from '../schema/field.js'
import { foldLabel } from '../schema/match-picklist.js'
import { compareValues } from './order.js'
import { findField, type ObjectSchema } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'
import { valueIn } from '../schema/value.js'

/** What filtering and sorting need of a record. Other properties come back with it. */
export interface ListedRecord {
  readonly id: string
  readonly values: RecordValues
}

/** One key of an order, by the field's API name. */
export interface SortKey {
  readonly field: string
  readonly direction: 'ascending' | 'descending'
}

/** What a list shows and in which order. Without any part it shows all, by id. */
export interface RecordQuery {
  /** Words that must all occur in the record's texts or picklist labels, in any order, without case and accents. */
  readonly search?: string
  /** Whether all conditions must hold or any one of them; `all` unless set. */
  readonly match?: 'all' | 'any'
  readonly conditions?: readonly Condition[]
  /** The first key decides, the next one where values are equal. */
  readonly sort?: readonly SortKey[]
}

/**
 * Filters and sorts records. The input is not changed.
 *
 * Empty values come last in either direction, and equal records follow their ids, so that every device shows the same order. A sort key that names no
 * field is ignored; `validateQuery` finds it.
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

/** Whether a query shows everything, by id. */
export function isPlain({ search, conditions = [], sort = [] }: RecordQuery): boolean {
  return search === undefined && conditions.length === 0 && sort.length === 0
}

/** Says whether a query can be applied. Refuses with FIELD for an unknown field, with RULE for a condition that does not fit its type. */
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
      const value = valueIn(values, field.name)
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
      const a = valueIn(left.values, field.name)
      const b = valueIn(right.values, field.name)
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
