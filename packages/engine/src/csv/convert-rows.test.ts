import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fieldTypes,
  findField,
  listValues,
  parseRecord,
  standardOpportunity as schema,
  type Field,
  type ObjectSchema,
  type RecordValues,
  type Value,
} from '../schema/index.js'
import { convertAllRows, convertRows, guessesToMapping, type ColumnMapping, type ConvertRowsOptions } from './convert-rows.js'
import { guessColumns } from './guess.js'
import { parseCsv, type CsvTable } from './parse.js'
import { escapeFormula, unescapeFormula, writeBadRows, writeCsv } from './write.js'

async function tableOf(text: string): Promise<CsvTable> {
  const parsed = await parseCsv(text)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.table
}

const columns: readonly ColumnMapping[] = [
  { column: 'Deal', field: 'Name' },
  { column: 'Stage', field: 'StageName', values: { Won: 'Closed Won' } },
  { column: 'Date', field: 'CloseDate', dateOrder: 'dmy' },
  { column: 'Amount', field: 'Amount', currency: 'EUR' },
]

const good = 'Deal,Stage,Date,Amount,Colour\nRollout,Won,01-03-2017,5,red\nPilot,Prospecting,02-03-2017,,blue\n'
const mixed = `${good},Won,03-03-2017,7,\nLate,Won,31-02-2017,7,\nShort,Won\n`

describe('Vera imports a file', () => {
  it('and gets stored values, with a report of each column', async () => {
    const { report, records } = await convertAllRows(await tableOf(good), { schema, columns })
    expect(records).toEqual([
      {
        row: 2,
        values: { Name: 'Rollout', StageName: 'Closed Won', CloseDate: '2017-03-01', Amount: { amount: '5.00', currency: 'EUR' } },
      },
      { row: 3, values: { Name: 'Pilot', StageName: 'Prospecting', CloseDate: '2017-03-02' } },
    ])
    expect(report).toMatchObject({ total: 2, good: 2, bad: 0, problems: [], ignored: ['Colour'] })
    expect(report.columns.find(({ field }) => field === 'StageName')?.mapped).toEqual([{ from: 'Won', to: 'Closed Won', count: 1 }])
    expect(report.columns.find(({ field }) => field === 'Amount')).toMatchObject({ filled: 1, blank: 1 })
  })

  it('with bad rows: each is told, and no row is kept unless she asks (row 62)', async () => {
    const table = await tableOf(mixed)
    const refused = await convertAllRows(table, { schema, columns })
    expect(refused.records).toEqual([])
    expect(refused.report).toMatchObject({ total: 5, good: 2, bad: 3, problemCount: 3 })
    expect(refused.report.problems.map(({ row, column, rule }) => [row, column, rule])).toEqual([
      [4, 'Deal', 'required'],
      [5, 'Date', 'date format'],
      [6, '', 'cell count'],
    ])
    const kept = await convertAllRows(table, { schema, columns, keepGood: true })
    expect(kept.records.map(({ row }) => row)).toEqual([2, 3])
  })

  it('slice by slice, so that her page stays alive, and may stop at any time', async () => {
    const table = await tableOf(`Deal,Stage,Date,Amount\n${'Rollout,Won,01-03-2017,5\n'.repeat(1000)}`)
    const steps: number[] = []
    let pauses = 0
    const pause = async (): Promise<void> => {
      pauses++
    }
    await convertAllRows(table, { schema, columns, pause, slice: 300 }, ({ done }) => steps.push(done))
    expect(steps).toEqual([300, 600, 900, 1000])
    expect(pauses).toBe(4)
    for await (const step of convertRows(table, { schema, columns, pause })) {
      expect(step.kind).toBe('progress')
      break
    }
    expect(pauses).toBe(4)
  })

  it('with fixed values for what the file lacks', async () => {
    const options = { schema, columns: columns.slice(0, 1), constants: { StageName: 'Prospecting', CloseDate: '2026-01-01' } }
    const { records } = await convertAllRows(await tableOf(good), options)
    expect(records[0]?.values).toEqual({ Name: 'Rollout', StageName: 'Prospecting', CloseDate: '2026-01-01' })
    const empty = await convertAllRows(await tableOf(good), { ...options, constants: { ...options.constants, StageName: null } })
    expect(empty.report).toMatchObject({ good: 0, bad: 2 })
  })

  it.each<[string, Partial<ConvertRowsOptions>, string]>([
    ['an unknown column', { columns: [...columns, { column: 'Color', field: 'NextStep' }] }, 'known column'],
    ['an unknown field', { columns: [...columns, { column: 'Colour', field: '__proto__' }] }, 'known field'],
    ['two columns for one field', { columns: [...columns, { column: 'Colour', field: 'Name' }] }, 'one source per field'],
    ['a default that does not fit', { columns: [...columns, { column: 'Colour', field: 'Probability', default: 'red' }] }, 'default'],
    ['a fixed value that does not fit', { constants: { Probability: 'red' } }, 'constant'],
    ['a required field that nothing fills', { columns: columns.slice(1) }, 'required'],
  ])('but reads no row under a mapping with %s', async (_what, change, rule) => {
    const { report, records } = await convertAllRows(await tableOf(good), { schema, columns, ...change })
    expect(report.problems.map((problem) => [problem.row, problem.rule])).toEqual([[0, rule]])
    expect(records).toEqual([])
  })

  it('of any length: problems beyond a thousand are only counted', async () => {
    const { report } = await convertAllRows(await tableOf(`Deal,Stage,Date,Amount\n${'x,Gone,soon,many\n'.repeat(1500)}`), {
      schema,
      columns,
    })
    expect(report.problems).toHaveLength(1000)
    expect(report).toMatchObject({ problemCount: 4500, bad: 1500 })
  })
})

const probes: readonly Field[] = fieldTypes.map((type) => ({
  name: `${type}__c`,
  label: `My ${type}`,
  type,
  ...(type === 'picklist' ? { picklist: listValues(['Open', '=Won', 'Lost, sadly']) } : {}),
  ...(type === 'number' || type === 'percent' ? { precision: 18, scale: 2 } : {}),
}))
const probeSchema: ObjectSchema = { ...schema, fields: probes }

const nasty = fc.constantFrom('=', '+', '-', '@', "'", '"', ',', ';', '|', '#', '\t', 'a', 'ü', '😀', ' ', '0', '1')
const line = fc
  .array(nasty, { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join('').trim())
  .filter((text) => text !== '')
const cents = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((number) => (number / 100).toFixed(2))
const instants = fc
  .date({ min: new Date('1800-01-01'), max: new Date('3000-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

const recordsOfAllTypes = fc.record<Record<string, Value>>(
  {
    text__c: line,
    textArea__c: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
    email__c: fc.constantFrom('vera@vendor.example', '+x@vendor.example'),
    phone__c: fc.constantFrom('+1 206 555 0101', '-5'),
    url__c: fc.constantFrom('https://vendor.example', '@2'.replace('@2', 'www.vendor.example')),
    checkbox__c: fc.boolean(),
    number__c: cents.map((text) => text.replace(/\.?0+$/, '')).map((text) => (text === '-0' || text === '' || text === '-' ? '0' : text)),
    percent__c: fc.integer({ min: -100, max: 100 }).map(String),
    currency__c: fc.record({
      amount: cents.map((text) => (text === '-0.00' ? '0.00' : text)),
      currency: fc.constantFrom('USD', 'EUR', 'JPY'),
    }),
    date__c: instants.map((text) => text.slice(0, 10)),
    dateTime__c: instants,
    time__c: instants.map((text) => text.slice(11, 23)),
    picklist__c: fc.constantFrom('Open', '=Won', 'Lost, sadly'),
  },
  { requiredKeys: ['number__c'] },
)

describe('what is exported can be imported again', () => {
  it('record by record, every type, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(recordsOfAllTypes, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(',' as const, ';' as const, '\t' as const),
        fc.constantFrom('label' as const, 'name' as const),
        async (values: readonly RecordValues[], delimiter, header) => {
          const text = writeCsv(probes, values, { delimiter, header, metadata: ['Vendor, all deals;=1+1', 'x'] })
          const parsed = await parseCsv(text, { delimiter })
          if (!parsed.ok) throw new Error(parsed.error.message)
          const name = (field: Field): string => (header === 'label' ? field.label : field.name)
          const mapping = probes.map((field): ColumnMapping => ({
            column: name(field),
            field: field.name,
            ...(field.type === 'currency' ? { currencyColumn: `${name(field)} (currency)` } : {}),
          }))
          const { report, records } = await convertAllRows(parsed.table, { schema: probeSchema, columns: mapping })
          expect(report.problems).toEqual([])
          expect(records.map((record) => record.values)).toEqual(values)
          expect(parsed.table.metadata).toEqual(['Vendor, all deals;=1+1', 'x'])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('by guessing alone', async () => {
    const values = [
      { Name: 'Rollout', StageName: 'Prospecting', CloseDate: '2017-03-01', Amount: { amount: '-5.00', currency: 'EUR' }, IsPrivate: true },
      { Name: 'Pilot', StageName: 'Closed Won', CloseDate: '2017-03-02', Probability: '100', Description: 'two\nlines' },
    ]
    const table = await tableOf(writeCsv(schema.fields, values))
    const { records } = await convertAllRows(table, { schema, columns: guessesToMapping(await guessColumns(table, schema)) })
    expect(records.map((record) => record.values)).toEqual(values)
  })
})

describe('whatever a file holds', () => {
  const garbage = fc
    .array(
      fc.constantFrom('"', ',', ';', '\r', '\n', '\t', '#', ' ', '=', '1', '-', '/', 'a', '\ufeff', '\ud800', '\u0000', 'Name', 'Amount'),
    )
    .map((parts) => parts.join(''))

  it('nothing throws: it is refused, told by row, or read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(garbage, fc.string({ unit: 'binary' })), fc.boolean(), async (text, header) => {
        const parsed = await parseCsv(text, { header })
        if (!parsed.ok) return
        const { table } = parsed
        const bad = new Set(table.problems.filter(({ severity }) => severity === 'error').map(({ row }) => row))
        expect(table.rowCount).toBe(table.rows.length + bad.size)
        expect(table.rows.every(({ cells }) => cells.length === table.columns.length)).toBe(true)
        const mapping = guessesToMapping(await guessColumns(table, schema))
        const constants = Object.fromEntries(
          Object.entries({ Name: 'x', StageName: 'Prospecting', CloseDate: '2026-01-01' }).filter(
            ([name]) => !mapping.some(({ field }) => field === name),
          ),
        )
        const { report, records } = await convertAllRows(table, { schema, columns: mapping, constants, keepGood: true })
        expect(report.good + report.bad).toBe(table.rowCount)
        for (const { values } of records) expect(parseRecord(schema, values, 'create')).toEqual({ ok: true, values })
      }),
      { numRuns: 500 },
    )
  })

  it('no cell takes long to read, however long it is', async () => {
    const blanks = `1${' '.repeat(200_000)}x`
    const table = await tableOf(`Name,StageName,CloseDate,Amount,Probability\n${Array(5).fill(`"${blanks}"`).join(',')}\n`)
    const started = performance.now()
    const guessed = guessesToMapping(await guessColumns(table, schema))
    const { report } = await convertAllRows(table, { schema, columns: guessed })
    expect(report).toMatchObject({ good: 0, problemCount: 5 })
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('what leaves rows out is told by cause', () => {
  const file = [
    'Deal,Stage,Date,Amount,Colour',
    ...Array.from(
      { length: 30 },
      (_none, index) => `D${index},${index < 20 ? 'Engaging' : 'Won'},${index < 25 ? '2017-03-01' : '01-03-2017'},5,red`,
    ),
    'Short,Won',
  ].join('\n')

  it('with how many rows it costs, and the cells that it is about', async () => {
    const { report, badRows } = await convertAllRows(await tableOf(file), { schema, columns, keepGood: true })
    expect(report).toMatchObject({ total: 31, good: 10, bad: 21, created: 10, updated: 0, unchanged: 0 })
    expect(report.causes.map(({ column, field, rule, count, values }) => [column, field, rule, count, values])).toEqual([
      ['Stage', 'StageName', 'offered value', 20, [{ text: 'Engaging', count: 20 }]],
      ['', '', 'cell count', 1, []],
    ])
    expect(badRows.map(({ row }) => row)).toEqual([...Array.from({ length: 20 }, (_none, index) => index + 2), 32])
  })

  it('and each is mended at once: by another value, by nothing, or by leaving cells blank', async () => {
    const table = await tableOf(file.replaceAll('5,red', 'five,red'))
    const first = await convertAllRows(table, { schema, columns })
    expect(first.report.causes.map(({ rule, count }) => `${rule} ${count}`)).toEqual([
      'currency format 30',
      'offered value 20',
      'cell count 1',
    ])
    const mended = columns.map((line): ColumnMapping => {
      if (line.field === 'Amount') return { ...line, blankUnread: true }
      return line.field === 'StageName' ? { ...line, values: { ...line.values, Engaging: '' }, default: 'Prospecting' } : line
    })
    const { report, records } = await convertAllRows(table, { schema, columns: mended, keepGood: true })
    expect(report).toMatchObject({ good: 30, bad: 1 })
    expect(records[0]?.values).toEqual({ Name: 'D0', StageName: 'Prospecting', CloseDate: '2017-03-01' })
    expect(report.columns.map(({ field, emptied }) => `${field} ${emptied}`)).toEqual([
      'Name 0',
      'StageName 20',
      'CloseDate 0',
      'Amount 30',
    ])
  })

  it('the rows left out come back as a file, with their reasons, and start no formula', async () => {
    const table = await tableOf('Deal,Stage,Date,Amount\n=1+1,Gone,soon,5\nFine,Won,01-03-2017,5\n"broken,Won\nx,Won,01-03-2017,5,more\n')
    const { badRows } = await convertAllRows(table, { schema, columns })
    const csv = writeBadRows(table, badRows, { mark: false })
    expect(csv.split('\r\n')).toEqual([
      'Deal,Stage,Date,Amount,Row in the file,Why it was left out',
      "'=1+1,Gone,soon,5,2,Stage: Stage does not offer this value. Date: Close Date cannot be read as date.",
      '"""broken",Won,,,4,"A quote in this row is not closed, or not doubled."',
      'x,Won,01-03-2017,5,5,"The row has 5 cells, the header 4.",more',
      '',
    ])
  })
})

describe('Vera updates what is there', () => {
  const there = [
    { id: 'a', values: { Name: 'Rollout', StageName: 'Closed Won', CloseDate: '2017-03-01', Amount: { amount: '5.00', currency: 'EUR' } } },
    { id: 'b', values: { Name: 'Pilot', StageName: 'Prospecting', CloseDate: '2017-03-02', NextStep: 'Call' } },
    { id: 'c', values: { Name: 'Twice', StageName: 'Prospecting', CloseDate: '2017-03-02' } },
    { id: 'd', values: { Name: 'Twice', StageName: 'Prospecting', CloseDate: '2017-03-02' } },
  ]
  const match = { field: 'Name', records: there }

  it('by a key: changed, unchanged and new rows are told apart, and what is unclear is told', async () => {
    const text = `${good.replace('Pilot,Prospecting', 'Pilot,Won')}New,Won,03-03-2017,7,\nTwice,Won,03-03-2017,7,\nSame,Won,03-03-2017,7,\nSame,Won,03-03-2017,7,\n,Won,03-03-2017,7,\nHalf,,,7,\n`
    const { report, records } = await convertAllRows(await tableOf(text), { schema, columns, match, keepGood: true })
    expect(report).toMatchObject({ total: 8, good: 3, bad: 5, created: 1, updated: 1, unchanged: 1 })
    expect(records).toEqual([
      { row: 3, id: 'b', values: { StageName: 'Closed Won' } },
      { row: 4, values: { Name: 'New', StageName: 'Closed Won', CloseDate: '2017-03-03', Amount: { amount: '7.00', currency: 'EUR' } } },
    ])
    expect(report.causes.map(({ rule, rows }) => [rule, rows])).toEqual([
      ['key once in the file', [6, 7]],
      ['key once in the org', [5]],
      ['key given', [8]],
      ['required', [9]],
      ['required', [9]],
    ])
  })

  it('without the fields that only new records need', async () => {
    const few = [
      { column: 'Deal', field: 'Name' },
      { column: 'Colour', field: 'NextStep' },
    ]
    const { report, records } = await convertAllRows(await tableOf(`${good}Newer,,,,green\n`), {
      schema,
      columns: few,
      match,
      keepGood: true,
    })
    expect(records).toEqual([
      { row: 2, id: 'a', values: { NextStep: 'red' } },
      { row: 3, id: 'b', values: { NextStep: 'blue' } },
    ])
    expect(report.causes.map(({ message }) => message)).toEqual(['Close Date must not be empty.', 'Stage must not be empty.'])
  })

  it('only by a field that a column fills', async () => {
    const { report } = await convertAllRows(await tableOf(good), { schema, columns, match: { field: 'NextStep', records: there } })
    expect(report.problems.map(({ row, rule }) => [row, rule])).toEqual([[0, 'key given']])
  })
})

describe('an export is harmless in a spreadsheet (row 67)', () => {
  const text = findField(schema, 'Name')
  const amount = findField(schema, 'Amount')
  if (text === undefined || amount === undefined) throw new Error('no such field')

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1+1'])('%j is written as a text', (value) => {
    expect(
      writeCsv([text], [{ Name: value }], { mark: false })
        .split('\r\n')[1]
        ?.replace(/^"/, ''),
    ).toMatch(/^'/)
  })

  it.each(['a;=1+1', 'a\t+1', 'a;-1', 'two\n@SUM(A1)', 'two\r\n=1', 'a,=1', 'a;"=1', "a;'=1", 'a;＝1+1'])(
    '%j is a text also where the region’s separator is another one, or the line ends inside the quotes',
    (value) => {
      const csv = writeCsv([text], [{ Name: value }], { mark: false })
      for (const separator of [',', ';', '\t']) for (const cell of cellsOf(csv, separator)) expect(cell).not.toMatch(/^[=+\-@＝]/)
    },
  )

  it('whatever the text is, and wherever the file is split', () => {
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(',' as const, ';' as const, '\t' as const),
        (lines, delimiter) => {
          const csv = writeCsv([text], [{ Name: lines.join('\n') }], { mark: false, delimiter })
          for (const separator of [',', ';', '\t']) for (const cell of cellsOf(csv, separator)) expect(cell).not.toMatch(/^[=+\-@＝]/)
        },
      ),
    )
  })

  it('but negative numbers stay numbers', () => {
    const csv = writeCsv([amount], [{ Amount: { amount: '-5.00', currency: 'USD' } }, { Amount: { amount: '=1+1', currency: '@x' } }])
    expect(csv).toBe("\ufeffAmount,Amount (currency)\r\n-5.00,USD\r\n'=1+1,'@x\r\n")
  })

  it('and the apostrophe is taken off exactly where it was put', () => {
    fc.assert(
      fc.property(fc.string(), line, (any, other) => {
        for (const value of [any, other, `'${other}`]) expect(unescapeFormula(escapeFormula(value))).toBe(value)
      }),
    )
  })
})

/** The cells as a spreadsheet reads them that takes each line by itself and opens quotes only where a cell begins. */
function cellsOf(csv: string, separator: string): readonly string[] {
  const cells: string[] = []
  for (const row of csv.split(/\r\n|\r|\n/)) {
    for (let at = 0; at <= row.length;) {
      let cell = ''
      if (row[at] === '"') {
        for (at++; at < row.length; at++) {
          if (row[at] !== '"') cell += row[at]
          else if (row[at + 1] === '"') cell += row[at++]
          else {
            at++
            break
          }
        }
      }
      for (; at < row.length && row[at] !== separator; at++) cell += row[at]
      at++
      cells.push(cell)
    }
  }
  return cells
}
