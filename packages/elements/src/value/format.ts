import type { Field, Value } from '@entente/engine'

/** Formats a stored value in a language; empty for null. A value that is not of the field's type stays as it is. */
export function formatValue(field: Field, value: Value | undefined, language: string): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return formatString(field, value, language)
  return isMoney(value) ? formatMoney(value, language) : JSON.stringify(value)
}

export interface Money {
  readonly amount: string
  readonly currency: string
}

export function isMoney(value: Value | undefined): value is { readonly amount: string; readonly currency: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'amount' in value &&
    typeof value.amount === 'string' &&
    'currency' in value &&
    typeof value.currency === 'string'
  )
}

/** A time in words: "5 minutes ago"; "at an unknown time" for a number that is no day. `now` and `time` are milliseconds since 1970. */
export function formatAge(time: number, now: number, language: string): string {
  if (!isDay(time)) return unknownTime
  const seconds = Math.round((time - now) / 1000)
  const words = cached(relatives, language, () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))
  if (Math.abs(seconds) < 10) return 'just now'
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit)
  return 'just now'
}

export function formatInstant(time: number, language: string): string {
  return isDay(time) ? dates(language, 'instant').format(time) : unknownTime
}

/** The time of day, with the date unless it is today. */
export function formatClock(time: number, now: number, language: string): { readonly text: string; readonly isToday: boolean } {
  const isToday = isDay(time) && new Date(time).toDateString() === new Date(now).toDateString()
  return { text: isToday ? dates(language, 'clock').format(time) : formatInstant(time, language), isToday }
}

/** Not every number is a day of the calendar, and Intl throws at one that is none. */
function isDay(time: number): boolean {
  return Math.abs(time) <= 8.64e15
}

const unknownTime = 'at an unknown time'

export function formatCount(count: number, language: string): string {
  return numbers(language, 0).format(count)
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

function formatString(field: Field, text: string, language: string): string {
  switch (field.type) {
    case 'number':
      return formatDecimal(text, language)
    case 'percent':
      return `${formatDecimal(text, language)} %`
    case 'date':
      return formatTime(text, /^\d{4}-\d{2}-\d{2}$/, 'date', language)
    case 'dateTime':
      return formatTime(text, /^\d{4}-\d{2}-\d{2}T/, 'instant', language)
    case 'time':
      return /^\d{2}:\d{2}/.exec(text)?.[0] ?? text
    case 'picklist':
      return field.picklist?.find((entry) => entry.value === text)?.label ?? text
    default:
      return text
  }
}

/** Exactly, digit by digit: Intl takes the decimal text itself. */
function formatDecimal(text: string, language: string): string {
  if (!/^-?\d+(?:\.\d+)?$/.test(text)) return text
  const fraction = text.split('.')[1]?.length ?? 0
  return numbers(language, Math.min(fraction, 20)).format(text as Intl.StringNumericLiteral)
}

function formatMoney({ amount, currency }: Money, language: string): string {
  if (!/^[A-Z]{3}$/.test(currency) || !/^-?\d+(?:\.\d+)?$/.test(amount)) return `${amount} ${currency}`.trim()
  const fraction = /^-?\d+(?:\.0*)?$/.test(amount) ? 0 : Math.min(amount.split('.')[1]?.length ?? 0, 20)
  const key = `${language} ${currency} ${fraction}`
  const money = cached(
    currencies,
    key,
    () =>
      new Intl.NumberFormat(language, { style: 'currency', currency, minimumFractionDigits: fraction, maximumFractionDigits: fraction }),
  )
  return money.format(amount as Intl.StringNumericLiteral)
}

function formatTime(text: string, form: RegExp, kind: 'date' | 'instant', language: string): string {
  const time = form.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? text : dates(language, kind).format(time)
}

const relatives = new Map<string, Intl.RelativeTimeFormat>()
const currencies = new Map<string, Intl.NumberFormat>()
const decimals = new Map<string, Intl.NumberFormat>()
const days = new Map<string, Intl.DateTimeFormat>()

function numbers(language: string, fraction: number): Intl.NumberFormat {
  return cached(
    decimals,
    `${language} ${fraction}`,
    () => new Intl.NumberFormat(language, { minimumFractionDigits: fraction, maximumFractionDigits: fraction }),
  )
}

/** A date has no time zone, so it is parsed and shown in UTC. */
function dates(language: string, kind: keyof typeof dateStyles): Intl.DateTimeFormat {
  return cached(days, `${language} ${kind}`, () => new Intl.DateTimeFormat(language, dateStyles[kind]))
}

const dateStyles = {
  date: { dateStyle: 'medium', timeZone: 'UTC' },
  instant: { dateStyle: 'medium', timeStyle: 'short' },
  clock: { timeStyle: 'short' },
} as const

/** Cached, because creating a formatter costs as much as formatting a thousand values. */
function cached<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}
