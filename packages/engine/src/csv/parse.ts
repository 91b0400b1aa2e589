// oxlint-disable-next-line typescript/triple-slash-reference -- the declaration must go wherever this file goes, tests' programs included
/// <reference path="./papaparse.d.ts" />
import { unescapeFormula } from './write.js'
import { maxCsvSize, refuseCsv, tooLargeCsv, type CsvProblem, type CsvRefused } from './csv-error.js'

/** One column of a table. `index` counts from 0. */
export interface CsvColumn {
  readonly index: number
  /** Unique in its table: a second "Amount" is "Amount (2)", one without a name "Column 3". */
  readonly name: string
}

/** One row of a table. */
export interface CsvRow {
  /** Its number as a spreadsheet counts it, from 1. */
  readonly row: number
  readonly cells: readonly string[]
}

/** A file as columns and rows. */
export interface CsvTable {
  readonly columns: readonly CsvColumn[]
  /** The rows with as many cells as columns. Other rows are among the problems. */
  readonly rows: readonly CsvRow[]
  /** How many rows hold data, bad ones included. */
  readonly rowCount: number
  readonly delimiter: string
  /** Lines that begin with # above the header, as exports of this library have them. */
  readonly metadata: readonly string[]
  readonly emptyRows: number
  readonly problems: readonly CsvProblem[]
}

/** A table, or why the file is refused. */
export type CsvTableResult = { readonly ok: true; readonly table: CsvTable } | CsvRefused

/** How a file is read. */
export interface ParseCsvOptions {
  /** Guessed unless set. */
  readonly delimiter?: string
  /** False for a file whose first row is data: columns are then "Column 1" and so on. */
  readonly header?: boolean
  /** Awaited between slices of 256 Ki characters, so that a page can draw. */
  readonly pause?: () => Promise<void>
}

const sliceSize = 256 * 1024
const maxColumns = 1_000
const maxNameLength = 255
/** Short rows take far more memory than their bytes: a page must not fall over a 50 MB file of them. */
const maxRows = 1_000_000

/**
 * Reads a CSV text (RFC 4180), whole or in chunks, into columns and rows. It copes with a byte order mark, quotes, any line ends, empty lines, Excel's
 * "sep=;" line, and # lines on top. Bad rows are among the problems.
 *
 * Refuses with SIZE a file that is too large or has over a million rows, with EMPTY one without rows, with HEADER one of over 1,000 columns.
 */
export async function parseCsv(
  input: string | Iterable<string> | AsyncIterable<string>,
  options: ParseCsvOptions = {},
): Promise<CsvTableResult> {
  const { default: papaparse } = await import('papaparse')
  const records: string[][] = []
  const brokenQuotes = new Set<number>()
  let pending = ''
  let length = 0
  let delimiter = options.delimiter
  let separatorLine = false
  let parser: InstanceType<typeof papaparse.Parser> | undefined
  let wanted = 0

  const take = (isLast: boolean): void => {
    if (parser === undefined) {
      pending = pending.replace(/^\ufeff/, '')
      const separator = /^"?sep=([^"\r\n])"?\r?\n/i.exec(pending)
      separatorLine = separator !== null
      pending = pending.slice(separator?.[0].length ?? 0)
      const sample = pending.slice(0, 64 * 1024).replace(/^(?:"?#[^\n]*\n)+/, '')
      delimiter ??= separator?.[1] ?? papaparse.parse(sample, { preview: 20, skipEmptyLines: 'greedy' }).meta.delimiter
      // Cells may hold line feeds of their own. Splitting there also serves files that mix line ends; a return before it is cut off below.
      const newline = !sample.includes('\n') && sample.includes('\r') ? '\r' : '\n'
      parser = new papaparse.Parser({ delimiter, newline })
    }
    const outcome = parser.parse(pending, 0, !isLast)
    for (const { row } of outcome.errors) brokenQuotes.add(records.length + (row ?? 0))
    for (const record of outcome.data) records.push(cutReturn(record))
    // Behind the last line end stands nothing, which is no empty row.
    if (isLast && records.at(-1)?.join('') === '' && /[\r\n]$/.test(pending)) records.pop()
    const consumed = isLast ? pending.length : outcome.meta.cursor
    // A record longer than what is there: wait for twice as much, so that a quote that never ends costs no square time.
    wanted = consumed === 0 ? pending.length * 2 : sliceSize
    pending = pending.slice(consumed)
  }

  for await (const chunk of typeof input === 'string' ? sliceText(input) : input) {
    length += chunk.length
    if (length > maxCsvSize) return tooLargeCsv
    pending += chunk
    if (pending.length < Math.max(wanted, sliceSize)) continue
    take(false)
    if (records.length > maxRows) return tooManyRows
    await options.pause?.()
  }
  if (pending !== '') take(true)
  if (records.length > maxRows) return tooManyRows
  return buildTable(records, brokenQuotes, delimiter ?? ',', separatorLine ? 1 : 0, options.header !== false)
}

const tooManyRows = refuseCsv('SIZE', `The file has more than ${maxRows} rows.`, 'Split it into several files.')

function* sliceText(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += sliceSize) yield text.slice(at, at + sliceSize)
}

function cutReturn(record: readonly string[]): string[] {
  const cells = [...record]
  const last = cells.at(-1)
  if (last?.endsWith('\r') === true) cells[cells.length - 1] = last.slice(0, -1)
  return cells
}

function buildTable(
  records: readonly (readonly string[])[],
  brokenQuotes: ReadonlySet<number>,
  delimiter: string,
  linesAbove: number,
  hasHeader: boolean,
): CsvTableResult {
  let first = 0
  const metadata: string[] = []
  while (first < records.length - 1 && (isEmptyRow(records[first]) || isMetadata(records[first]))) {
    const line = records[first]?.[0] ?? ''
    if (line.trim() !== '') metadata.push(unescapeFormula(line).replace(/^#\s*/, '').trimEnd())
    first++
  }
  const top = records[first]
  if (top === undefined || isEmptyRow(top)) return refuseCsv('EMPTY', 'The file holds no table.', 'Choose another file.')
  if (top.length > maxColumns) {
    return refuseCsv('HEADER', `The first row has more than ${maxColumns} cells.`, 'Check the delimiter, or remove columns.')
  }
  const problems: CsvProblem[] = []
  const number = (index: number): number => index + 1 + linesAbove
  const columns = hasHeader ? nameColumns(top, number(first), problems) : top.map((_cell, index) => unnamedColumn(index))
  if (hasHeader) problems.push(...checkHeader(top, delimiter, number(first)))
  const rows: CsvRow[] = []
  let emptyRows = 0
  for (let index = hasHeader ? first + 1 : first; index < records.length; index++) {
    const cells = records[index] ?? []
    if (isEmptyRow(cells)) {
      emptyRows++
      continue
    }
    const broken = brokenQuotes.has(index) ? brokenQuote(number(index)) : countCells(cells, columns.length, number(index))
    if (broken === undefined) rows.push({ row: number(index), cells: cells.slice(0, columns.length) })
    else problems.push(broken)
  }
  const badRows = problems.filter(({ severity }) => severity === 'error').length
  const rowCount = rows.length + badRows
  if (rowCount === 0) return refuseCsv('EMPTY', 'The file has a header but no rows.', 'Choose another file.')
  return { ok: true, table: { columns, rows, rowCount, delimiter, metadata, emptyRows, problems } }
}

function nameColumns(header: readonly string[], row: number, problems: CsvProblem[]): readonly CsvColumn[] {
  const taken = new Set<string>()
  /** The number of the next copy of a name, so that a thousand equal names are no square of work. */
  const copies = new Map<string, number>()
  return header.map((cell, index) => {
    const given = cell.replace(/\s+/g, ' ').trim().slice(0, maxNameLength)
    const base = given === '' ? unnamedColumn(index).name : given
    let name = base
    const lower = base.toLowerCase()
    for (let copy = copies.get(lower) ?? 2; taken.has(name.toLowerCase()); copy++) {
      name = `${base} (${copy})`
      copies.set(lower, copy + 1)
    }
    taken.add(name.toLowerCase())
    if (given === '') {
      problems.push(warning(row, name, 'header present', `Column ${index + 1} has no name in the header.`, 'Name it, or leave it out.'))
    } else if (name !== base) {
      problems.push(warning(row, name, 'header unique', `The header has “${base}” more than once.`, 'Check which of them is meant.'))
    }
    return { index, name }
  })
}

function unnamedColumn(index: number): CsvColumn {
  return { index, name: `Column ${index + 1}` }
}

function checkHeader(header: readonly string[], delimiter: string, row: number): readonly CsvProblem[] {
  const only = header.length === 1 ? (header[0] ?? '') : ''
  const other = [';', '\t', '|', ','].find((candidate) => candidate !== delimiter && only.includes(candidate))
  if (other !== undefined) {
    const name = other === '\t' ? 'tab' : other
    return [
      warning(
        row,
        '',
        'delimiter',
        `Only one column was found, but its name holds “${name}”.`,
        `Read the file again with “${name}” as delimiter.`,
      ),
    ]
  }
  const looksLikeData = header
    .map((cell) => cell.slice(0, maxNameLength))
    .some((cell) => /^[\s$€£]*-?\d[\d.,:/ -]*%?$/.test(cell) || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(cell))
  return looksLikeData
    ? [
        warning(
          row,
          '',
          'header present',
          'The first row looks like data, not like names of columns.',
          'Read the file again without a header.',
        ),
      ]
    : []
}

function countCells(cells: readonly string[], wanted: number, row: number): CsvProblem | undefined {
  // Spreadsheets often leave empty cells behind the last column.
  const extra = cells.slice(wanted).some((cell) => cell.trim() !== '')
  if (extra) {
    return problem(
      row,
      'cell count',
      `The row has ${cells.length} cells, the header ${wanted}.`,
      'Put quotes around texts that hold the delimiter.',
    )
  }
  return cells.length < wanted
    ? problem(row, 'cell count', `The row has only ${cells.length} cells, the header ${wanted}.`, 'Add the missing cells.')
    : undefined
}

function brokenQuote(row: number): CsvProblem {
  return problem(row, 'quotes', 'A quote in this row is not closed, or not doubled.', 'Write a quote inside a quoted text twice.')
}

function problem(row: number, rule: string, message: string, fix: string): CsvProblem {
  return { severity: 'error', row, column: '', rule, message, fix }
}

function warning(row: number, column: string, rule: string, message: string, fix: string): CsvProblem {
  return { severity: 'warning', row, column, rule, message, fix }
}

function isEmptyRow(cells: readonly string[] = []): boolean {
  return cells.every((cell) => cell.trim() === '')
}

function isMetadata(cells: readonly string[] = []): boolean {
  return (cells[0] ?? '').startsWith('# ') && cells.slice(1).every((cell) => cell === '')
}
