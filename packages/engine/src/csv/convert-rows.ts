import {
  findField,
  isSameValue,
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
  /** Updates what is there. Unless set, every row becomes a new record. */
  readonly match?: MatchOptions
}

/** By which field a row finds its record, and among which records. */
export interface MatchOptions {
  /** The API name of the key. A column must fill it. */
  readonly field: string
  readonly records: Iterable<{ readonly id: string; readonly values: RecordValues }>
}

/** One converted row, ready for `imports.start`. */
export interface ImportedRecord {
  /** The row it came from, as a spreadsheet counts it. */
  readonly row: number
  /** The record to update. A row without one becomes a new record. */
  readonly id?: string
  /** Stored values; blank cells are left out. Of an update those that differ. */
  readonly values: RecordValues
}

/** A row that is left out, as it stands in the file, and why. */
export interface BadRow extends CsvRow {
  readonly reasons: readonly string[]
}

/** Why rows are left out: one rule that cells of one column break. A change to the column can mend all of them at once. */
export interface ProblemCause {
  /** The column's name, or '' for the whole row. */
  readonly column: string
  /** The field's API name, or ''. */
  readonly field: string
  readonly rule: string
  readonly message: string
  readonly fix: string
  /** How many rows it leaves out. */
  readonly count: number
  /** Some of the rows, as a spreadsheet counts them. */
  readonly rows: readonly number[]
  /** The different cells, the most frequent first, at most 200: the user's own data, for the page and not for logs. */
  readonly values: readonly { readonly text: string; readonly count: number }[]
  /** How many different cells there are, counted up to 10,000. */
  readonly distinct: number
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
  /** Filled cells that are read as nothing: placeholders, texts mapped to nothing, and where that was chosen those that cannot be read. */
  readonly emptied: number
  /** Texts that became another value, by the mapping's table or by label. The user's own data: for the report, not for logs. */
  readonly mapped: readonly { readonly from: string; readonly to: string; readonly count: number }[]
}

/** What became of a file, in rows: `total` is `good` and `bad` together. */
export interface ImportReport {
  readonly total: number
  /** Rows to be created, to be updated, and those whose record has all of their values. */
  readonly good: number
  readonly bad: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  /** Why rows are bad, by cause, the most frequent first. */
  readonly causes: readonly ProblemCause[]
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
  | {
      readonly kind: 'finished'
      readonly report: ImportReport
      readonly records: readonly ImportedRecord[]
      readonly badRows: readonly BadRow[]
    }

/** The last step. */
export type FinishedImport = Extract<ImportStep, { readonly kind: 'finished' }>

const maxProblems = 1_000
const maxCauseRows = 20
const maxCauseValues = 200
const maxDistinct = 10_000

/**
 * Converts a table's rows into stored values, slice by slice. It yields its progress, and at last the report and the records. To cancel, stop iterating:
 * nothing was written anywhere. A mapping that cannot work gives problems of row 0, and no row is read.
 */
export async function* convertRows(table: CsvTable, options: ConvertRowsOptions): AsyncGenerator<ImportStep, void, void> {
  const readers = bindColumns(table, options)
  const log = new ProblemLog(table)
  const wrong = checkColumns(table, options)
  if (wrong.length > 0) {
    for (const found of wrong) log.add(found)
    yield { kind: 'finished', report: log.report(readers, [], 0), records: [], badRows: log.badRows }
    return
  }
  const constants = constantEntries(options)
  const empty = unfilledRequired(options)
  const { match, pause } = options
  const converted: Converted[] = []
  const slice = Math.max(1, options.slice ?? 200)
  const { rows } = table
  for (let start = 0; start < rows.length; start += slice) {
    for (const row of rows.slice(start, start + slice)) {
      const found = convertRow(row, readers, constants, empty, log, match !== undefined)
      if (found !== undefined) converted.push(found)
    }
    const done = Math.min(start + slice, rows.length)
    yield { kind: 'progress', done, total: rows.length, bad: done - converted.length }
    await pause?.()
  }
  const records = match === undefined ? converted : await matchRows(converted, match, options, log)
  const unchanged = match === undefined ? 0 : converted.length - records.length - log.unmatched
  const isComplete = log.badRows.length === 0
  yield {
    kind: 'finished',
    report: log.report(readers, records, unchanged),
    records:
      isComplete || options.keepGood === true
        ? records.map(({ row, id, values }) => ({ row, ...(id !== undefined && { id }), values }))
        : [],
    badRows: log.badRows,
  }
}

/** A converted row, with what it lacks if it is to become a new record. */
interface Converted extends ImportedRecord {
  readonly source: CsvRow
  readonly missing: readonly CsvProblem[]
}

/**
 * Finds the record of each row by its key. What is not there becomes a new record. A key that several rows of the file have, or several records, or no key at
 * all: the row is a problem, as nobody can say which record is meant.
 */
async function matchRows(
  rows: readonly Converted[],
  { field: name, records }: MatchOptions,
  { schema, pause, columns, slice = 200 }: ConvertRowsOptions,
  log: ProblemLog,
): Promise<readonly Converted[]> {
  const column = columns.find((line) => line.field === name)?.column ?? ''
  const field = findField(schema, name)
  const label = field?.label ?? name
  const keyOf = (values: RecordValues): string => {
    const text = scalarToText(valueIn(values, name))
    return field?.type === 'email' ? text.toLowerCase() : text
  }
  const present = new Map<string, { readonly id: string; readonly values: RecordValues } | 'several'>()
  let seen = 0
  for (const record of records) {
    const key = keyOf(record.values)
    if (key !== '') present.set(key, present.has(key) ? 'several' : record)
    if (++seen % (slice * 10) === 0) await pause?.()
  }
  const times = new Map<string, number>()
  for (const { values } of rows) times.set(keyOf(values), (times.get(keyOf(values)) ?? 0) + 1)
  await pause?.()
  const matched: Converted[] = []
  for (const [index, row] of rows.entries()) {
    if (index % slice === slice - 1) await pause?.()
    const key = keyOf(row.values)
    const found = present.get(key)
    const refuseRow = (rule: string, message: string, fix: string): void =>
      log.addUnmatched(row.source, [{ severity: 'error', row: row.row, column, rule, message, fix }], name)
    if (key === '') refuseRow('key given', `${label} is the key, and it is empty.`, 'Fill it, or choose another key.')
    else if ((times.get(key) ?? 0) > 1) {
      refuseRow(
        'key once in the file',
        `Several rows have the same ${label}, which is the key.`,
        'Keep one of them, or choose another key.',
      )
    } else if (found === 'several') {
      refuseRow('key once in the org', `Several records have the same ${label}, which is the key.`, 'Correct them, or choose another key.')
    } else if (found === undefined) {
      if (row.missing.length === 0) matched.push(row)
      else log.addUnmatched(row.source, row.missing, '')
    } else {
      const changed = Object.entries(row.values).filter(([changedName, value]) => !isSameValue(value, valueIn(found.values, changedName)))
      if (changed.length > 0) matched.push({ ...row, id: found.id, values: Object.fromEntries(changed) })
    }
  }
  return matched
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
  if (options.match !== undefined && !columns.some(({ field }) => field === options.match?.field)) {
    problems.push(mappingProblem('', 'key given', 'No column fills the field that is the key.'))
  }
  // Where records are matched, only a row that becomes a new one needs all fields.
  for (const field of options.match === undefined ? schema.fields : []) {
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
  emptied: number
  readonly mapped: Map<string, { to: string; count: number }>
}

function bindColumns(table: CsvTable, options: ConvertRowsOptions): readonly BoundColumn[] {
  const indexOf = (name: string | undefined): number => table.columns.find((column) => column.name === name)?.index ?? -1
  return options.columns.flatMap((line) => {
    const field = findField(options.schema, line.field)
    if (field === undefined) return []
    const counts = { filled: 0, blank: 0, defaulted: 0, truncated: 0, rounded: 0, emptied: 0, mapped: new Map() }
    return [{ line, field, index: indexOf(line.column), codeIndex: indexOf(line.currencyColumn), ...counts }]
  })
}

function convertRow(
  row: CsvRow,
  columns: readonly BoundColumn[],
  constants: readonly (readonly [string, Value])[],
  empty: readonly CsvProblem[],
  log: ProblemLog,
  mayUpdate: boolean,
): Converted | undefined {
  const values: [string, Value][] = []
  const missing: CsvProblem[] = []
  let isGood = mayUpdate || empty.length === 0
  for (const found of empty) {
    if (mayUpdate) missing.push({ ...found, row: row.row })
    else log.addCell({ ...found, row: row.row }, row, '', found.column)
  }
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
    const problem = cellProblem(row.row, column.line.column, result.ok ? requiredField(column.field).error : result.error)
    if (result.ok && mayUpdate) missing.push(problem)
    else {
      isGood = false
      log.addCell(problem, row, cell.trim(), column.field.name)
    }
  }
  return isGood ? { row: row.row, source: row, values: Object.fromEntries([...values, ...constants]), missing } : undefined
}

function countCell(column: BoundColumn, cell: string, result: ReturnType<typeof readCell>): void {
  if (cell.trim() === '') column.blank++
  else column.filled++
  if (!result.ok) return
  if (cell.trim() !== '' && (result.value === null || result.flags.includes('defaulted'))) column.emptied++
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

/** A required field whose fixed value is empty makes every row bad. Where records are matched, one that nothing fills does for a new record. */
function unfilledRequired({ schema, columns, constants = {}, match }: ConvertRowsOptions): readonly CsvProblem[] {
  const filled = new Set(columns.map(({ field }) => field))
  return schema.fields
    .filter(({ name, required }) => required === true && (Object.hasOwn(constants, name) || (match !== undefined && !filled.has(name))))
    .filter((field) => {
      const checked = validateField(field, valueIn(constants, field.name))
      return checked.ok && checked.value === null
    })
    .map((field) => cellProblem(0, '', requiredField(field).error))
}

/** One cause with its counts, while rows are read. */
interface OpenCause {
  readonly first: CsvProblem
  readonly field: string
  count: number
  readonly rows: number[]
  readonly values: Map<string, number>
}

/** Collects problems: the first of them one by one, all of them by cause, and the rows that have one. */
class ProblemLog {
  readonly badRows: BadRow[] = []
  /** Rows that were good until their record was looked for. */
  unmatched = 0
  readonly #table: CsvTable
  readonly #problems: CsvProblem[] = []
  readonly #causes = new Map<string, OpenCause>()
  #count = 0

  constructor(table: CsvTable) {
    this.#table = table
    const bad = new Map(table.badRows.map((row) => [row.row, row]))
    for (const problem of table.problems) {
      const row = problem.severity === 'error' ? bad.get(problem.row) : undefined
      if (row === undefined) this.add(problem)
      else this.addCell(problem, row, '', '')
    }
  }

  add(problem: CsvProblem): void {
    this.#count++
    if (this.#problems.length < maxProblems) this.#problems.push(problem)
  }

  /** A problem of one row. Those of a row come one after the other. */
  addCell(problem: CsvProblem, row: CsvRow, text: string, field: string): void {
    this.add(problem)
    const reason = problem.column === '' ? problem.message : `${problem.column}: ${problem.message}`
    const last = this.badRows.at(-1)
    if (last?.row === row.row) this.badRows[this.badRows.length - 1] = { ...last, reasons: [...last.reasons, reason] }
    else this.badRows.push({ ...row, reasons: [reason] })
    // A row may lack several fields that no column fills.
    const key = `${problem.column}\n${problem.rule}\n${problem.rule === 'required' ? problem.message : field}`
    let cause = this.#causes.get(key)
    if (cause === undefined) this.#causes.set(key, (cause = { first: problem, field, count: 0, rows: [], values: new Map() }))
    cause.count++
    if (cause.rows.length < maxCauseRows) cause.rows.push(row.row)
    const times = cause.values.get(text)
    if (times !== undefined || cause.values.size < maxDistinct) cause.values.set(text, (times ?? 0) + 1)
  }

  addUnmatched(row: CsvRow, problems: readonly CsvProblem[], field: string): void {
    this.unmatched++
    for (const problem of problems) this.addCell(problem, row, '', field)
  }

  report(columns: readonly BoundColumn[], records: readonly ImportedRecord[], unchanged: number): ImportReport {
    const used = new Set(columns.flatMap(({ line }) => [line.column, line.currencyColumn]))
    const updated = records.filter(({ id }) => id !== undefined).length
    const good = records.length + unchanged
    this.badRows.sort((left, right) => left.row - right.row)
    return {
      total: this.#table.rowCount,
      good,
      bad: this.#table.rowCount - good,
      created: records.length - updated,
      updated,
      unchanged,
      causes: [...this.#causes.values()].map(closeCause).toSorted((left, right) => right.count - left.count),
      problems: this.#problems.toSorted((left, right) => left.row - right.row),
      problemCount: this.#count,
      columns: columns.map(columnReport),
      ignored: this.#table.columns.map(({ name }) => name).filter((name) => !used.has(name)),
    }
  }
}

function closeCause({ first, field, count, rows, values }: OpenCause): ProblemCause {
  const { column, rule, message, fix } = first
  const texts = [...values].filter(([text]) => text !== '').map(([text, times]) => ({ text, count: times }))
  const most = texts.toSorted((left, right) => right.count - left.count).slice(0, maxCauseValues)
  return { column, field, rule, message, fix, count, rows, values: most, distinct: texts.length }
}

function columnReport({ line, field, mapped, ...counts }: BoundColumn): ColumnReport {
  const pairs = [...mapped].map(([from, { to, count }]) => ({ from, to, count }))
  const { filled, blank, defaulted, truncated, rounded, emptied } = counts
  return { column: line.column, field: field.name, filled, blank, defaulted, truncated, rounded, emptied, mapped: pairs }
}

function cellProblem(row: number, column: string, { rule, message, fix }: RecordError): CsvProblem {
  return { severity: 'error', row, column, rule, message, fix }
}

function mappingProblem(column: string, rule: string, message: string): CsvProblem {
  return { severity: 'error', row: 0, column, rule, message, fix: 'Correct the mapping of the columns.' }
}
