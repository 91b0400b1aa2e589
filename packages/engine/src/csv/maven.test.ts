import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addCustomField, standardOpportunity, type ObjectSchema } from '../schema/index.js'
import {
  convertAllRows,
  decodeCsvBytes,
  guessColumns,
  guessesToMapping,
  parseCsv,
  proposeCustomField,
  type ColumnMapping,
  type CsvTable,
} from './index.js'

/** The public opportunities that lie beside the checkout; elsewhere the tests say that they have no data. */
function findData(): string | undefined {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const found = join(folder, 'shared', 'data', 'maven')
    if (existsSync(found)) return found
  }
  return process.env['ENTENTE_DATA']
}

const data = findData()

async function readTable(file: string): Promise<CsvTable> {
  const bytes = readFileSync(join(data ?? '', file))
  const decoded = decodeCsvBytes(bytes, (part, encoding) => new TextDecoder(encoding).decode(part))
  if (!decoded.ok) throw new Error(decoded.error.message)
  const parsed = await parseCsv(decoded.text)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.table
}

/** What Vera does in the preview: takes the guesses, adds a custom field for each column left over, and says what the stages mean. */
async function mapAll(table: CsvTable): Promise<{ schema: ObjectSchema; columns: readonly ColumnMapping[] }> {
  let schema = standardOpportunity
  for (const guess of await guessColumns(table, schema)) {
    if (guess.field !== undefined) continue
    const added = addCustomField(schema, proposeCustomField(guess, schema))
    if (!added.ok) throw new Error(added.error.message)
    schema = added.schema
  }
  const columns = guessesToMapping(await guessColumns(table, schema)).map((line): ColumnMapping => {
    if (line.field === 'StageName') {
      return { ...line, values: { Won: 'Closed Won', Lost: 'Closed Lost', Engaging: 'Qualification' } }
    }
    if (line.field === 'Amount') return { ...line, currency: 'USD' }
    return line.field === 'CloseDate' ? { ...line, default: '2018-03-31' } : line
  })
  return { schema, columns }
}

describe.each([
  { file: 'sales_pipeline.csv', order: 'ymd', product: 'GTXPro' },
  { file: 'sales_pipeline.partner-variant.csv', order: 'dmy', product: 'GTX Pro' },
])('the 8,800 opportunities of $file', ({ file, order, product }) => {
  it('are guessed rightly, the order of the dates included', async ({ skip }) => {
    skip(data === undefined, 'skipped: no data')
    const table = await readTable(file)
    const guesses = new Map((await guessColumns(table, standardOpportunity)).map((guess) => [guess.column, guess]))
    expect(table.rows).toHaveLength(8800)
    expect(guesses.get('opportunity_id')).toMatchObject({ field: 'Name', type: 'text', blank: 0 })
    expect(guesses.get('account')).toMatchObject({ field: 'AccountName', blank: 1425 })
    expect(guesses.get('close_value')).toMatchObject({ field: 'Amount', type: 'currency', blank: 2089, fits: 1 })
    expect(guesses.get('close_date')).toMatchObject({ field: 'CloseDate', blank: 2089, fits: 1, doubts: [] })
    expect(guesses.get('close_date')?.format.dateOrder).toBe(order)
    expect(guesses.get('engage_date')).toMatchObject({ type: 'date', format: { dateOrder: order }, blank: 500 })
    expect(guesses.get('engage_date')?.field).toBeUndefined()
    expect(guesses.get('deal_stage')?.unknownValues.toSorted()).toEqual(['Engaging', 'Lost', 'Won'])
    expect(guesses.get('product')).toMatchObject({ type: 'picklist', distinct: 7 })
  })

  it('all arrive with a right mapping, and the report says what was blank, defaulted and mapped', async ({ skip }) => {
    skip(data === undefined, 'skipped: no data')
    const table = await readTable(file)
    const { schema, columns } = await mapAll(table)
    const { report, records } = await convertAllRows(table, { schema, columns })
    expect(report).toMatchObject({ total: 8800, good: 8800, bad: 0, problemCount: 0, ignored: [] })
    const byField = new Map(report.columns.map((column) => [column.field, column]))
    expect(byField.get('CloseDate')).toMatchObject({ filled: 6711, blank: 2089, defaulted: 2089 })
    expect(byField.get('Amount')).toMatchObject({ filled: 6711, blank: 2089, defaulted: 0 })
    expect(byField.get('AccountName')).toMatchObject({ blank: 1425 })
    expect(byField.get('StageName')?.mapped).toEqual(
      expect.arrayContaining([
        { from: 'Won', to: 'Closed Won', count: 4238 },
        { from: 'Lost', to: 'Closed Lost', count: 2473 },
        { from: 'Engaging', to: 'Qualification', count: 1589 },
      ]),
    )
    // Each value of the first record stands in its row, the dates and the amount in their stored form.
    const [first] = records
    const cells = table.rows[0]?.cells ?? []
    const { Amount: amount, CloseDate: closed, Engage_date__c: engaged, StageName: stage, ...texts } = first?.values ?? {}
    expect(Object.keys(texts).toSorted()).toEqual(['AccountName', 'Name', 'Product__c', 'Sales_agent__c'])
    for (const text of Object.values(texts)) expect(cells).toContain(text)
    expect([closed, engaged]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d$/), expect.stringMatching(/^\d{4}-\d\d-\d\d$/)])
    expect(amount).toEqual({ amount: expect.stringMatching(/^\d+\.00$/), currency: 'USD' })
    expect(stage).toBe('Closed Won')
    expect(records.filter(({ values }) => values['Product__c'] === product)).toHaveLength(1480)
  })

  it('give no record at all when the stages have no counterpart and nobody asked to keep the good rows', async ({ skip }) => {
    skip(data === undefined, 'skipped: no data')
    const table = await readTable(file)
    const { schema, columns } = await mapAll(table)
    const unmapped = columns.map(({ values: _values, ...line }) => line)
    const { report, records } = await convertAllRows(table, { schema, columns: unmapped })
    expect(report).toMatchObject({ good: 500, bad: 8300, problemCount: 8300 })
    expect(report.problems).toHaveLength(1000)
    expect(records).toEqual([])
    const kept = await convertAllRows(table, { schema, columns: unmapped, keepGood: true })
    expect(kept.records).toHaveLength(500)
  })
})

it('the two variants hold the same opportunities once they are read', async ({ skip }) => {
  skip(data === undefined, 'skipped: no data')
  const [own, partner] = await Promise.all(
    ['sales_pipeline.csv', 'sales_pipeline.partner-variant.csv'].map(async (file) => {
      const table = await readTable(file)
      const { records } = await convertAllRows(table, await mapAll(table))
      return records.map(({ values: { Product__c: _product, ...rest } }) => rest)
    }),
  )
  expect(own).toEqual(partner)
})
