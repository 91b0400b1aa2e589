import {
  convertValue,
  isTextType,
  matchPicklist,
  parseDecimal,
  refuse,
  roundDecimal,
  fieldDigits,
  validateField,
  type ConversionFlag,
  type ConversionResult,
  type Field,
  type Value,
} from '../schema/index.js'
import { isPlaceholder } from './placeholder.js'
import { unescapeFormula } from './write.js'
import { readDate, readDateTime, readTime, type DateOrder } from './read-date.js'

/** How the cells of one column are written, and what may be done to make them fit. */
export interface CellFormat {
  readonly dateOrder?: DateOrder
  readonly decimal?: '.' | ','
  /** The ISO 4217 code of amounts that name none. */
  readonly currency?: string
  /** The IANA time zone of times that name no offset. UTC unless set. */
  readonly zone?: string
  /** From what a cell says to the value that is meant, '' for none: for picklists, and with 'true' and 'false' for checkboxes. */
  readonly values?: Readonly<Record<string, string>>
  /** What stands for nothing: cells of exactly these texts are blank. */
  readonly nothing?: readonly string[]
  /** Whether a cell that cannot be read is blank, too. Unless set, it makes its row bad. */
  readonly blankUnread?: boolean
  /** The value of blank cells, in stored form. */
  readonly default?: Value
  readonly truncate?: boolean
  readonly round?: boolean
}

const maxCellLength = 255
/** No amount is longer, and the pattern below takes the cube of the length over spaces. */
const maxMoneyLength = 80

/**
 * Reads one cell into the stored form of a field. `code` is the currency code that another column gives for the row.
 *
 * Refuses with the field's rules; the errors name the field and never the text.
 */
export function readCell(field: Field, text: string, format: CellFormat = {}, code = ''): ConversionResult {
  const cell = text.trim()
  if (cell === '' || format.nothing?.includes(cell) === true || chosenValue(format, cell) === '') return readBlank(field, format)
  const result = readFilled(field, text, cell, format, code)
  return !result.ok && format.blankUnread === true ? readBlank(field, format) : result
}

function chosenValue({ values }: CellFormat, cell: string): string | undefined {
  return values !== undefined && Object.hasOwn(values, cell) ? values[cell] : undefined
}

function readFilled(field: Field, text: string, cell: string, format: CellFormat, code: string): ConversionResult {
  if (isTextType(field.type)) return readText(field, text, format)
  // No number, date or offered value is this long, and no pattern should run over a cell of a megabyte.
  if (cell.length > maxCellLength) return notRead(field, 'Check the quotes and the delimiter of this row.')
  switch (field.type) {
    case 'picklist':
      return readPicklist(field, unescapeFormula(cell), format)
    case 'checkbox':
      return finish(field, readCheckbox(cell, format.values))
    case 'number':
      return readNumber(field, cell, format)
    case 'percent':
      return readNumber(field, cutPercent(cell), format)
    case 'currency':
      return readCurrency(field, cell, format, code)
    case 'date':
      return readAs(field, readDate(cell, format.dateOrder ?? 'ymd'), dateFix(format))
    case 'dateTime':
      return readAs(field, readDateTime(cell, format.dateOrder ?? 'ymd', format.zone ?? 'UTC'), dateFix(format))
    case 'time':
      return readAs(field, readTime(cell), 'Write it as HH:MM.')
    default:
      return finish(field, text)
  }
}

/** Reads what people write for yes and no; undefined for anything else. */
export function readCheckbox(cell: string, values: Readonly<Record<string, string>> = {}): boolean | undefined {
  const word = Object.hasOwn(values, cell) ? (values[cell] ?? '') : cell.toLowerCase()
  if (['true', 'yes', 'y', '1', 'x', 'on'].includes(word)) return true
  return ['false', 'no', 'n', '0', 'off'].includes(word) ? false : undefined
}

/** "50 %" → "50". */
export function cutPercent(cell: string): string {
  return cell.endsWith('%') ? cell.slice(0, -1).trimEnd() : cell
}

/** An amount as exact decimal text, with its ISO 4217 code. */
export interface Money {
  readonly amount: string
  /** '' if the text names no currency. */
  readonly currency: string
}

/** Reads "$1,054.00", "1.054,00 €" or "USD 1054". A lone $ is the column's currency, or USD. */
export function readMoney(cell: string, format: CellFormat): Money | undefined {
  if (cell.length > maxMoneyLength) return undefined
  const match = /^([-(]?)\s*([A-Z]{3}|[$€£¥])?\s*([-(]?[\d.,'\u2019 \u00a0\u202f]+[-)]?)\s*([A-Z]{3}|[$€£¥])?\s*(\)?)$/.exec(cell)
  if (!match) return undefined
  const [, before = '', front = '', number = '', behind = '', after = ''] = match
  if (front !== '' && behind !== '') return undefined
  const amount = parseDecimal(`${before}${number}${after}`, { decimal: format.decimal ?? '.' })
  const sign = front === '' ? behind : front
  return amount === undefined ? undefined : { amount, currency: sign === '$' ? (format.currency ?? 'USD') : (signs[sign] ?? sign) }
}

const signs: Readonly<Record<string, string>> = { '€': 'EUR', '£': 'GBP', '¥': 'JPY' }

function readBlank(field: Field, format: CellFormat): ConversionResult {
  if (format.default === undefined) return { ok: true, value: null, flags: [] }
  const checked = validateField(field, format.default)
  return checked.ok ? { ...checked, flags: ['defaulted'] } : checked
}

/** Cutting and joining lines is the same for a cell as for a value from another org. */
function readText(field: Field, text: string, format: CellFormat): ConversionResult {
  const source: Field = { name: field.name, label: field.label, type: 'textArea' }
  const tidy = unescapeFormula(text).replace(/\r\n?/g, '\n').trim()
  if (field.type === 'text' || field.type === 'textArea') {
    return convertValue(source, field, tidy, format.truncate === true ? { truncate: true } : {})
  }
  return finish(field, tidy)
}

function readPicklist(field: Field, cell: string, format: CellFormat): ConversionResult {
  const source: Field = { name: field.name, label: field.label, type: 'text' }
  const match = matchPicklist(source, field, cell, format.values)
  if (match !== undefined) return finish(field, match.value, match.how === 'table' || match.how === 'label' ? ['mapped'] : [])
  return refuse(
    'PICKLIST',
    field.name,
    'offered value',
    `${field.label} does not offer this value.`,
    'Map it to one of the values offered, or add it to the picklist.',
  )
}

function readNumber(field: Field, cell: string, format: CellFormat): ConversionResult {
  const decimal = parseDecimal(cell, { decimal: format.decimal ?? '.' })
  if (decimal === undefined) return notRead(field, `Write it in digits with “${format.decimal ?? '.'}” before the decimal places.`)
  const { value, flags } = roundIfAgreed(field, decimal, format)
  return finish(field, value, flags)
}

function readCurrency(field: Field, cell: string, format: CellFormat, code: string): ConversionResult {
  const money = readMoney(cell, format)
  if (money === undefined) return notRead(field, 'Write an amount in digits, with or without a currency.')
  const named = code.trim()
  const currency = money.currency || (isPlaceholder(named) ? '' : named.toUpperCase()) || format.currency
  if (currency === undefined) {
    return refuse('FORMAT', field.name, 'currency code', `${field.label} has no currency.`, 'Choose the currency of this column.')
  }
  const { value, flags } = roundIfAgreed(field, money.amount, format)
  return finish(field, { amount: value, currency }, flags)
}

function roundIfAgreed(field: Field, decimal: string, format: CellFormat): { value: string; flags: ConversionFlag[] } {
  const value = format.round === true ? roundDecimal(decimal, fieldDigits(field).fraction) : decimal
  return { value, flags: value === decimal ? [] : ['rounded'] }
}

function readAs(field: Field, value: string | undefined, fix: string): ConversionResult {
  return value === undefined ? notRead(field, fix) : finish(field, value)
}

function dateFix(format: CellFormat): string {
  const words = { ymd: 'year, month, day', dmy: 'day, month, year', mdy: 'month, day, year' }
  return `The column is read as ${words[format.dateOrder ?? 'ymd']}: correct the order, or the cell.`
}

function notRead(field: Field, fix: string): ConversionResult {
  return refuse('TYPE', field.name, `${field.type} format`, `${field.label} cannot be read as ${field.type}.`, fix)
}

function finish(field: Field, value: Value | undefined, flags: readonly ConversionFlag[] = []): ConversionResult {
  if (value === undefined) return notRead(field, 'Write true or false.')
  const checked = validateField(field, value)
  return checked.ok ? { ...checked, flags } : checked
}
