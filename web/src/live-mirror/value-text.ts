import type { PassField } from './pass.js'

/**
 * A value as text, by its field's type; empty for null.
 *
 * @returns undefined for a value that is not of the type
 */
export function valueText({ type, picklist }: PassField['field'], value: unknown, language: string): string | undefined {
  if (value === null) return ''
  if (type === 'checkbox') return typeof value === 'boolean' ? (value ? 'Yes' : 'No') : undefined
  if (type === 'currency') return moneyText(value, language)
  if (typeof value !== 'string') return undefined
  switch (type) {
    case 'number':
      return decimalText(value, language)
    case 'percent': {
      const text = decimalText(value, language)
      return text === undefined ? undefined : `${text} %`
    }
    case 'date':
      return timeText(value, /^\d{4}-\d{2}-\d{2}$/, { dateStyle: 'medium', timeZone: 'UTC' }, language)
    case 'dateTime':
      return timeText(value, /^\d{4}-\d{2}-\d{2}T/, { dateStyle: 'medium', timeStyle: 'short' }, language)
    case 'time':
      return /^\d{2}:\d{2}/.exec(value)?.[0]
    case 'picklist':
      return picklist?.find((entry) => entry.value === value)?.label ?? value
    default:
      return value
  }
}

const decimal = /^-?\d+(?:\.\d+)?$/

/** Exactly, digit by digit: Intl takes the decimal text itself. */
function decimalText(text: string, language: string): string | undefined {
  if (!decimal.test(text)) return undefined
  const digits = Math.min(text.split('.')[1]?.length ?? 0, 20)
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    text as Intl.StringNumericLiteral,
  )
}

function moneyText(value: unknown, language: string): string | undefined {
  if (typeof value !== 'object' || value === null || !('amount' in value) || !('currency' in value)) return undefined
  const { amount, currency } = value
  if (typeof amount !== 'string' || typeof currency !== 'string') return undefined
  const text = decimalText(amount, language)
  return text === undefined ? undefined : `${text} ${currency}`
}

function timeText(text: string, form: RegExp, how: Intl.DateTimeFormatOptions, language: string): string | undefined {
  const time = form.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : new Intl.DateTimeFormat(language, how).format(time)
}
