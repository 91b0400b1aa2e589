import type { BadRow } from './convert-rows.js'
import type { CsvTable } from './parse.js'
import { isDecimal, isValueMap, scalarToText, type Field, type RecordValues, type Value } from '../schema/index.js'

/** How a file is written. */
export interface WriteCsvOptions {
  /** Lines above the header, each written as "# line": what the file is, when and by whom it was made. */
  readonly metadata?: readonly string[]
  /** What the header names: labels for people (unless set), or API names for programs. */
  readonly header?: 'label' | 'name'
  readonly delimiter?: ',' | ';' | '\t'
  /** Whether a byte order mark stands in front, by which spreadsheets know UTF-8. True unless set. */
  readonly mark?: boolean
}

/**
 * Writes records as CSV (RFC 4180: CRLF, quotes doubled). Values stand in their stored form. A currency field takes two columns, amount and code. A text that a
 * spreadsheet would run as a formula gets an apostrophe in front, which reading takes off again.
 */
export function writeCsv(fields: readonly Field[], records: Iterable<RecordValues>, options: WriteCsvOptions = {}): string {
  const delimiter = options.delimiter ?? ','
  const columns = fields.flatMap((field) => fieldColumns(field, options.header ?? 'label'))
  const write = (cells: readonly string[]): string => cells.map((cell) => quoteCell(cell, delimiter)).join(delimiter)
  const lines = (options.metadata ?? []).map((line) => quoteCell(escapeFormula(`# ${line.replace(/\s+/g, ' ')}`), delimiter))
  lines.push(write(columns.map((column) => escapeFormula(column.name))))
  for (const values of records) {
    lines.push(write(columns.map((column) => column.cell(values[column.field] ?? null))))
  }
  return `${options.mark === false ? '' : '\ufeff'}${lines.join('\r\n')}\r\n`
}

/** Writes the rows that an import left out, as they stand in their file, with their row and the reasons, to be corrected and imported again. */
export function writeBadRows({ columns }: Pick<CsvTable, 'columns'>, rows: Iterable<BadRow>, options: WriteCsvOptions = {}): string {
  const delimiter = options.delimiter ?? ','
  const write = (cells: readonly string[]): string => cells.map((cell) => quoteCell(escapeFormula(cell), delimiter)).join(delimiter)
  const lines = [write([...columns.map(({ name }) => name), 'Row in the file', 'Why it was left out'])]
  for (const { row, cells, reasons } of rows) {
    // A row of too many cells keeps them: they stand behind the reasons.
    const own = columns.map((_column, index) => cells[index] ?? '')
    lines.push(write([...own, String(row), reasons.join(' '), ...cells.slice(columns.length)]))
  }
  return `${options.mark === false ? '' : '\ufeff'}${lines.join('\r\n')}\r\n`
}

/** The name of the column that holds an amount's currency code. */
export function currencyColumnName(column: string): string {
  return `${column} (currency)`
}

interface WrittenColumn {
  readonly field: string
  readonly name: string
  readonly cell: (value: Value) => string
}

function fieldColumns(field: Field, header: 'label' | 'name'): readonly WrittenColumn[] {
  const name = header === 'label' ? field.label : field.name
  if (field.type !== 'currency') return [{ field: field.name, name, cell: (value) => writeCell(field, value) }]
  return [
    { field: field.name, name, cell: (value) => writeNumber(partOf(value, 'amount')) },
    { field: field.name, name: currencyColumnName(name), cell: (value) => escapeFormula(partOf(value, 'currency')) },
  ]
}

function writeCell(field: Field, value: Value): string {
  const text = scalarToText(value)
  return field.type === 'number' || field.type === 'percent' ? writeNumber(text) : escapeFormula(text)
}

/** A negative number begins with a minus and is still a number. */
function writeNumber(text: string): string {
  return isDecimal(text) ? text : escapeFormula(text)
}

function partOf(value: Value, name: string): string {
  const part = isValueMap(value) ? value[name] : undefined
  return typeof part === 'string' ? part : ''
}

function quoteCell(cell: string, delimiter: string): string {
  const needsQuotes = /["\r\n]|^\s|\s$/.test(cell) || cell.includes(delimiter)
  return needsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell
}

/**
 * Spreadsheets run a cell that begins with one of these as a formula, which can call out or start programs. An apostrophe in front makes it a text.
 *
 * A cell begins where the file is split, and a spreadsheet may split it elsewhere than it was meant: where the region's separator is a semicolon, the quotes of
 * a file with commas stand inside its cells, and a line break in a text ends the row. So each place counts that any separator or line end could begin.
 * Quotes before it do not make it harmless, and what has an apostrophe there already gets one more, so that reading back is exact.
 */
const formulas = /(?<=^|[,;\t\r\n])(?=["']*[=+\-@\uff1d\uff0b\uff0d\uff20])/g
const blankStart = /^(?='*[\t\r\n])/
const escaped = /(?<=^|[,;\t\r\n])'(?=["']*[=+\-@\uff1d\uff0b\uff0d\uff20])/g
const escapedStart = /^'(?='*[\t\r\n])/

/** Puts an apostrophe wherever a spreadsheet would begin a formula. Other texts stay as they are. */
export function escapeFormula(text: string): string {
  return text.replace(formulas, "'").replace(blankStart, "'")
}

/** Takes back what escapeFormula did. Other texts stay as they are. */
export function unescapeFormula(text: string): string {
  return text.replace(escapedStart, '').replace(escaped, '')
}
