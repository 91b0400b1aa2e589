import { countDigits, fieldLength, parseDecimal, validateField, type Field, type FieldType, type ObjectSchema } from '../schema/index.js'
import { currencyInName, isCurrencyCode, matchColumns } from './column-names.js'
import { proposeCustomField } from './custom-field.js'
import type { CsvTable } from './parse.js'
import { isPlaceholder } from './placeholder.js'
import { cutPercent, readCell, readCheckbox, readMoney, type CellFormat } from './read-cell.js'
import { guessDateOrder, readDate, readDateTime, readTime, type DateGuess, type DateOrder } from './read-date.js'
import { currencyColumnName } from './write.js'

/** What a column seems to hold and which field it seems to fit. A person may correct all of it before converting. */
export interface ColumnGuess {
  readonly column: string
  /** The API name of the field it fits, if any. */
  readonly field?: string
  /** The matched field's type, else what the cells are. Without a field, every filled cell can be read as this type, or it is a text. */
  readonly type: FieldType
  readonly format: CellFormat
  /** The decimal places that a new field for the column needs, if it holds numbers. */
  readonly scale: number
  /** Another column that holds the currency codes of this one's amounts. */
  readonly currencyColumn?: string
  /** True for a column that only gives another one's currency codes. */
  readonly isCurrencyCode: boolean
  readonly filled: number
  /** Cells without a text, and those that only say that nothing was chosen. */
  readonly blank: number
  /** The texts that only say that nothing was chosen, such as “--None--”, and how many cells have each. `format.nothing` reads them as blank. */
  readonly placeholders: readonly { readonly text: string; readonly count: number }[]
  /** Different texts among the filled cells. */
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

/** How columns are guessed. */
export interface GuessOptions {
  /** The decimal sign that the person's language writes: taken where both would read a column. */
  readonly decimal?: '.' | ','
  /** Awaited now and then, so that a page can draw. */
  readonly pause?: () => Promise<void>
}

const maxSifted = 200
/** As many as a guessed picklist has at most, so that a custom field can be proposed with all of them. */
const maxSamples = 12
/** Cells between two pauses: a few milliseconds. */
const sliceCells = 200

/**
 * Guesses every column of a table: its field, its type, and how dates and numbers are written. A type is taken only where it reads every filled cell of the
 * whole column.
 */
export async function guessColumns(table: CsvTable, schema: ObjectSchema, options: GuessOptions = {}): Promise<readonly ColumnGuess[]> {
  const names = table.columns.map(({ name }) => name)
  const matched = matchColumns(names, schema)
  const guesses: ColumnGuess[] = []
  for (const { index, name } of table.columns) {
    const cells = await tally(table, index, options)
    const field = matched.get(name)
    guesses.push(await guessColumn(name, field, cells, table.rows.length, schema, options))
  }
  return giveCurrencies(guesses)
}

async function guessColumn(
  column: string,
  field: Field | undefined,
  cells: readonly Cells[],
  rowCount: number,
  schema: ObjectSchema,
  options: GuessOptions,
): Promise<ColumnGuess> {
  const offers = (text: string): boolean => field?.picklist?.some(({ value, label }) => value === text || label === text) ?? false
  const none: Cells[] = []
  const filledCells: Cells[] = []
  for (const cell of cells) (isPlaceholder(cell.text) && !offers(cell.text) ? none : filledCells).push(cell)
  await options.pause?.()
  const filled = total(filledCells)
  const base = {
    column,
    isCurrencyCode: false,
    filled,
    blank: rowCount - filled,
    placeholders: none.map(({ text, times }) => ({ text, count: times })),
    distinct: filledCells.length,
    samples: filledCells.slice(0, maxSamples).map(({ text }) => text),
  }
  const nothing = none.length === 0 ? {} : { nothing: none.map(({ text }) => text) }
  if (field === undefined) {
    const { doubts, type, format, scale } = await guessType(base, filledCells, schema, options)
    return { ...base, type, format: { ...format, ...nothing }, scale, fits: 1, unknownValues: [], doubts }
  }
  const looks = await guessFormat(field.type, filledCells, options, true)
  const currency = field.type === 'currency' ? currencyInName(column) : undefined
  // An amount without a code fits: its currency is chosen for the whole column.
  const unread = await unreadTexts(field, filledCells, { ...looks.format, currency: 'USD' }, options)
  const fits = filled - total(unread)
  const unknownValues = field.type === 'picklist' ? unread.map(({ text }) => text) : []
  const doubts = [...looks.doubts]
  if (field.type !== 'picklist' && fits * 2 < filled) doubts.push(`Most cells cannot be read as ${field.type}.`)
  else if (field.type !== 'picklist' && fits < filled) doubts.push(`${filled - fits} of its ${filled} cells do not fit ${field.label}.`)
  if (unknownValues.length > 0) doubts.push(`${unknownValues.length} of its values are not in the picklist and need a counterpart.`)
  return {
    ...base,
    field: field.name,
    type: looks.type,
    format: { ...looks.format, ...nothing, ...(currency !== undefined && { currency }) },
    scale: looks.scale,
    fits: filled === 0 ? 1 : fits / filled,
    unknownValues,
    doubts,
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
  readonly scale: number
  readonly fits: number
  readonly doubts: readonly string[]
}

const defaultScale = 2

/**
 * A type is taken where it reads every cell, by the field that would be proposed for it. Types are sifted on texts from all over the column first, as trying all
 * of them on all texts would take long.
 */
async function guessType(
  base: Pick<ColumnGuess, 'column' | 'filled' | 'distinct' | 'samples'>,
  cells: readonly Cells[],
  schema: ObjectSchema,
  options: GuessOptions,
): Promise<Written> {
  const { filled } = base
  const none: Written = { type: 'text', format: {}, scale: defaultScale, fits: filled, doubts: [] }
  if (filled === 0) return none
  const reads = async (written: Written): Promise<boolean> => {
    const empty = { isCurrencyCode: false, blank: 0, placeholders: [], fits: 1, unknownValues: [] }
    const field = proposeCustomField({ ...base, ...empty, ...written }, schema)
    return field.type === written.type && (await unreadTexts(field, cells, written.format, options, 1)).length === 0
  }
  const step = Math.ceil(cells.length / maxSifted)
  const sifted = cells.filter((_cell, index) => index % step === 0)
  let almost = ''
  for (const type of typesByStrictness) {
    const { fits } = await guessFormat(type, sifted, options)
    const most = total(sifted)
    if (fits * 10 >= most * 9 && fits < most) almost ||= type
    if (fits < most) continue
    const found = await guessFormat(type, cells, options)
    if (found.fits === filled && (await reads(found))) return found
    almost ||= type
  }
  const doubts = almost === '' ? [] : [`Most of its cells look like ${almost}, but not all of them: it is read as text.`]
  if (filled >= 20 && cells.length <= maxSamples && cells.length * 5 <= filled && (await reads({ ...none, type: 'picklist' }))) {
    return { ...none, type: 'picklist', doubts }
  }
  if (cells.some(({ text }) => /[\r\n]/.test(text) || text.length > fieldLength({ name: '', label: '', type: 'text' }))) {
    if (await reads({ ...none, type: 'textArea' })) return { ...none, type: 'textArea', doubts }
    return { ...none, doubts: [...doubts, 'Some of its cells are longer than any field is, or hold characters that no field takes.'] }
  }
  return { ...none, doubts }
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
async function guessFormat(type: FieldType, cells: readonly Cells[], options: GuessOptions, isSure = false): Promise<Written> {
  const by = async (holds: (text: string) => boolean): Promise<Written> => ({
    type,
    format: {},
    scale: defaultScale,
    fits: await count(cells, holds, options),
    doubts: [],
  })
  switch (type) {
    case 'checkbox':
      // A column of nothing but 1 and 0 is as likely a count; letters are needed to believe in yes and no.
      return isSure || cells.some(({ text }) => /[a-z]/i.test(text)) ? by((text) => readCheckbox(text) !== undefined) : by(() => false)
    case 'date':
      return guessDates(cells, options, isSure)
    case 'dateTime':
      return guessDateTimes(cells, options)
    case 'time':
      return by((text) => readTime(text) !== undefined)
    case 'percent':
      return guessNumbers(type, cells, options, (text) => isSure || text.endsWith('%'))
    case 'currency':
      return guessNumbers(type, cells, options, (text, format) => isSure || (readMoney(text, format)?.currency ?? '') !== '')
    case 'number':
      // 00123 is an identifier or a postal code, and +49301234567 a phone number. Both would lose signs.
      return guessNumbers(type, cells, options, (text) => isSure || !/^(?:0\d|\+)/.test(text))
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

/** 1.5.20 is a version or a chapter as often as a day, unless the field is known to be a date. */
const shortDotted = /^\d{1,2}([.\- ])\d{1,2}\1\d{2}\.?$/

async function guessDates(cells: readonly Cells[], options: GuessOptions, isSure: boolean): Promise<Written> {
  const { order, fits, ambiguous } = await guessOrder(
    cells,
    options,
    (text, tried) => (isSure || !shortDotted.test(text)) && readDate(text, tried) !== undefined,
  )
  const doubts = ambiguous ? [ambiguousDates] : []
  if (cells.some(({ text }) => /[^\d]\d{2}\.?$/.test(text) && !/\d{4}/.test(text))) {
    doubts.push('Years of two digits are read as 1970 to 2069.')
  }
  return { type: 'date', format: { dateOrder: order }, scale: defaultScale, fits, doubts: fits === 0 ? [] : doubts }
}

async function guessDateTimes(cells: readonly Cells[], options: GuessOptions): Promise<Written> {
  const { order, fits, ambiguous } = await guessOrder(
    cells,
    options,
    (text, tried) => /\d:\d/.test(text) && readDateTime(text, tried, 'UTC') !== undefined,
  )
  const doubts = ambiguous ? [ambiguousDates] : []
  if (fits > 0 && cells.some(({ text }) => !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text))) {
    doubts.push('Times without an offset are read as UTC: choose the zone.')
  }
  return { type: 'dateTime', format: { dateOrder: order }, scale: defaultScale, fits, doubts }
}

async function guessOrder(
  cells: readonly Cells[],
  options: GuessOptions,
  holds: (text: string, order: DateOrder) => boolean,
): Promise<DateGuess> {
  const fits = { ymd: 0, dmy: 0, mdy: 0 }
  for (const order of ['ymd', 'dmy', 'mdy'] as const) fits[order] = await count(cells, (text) => holds(text, order), options)
  return guessDateOrder((order) => fits[order])
}

const ambiguousDates = 'Day and month could be either way round: choose the order.'

async function guessNumbers(
  type: FieldType,
  cells: readonly Cells[],
  options: GuessOptions,
  looksRight: (text: string, format: CellFormat) => boolean,
): Promise<Written> {
  const read = (text: string, decimal: '.' | ','): string | undefined =>
    type === 'currency' ? readMoney(text, { decimal })?.amount : parseDecimal(cutPercent(text), { decimal })
  let places = { '.': 0, ',': 0 }
  let differ = false
  const fitsWith = (decimal: '.' | ','): Promise<number> =>
    count(
      cells,
      (text) => {
        const number = looksRight(text, { decimal }) ? read(text, decimal) : undefined
        if (number === undefined) return false
        places = { ...places, [decimal]: Math.max(places[decimal], countDigits(number).fraction) }
        if (decimal === ',' && !differ) differ = number !== read(text, '.')
        return true
      },
      options,
    )
  const point = await fitsWith('.')
  const comma = await fitsWith(',')
  const decimal = comma > point ? ',' : point > comma ? '.' : (options.decimal ?? '.')
  const isEither = point === comma && point > 0 && differ
  const doubts = isEither ? ['Points and commas could be decimal signs or thousands: choose the decimal sign.'] : []
  const scale = Math.min(Math.max(places[decimal], defaultScale), 17)
  return { type, format: { decimal }, scale, fits: Math.max(point, comma), doubts }
}

/** The texts that a field does not take, at most so many. */
async function unreadTexts(
  field: Field,
  cells: readonly Cells[],
  format: CellFormat,
  { pause }: GuessOptions,
  most = Infinity,
): Promise<readonly Cells[]> {
  const unread: Cells[] = []
  for (let start = 0; start < cells.length && unread.length < most; start += sliceCells) {
    for (const cell of cells.slice(start, start + sliceCells)) if (!readCell(field, cell.text, format).ok) unread.push(cell)
    await pause?.()
  }
  return unread.slice(0, most)
}

/** Gives each amount the column of codes that belongs to it: the one named after it, else the nearest. Numbers beside a column of codes are amounts. */
function giveCurrencies(guesses: readonly ColumnGuess[]): readonly ColumnGuess[] {
  // By name, and not by a search for each: a thousand columns are a million steps.
  const named = new Map(guesses.map((guess) => [currencyColumnName(guess.column).toLowerCase(), guess]))
  const codes = new Map<number, string>()
  for (const [index, { column, samples, distinct, filled, type, field }] of guesses.entries()) {
    const amount = named.get(column.toLowerCase())
    const isOf = amount?.type === 'currency' && amount.field !== undefined
    const holdsCodes = field === undefined && type !== 'currency' && filled > 0 && distinct <= maxSamples && samples.every(isCurrencyCode)
    if (isOf || holdsCodes) codes.set(index, column)
  }
  if (codes.size === 0) return guesses
  const owns = new Map([...codes.values()].toReversed().map((column) => [named.get(column.toLowerCase())?.column, column]))
  const unowned = [...codes].filter(([, column]) => !named.has(column.toLowerCase()))
  const used = new Set<string>()
  const given = guesses.map((guess, index) => {
    if (codes.has(index)) return guess
    const isAmount =
      guess.type === 'currency' || (guess.type === 'number' && guess.field === undefined && (codes.has(index - 1) || codes.has(index + 1)))
    if (!isAmount) return guess
    const currencyColumn = owns.get(guess.column) ?? nearest(unowned, index)?.[1]
    if (currencyColumn === undefined) return guess
    used.add(currencyColumn)
    return { ...guess, type: 'currency' as const, currencyColumn }
  })
  return given.map((guess) => {
    if (!used.has(guess.column)) return guess
    const { field: _field, ...rest } = guess
    return { ...rest, isCurrencyCode: true }
  })
}

function nearest(codes: readonly (readonly [index: number, column: string])[], to: number): readonly [number, string] | undefined {
  let found: readonly [number, string] | undefined
  for (const code of codes) if (!found || Math.abs(code[0] - to) < Math.abs(found[0] - to)) found = code
  return found
}

function isValid(type: FieldType, text: string): boolean {
  return validateField({ name: 'Guess', label: 'Guess', type }, text).ok
}

async function tally({ rows }: CsvTable, index: number, { pause }: GuessOptions): Promise<readonly Cells[]> {
  const times = new Map<string, number>()
  for (let start = 0; start < rows.length; start += sliceCells * 5) {
    for (const { cells } of rows.slice(start, start + sliceCells * 5)) {
      const text = cells[index]?.trim() ?? ''
      if (text !== '') times.set(text, (times.get(text) ?? 0) + 1)
    }
    await pause?.()
  }
  return [...times].map(([text, seen]) => ({ text, times: seen }))
}

async function count(cells: readonly Cells[], holds: (text: string) => boolean, { pause }: GuessOptions): Promise<number> {
  let found = 0
  for (let start = 0; start < cells.length; start += sliceCells) {
    for (const { text, times } of cells.slice(start, start + sliceCells)) if (holds(text)) found += times
    await pause?.()
  }
  return found
}

function total(cells: readonly Cells[]): number {
  return cells.reduce((sum, { times }) => sum + times, 0)
}
