import { refuse, type Refused } from './error.js'
import { isWellFormed } from './value.js'

/** The types that travel between orgs, after Salesforce's field types. */
export const fieldTypes = [
  'text',
  'textArea',
  'email',
  'phone',
  'url',
  'checkbox',
  'number',
  'percent',
  'currency',
  'date',
  'dateTime',
  'time',
  'picklist',
] as const

/** The name of one type. */
export type FieldType = (typeof fieldTypes)[number]

/** Types that an org may know, but that are refused when a field is added or proposed. Each has its reason. */
export const refusedFieldTypes = {
  multiPicklist: 'Several values in one field cannot be merged or mapped value by value.',
  longTextArea: 'Long text does not fit into one sealed value.',
  richText: 'Rich text carries markup, which another org would have to trust.',
  encrypted: 'An encrypted field must not be copied out of its org.',
  lookup: 'Record ids mean nothing in another org. Send the display name as text instead.',
  geolocation: 'Geolocation is not supported. Use two number fields.',
  address: 'Address is not supported. Use one field for each part.',
} as const

/** The name of one refused type. */
export type RefusedFieldType = keyof typeof refusedFieldTypes

/** One value of a picklist. Records hold `value`; people see `label`. Both have 1 to 255 characters. */
export interface PicklistValue {
  readonly value: string
  readonly label: string
  /** False for a retired value: records may still hold it, and nobody may choose it. */
  readonly active?: boolean
}

/**
 * One field of an object. How its values are stored:
 *
 * - text, textArea, email, phone, url: text
 * - checkbox: true or false
 * - number, percent: exact decimal text; "50" is 50 %
 * - currency: `{ amount: "1054.00", currency: "USD" }`, with an ISO 4217 code
 * - date: "YYYY-MM-DD"; time: "HH:MM:SS.mmm", without a zone; dateTime: "YYYY-MM-DDTHH:MM:SS.mmmZ", in UTC (ISO 8601)
 * - picklist: the value, not the label
 *
 * Empty is null.
 */
export interface Field {
  /** The API name: letters, digits and _, at most 80. One of the org's own ends in `__c`, as Salesforce's do. */
  readonly name: string
  readonly label: string
  readonly type: FieldType
  /** The most UTF-16 code units of a text, 1 to 32,000. Unless set: 255, and 32,000 for a textArea. */
  readonly length?: number
  /** The most digits of a number, before and after the point together: 1 to 18. Unless set: 18. */
  readonly precision?: number
  /** The most digits after the point: 0 to 17. Unless set: 0, and 2 for a currency. */
  readonly scale?: number
  readonly required?: boolean
  /** 1 to 1,000 values, for a picklist alone. */
  readonly picklist?: readonly PicklistValue[]
  /** True for a field that the org added to Salesforce's. */
  readonly custom?: boolean
  /** Whether a picklist allows its own values only. True unless set. */
  readonly restricted?: boolean
}

/** A well-formed field, or why it was refused. */
export type FieldResult = { readonly ok: true; readonly field: Field } | Refused

/** Salesforce's rule for custom API names. */
export const customFieldName = /^[A-Za-z][A-Za-z0-9_]{0,76}__c$/

const standardFieldName = /^[A-Za-z][A-Za-z0-9_]{0,79}$/

/** The length of a text-like field, in UTF-16 code units, unless the field sets one. */
export const defaultTextLength = 255
/** The length of a text area, in UTF-16 code units, unless the field sets one. */
export const defaultTextAreaLength = 32_000

const maxPicklistValues = 1_000
const maxTextLength = 32_000

/**
 * Reads a field description that came from outside: the other org, a form, a file. The result has no properties but a Field's.
 *
 * Refuses with FIELD for a bad name or shape, with UNSUPPORTED for a type that does not travel.
 */
export function parseField(input: unknown): FieldResult {
  if (!isObject(input)) return badField('', 'shape', 'A field must be an object.', 'Give name, label and type.')
  const { name, label, type } = input
  if (typeof name !== 'string' || !standardFieldName.test(name)) {
    return badField('', 'name', 'The field name is not an API name.', 'Use letters, digits and _, and begin with a letter.')
  }
  if (typeof label !== 'string' || label === '' || label.length > 255 || !isWellFormed(label)) {
    return badField(name, 'label', 'The label must have 1 to 255 characters.', 'Give a shorter label.')
  }
  if (typeof type === 'string' && isRefusedFieldType(type)) {
    return refuse('UNSUPPORTED', name, 'type', refusedFieldTypes[type], 'Leave the field out, or choose another type.')
  }
  if (typeof type !== 'string' || !isFieldType(type)) {
    return badField(name, 'type', 'The field type is not known.', `Use one of: ${fieldTypes.join(', ')}.`)
  }
  return parseDetails(input, { name, label, type })
}

/** Whether a text names a type that travels. */
export function isFieldType(type: string): type is FieldType {
  return fieldTypes.some((known) => known === type)
}

/** Whether a text names a refused type. */
export function isRefusedFieldType(type: string): type is RefusedFieldType {
  return Object.hasOwn(refusedFieldTypes, type)
}

/** True for the types whose stored value is free text. */
export function isTextType(type: FieldType): boolean {
  return type === 'text' || type === 'textArea' || type === 'email' || type === 'phone' || type === 'url'
}

/** The most UTF-16 code units that a text-like field or an unrestricted picklist holds. */
export function fieldLength(field: Field): number {
  return field.length ?? (field.type === 'textArea' ? defaultTextAreaLength : defaultTextLength)
}

/** Digits that fit before and after the point. Salesforce's numbers have 18 digits; money two of them after the point. */
export function fieldDigits(field: Field): { readonly integer: number; readonly fraction: number } {
  const fraction = field.scale ?? (field.type === 'currency' ? 2 : 0)
  return { integer: (field.precision ?? 18) - fraction, fraction }
}

/** The values that may be chosen now. */
export function activePicklistValues(field: Field): readonly PicklistValue[] {
  return (field.picklist ?? []).filter((entry) => entry.active !== false)
}

function parseDetails(input: Readonly<Record<string, unknown>>, base: Field): FieldResult {
  const { length, precision, scale, required, custom, restricted, picklist } = input
  const numbers: [string, unknown, number, number][] = [
    ['length', length, 1, maxTextLength],
    ['precision', precision, 1, 18],
    ['scale', scale, 0, 17],
  ]
  for (const [rule, value, low, high] of numbers) {
    if (value !== undefined && !isWholeBetween(value, low, high)) {
      return badField(base.name, rule, `The ${rule} must be a whole number from ${low} to ${high}.`, 'Correct it.')
    }
  }
  if (isNumber(scale) && isNumber(precision) && scale > precision) {
    return badField(base.name, 'scale', 'The scale is greater than the precision.', 'Lower the scale.')
  }
  for (const [rule, value] of Object.entries({ required, custom, restricted })) {
    if (value !== undefined && typeof value !== 'boolean') {
      return badField(base.name, rule, `“${rule}” must be true or false.`, 'Correct it.')
    }
  }
  const values = parsePicklist(picklist)
  if (values === undefined || (base.type === 'picklist') !== (picklist !== undefined)) {
    return badField(
      base.name,
      'picklist',
      `A picklist has 1 to ${maxPicklistValues} different values, each with a label; other types have none.`,
      'Correct the list of values.',
    )
  }
  const field: Field = {
    ...base,
    ...(isNumber(length) ? { length } : {}),
    ...(isNumber(precision) ? { precision } : {}),
    ...(isNumber(scale) ? { scale } : {}),
    ...(typeof required === 'boolean' ? { required } : {}),
    ...(base.type === 'picklist' ? { picklist: values } : {}),
    ...(typeof custom === 'boolean' ? { custom } : {}),
    ...(typeof restricted === 'boolean' ? { restricted } : {}),
  }
  return { ok: true, field }
}

function parsePicklist(input: unknown): readonly PicklistValue[] | undefined {
  if (input === undefined) return []
  if (!isList(input) || input.length === 0 || input.length > maxPicklistValues) return undefined
  const seen = new Set<string>()
  const values: PicklistValue[] = []
  for (const entry of input) {
    if (!isObject(entry)) return undefined
    const { value, label, active } = entry
    if (!isShortText(value) || !isShortText(label) || seen.has(value)) return undefined
    if (active !== undefined && typeof active !== 'boolean') return undefined
    seen.add(value)
    values.push(active === undefined ? { value, label } : { value, label, active })
  }
  return values
}

function badField(name: string, rule: string, message: string, fix: string): Refused {
  return refuse('FIELD', name, rule, message, fix)
}

function isObject(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function isList(input: unknown): input is readonly unknown[] {
  return Array.isArray(input)
}

function isNumber(input: unknown): input is number {
  return typeof input === 'number'
}

function isWholeBetween(input: unknown, low: number, high: number): boolean {
  return Number.isInteger(input) && isNumber(input) && input >= low && input <= high
}

function isShortText(input: unknown): input is string {
  return typeof input === 'string' && input !== '' && input.length <= 255 && isWellFormed(input)
}
