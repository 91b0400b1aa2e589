import { unescapeFormula } from './write.js'
import { maxCsvSize, refuseCsv, tooLargeCsv, type CsvProblem, type CsvRefused } from './csv-error.js'
import { guessDelimiter, RecordReader, type CsvRecord } from './read-records.js'

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
  /** The rows with another number of cells, or with broken quotes, as they stand. Each has its problem. */
  readonly badRows: readonly CsvRow[]
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
  /** Awaited between slices of 64 Ki characters, so that a page can draw. */
  readonly pause?: () => Promise<void>
}

const sliceSize = 64 * 1024
/** An org has at most 300 fields of its own, so nobody could take in more. */
const maxColumns = 500
const maxNameLength = 255
/** Short rows take far more memory than their bytes: a page must not fall over a 50 MB file of them. */
const maxRows = 1_000_000

/**
 * Reads a CSV text (RFC 4180), whole or in chunks, into columns and rows. It copes with a byte order mark, quotes, any line ends, empty lines, Excel's
 * "sep=;" line, and # lines on top. Bad rows are among the problems; a quote that is never closed makes its own row bad and no other.
 *
 * Refuses with SIZE a file that is too large or has over a million rows, with EMPTY one without rows, with HEADER one of over 1,000 columns.
 */
export async function parseCsv(
  input: string | Iterable<string> | AsyncIterable<string>,
  options: ParseCsvOptions = {},
): Promise<CsvTableResult> {
  let pending = ''
  let length = 0
  let parts: { readonly reader: RecordReader; readonly builder: TableBuilder } | undefined
  let wanted = sliceSize

  const take = (isLast: boolean): void => {
    if (parts === undefined) {
      const { delimiter, newline, linesAbove, rest } = beginOf(pending, options.delimiter)
      pending = rest
      parts = { reader: new RecordReader(delimiter, newline), builder: new TableBuilder(delimiter, linesAbove, options.header !== false) }
    }
    const { reader, builder } = parts
    for (const record of reader.read(pending, isLast)) {
      builder.add(record)
      reader.width = builder.width
    }
    // A record longer than what is there: wait for twice as much, so that no text is read again and again.
    wanted = reader.consumed === 0 ? pending.length * 2 : sliceSize
    pending = pending.slice(reader.consumed)
  }

  for await (const chunk of typeof input === 'string' ? sliceText(input) : input) {
    length += chunk.length
    if (length > maxCsvSize) return tooLargeCsv
    pending += chunk
    if (pending.length < wanted) continue
    take(false)
    if ((parts?.builder.recordCount ?? 0) > maxRows) return tooManyRows
    await options.pause?.()
  }
  take(true)
  if ((parts?.builder.recordCount ?? 0) > maxRows) return tooManyRows
  return parts?.builder.finish() ?? noTable
}

const tooManyRows = refuseCsv('SIZE', `The file has more than ${maxRows} rows.`, 'Split it into several files.')
const noTable = refuseCsv('EMPTY', 'The file holds no table.', 'Choose another file.')

function* sliceText(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += sliceSize) yield text.slice(at, at + sliceSize)
}

/** How a file is written, by its beginning. */
interface Beginning {
  readonly delimiter: string
  readonly newline: '\n' | '\r'
  readonly linesAbove: number
  readonly rest: string
}

function beginOf(text: string, chosen: string | undefined): Beginning {
  const unmarked = text.replace(/^\ufeff/, '')
  const separator = /^"?sep=([^"\r\n])"?\r?\n/i.exec(unmarked)
  const rest = unmarked.slice(separator?.[0].length ?? 0)
  const sample = rest.slice(0, 64 * 1024).replace(/^(?:"?#[^\n]*\n)+/, '')
  // Cells may hold line feeds of their own. Splitting there also serves files that mix line ends; the reader cuts off a return before it.
  const newline = !sample.includes('\n') && sample.includes('\r') ? '\r' : '\n'
  const delimiter = chosen ?? separator?.[1] ?? guessDelimiter(sample, newline)
  return { delimiter, newline, linesAbove: separator === null ? 0 : 1, rest }
}

/** Makes a table of records as they come. */
class TableBuilder {
  readonly #delimiter: string
  readonly #linesAbove: number
  readonly #hasHeader: boolean
  readonly #metadata: string[] = []
  readonly #rows: CsvRow[] = []
  readonly #badRows: CsvRow[] = []
  readonly #problems: CsvProblem[] = []
  #columns: readonly CsvColumn[] | undefined
  #tooWide = false
  #emptyRows = 0
  recordCount = 0

  constructor(delimiter: string, linesAbove: number, hasHeader: boolean) {
    this.#delimiter = delimiter
    this.#linesAbove = linesAbove
    this.#hasHeader = hasHeader
  }

  /** How many cells a row has, once that is known. */
  get width(): number | undefined {
    return this.#columns?.length
  }

  add({ cells, isBroken }: CsvRecord): void {
    const row = ++this.recordCount + this.#linesAbove
    if (isEmptyRow(cells)) {
      if (this.#columns !== undefined) this.#emptyRows++
      return
    }
    if (this.#columns === undefined) {
      if (isMetadata(cells)) {
        this.#metadata.push(
          unescapeFormula(cells[0] ?? '')
            .replace(/^#\s*/, '')
            .trimEnd(),
        )
        return
      }
      this.#begin(cells, row)
      if (this.#hasHeader) return
    }
    const width = this.#columns?.length ?? cells.length
    const problem = isBroken ? brokenQuote(row) : countCells(cells, width, row)
    if (problem === undefined) {
      this.#rows.push({ row, cells: cells.length === width ? cells : cells.slice(0, width) })
    } else {
      this.#badRows.push({ row, cells })
      this.#problems.push(problem)
    }
  }

  finish(): CsvTableResult {
    const columns = this.#columns
    if (columns === undefined) return noTable
    if (this.#tooWide) {
      return refuseCsv('HEADER', `The first row has more than ${maxColumns} cells.`, 'Check the delimiter, or remove columns.')
    }
    const rowCount = this.#rows.length + this.#badRows.length
    if (rowCount === 0) return refuseCsv('EMPTY', 'The file has a header but no rows.', 'Choose another file.')
    const table: CsvTable = {
      columns,
      rows: this.#rows,
      badRows: this.#badRows,
      rowCount,
      delimiter: this.#delimiter,
      metadata: this.#metadata,
      emptyRows: this.#emptyRows,
      problems: this.#problems,
    }
    return { ok: true, table }
  }

  #begin(top: readonly string[], row: number): void {
    this.#tooWide = top.length > maxColumns
    const cells = top.slice(0, maxColumns)
    this.#columns = this.#hasHeader ? nameColumns(cells, row, this.#problems) : cells.map((_cell, index) => unnamedColumn(index))
    if (this.#hasHeader) this.#problems.push(...checkHeader(cells, this.#delimiter, row))
  }
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
  return problem(
    row,
    'quotes',
    'A quote in this row is not closed, or not doubled.',
    'Close it, and write a quote inside a quoted text twice.',
  )
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
