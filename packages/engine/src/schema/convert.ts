import { instantToDate, isZone, localToInstant } from './calendar.js'
import { roundDecimal } from './decimal.js'
import { refuse, type Refused } from './error.js'
import { fieldDigits, fieldLength, isTextType, type Field, type FieldType } from './field.js'
import { matchPicklist } from './match-picklist.js'
import { requiredField, validateField } from './validate.js'
import { isValueMap, scalarToText, type Value } from './value.js'

/** How values of one field are brought into a field of another org. A person makes each choice, and nothing is lost unless agreed here. */
export interface ConversionChoices {
  /** From source value to target value: for picklists, and for checkboxes as 'true' and 'false'. */
  readonly picklist?: Readonly<Record<string, string>>
  /** In the target's stored form: used if a required target gets no value, or a picklist value has no counterpart. */
  readonly default?: Value
  /** Whether texts that are too long are cut. They are refused unless set. */
  readonly truncate?: boolean
  /** Whether numbers with too many decimal places are rounded, half to even. They are refused unless set. */
  readonly round?: boolean
  /** The IANA time zone in which dates become instants and instants dates: "Europe/Berlin". */
  readonly zone?: string
  /** The ISO 4217 code with which plain numbers become amounts. */
  readonly currency?: string
  /** What becomes of line breaks if the target has one line: a space, unless set. */
  readonly newline?: 'space' | 'refuse'
}

/** What a conversion did to a value, for a person to see beside it. */
export type ConversionFlag = 'truncated' | 'rounded' | 'defaulted' | 'mapped' | 'lines joined' | 'time dropped' | 'currency dropped'

/** A value in the target's stored form with what was done to it, or why it was refused. */
export type ConversionResult = { readonly ok: true; readonly value: Value; readonly flags: readonly ConversionFlag[] } | Refused

/**
 * Brings one stored value of `source` into the stored form of `target`. The result has passed the target's own rules. A currency amount keeps its code;
 * nothing is exchanged.
 *
 * Refuses with REQUIRED, MAPPING, PICKLIST, or a code of the target's rules, and names the target field.
 */
export function convertValue(source: Field, target: Field, value: Value, choices: ConversionChoices = {}): ConversionResult {
  if (value === null) return takeDefault(target, choices)
  const convert = conversions[source.type][target.type]
  if (convert === undefined) return cannotConvert(source, target, `${source.type} does not become ${target.type}.`)
  const step = convert({ source, target, value, choices })
  if ('ok' in step) return step
  const checked = validateField(target, step.value)
  if (!checked.ok) return checked
  // Cutting or joining may leave nothing of a text.
  if (checked.value === null) return takeDefault(target, choices)
  return { ok: true, value: checked.value, flags: step.flags }
}

/** Whether any conversion exists between two types. `compareFields` says how well it fits two fields. */
export function canConvert(source: FieldType, target: FieldType): boolean {
  return conversions[source][target] !== undefined
}

interface Conversion {
  readonly source: Field
  readonly target: Field
  readonly value: Value
  readonly choices: ConversionChoices
}

interface Converted {
  readonly value: Value
  readonly flags: readonly ConversionFlag[]
}

type Convert = (conversion: Conversion) => Converted | ConversionResult

/** From (row) to (column). What is not here is blocked. */
const conversions: Readonly<Record<FieldType, Partial<Record<FieldType, Convert>>>> = {
  text: { text: toText, textArea: toText, email: toText, phone: toText, url: toText, picklist: toPicklist, checkbox: toCheckbox },
  textArea: { text: toText, textArea: toText },
  email: { text: toText, textArea: toText, email: toText },
  phone: { text: toText, textArea: toText, phone: toText },
  url: { text: toText, textArea: toText, url: toText },
  checkbox: { checkbox: keep, text: pairToText, picklist: pairToText },
  number: { number: toNumber, percent: toNumber, currency: toCurrency, text: toText, textArea: toText },
  percent: { percent: toNumber, number: toNumber, text: toText, textArea: toText },
  currency: { currency: keepCurrency, number: dropCurrency, text: toText, textArea: toText },
  date: { date: keep, dateTime: dateToInstant, text: toText, textArea: toText },
  dateTime: { dateTime: keep, date: instantToDay, text: toText, textArea: toText },
  time: { time: keep, text: toText, textArea: toText },
  picklist: { picklist: toPicklist, text: toText, textArea: toText, checkbox: toCheckbox },
}

function keep({ value }: Conversion): Converted {
  return { value, flags: [] }
}

function toText({ source, target, value, choices }: Conversion): Converted | Refused {
  let text = valueToText(value)
  const flags: ConversionFlag[] = []
  if (target.type !== 'textArea' && /[\r\n]/.test(text)) {
    if (choices.newline === 'refuse') {
      return refuse('FORMAT', target.name, 'single line', `${target.label} holds a line break.`, 'Allow line breaks to become spaces.')
    }
    text = joinLines(text)
    flags.push('lines joined')
  }
  const limit = fieldLength(target)
  // Half an email address or number is a different one: only free text is ever cut.
  const mayCut = choices.truncate === true && isTextType(source.type) && (target.type === 'text' || target.type === 'textArea')
  if (text.length > limit && mayCut) {
    text = cutText(text, limit)
    flags.push('truncated')
  }
  return { value: text, flags }
}

function toNumber({ target, value, choices }: Conversion): Converted {
  return roundIfAgreed(target, typeof value === 'string' ? value : '', choices)
}

function toCurrency({ source, target, value, choices }: Conversion): Converted | Refused {
  if (choices.currency === undefined) return cannotConvert(source, target, 'The number has no currency code.')
  const { value: amount, flags } = toNumber({ source, target, value, choices })
  return { value: { amount, currency: choices.currency }, flags }
}

function keepCurrency({ target, value, choices }: Conversion): Converted {
  const { amount, currency } = moneyOf(value)
  const rounded = roundIfAgreed(target, amount, choices)
  return { value: { amount: rounded.value, currency }, flags: rounded.flags }
}

function dropCurrency({ target, value, choices }: Conversion): Converted {
  const rounded = roundIfAgreed(target, moneyOf(value).amount, choices)
  return { value: rounded.value, flags: [...rounded.flags, 'currency dropped'] }
}

function dateToInstant({ source, target, value, choices }: Conversion): Converted | Refused {
  const zone = choices.zone ?? ''
  const instant = isZone(zone) ? localToInstant(scalarToText(value), '00:00:00.000', zone) : undefined
  if (instant === undefined) return cannotConvert(source, target, 'A date becomes an instant only in a declared time zone.')
  return { value: instant, flags: [] }
}

function instantToDay({ source, target, value, choices }: Conversion): Converted | Refused {
  const zone = choices.zone ?? ''
  const date = isZone(zone) ? instantToDate(scalarToText(value), zone) : undefined
  if (date === undefined) return cannotConvert(source, target, 'An instant becomes a date only in a declared time zone.')
  return { value: date, flags: ['time dropped'] }
}

function toPicklist({ source, target, value, choices }: Conversion): Converted | ConversionResult {
  const match = matchPicklist(source, target, scalarToText(value), choices.picklist)
  if (match !== undefined) return { value: match.value, flags: match.how === 'same' ? [] : ['mapped'] }
  if (choices.default !== undefined) return takeDefault({ ...target, required: true }, choices)
  return refuse(
    'PICKLIST',
    target.name,
    'offered value',
    `${target.label} has no counterpart for a value of ${source.label}.`,
    'Add the value to the mapping, or choose a default.',
  )
}

function pairToText({ source, target, value, choices }: Conversion): Converted | Refused {
  const name = scalarToText(value)
  const pairs = choices.picklist ?? {}
  const paired = Object.hasOwn(pairs, name) ? pairs[name] : undefined
  if (paired === undefined) return cannotConvert(source, target, 'The mapping does not say what true and false become.')
  return { value: paired, flags: ['mapped'] }
}

function toCheckbox({ source, target, value, choices }: Conversion): Converted | ConversionResult {
  const pairs = choices.picklist ?? {}
  const name = scalarToText(value)
  const paired = Object.hasOwn(pairs, name) ? pairs[name] : undefined
  if (paired === 'true' || paired === 'false') return { value: paired === 'true', flags: ['mapped'] }
  if (choices.default !== undefined) return takeDefault({ ...target, required: true }, choices)
  return cannotConvert(source, target, 'The mapping does not say which values mean true and false.')
}

/** Empty stays empty unless the target needs a value; then the default, if there is one and it fits. */
export function takeDefault(target: Field, choices: ConversionChoices): ConversionResult {
  if (target.required !== true) return { ok: true, value: null, flags: [] }
  const checked = validateField(target, choices.default ?? null)
  if (!checked.ok) return checked
  return checked.value === null ? requiredField(target) : { ok: true, value: checked.value, flags: ['defaulted'] }
}

function roundIfAgreed(target: Field, decimal: string, choices: ConversionChoices): { value: string; flags: ConversionFlag[] } {
  const { fraction } = fieldDigits(target)
  const rounded = choices.round === true ? roundDecimal(decimal, fraction) : decimal
  // Padding zeros are no digits: 1054.00 in a field without decimal places is not rounded.
  const before = decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
  const isRounded = choices.round === true && rounded !== before && before !== '-0'
  return { value: rounded, flags: isRounded ? ['rounded'] : [] }
}

function joinLines(text: string): string {
  const lines = text.split(/[\r\n]/).map((line) => line.trim())
  return lines.filter((line) => line !== '').join(' ')
}

/** Cuts without leaving half of a surrogate pair. */
function cutText(text: string, limit: number): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit
  return text.slice(0, end)
}

/** A stored value as people read it: "1054.00 USD". */
export function valueToText(value: Value): string {
  if (!isValueMap(value)) return scalarToText(value)
  const { amount, currency } = moneyOf(value)
  return `${amount} ${currency}`.trim()
}

function moneyOf(value: Value): { readonly amount: string; readonly currency: string } {
  const { amount, currency } = isValueMap(value) ? value : {}
  return { amount: typeof amount === 'string' ? amount : '', currency: typeof currency === 'string' ? currency : '' }
}

function cannotConvert(source: Field, target: Field, reason: string): Refused {
  return refuse('MAPPING', target.name, 'conversion', `${source.label} cannot fill ${target.label}: ${reason}`, 'Correct the mapping.')
}
