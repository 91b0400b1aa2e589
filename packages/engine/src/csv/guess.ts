import { parseDecimal, validateField, type Field, type FieldType, type ObjectSchema } from '../schema/index.js'
import { matchColumns } from './column-names.js'
import type { CsvTable } from './parse.js'
import { cutPercent, readCell, readCheckbox, readMoney, type CellFormat } from './read-cell.js'
import { guessDateOrder, readDate, readDateTime, readTime } from './read-date.js'
import { currencyColumnName } from './write.js'

/** What a column seems to hold and which field it seems to fit. A person may correct all of it before converting. */
export interface ColumnGuess {
  readonly column: string
  /** The API name of the field it fits, if any. */
  readonly field?: string
  /** The matched field's type, else what the cells look like. */
  readonly type: FieldType
  readonly format: CellFormat
  /** Another column that holds the currency codes of this one's amounts. */
  readonly currencyColumn?: string
  /** True for a column that only gives another one's currency codes. */
  readonly isCurrencyCode: boolean
  readonly filled: number
  readonly blank: number
  /** Different texts among the cells looked at. */
  readonly distinct: number
  /** The share of filled cells, 0 to 1, that can be read as this type and field. */
  readonly fits: number
  /** Texts that the picklist does not offer and that need a value; the user's own data, for the mapping table, not for logs. */
  readonly unknownValues: readonly string[]
  /** What a person should look at, for example that day and month could be either way round. */
  readonly doubts: readonly string[]
  /** A few different cells for the preview. */
  readonly samples: readonly string[]
}

const maxRowsLookedAt = 20_000
const maxSifted = 200
/** As many as a guessed picklist has at most, so that a custom field can be proposed with all of them. */
const maxSamples = 12

/** Guesses every column of a table: its field, its type, and how dates and numbers are written. */
export function guessColumns(table: CsvTable, schema: ObjectSchema): readonly ColumnGuess[] {
  const names = table.columns.map(({ name }) => name)
  const matched = matchColumns(names, schema)
  const codeColumns = new Map(names.map((name) => [currencyColumnName(name).toLowerCase(), name]))
  const isCode = (name: string): boolean => matched.get(codeColumns.get(name.toLowerCase()) ?? '')?.type === 'currency'
  const rows = table.rows.slice(0, maxRowsLookedAt)
  return table.columns.map(({ index, name }) => {
    const texts = rows.map(({ cells }) => cells[index]?.trim() ?? '')
    const field = isCode(name) ? undefined : matched.get(name)
    const guess = guessColumn(name, field, texts)
    const codes =
      field?.type === 'currency' ? names.find((other) => isCode(other) && codeColumns.get(other.toLowerCase()) === name) : undefined
    return { ...guess, isCurrencyCode: isCode(name), ...(codes === undefined ? {} : { currencyColumn: codes }) }
  })
}

function guessColumn(column: string, field: Field | undefined, texts: readonly string[]): ColumnGuess {
  const cells = tally(texts)
  const filled = total(cells)
  const looks = field === undefined ? guessType(cells) : guessFormat(field.type, cells, true)
  const fits = field === undefined ? looks.fits : countFits(field, cells, looks.format)
  const unknown = field?.type === 'picklist' ? cells.map(({ text }) => text).filter((text) => !readCell(field, text).ok) : []
  const doubts = [...looks.doubts]
  if (field !== undefined && field.type !== 'picklist' && fits * 2 < filled) doubts.push(`Most cells cannot be read as ${field.type}.`)
  if (unknown.length > 0) doubts.push(`${unknown.length} of its values are not in the picklist and need a counterpart.`)
  return {
    column,
    ...(field === undefined ? {} : { field: field.name }),
    type: looks.type,
    format: looks.format,
    isCurrencyCode: false,
    filled,
    blank: texts.length - filled,
    distinct: cells.length,
    fits: filled === 0 ? 1 : fits / filled,
    unknownValues: unknown,
    doubts,
    samples: cells.slice(0, maxSamples).map(({ text }) => text),
  }
}

/** One text of a column and how many cells hold it. Reading each text once is what keeps guessing fast. */
interface Cells {
  readonly text: string
  readonly times: number
}

interface Written {
  readonly type: FieldType
  readonly format: CellFormat
  readonly fits: number
  readonly doubts: readonly string[]
}

/**
 * A type is taken where nine of ten cells fit it: a few slips in a long column are the rule. Types are sifted on texts from all over the
 * column first, as trying all of them on all texts would freeze a page.
 */
function guessType(cells: readonly Cells[]): Written {
  const filled = total(cells)
  const none: Written = { type: 'text', format: {}, fits: filled, doubts: [] }
  if (filled === 0) return none
  const step = Math.ceil(cells.length / maxSifted)
  const sifted = cells.filter((_cell, index) => index % step === 0)
  for (const type of typesByStrictness) {
    if (guessFormat(type, sifted).fits < total(sifted) * 0.9) continue
    const found = guessFormat(type, cells)
    if (found.fits >= filled * 0.9) return found
  }
  if (cells.some(({ text }) => /[\r\n]/.test(text) || text.length > 255)) return { ...none, type: 'textArea' }
  return filled >= 20 && cells.length <= maxSamples && cells.length * 5 <= filled ? { ...none, type: 'picklist' } : none
}

const typesByStrictness: readonly FieldType[] = [
  'checkbox',
  'time',
  'date',
  'dateTime',
  'percent',
  'currency',
  'number',
  'email',
  'url',
  'phone',
]

/** `isSure` where the type is known from the field: then amounts need no code and percentages no sign to be read as such. */
function guessFormat(type: FieldType, cells: readonly Cells[], isSure = false): Written {
  const by = (holds: (text: string) => boolean): Written => ({ type, format: {}, fits: count(cells, holds), doubts: [] })
  switch (type) {
    case 'checkbox':
      // A column of nothing but 1 and 0 is as likely a count; letters are needed to believe in yes and no.
      return cells.some(({ text }) => /[a-z]/i.test(text)) ? by((text) => readCheckbox(text) !== undefined) : by(() => false)
    case 'date':
      return guessDates(cells)
    case 'dateTime':
      return guessDateTimes(cells)
    case 'time':
      return by((text) => readTime(text) !== undefined)
    case 'percent':
      return guessNumbers(type, cells, (text) => isSure || text.endsWith('%'))
    case 'currency':
      return guessNumbers(type, cells, (text, format) => isSure || (readMoney(text, format)?.currency ?? '') !== '')
    case 'number':
      // 00123 is an identifier or a postal code, and would lose its zeros.
      return cells.some(({ text }) => /^0\d/.test(text)) ? by(() => false) : guessNumbers(type, cells, () => true)
    case 'url':
      return by((text) => /^(?:https?:\/\/|www\.)/i.test(text) && isValid(type, text))
    case 'phone':
      return by((text) => /^[+(]?\d[\d ()/.-]{6,}$/.test(text) && /[ ()/-]|^\+/.test(text))
    case 'email':
      return by((text) => isValid(type, text))
    default:
      return by(() => true)
  }
}

function guessDates(cells: readonly Cells[]): Written {
  const { order, fits, ambiguous } = guessDateOrder((fitsOrder) => count(cells, (text) => readDate(text, fitsOrder) !== undefined))
  return { type: 'date', format: { dateOrder: order }, fits, doubts: ambiguous ? [ambiguousDates] : [] }
}

function guessDateTimes(cells: readonly Cells[]): Written {
  const { order, fits, ambiguous } = guessDateOrder((fitsOrder) =>
    count(cells, (text) => /\d:\d/.test(text) && readDateTime(text, fitsOrder, 'UTC') !== undefined),
  )
  const doubts = ambiguous ? [ambiguousDates] : []
  if (fits > 0 && cells.some(({ text }) => !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text))) {
    doubts.push('Times without an offset are read as UTC: choose the zone.')
  }
  return { type: 'dateTime', format: { dateOrder: order }, fits, doubts }
}

const ambiguousDates = 'Day and month could be either way round: choose the order.'

function guessNumbers(type: FieldType, cells: readonly Cells[], looksRight: (text: string, format: CellFormat) => boolean): Written {
  const read = (text: string, decimal: '.' | ','): string | undefined =>
    type === 'currency' ? readMoney(text, { decimal })?.amount : parseDecimal(cutPercent(text), { decimal })
  const fitsWith = (decimal: '.' | ','): number =>
    count(cells, (text) => looksRight(text, { decimal }) && read(text, decimal) !== undefined)
  const point = fitsWith('.')
  const comma = fitsWith(',')
  const decimal = comma > point ? ',' : '.'
  const isEither = point === comma && point > 0 && cells.some(({ text }) => read(text, '.') !== read(text, ','))
  const doubts = isEither ? ['Points and commas could be decimal signs or thousands: choose the decimal sign.'] : []
  return { type, format: { decimal }, fits: Math.max(point, comma), doubts }
}

function countFits(field: Field, cells: readonly Cells[], format: CellFormat): number {
  // An amount without a code fits: its currency is chosen for the whole column.
  const tried: CellFormat = field.type === 'currency' ? { ...format, currency: 'USD' } : format
  return count(cells, (text) => readCell(field, text, tried).ok)
}

function isValid(type: FieldType, text: string): boolean {
  return validateField({ name: 'Guess', label: 'Guess', type }, text).ok
}

function tally(texts: readonly string[]): readonly Cells[] {
  const times = new Map<string, number>()
  for (const text of texts) if (text !== '') times.set(text, (times.get(text) ?? 0) + 1)
  return [...times].map(([text, seen]) => ({ text, times: seen }))
}

function count(cells: readonly Cells[], holds: (text: string) => boolean): number {
  let found = 0
  for (const { text, times } of cells) if (holds(text)) found += times
  return found
}

function total(cells: readonly Cells[]): number {
  return count(cells, () => true)
}
