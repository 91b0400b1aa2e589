import { isDate, normaliseInstant, normaliseTime } from './calendar.js'
import { countDigits, isDecimal, normaliseDecimal, padDecimal } from './decimal.js'
import { refuse, type RecordError, type RecordErrorCode, type Refused } from './error.js'
import { activePicklistValues, fieldDigits, fieldLength, type Field, type FieldType } from './field.js'
import { findField, type ObjectSchema } from './schema.js'
import { isValueMap, parseValue, type Value, type ValueResult } from './value.js'

/** A record's values by API name, in stored form (see `Field`). */
export type RecordValues = Readonly<Record<string, Value>>

/** The given values in stored form, or every problem of them. */
export type RecordResult =
  | { readonly ok: true; readonly values: RecordValues }
  | { readonly ok: false; readonly errors: readonly RecordError[] }

/**
 * Checks one value against its field and brings it to its stored form (see `Field`): texts are trimmed, an empty text becomes null, a number 50 becomes
 * "50", an instant goes to UTC. It does not say whether a value is required: `parseRecord` does, as an edit of another field must not fail for it.
 */
export function validateField(field: Field, input: unknown): ValueResult {
  const parsed = parseValue(input, field.name)
  if (!parsed.ok) return parsed
  const type = fieldRules[field.type]
  const value = isBlank(parsed.value) ? null : type.normalise(parsed.value, field)
  if (value === null) return { ok: true, value }
  if (value === undefined) return refuseBy(field, type.shape)
  const broken = type.rules.find((rule) => !rule.holds(value, field))
  return broken === undefined ? { ok: true, value } : refuseBy(field, broken)
}

/**
 * Checks the fields of a new record (`create`: all required ones must be given) or of an edit (`edit`: only those given, and a required one cannot be
 * emptied). The result holds exactly the given fields, in stored form. Refuses with every problem at once.
 */
export function parseRecord(schema: ObjectSchema, input: Readonly<Record<string, unknown>>, mode: 'create' | 'edit'): RecordResult {
  const errors: RecordError[] = []
  const values: [string, Value][] = []
  for (const [name, given] of Object.entries(input)) {
    const field = findField(schema, name)
    if (field === undefined) {
      errors.push(unknownField(schema, name))
      continue
    }
    const checked = validateField(field, given)
    if (!checked.ok) errors.push(checked.error)
    else if (checked.value === null && field.required === true) errors.push(requiredField(field).error)
    else values.push([name, checked.value])
  }
  if (mode === 'create') {
    for (const field of schema.fields) {
      if (field.required === true && !Object.hasOwn(input, field.name)) errors.push(requiredField(field).error)
    }
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values: Object.fromEntries(values) }
}

/** The refusal of a required field without a value. */
export function requiredField(field: Field): Refused {
  return refuse('REQUIRED', field.name, 'required', `${field.label} must not be empty.`, 'Give a value.')
}

interface NamedRule {
  readonly name: string
  readonly code: RecordErrorCode
  readonly message: (field: Field) => string
  readonly fix: (field: Field) => string
}

interface ValueRule extends NamedRule {
  readonly holds: (value: Value, field: Field) => boolean
}

interface TypeRules {
  /** The stored form, null for empty, or undefined where the value is not of this type at all. */
  readonly normalise: (value: Value, field: Field) => Value | undefined
  /** What is said where normalise gives undefined. */
  readonly shape: NamedRule
  /** Checked in order on the stored form; the first that does not hold is the refusal. */
  readonly rules: readonly ValueRule[]
}

const fitsLength = textRule(
  'length',
  'LENGTH',
  (text, field) => text.length <= fieldLength(field),
  (field) => `${field.label} is longer than ${fieldLength(field)} characters.`,
  () => 'Shorten the text.',
)

const singleLine = textRule(
  'single line',
  'FORMAT',
  (text) => !/[\r\n]/.test(text),
  (field) => `${field.label} holds a line break.`,
  () => 'Write the text in one line.',
)

const noControls = textRule(
  'no control characters',
  'FORMAT',
  // Tab, line feed and carriage return are the controls that texts do hold.
  (text) => !/(?![\t\n\r])\p{Cc}/u.test(text),
  (field) => `${field.label} holds a control character.`,
  () => 'Remove the invisible character.',
)

const emailSyntax = textRule(
  'email syntax',
  'FORMAT',
  (text) => /^[^\s@<>()[\]\\,;:"]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}[\p{L}\p{N}-]+$/u.test(text),
  (field) => `${field.label} is not an email address.`,
  () => 'Write it as name@example.com.',
)

const phoneSyntax = textRule(
  'phone syntax',
  'FORMAT',
  (text) => /\d/.test(text) && /^[\d\s+\-–().,/#*:;a-z]+$/i.test(text),
  (field) => `${field.label} is not a phone number.`,
  () => 'Use digits, spaces and + - ( ) . / # *.',
)

const urlScheme = textRule(
  'url scheme',
  'FORMAT',
  // Anything that names a scheme must name a harmless one: a javascript: address must never become a link.
  (text) => !/^[a-z][a-z\d+.-]*:(?!\d)/i.test(text) || /^https?:\/\//i.test(text),
  (field) => `${field.label} has an address scheme that is not allowed.`,
  () => 'Use http:// or https://.',
)

const urlSyntax = textRule(
  'url syntax',
  'FORMAT',
  (text) => /^(?:https?:\/\/)?[^\s/?#@:.<>"]+(?:\.[^\s/?#@:.<>"]+)+(?::\d{1,5})?(?:[/?#][^\s<>"]*)?$/i.test(text),
  (field) => `${field.label} is not a web address.`,
  () => 'Write it as https://example.com.',
)

const fitsInteger: ValueRule = {
  name: 'digits',
  code: 'RANGE',
  holds: (value, field) => countDigits(decimalOf(value)).integer <= fieldDigits(field).integer,
  message: (field) => `${field.label} has more than ${fieldDigits(field).integer} digits before the point.`,
  fix: () => 'Give a smaller number.',
}

const fitsScale: ValueRule = {
  name: 'scale',
  code: 'RANGE',
  holds: (value, field) => countDigits(decimalOf(value)).fraction <= fieldDigits(field).fraction,
  message: (field) => `${field.label} has more than ${fieldDigits(field).fraction} decimal places.`,
  fix: () => 'Round the number.',
}

const offered = textRule(
  'offered value',
  'PICKLIST',
  (text, field) => field.restricted === false || activePicklistValues(field).some(({ value }) => value === text),
  (field) => `${field.label} does not offer this value.`,
  () => 'Choose one of the values offered.',
)

/** The table of rules, one row per type. */
const fieldRules: Readonly<Record<FieldType, TypeRules>> = {
  text: textType([noControls, singleLine, fitsLength]),
  textArea: textType([noControls, fitsLength]),
  // The length comes before the syntax, so that no pattern ever runs over a text of a megabyte.
  email: textType([noControls, fitsLength, emailSyntax]),
  phone: textType([noControls, fitsLength, phoneSyntax]),
  url: textType([noControls, fitsLength, urlScheme, urlSyntax]),
  picklist: textType([noControls, offered, singleLine, fitsLength]),
  checkbox: {
    normalise: (value) => (typeof value === 'boolean' ? value : undefined),
    shape: shape('true or false', 'must be true or false', 'Tick or untick it.'),
    rules: [],
  },
  number: numberType(),
  percent: numberType(),
  currency: {
    normalise: normaliseCurrency,
    shape: shape('amount and currency', 'must be an amount with a currency code', 'Give an amount and a code such as USD.'),
    rules: [fitsInteger, fitsScale],
  },
  date: {
    normalise: (value) => (typeof value === 'string' && isDate(value.trim()) ? value.trim() : undefined),
    shape: shape('calendar date', 'must be a date of the years 1700 to 4000', 'Write it as YYYY-MM-DD.'),
    rules: [],
  },
  dateTime: {
    normalise: (value) => (typeof value === 'string' ? normaliseInstant(value.trim()) : undefined),
    shape: shape('instant', 'must be a date and time with an offset', 'Write it as YYYY-MM-DDTHH:MM:SSZ.'),
    rules: [],
  },
  time: {
    normalise: (value) => (typeof value === 'string' ? normaliseTime(value.trim()) : undefined),
    shape: shape('time of day', 'must be a time of day', 'Write it as HH:MM:SS.'),
    rules: [],
  },
}

function textType(rules: readonly ValueRule[]): TypeRules {
  return {
    normalise: (value, field) => (typeof value === 'string' ? normaliseText(value, field) : undefined),
    shape: shape('text', 'must be a text', 'Give a text.'),
    rules,
  }
}

function numberType(): TypeRules {
  return {
    normalise: normaliseNumber,
    shape: shape('exact decimal', 'must be a number', 'Write it in digits, with a point before the decimal places.'),
    rules: [fitsInteger, fitsScale],
  }
}

function normaliseText(text: string, field: Field): string | null {
  const tidy = text.replace(/\r\n?/g, '\n').trim()
  // A picklist value is an identifier: it is compared as it is.
  return field.type === 'picklist' ? text : tidy === '' ? null : tidy
}

/** Takes a JS number only if its shortest text is exact, which leaves out 1e21 and 1e-7. */
function normaliseNumber(value: Value): string | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  return isDecimal(text) ? normaliseDecimal(text) : undefined
}

function normaliseCurrency(value: Value, field: Field): Value | undefined {
  if (!isValueMap(value) || Object.keys(value).some((name) => name !== 'amount' && name !== 'currency')) return undefined
  const { amount = null, currency } = value
  const exact = normaliseNumber(amount)
  if (exact === undefined || typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return undefined
  return { amount: padDecimal(exact, fieldDigits(field).fraction), currency }
}

function isBlank(value: Value): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '')
}

function decimalOf(value: Value): string {
  const decimal = isValueMap(value) ? value['amount'] : value
  return typeof decimal === 'string' ? decimal : '0'
}

function textRule(
  name: string,
  code: RecordErrorCode,
  holds: (text: string, field: Field) => boolean,
  message: (field: Field) => string,
  fix: (field: Field) => string,
): ValueRule {
  return { name, code, holds: (value, field) => typeof value === 'string' && holds(value, field), message, fix }
}

function shape(name: string, must: string, fix: string): NamedRule {
  return { name, code: 'TYPE', message: (field) => `${field.label} ${must}.`, fix: () => fix }
}

function refuseBy(field: Field, rule: NamedRule): Refused {
  return refuse(rule.code, field.name, rule.name, rule.message(field), rule.fix(field))
}

function unknownField(schema: ObjectSchema, name: string): RecordError {
  const { error } = name.startsWith('_')
    ? refuse('FIELD', '', 'reserved name', 'Names that begin with _ belong to the engine.', 'Choose another field name.')
    : refuse('FIELD', '', 'known field', `${schema.label} has no such field.`, 'Check the API name, or add a custom field.')
  // A name that looks like one may be told; anything else may be a value that slipped into the place of a name.
  return /^[A-Za-z_]\w{0,79}$/.test(name) ? { ...error, field: name } : error
}
