import {
  findField,
  requiredField,
  scalarToText,
  validateField,
  type Field,
  type ObjectSchema,
  type RecordError,
  type RecordValues,
  type Value,
} from '../schema/index.js'
import type { CsvProblem } from './csv-error.js'
import type { ColumnGuess } from './guess.js'
import type { CsvRow, CsvTable } from './parse.js'
import { readCell, type CellFormat } from './read-cell.js'
import { valueIn } from '../schema/value.js'

/** Which column fills which field, and how its cells are written. */
export interface ColumnMapping extends CellFormat {
  /** The column's name in its table. */
  readonly column: string
  /** The field's API name. */
  readonly field: string
  /** The column that holds the currency codes. */
  readonly currencyColumn?: string
}

/** How rows become records. */
export interface ConvertRowsOptions {
  readonly schema: ObjectSchema
  readonly columns: readonly ColumnMapping[]
  /** Values for fields that no column fills, the same in every record. */
  readonly constants?: Readonly<Record<string, Value>>
  /** Whether good rows are kept if others are bad. Unless set, one bad row means no records. */
  readonly keepGood?: boolean
  /** Awaited after each slice, so that the page can draw: one turn of its event loop, for example. */
  readonly pause?: () => Promise<void>
  /** Rows per slice; 200 unless set, which take a few milliseconds. */
  readonly slice?: number
}

/** One converted row, ready for `records.createMany`. */
export interface ImportedRecord {
  /** The row it came from, as a spreadsheet counts it. */
  readonly row: number
  /** Stored values; blank cells are left out. */
  readonly values: RecordValues
}

/** What became of one column, in cells. */
export interface ColumnReport {
  readonly column: string
  readonly field: string
  readonly filled: number
  /** Blank cells, those that took the default included. */
  readonly blank: number
  readonly defaulted: number
  readonly truncated: number
  readonly rounded: number
  /** Texts that became another value, by the mapping's table or by label. The user's own data: for the report, not for logs. */
  readonly mapped: readonly { readonly from: string; readonly to: string; readonly count: number }[]
}

/** What became of a file, in rows: `total` is `good` and `bad` together. */
export interface ImportReport {
  readonly total: number
  readonly good: number
  readonly bad: number
  /** The first 1,000. `problemCount` counts all. */
  readonly problems: readonly CsvProblem[]
  readonly problemCount: number
  readonly columns: readonly ColumnReport[]
  /** Columns that nothing was read from. */
  readonly ignored: readonly string[]
}

/** Progress in rows, or the end with the report and the records. */
export type ImportStep =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly bad: number }
  | { readonly kind: 'finished'; readonly report: ImportReport; readonly records: readonly ImportedRecord[] }

/** The last step. */
export type FinishedImport = Extract<ImportStep, { readonly kind: 'finished' }>

const maxProblems = 1_000

/**
 * Converts a table's rows into stored values, slice by slice. It yields its progress, and at last the report and the records. To cancel, stop iterating:
 * nothing was written anywhere. A mapping that cannot work gives problems of row 0, and no row is read.
 */
export async function* convertRows(table: CsvTable, options: ConvertRowsOptions): AsyncGenerator<ImportStep, void, void> {
  const readers = bindColumns(table, options)
  const log = new ProblemLog(table.problems)
  const wrong = checkColumns(table, options)
  if (wrong.length > 0) {
    for (const found of wrong) log.add(found)
    yield { kind: 'finished', report: log.report(table, readers, 0), records: [] }
    return
  }
  const constants = constantEntries(options)
  const empty = unfilledRequired(options)
  const records: ImportedRecord[] = []
  const slice = Math.max(1, options.slice ?? 200)
  for (let start = 0; start < table.rows.length; start += slice) {
    for (const row of table.rows.slice(start, start + slice)) {
      const values = convertRow(row, readers, constants, empty, log)
      if (values !== undefined) records.push({ row: row.row, values })
    }
    const done = Math.min(start + slice, table.rows.length)
    yield { kind: 'progress', done, total: table.rows.length, bad: done - records.length }
    await options.pause?.()
  }
  const isComplete = records.length === table.rowCount
  yield {
    kind: 'finished',
    report: log.report(table, readers, records.length),
    records: isComplete || options.keepGood === true ? records : [],
  }
}

/** Runs convertRows to its end. */
export async function convertAllRows(
  table: CsvTable,
  options: ConvertRowsOptions,
  tellProgress?: (step: Extract<ImportStep, { readonly kind: 'progress' }>) => void,
): Promise<FinishedImport> {
  let last: FinishedImport | undefined
  for await (const step of convertRows(table, options)) {
    if (step.kind === 'finished') last = step
    else tellProgress?.(step)
  }
  if (last === undefined) throw new Error('convertRows ended without its last step')
  return last
}

/** The mapping that guesses amount to: one line for each column that has a field. */
export function guessesToMapping(guesses: readonly ColumnGuess[]): readonly ColumnMapping[] {
  return guesses.flatMap(({ column, field, format, currencyColumn }) =>
    field === undefined ? [] : [{ column, field, ...format, ...(currencyColumn === undefined ? {} : { currencyColumn }) }],
  )
}

/** What is wrong with a mapping itself: unknown columns or fields, two columns for one field, required fields that nothing fills. */
export function checkColumns(table: CsvTable, options: ConvertRowsOptions): readonly CsvProblem[] {
  const { schema, columns, constants = {} } = options
  const problems: CsvProblem[] = []
  const names = new Set(table.columns.map(({ name }) => name))
  const seen = new Set<string>()
  for (const line of columns) {
    const missing = [line.column, line.currencyColumn].find((name) => name !== undefined && !names.has(name))
    if (missing !== undefined) problems.push(mappingProblem(missing, 'known column', 'The file has no such column.'))
    const field = findField(schema, line.field)
    if (field === undefined) problems.push(mappingProblem(line.column, 'known field', `${schema.label} has no such field.`))
    else if (seen.has(line.field) || Object.hasOwn(constants, line.field)) {
      problems.push(mappingProblem(line.column, 'one source per field', `${field.label} already has a source.`))
    } else if (line.default !== undefined && !validateField(field, line.default).ok) {
      problems.push(mappingProblem(line.column, 'default', `The default does not fit ${field.label}.`))
    }
    seen.add(line.field)
  }
  for (const [name, value] of Object.entries(constants)) {
    const field = findField(schema, name)
    if (field === undefined || !validateField(field, value).ok) {
      problems.push(mappingProblem('', 'constant', `The fixed value of ${field?.label ?? 'an unknown field'} does not fit.`))
    }
  }
  for (const field of schema.fields) {
    if (field.required === true && !seen.has(field.name) && !Object.hasOwn(constants, field.name)) {
      problems.push(mappingProblem('', 'required', `${field.label} is required, and no column fills it.`))
    }
  }
  return problems
}

/** One column bound to its place in the row, with its running counts. */
interface BoundColumn {
  readonly line: ColumnMapping
  readonly field: Field
  readonly index: number
  readonly codeIndex: number
  filled: number
  blank: number
  defaulted: number
  truncated: number
  rounded: number
  readonly mapped: Map<string, { to: string; count: number }>
}

function bindColumns(table: CsvTable, options: ConvertRowsOptions): readonly BoundColumn[] {
  const indexOf = (name: string | undefined): number => table.columns.find((column) => column.name === name)?.index ?? -1
  return options.columns.flatMap((line) => {
    const field = findField(options.schema, line.field)
    if (field === undefined) return []
    const counts = { filled: 0, blank: 0, defaulted: 0, truncated: 0, rounded: 0, mapped: new Map() }
    return [{ line, field, index: indexOf(line.column), codeIndex: indexOf(line.currencyColumn), ...counts }]
  })
}

function convertRow(
  row: CsvRow,
  columns: readonly BoundColumn[],
  constants: readonly (readonly [string, Value])[],
  empty: readonly CsvProblem[],
  log: ProblemLog,
): RecordValues | undefined {
  const values: [string, Value][] = []
  let isGood = empty.length === 0
  for (const found of empty) log.add({ ...found, row: row.row })
  for (const column of columns) {
    const cell = row.cells[column.index] ?? ''
    const code = column.codeIndex < 0 ? '' : (row.cells[column.codeIndex] ?? '')
    const result = readCell(column.field, cell, column.line, code)
    const isMissing = result.ok && result.value === null && column.field.required === true
    countCell(column, cell, result)
    if (result.ok && !isMissing) {
      if (result.value !== null) values.push([column.field.name, result.value])
      continue
    }
    isGood = false
    log.add(cellProblem(row.row, column.line.column, result.ok ? requiredField(column.field).error : result.error))
  }
  return isGood ? Object.fromEntries([...values, ...constants]) : undefined
}

function countCell(column: BoundColumn, cell: string, result: ReturnType<typeof readCell>): void {
  if (cell.trim() === '') column.blank++
  else column.filled++
  if (!result.ok) return
  for (const flag of result.flags) {
    if (flag === 'defaulted') column.defaulted++
    else if (flag === 'truncated') column.truncated++
    else if (flag === 'rounded') column.rounded++
    else if (flag === 'mapped') {
      const from = cell.trim()
      const known = column.mapped.get(from)
      if (known === undefined) column.mapped.set(from, { to: scalarToText(result.value), count: 1 })
      else known.count++
    }
  }
}

function constantEntries({ schema, constants = {} }: ConvertRowsOptions): readonly (readonly [string, Value])[] {
  return Object.entries(constants).flatMap(([name, value]) => {
    const field = findField(schema, name)
    const checked = field === undefined ? undefined : validateField(field, value)
    return checked?.ok === true && checked.value !== null ? [[name, checked.value] as const] : []
  })
}

/** A required field whose fixed value is empty makes every row bad. */
function unfilledRequired({ schema, constants = {} }: ConvertRowsOptions): readonly CsvProblem[] {
  return schema.fields
    .filter((field) => field.required === true && Object.hasOwn(constants, field.name))
    .filter((field) => {
      const checked = validateField(field, valueIn(constants, field.name))
      return checked.ok && checked.value === null
    })
    .map((field) => cellProblem(0, '', requiredField(field).error))
}

/** Collects problems up to a bound, and counts beyond it. */
class ProblemLog {
  readonly #problems: CsvProblem[] = []
  #count = 0

  constructor(found: readonly CsvProblem[]) {
    for (const problem of found) this.add(problem)
  }

  add(problem: CsvProblem): void {
    this.#count++
    if (this.#problems.length < maxProblems) this.#problems.push(problem)
  }

  report(table: CsvTable, columns: readonly BoundColumn[], good: number): ImportReport {
    const used = new Set(columns.flatMap(({ line }) => [line.column, line.currencyColumn]))
    return {
      total: table.rowCount,
      good,
      bad: table.rowCount - good,
      problems: this.#problems.toSorted((left, right) => left.row - right.row),
      problemCount: this.#count,
      columns: columns.map(columnReport),
      ignored: table.columns.map(({ name }) => name).filter((name) => !used.has(name)),
    }
  }
}

function columnReport({ line, field, mapped, filled, blank, defaulted, truncated, rounded }: BoundColumn): ColumnReport {
  const pairs = [...mapped].map(([from, { to, count }]) => ({ from, to, count }))
  return { column: line.column, field: field.name, filled, blank, defaulted, truncated, rounded, mapped: pairs }
}

function cellProblem(row: number, column: string, { rule, message, fix }: RecordError): CsvProblem {
  return { severity: 'error', row, column, rule, message, fix }
}

function mappingProblem(column: string, rule: string, message: string): CsvProblem {
  return { severity: 'error', row: 0, column, rule, message, fix: 'Correct the mapping of the columns.' }
}
