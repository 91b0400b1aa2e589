/**
 * An exact decimal as a text: an optional minus, digits, and after a point more digits. No exponent, and no float on the way. The normal form has no
 * leading or trailing zeros and no "-0", so that equal numbers are equal texts.
 */
export type Decimal = string

/** How numbers are written: with a point or a comma before the decimal places. */
export interface DecimalFormat {
  readonly decimal: '.' | ','
}

/** What happens to a tie: to the even digit, or away from zero. */
export type Rounding = 'halfEven' | 'halfUp'

/** Longer than any field's 18 digits, short enough that hostile input costs nothing. */
const maxDecimalLength = 64

const plain = /^-?\d+(?:\.\d+)?$/

/** True for an exact decimal such as "-12.50", in normal form or not. */
export function isDecimal(text: string): boolean {
  return text.length <= maxDecimalLength && plain.test(text)
}

/** Brings a decimal to its normal form: "007.50" → "7.5", "-0.0" → "0". */
export function normaliseDecimal(decimal: Decimal): Decimal {
  const { negative, integer, fraction } = splitDecimal(decimal)
  return joinDecimal(negative, integer, fraction)
}

/**
 * Reads a number as people write it: grouping by the other separator, spaces or apostrophes; a minus in front or behind, or
 * brackets around a negative amount. Returns the normal form, or undefined where the text is no such number.
 * Exponents are refused: a spreadsheet that shows 1.05E+03 has already lost digits.
 */
export function parseDecimal(text: string, format: DecimalFormat = { decimal: '.' }): Decimal | undefined {
  let rest = text.trim()
  if (rest.length > maxDecimalLength) return undefined
  let negative = false
  const bracketed = /^\((.*)\)$/.exec(rest)
  if (bracketed?.[1] !== undefined) {
    negative = true
    rest = bracketed[1]
  } else {
    const signed = /^([-+\u2212]?)\s*(.*?)\s*(-?)$/.exec(rest)
    if (!signed) return undefined
    const [, before = '', digits = '', behind = ''] = signed
    if (before !== '' && behind !== '') return undefined
    negative = before === '-' || before === '\u2212' || behind === '-'
    rest = digits
  }
  const point = rest.lastIndexOf(format.decimal)
  const integer = point < 0 ? rest : rest.slice(0, point)
  const fraction = point < 0 ? '' : rest.slice(point + 1)
  if (!/^\d*$/.test(fraction)) return undefined
  const digits = ungroup(integer, format.decimal === '.' ? ',' : '.')
  if (digits === undefined || (digits === '' && fraction === '')) return undefined
  return joinDecimal(negative, digits, fraction)
}

/** Compares by number: negative, zero or positive as `left` is less than, equal to or greater than `right`. */
export function compareDecimals(left: Decimal, right: Decimal): number {
  // Up to 15 digits, different decimals are different floats in the same order; sorting a long list is five times faster so.
  if (left.length <= 15 && right.length <= 15) return Number(left) - Number(right)
  const a = splitDecimal(normaliseDecimal(left))
  const b = splitDecimal(normaliseDecimal(right))
  if (a.negative !== b.negative) return a.negative ? -1 : 1
  const size =
    a.integer.length - b.integer.length ||
    compareTexts(a.integer, b.integer) ||
    // Both fractions start at the same place, so that text order is number order.
    compareTexts(a.fraction, b.fraction)
  return a.negative ? 0 - size : size
}

/** Rounds to `scale` decimal places. Ties go to the even digit (bankers, the default) or away from zero. */
export function roundDecimal(decimal: Decimal, scale: number, rounding: Rounding = 'halfEven'): Decimal {
  const { negative, integer, fraction } = splitDecimal(decimal)
  if (fraction.length <= scale) return joinDecimal(negative, integer, fraction)
  const kept = BigInt(integer + fraction.slice(0, scale))
  const dropped = fraction.slice(scale)
  const first = dropped.charCodeAt(0) - 48
  const isTie = first === 5 && /^50*$/.test(dropped)
  const up = isTie ? rounding === 'halfUp' || kept % 2n === 1n : first >= 5
  const digits = String(up ? kept + 1n : kept).padStart(scale + 1, '0')
  const split = digits.length - scale
  return joinDecimal(negative, digits.slice(0, split), digits.slice(split))
}

/** Writes at least `scale` decimal places: "1054" with 2 → "1054.00". Never drops a digit. */
export function padDecimal(decimal: Decimal, scale: number): Decimal {
  const normal = normaliseDecimal(decimal)
  const { fraction } = splitDecimal(normal)
  if (fraction.length >= scale) return normal
  const padding = '0'.repeat(scale - fraction.length)
  return fraction === '' ? `${normal}.${padding}` : normal + padding
}

/** Adds two decimals exactly, for totals of a column. */
export function addDecimals(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(splitDecimal(left).fraction.length, splitDecimal(right).fraction.length)
  const sum = decimalToUnits(left, scale) + decimalToUnits(right, scale)
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0')
  const split = digits.length - scale
  return joinDecimal(sum < 0n, digits.slice(0, split), digits.slice(split))
}

/** How many digits stand before and after the point, leading and trailing zeros not counted. */
export function countDigits(decimal: Decimal): { readonly integer: number; readonly fraction: number } {
  const { integer, fraction } = splitDecimal(normaliseDecimal(decimal))
  return { integer: integer === '0' ? 0 : integer.length, fraction: fraction.length }
}

function decimalToUnits(decimal: Decimal, scale: number): bigint {
  const { negative, integer, fraction } = splitDecimal(decimal)
  const units = BigInt(integer + fraction.padEnd(scale, '0'))
  return negative ? -units : units
}

interface SplitDecimal {
  readonly negative: boolean
  readonly integer: string
  readonly fraction: string
}

function splitDecimal(decimal: Decimal): SplitDecimal {
  const negative = decimal.startsWith('-')
  const [integer = '0', fraction = ''] = (negative ? decimal.slice(1) : decimal).split('.')
  return { negative, integer, fraction }
}

function joinDecimal(negative: boolean, integer: string, fraction: string): Decimal {
  const head = integer.replace(/^0+(?=\d)/, '') || '0'
  const tail = fraction.replace(/0+$/, '')
  const size = tail === '' ? head : `${head}.${tail}`
  return negative && size !== '0' ? `-${size}` : size
}

/** Takes the grouping out, or returns undefined where the groups are not those of a number ("1,2,3"). Indian groups of two are fine. */
function ungroup(integer: string, group: ',' | '.'): string | undefined {
  if (/^\d*$/.test(integer)) return integer
  const separator = group === ',' ? ',' : '\\.'
  const grouped = new RegExp(`^\\d{1,3}([${separator}'\u2019 \u00a0\u202f])(?:\\d{2,3}\\1)*\\d{3}$`)
  return grouped.test(integer) ? integer.replace(/\D/g, '') : undefined
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
