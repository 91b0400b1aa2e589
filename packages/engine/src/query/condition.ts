import { compareDecimals, isDecimal } from '../schema/decimal.js'
import { refuse, type Refused } from '../schema/error.js'
import type { Field, FieldType } from '../schema/field.js'
import { foldLabel } from '../schema/match-picklist.js'
import { amountOf, codeOf, compareValues } from './order.js'
import { findField, type ObjectSchema } from '../schema/schema.js'
import { validateField, type RecordValues } from '../schema/validate.js'
import { isValueMap, scalarToText, type Value, valueIn } from '../schema/value.js'

/** How a condition compares. `operatorsOf` says which of them a type takes. */
export const operators = [
  'equals',
  'notEquals',
  'lessThan',
  'greaterThan',
  'lessOrEqual',
  'greaterOrEqual',
  'contains',
  'startsWith',
  'oneOf',
  'isEmpty',
  'isNotEmpty',
] as const

/** The name of one comparison. */
export type Operator = (typeof operators)[number]

/**
 * One comparison of a field with a value, for filters and sharing rules.
 *
 * - `value` is in the field's stored form (see `Field`). For a currency it may be a plain decimal, which compares amounts of any code.
 * - `oneOf` takes a list of 1 to 200 values; `isEmpty` and `isNotEmpty` take none.
 */
export interface Condition {
  readonly field: string
  readonly operator: Operator
  readonly value?: Value
}

/** Whether something can be applied, or why it cannot. */
export type CheckResult = { readonly ok: true } | Refused

const maxChoices = 200

/** The operators that make sense for a type. */
export function operatorsOf(type: FieldType): readonly Operator[] {
  switch (type) {
    case 'checkbox':
      return ['equals', 'notEquals', 'isEmpty', 'isNotEmpty']
    case 'number':
    case 'percent':
    case 'currency':
    case 'date':
    case 'dateTime':
    case 'time':
      return ['equals', 'notEquals', 'lessThan', 'greaterThan', 'lessOrEqual', 'greaterOrEqual', 'oneOf', 'isEmpty', 'isNotEmpty']
    default:
      return ['equals', 'notEquals', 'contains', 'startsWith', 'oneOf', 'isEmpty', 'isNotEmpty']
  }
}

/**
 * Says whether a condition can be applied to an object. Refuses with FIELD for an unknown field, with RULE for an operator or a value that does not fit
 * its type.
 */
export function validateCondition(schema: ObjectSchema, condition: Condition): CheckResult {
  const field = findField(schema, condition.field)
  if (field === undefined) {
    return refuse('FIELD', condition.field, 'known field', `${schema.label} has no such field.`, 'Choose another field.')
  }
  if (!operatorsOf(field.type).includes(condition.operator)) {
    return refuse('RULE', field.name, 'operator', `${field.label} cannot be compared in this way.`, 'Choose another comparison.')
  }
  const fits = compileOperand(field, condition) !== undefined
  return fits
    ? { ok: true }
    : refuse('RULE', field.name, 'value', `The condition on ${field.label} has no fitting value.`, 'Correct the value.')
}

/**
 * Tests a record's stored values against one condition.
 *
 * An empty value equals nothing and is above or below nothing, and it differs from every value. Texts are compared without case, as Salesforce does. A
 * condition that cannot be applied matches no record: a rule whose field was removed must not show more than before.
 */
export function matchesCondition(schema: ObjectSchema, condition: Condition, values: RecordValues): boolean {
  const field = findField(schema, condition.field)
  if (field === undefined || !operatorsOf(field.type).includes(condition.operator)) return false
  const operand = compileOperand(field, condition)
  if (operand === undefined) return false
  const value = valueIn(values, field.name)
  if (value === null) return condition.operator === 'isEmpty' || condition.operator === 'notEquals'
  return tests[condition.operator](operand, (to) => compareToOperand(field, value, to), scalarToText(value))
}

type Test = (operand: readonly Value[], compare: (to: Value) => number, text: string) => boolean

/** How each operator tests a value that is not empty. */
const tests: Readonly<Record<Operator, Test>> = {
  isEmpty: () => false,
  isNotEmpty: () => true,
  equals: ([to = null], compare) => compare(to) === 0,
  notEquals: ([to = null], compare) => compare(to) !== 0,
  oneOf: (choices, compare) => choices.some((choice) => compare(choice) === 0),
  lessThan: ([to = null], compare) => compare(to) < 0,
  lessOrEqual: ([to = null], compare) => compare(to) <= 0,
  greaterThan: ([to = null], compare) => compare(to) > 0,
  greaterOrEqual: ([to = null], compare) => compare(to) >= 0,
  contains: ([part = null], _compare, text) => foldLabel(text).includes(foldLabel(scalarToText(part))),
  startsWith: ([part = null], _compare, text) => foldLabel(text).startsWith(foldLabel(scalarToText(part))),
}

/** The values to compare with, in stored form; undefined where the condition's value does not fit. */
function compileOperand(field: Field, condition: Condition): readonly Value[] | undefined {
  const { operator, value = null } = condition
  if (operator === 'isEmpty' || operator === 'isNotEmpty') return value === null ? [] : undefined
  if (operator === 'oneOf') {
    if (!isList(value) || value.length === 0 || value.length > maxChoices) return undefined
    const choices = value.map((choice) => parseOperand(field, choice))
    return choices.every((choice) => choice !== undefined) ? choices : undefined
  }
  // A part of a text need not be a whole email address or offered value.
  if (operator === 'contains' || operator === 'startsWith') {
    return typeof value === 'string' && value.trim() !== '' ? [value] : undefined
  }
  const operand = parseOperand(field, value)
  return operand === undefined ? undefined : [operand]
}

function parseOperand(field: Field, value: Value): Value | undefined {
  if (field.type === 'currency' && typeof value === 'string' && isDecimal(value)) return value
  // Compared texts may be any text, and an offered value that was since retired may still stand in records.
  if (isTexty(field)) return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  // A bound may have more digits than the field itself can hold.
  const wide: Field = { ...field, precision: 36, scale: 18 }
  const checked = validateField(wide, value)
  return checked.ok && checked.value !== null ? checked.value : undefined
}

/** NaN where the two cannot be compared (amounts in different currencies): then no comparison but notEquals holds. */
function compareToOperand(field: Field, value: Value, operand: Value): number {
  if (field.type === 'currency') {
    if (!isValueMap(operand)) return compareDecimals(amountOf(value), scalarToText(operand))
    return codeOf(value) === codeOf(operand) ? compareDecimals(amountOf(value), amountOf(operand)) : Number.NaN
  }
  if (isTexty(field)) return foldLabel(scalarToText(value)) === foldLabel(scalarToText(operand)) ? 0 : 1
  return compareValues(field, value, operand)
}

function isTexty(field: Field): boolean {
  return operatorsOf(field.type).includes('contains')
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}
