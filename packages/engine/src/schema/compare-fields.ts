import { canConvert, type ConversionChoices } from './convert.js'
import { isZone } from './calendar.js'
import { activePicklistValues, fieldDigits, fieldLength, isTextType, type Field } from './field.js'
import { matchPicklist } from './match-picklist.js'
import { validateField } from './validate.js'

/**
 * How well one field fits another.
 *
 * - `same`: every value arrives as it is.
 * - `converts`: every value arrives, written differently.
 * - `lossy`: some values lose a part or are refused; the reason says which.
 * - `blocked`: the mapping cannot be used.
 */
export type Verdict = 'same' | 'converts' | 'lossy' | 'blocked'

/** A verdict, and its reason in words for a person. */
export interface FieldComparison {
  readonly verdict: Verdict
  readonly reason: string
}

/** Compares two fields by their descriptions alone, before any value is known. The worst finding is the verdict. */
export function compareFields(source: Field, target: Field, choices: ConversionChoices = {}): FieldComparison {
  if (!canConvert(source.type, target.type)) {
    return { verdict: 'blocked', reason: `A ${source.type} field cannot fill a ${target.type} field.` }
  }
  const blocked = checks.map((check) => check(source, target, choices)).filter((found) => found !== undefined)
  const worst = blocked.reduce<FieldComparison | undefined>(
    (worse, found) => (worse !== undefined && rank[worse.verdict] >= rank[found.verdict] ? worse : found),
    undefined,
  )
  if (worst !== undefined) return worst
  return source.type === target.type
    ? { verdict: 'same', reason: 'Every value arrives as it is.' }
    : { verdict: 'converts', reason: `Every value arrives, as ${target.type}.` }
}

const rank: Readonly<Record<Verdict, number>> = { same: 0, converts: 1, lossy: 2, blocked: 3 }

type Check = (source: Field, target: Field, choices: ConversionChoices) => FieldComparison | undefined

const checks: readonly Check[] = [
  checkDefault,
  checkRequired,
  checkLength,
  checkLines,
  checkSyntax,
  checkDigits,
  checkScale,
  checkCurrency,
  checkZone,
  checkPairs,
  checkPicklist,
]

function checkDefault(_source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (choices.default === undefined || choices.default === null || validateField(target, choices.default).ok) return undefined
  return { verdict: 'blocked', reason: 'The default does not fit the target field.' }
}

function checkRequired(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (target.required !== true || source.required === true || hasDefault(choices)) return undefined
  return { verdict: 'lossy', reason: 'The target is required: records without a value are refused unless there is a default.' }
}

function checkLength(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  const takesText = isTextType(target.type)
  if (!takesText || longestText(source) <= fieldLength(target)) return undefined
  const isCut = choices.truncate === true && isTextType(source.type) && (target.type === 'text' || target.type === 'textArea')
  const limit = fieldLength(target)
  return { verdict: 'lossy', reason: `Texts longer than ${limit} characters are ${isCut ? 'cut' : 'refused'}.` }
}

function checkLines(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (source.type !== 'textArea' || target.type === 'textArea') return undefined
  return choices.newline === 'refuse'
    ? { verdict: 'lossy', reason: 'Texts with line breaks are refused.' }
    : { verdict: 'lossy', reason: 'Line breaks become spaces.' }
}

function checkSyntax(source: Field, target: Field): FieldComparison | undefined {
  const isStricter = target.type === 'email' || target.type === 'phone' || target.type === 'url'
  if (!isStricter || source.type === target.type) return undefined
  return { verdict: 'lossy', reason: `Values that are not a valid ${target.type} are refused.` }
}

function checkDigits(source: Field, target: Field): FieldComparison | undefined {
  if (!isNumeric(source) || !isNumeric(target)) return undefined
  const { integer } = fieldDigits(target)
  if (fieldDigits(source).integer <= integer) return undefined
  return { verdict: 'lossy', reason: `Numbers with more than ${integer} digits before the point are refused.` }
}

function checkScale(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (!isNumeric(source) || !isNumeric(target)) return undefined
  const { fraction } = fieldDigits(target)
  if (fieldDigits(source).fraction <= fraction) return undefined
  const outcome = choices.round === true ? 'rounded' : 'refused'
  return { verdict: 'lossy', reason: `Numbers with more than ${fraction} decimal places are ${outcome}.` }
}

function checkCurrency(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (source.type === 'currency' && target.type === 'number') {
    return { verdict: 'lossy', reason: 'The currency code is lost.' }
  }
  if (source.type === 'number' && target.type === 'currency' && !/^[A-Z]{3}$/.test(choices.currency ?? '')) {
    return { verdict: 'blocked', reason: 'The numbers need a currency code.' }
  }
  return undefined
}

function checkZone(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  const pair = `${source.type} ${target.type}`
  if (pair !== 'date dateTime' && pair !== 'dateTime date') return undefined
  if (!isZone(choices.zone ?? '')) return { verdict: 'blocked', reason: 'The time zone must be declared.' }
  return source.type === 'dateTime' ? { verdict: 'lossy', reason: 'The time of day is lost.' } : undefined
}

function checkPairs(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  const pairs = choices.picklist ?? {}
  if (source.type === 'checkbox' && target.type !== 'checkbox') {
    return Object.hasOwn(pairs, 'true') && Object.hasOwn(pairs, 'false')
      ? undefined
      : { verdict: 'blocked', reason: 'The mapping must say what true and false become.' }
  }
  if (target.type !== 'checkbox' || source.type === 'checkbox') return undefined
  const means = Object.values(pairs)
  if (!means.some((value) => value === 'true' || value === 'false')) {
    return { verdict: 'blocked', reason: 'The mapping must say which values mean true and false.' }
  }
  const known = activePicklistValues(source)
  if (known.length > 0 && known.every(({ value }) => Object.hasOwn(pairs, value))) return undefined
  return { verdict: 'lossy', reason: 'Values that the mapping does not name are refused or take the default.' }
}

function checkPicklist(source: Field, target: Field, choices: ConversionChoices): FieldComparison | undefined {
  if (target.type !== 'picklist' || source.type === 'checkbox') return undefined
  const offered = new Set(activePicklistValues(target).map(({ value }) => value))
  const wrong = Object.values(choices.picklist ?? {}).find((value) => target.restricted !== false && !offered.has(value))
  if (wrong !== undefined) return { verdict: 'blocked', reason: `The mapping names “${wrong}”, which the target does not offer.` }
  if (source.type !== 'picklist') {
    return { verdict: 'lossy', reason: 'Texts that the target does not offer are refused or take the default.' }
  }
  const values = activePicklistValues(source)
  const matches = values.map(({ value }) => matchPicklist(source, target, value, choices.picklist))
  const missing = values.filter((_entry, index) => matches[index] === undefined)
  if (missing.length > 0 && !hasDefault(choices)) {
    const names = missing.slice(0, 5).map(({ value }) => `“${value}”`)
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
    const verdict = missing.length === values.length ? 'blocked' : 'lossy'
    return { verdict, reason: `No counterpart for ${names.join(', ')}${more}: these are refused.` }
  }
  if (missing.length > 0) return { verdict: 'lossy', reason: `${missing.length} values take the default.` }
  if (matches.every((match) => match?.how === 'same')) {
    return source.restricted === false && target.restricted !== false
      ? { verdict: 'lossy', reason: 'The source also holds values outside its list: these are refused or take the default.' }
      : undefined
  }
  const passed = matches.filter((match) => match?.how === 'passed through').length
  const reason = passed > 0 ? `${passed} values are not in the target's list and arrive as they are.` : 'Every value has a counterpart.'
  return { verdict: 'converts', reason: offersAll(source, target) ? 'Every value arrives, mapped as chosen.' : reason }
}

function longestText(source: Field): number {
  if (isTextType(source.type)) return fieldLength(source)
  if (source.type === 'picklist' && source.restricted !== false) {
    return Math.max(0, ...(source.picklist ?? []).map(({ value }) => value.length))
  }
  if (source.type === 'picklist') return fieldLength(source)
  // A written number, amount, date or instant never has more characters than this; a checkbox's pair is checked value by value.
  return source.type === 'checkbox' ? 0 : 26
}

function isNumeric(field: Field): boolean {
  return field.type === 'number' || field.type === 'percent' || field.type === 'currency'
}

function hasDefault(choices: ConversionChoices): boolean {
  return choices.default !== undefined && choices.default !== null
}

/** Whether every value that a picklist offers is offered by the other one too. */
function offersAll(source: Field, target: Field): boolean {
  const values = new Set(activePicklistValues(target).map(({ value }) => value))
  return activePicklistValues(source).every(({ value }) => values.has(value))
}
