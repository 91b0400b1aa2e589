import { formatDate, isDay, localToInstant, normaliseInstant, normaliseTime } from '../schema/index.js'

/** Longer than any written date with its time; beyond it no pattern is tried. */
const maxDateLength = 64

/** In which order a numeric date is written. */
export type DateOrder = 'ymd' | 'dmy' | 'mdy'

/**
 * Reads a date as "YYYY-MM-DD", or undefined. A year of four digits in front, or an English month name, needs no order; a numeric date with the year behind
 * does. Years of two digits are 1970 to 2069. A midnight behind the date is dropped.
 */
export function readDate(text: string, order: DateOrder): string | undefined {
  if (text.length > maxDateLength) return undefined
  const date = text.trim().replace(/[T ]0?0:00(?::00(?:\.0+)?)?Z?$/, '')
  const numeric = /^(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})\.?$/.exec(date)
  if (numeric) {
    const [, first = '', , second = '', third = ''] = numeric
    if (first.length === 4) return third.length <= 2 ? makeDate(first, second, third) : undefined
    if (first.length > 2 || order === 'ymd') return undefined
    return order === 'dmy' ? makeDate(third, second, first) : makeDate(third, first, second)
  }
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(date)
  if (compact && order === 'ymd') return makeDate(compact[1] ?? '', compact[2] ?? '', compact[3] ?? '')
  return readNamedDate(date)
}

/** Reads "HH:MM", "HH:MM:SS" or "3:30 PM" as a time of day. */
export function readTime(text: string): string | undefined {
  if (text.length > maxDateLength) return undefined
  const half = /^(\d{1,2})(:\d{2}(?::\d{2})?)\s*([ap])\.?m\.?$/i.exec(text.trim())
  if (!half) return normaliseTime(text.trim())
  const [, hours = '', rest = '', letter = ''] = half
  const hour = Number(hours)
  if (hour < 1 || hour > 12) return undefined
  return normaliseTime(`${(hour % 12) + (letter.toLowerCase() === 'p' ? 12 : 0)}${rest}`)
}

/** Reads a date with a time as a UTC instant, or undefined. A text without an offset is a time of `zone` (IANA name). */
export function readDateTime(text: string, order: DateOrder, zone: string): string | undefined {
  if (text.length > maxDateLength) return undefined
  const trimmed = text.trim()
  const instant = normaliseInstant(trimmed)
  if (instant !== undefined) return instant
  const parts = /^(.*\d)[T,]?\s*?(?:T|\s)\s*(\d{1,2}:\d{2}.*)$/.exec(trimmed)
  const date = readDate(parts?.[1] ?? trimmed, order)
  const time = parts?.[2] === undefined ? '00:00:00.000' : readTime(parts[2])
  return date === undefined || time === undefined ? undefined : localToInstant(date, time, zone)
}

/** In which order the dates of a column seem to be written. */
export interface DateGuess {
  readonly order: DateOrder
  /** How many of the texts are dates in this order. */
  readonly fits: number
  /** True where day and month could be the other way round in every text. */
  readonly ambiguous: boolean
}

/**
 * Finds the order in which most texts are dates; `countFits` says how many fit an order. If day and month fit equally in both orders, it says so and
 * proposes the day first.
 */
export function guessDateOrder(countFits: (order: DateOrder) => number): DateGuess {
  const ymd = countFits('ymd')
  const dmy = countFits('dmy')
  const mdy = countFits('mdy')
  const best = Math.max(ymd, dmy, mdy)
  if (ymd === best) return { order: 'ymd', fits: ymd, ambiguous: false }
  return { order: dmy === best ? 'dmy' : 'mdy', fits: best, ambiguous: dmy === mdy }
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

function readNamedDate(text: string): string | undefined {
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?[-/. ]+([a-z]{3,9})\.?,?[-/. ]+(\d{4}|\d{2})$/i.exec(text)
  const monthFirst = /^([a-z]{3,9})\.?[-/. ]+(\d{1,2})(?:st|nd|rd|th)?,?[-/. ]+(\d{4}|\d{2})$/i.exec(text)
  const day = dayFirst?.[1] ?? monthFirst?.[2]
  const name = dayFirst?.[2] ?? monthFirst?.[1]
  const year = dayFirst?.[3] ?? monthFirst?.[3]
  if (day === undefined || name === undefined || year === undefined) return undefined
  return makeDate(year, String(months.indexOf(name.slice(0, 3).toLowerCase()) + 1), day)
}

function makeDate(year: string, month: string, day: string): string | undefined {
  if (year.length !== 4 && year.length !== 2) return undefined
  const full = year.length === 4 ? Number(year) : Number(year) + (Number(year) < 70 ? 2000 : 1900)
  return isDay(full, Number(month), Number(day)) ? formatDate(full, Number(month), Number(day)) : undefined
}
