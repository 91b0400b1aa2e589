import { describe, expect, it } from 'vitest'
import { addCustomField, standardLead, standardOpportunity, type ObjectSchema } from '../schema/index.js'
import { foldColumnName } from './column-names.js'
import { proposeCustomField } from './custom-field.js'
import { guessColumns, type ColumnGuess } from './guess.js'
import { parseCsv } from './parse.js'

async function guess(text: string, schema: ObjectSchema = standardOpportunity): Promise<readonly ColumnGuess[]> {
  const parsed = await parseCsv(text, { delimiter: ';' })
  if (!parsed.ok) throw new Error(parsed.error.message)
  return guessColumns(parsed.table, schema)
}

async function guessOne(header: string, cells: readonly string[]): Promise<ColumnGuess | undefined> {
  const [first] = await guess([`${header};z`, ...cells.map((cell) => `${cell};-`)].join('\n'))
  return first
}

describe('types are guessed from what the cells say', () => {
  it.each<[string, readonly string[], object]>([
    ['date', ['2017-03-01', '2017-12-31'], { format: { dateOrder: 'ymd' }, doubts: [] }],
    ['date', ['01.03.2017', '31.12.2017'], { format: { dateOrder: 'dmy' }, doubts: [] }],
    ['date', ['03/01/2017', '12/31/2017'], { format: { dateOrder: 'mdy' }, doubts: [] }],
    ['date', ['1 Mar 2017', 'Mar 2, 2017'], { doubts: [] }],
    ['dateTime', ['2017-03-01T10:00:00Z'], { format: { dateOrder: 'ymd' }, doubts: [] }],
    ['time', ['10:00', '23:59'], {}],
    ['number', ['1,234.50', '7'], { format: { decimal: '.' }, doubts: [] }],
    ['number', ['1.234,50', '7'], { format: { decimal: ',' }, doubts: [] }],
    ['percent', ['50%', '12.5 %'], {}],
    ['currency', ['$5', '$1,000.00'], { format: { decimal: '.' } }],
    ['currency', ['5,00 €', '1.000,00 €'], { format: { decimal: ',' } }],
    ['checkbox', ['yes', 'no', 'Yes'], {}],
    ['number', ['1', '0', '1'], {}],
    ['email', ['a@vendor.example', 'b@vendor.example'], {}],
    ['url', ['https://vendor.example', 'www.vendor.example'], {}],
    ['phone', ['+1 206 555 0101', '(312) 555-0102'], {}],
    ['text', ['00123', '04567'], {}],
    ['text', ['Acme', '5', '2017-03-01'], {}],
    ['text', ['', ''], { filled: 0, blank: 2, fits: 1 }],
    ['textArea', ['x'.repeat(300)], {}],
    ['picklist', [...Array(30).fill('Hot'), ...Array(30).fill('Cold')], { distinct: 2 }],
  ])('%s: %j', async (type, cells, more) => {
    expect(await guessOne('Whatever', cells)).toMatchObject({ type, ...more })
  })

  it('a few slips do not hide what a column is', async () => {
    const days = Array.from({ length: 19 }, (_none, index) => `2017-03-${String(index + 1).padStart(2, '0')}`)
    expect(await guessOne('When', [...days, 'soon'])).toMatchObject({ type: 'date', fits: 0.95 })
  })

  it('says when day and month, or points and commas, could be either (row 62)', async () => {
    expect((await guessOne('When', ['01/03/2017', '02/04/2017']))?.doubts).toEqual([expect.stringContaining('Day and month')])
    expect((await guessOne('Size', ['1.234', '5.678']))?.doubts).toEqual([expect.stringContaining('Points and commas')])
    expect((await guessOne('When', ['2017-03-01 10:00']))?.doubts).toEqual([expect.stringContaining('zone')])
  })
})

describe('columns find their fields', () => {
  it('by API name, label and the names other tools use', async () => {
    const guesses = await guess('opportunity_id;Account Name;close_value;CloseDate;deal stage;Colour\n1;A;5;2017-01-31;Won;red')
    expect(guesses.map(({ field }) => field)).toEqual(['Name', 'AccountName', 'Amount', 'CloseDate', 'StageName', undefined])
    expect(foldColumnName('Deal_Stage__c')).toBe(foldColumnName('dealStage'))
  })

  it('an exact name beats a likely one, and no field is given twice', async () => {
    const guesses = await guess('deal;Opportunity Name;account;customer\nx;y;z;w')
    expect(guesses.map(({ field }) => field)).toEqual([undefined, 'Name', 'AccountName', undefined])
    const leads = await guess('E-Mail;Surname;Company name\na@vendor.example;Tolvane;Quillmere', standardLead)
    expect(leads.map(({ field }) => field)).toEqual(['Email', 'LastName', 'Company'])
  })

  it('the field says how its cells are read, and what does not fit is told', async () => {
    const [amount, stage, date] = await guess('Amount;Stage;Close Date\n1.054,50;Won;soon\n7,00;Prospecting;later')
    expect(amount).toMatchObject({ type: 'currency', format: { decimal: ',' }, fits: 1 })
    expect(stage).toMatchObject({ unknownValues: ['Won'], fits: 0.5 })
    expect(stage?.doubts).toEqual([expect.stringContaining('1 of its values')])
    expect(date?.doubts).toEqual(['Most cells cannot be read as date.'])
  })

  it('a column of currency codes belongs to its amounts', async () => {
    const guesses = await guess('Amount;Amount (currency)\n5;USD')
    expect(guesses.map(({ field, isCurrencyCode, currencyColumn }) => [field, isCurrencyCode, currencyColumn])).toEqual([
      ['Amount', false, 'Amount (currency)'],
      [undefined, true, undefined],
    ])
  })
})

describe('columns without a field', () => {
  it('get a proposal that the schema takes', async () => {
    const rows = Array.from({ length: 40 }, (_none, index) => `${index % 2 === 0 ? 'GTX' : 'MG'};${index};Zürich;5%;x${index}`)
    let schema = standardOpportunity
    for (const found of await guess(['product line;Größe;2nd_city;share;_stamp', ...rows].join('\n'))) {
      const added = addCustomField(schema, proposeCustomField(found, schema))
      if (!added.ok) throw new Error(added.error.message)
      schema = added.schema
    }
    const proposed = schema.fields.slice(standardOpportunity.fields.length)
    expect(proposed.map(({ name, label, type }) => `${name} ${label} ${type}`)).toEqual([
      'Product_line__c Product line picklist',
      'Gro_e__c Größe number',
      'Column_2nd_city__c 2nd city picklist',
      'Share__c Share percent',
      'Stamp__c Stamp text',
    ])
    expect(proposed[0]?.picklist?.map(({ value }) => value)).toEqual(['GTX', 'MG'])
  })

  it('take another name where theirs is taken', async () => {
    const [found] = await guess('Product;z\nGTX;-')
    if (found === undefined) throw new Error('no column')
    const first = proposeCustomField(found, standardOpportunity)
    const schema = { ...standardOpportunity, fields: [...standardOpportunity.fields, first] }
    expect(proposeCustomField(found, schema).name).toBe('Product_2__c')
  })
})
