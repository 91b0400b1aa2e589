import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addCustomField, standardLead, standardOpportunity, type ObjectSchema } from '../schema/index.js'
import { foldColumnName } from './column-names.js'
import { proposeCustomField } from './custom-field.js'
import { guessColumns, type ColumnGuess, type GuessOptions } from './guess.js'
import { parseCsv, type CsvTable } from './parse.js'
import { isPlaceholder } from './placeholder.js'
import { readCell } from './read-cell.js'

async function guess(
  text: string,
  schema: ObjectSchema = standardOpportunity,
  options: GuessOptions = {},
): Promise<readonly ColumnGuess[]> {
  const parsed = await parseCsv(text, { delimiter: ';' })
  if (!parsed.ok) throw new Error(parsed.error.message)
  return guessColumns(parsed.table, schema, options)
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

  it('a few slips make a column a text, and are told', async () => {
    const days = Array.from({ length: 19 }, (_none, index) => `2017-03-${String(index + 1).padStart(2, '0')}`)
    expect(await guessOne('When', [...days, 'soon'])).toMatchObject({ type: 'text', doubts: [expect.stringContaining('look like date')] })
    const [when] = await guess(['Close Date;z', ...[...days, 'soon'].map((cell) => `${cell};-`)].join('\n'))
    expect(when).toMatchObject({ field: 'CloseDate', fits: 0.95, doubts: ['1 of its 20 cells do not fit Close Date.'] })
  })

  it.each<[string, readonly string[], object]>([
    ['coordinates', ['52.52001', '13.40495'], { type: 'number', scale: 5 }],
    ['ids of 20 digits', ['12345678901234567890', '12345678901234567891'], { type: 'text' }],
    ['percents', ['1234.125%', '5%'], { type: 'percent', scale: 3 }],
    ['versions', ['1.5.20', '1.6.2', '1.12.19'], { type: 'text' }],
    ['versions that could all be days', ['1.5.20', '2.6.21'], { type: 'text' }],
    ['phone numbers without spaces', ['+49301234567', '+49301234568'], { type: 'phone' }],
    ['long texts', ['x'.repeat(300), 'y'], { type: 'textArea' }],
    ['texts beyond any field', ['x'.repeat(40_000), 'y'], { type: 'text', doubts: [expect.stringContaining('longer than any field')] }],
  ])('no digit is lost of %s', async (_what, cells, more) => {
    expect(await guessOne('Whatever', cells)).toMatchObject(more)
  })

  it('a slip in row 30,000 counts as one in row 3', async () => {
    const cells = Array.from({ length: 30_000 }, (_none, index) => (index === 29_999 ? 'none' : String(index)))
    expect(await guessOne('Count', cells)).toMatchObject({ type: 'text' })
  })

  it('what says that nothing was chosen is nothing, in any column', async () => {
    const found = await guessOne('When', ['2017-03-01', '--None--', 'N/A', '-', 'Please choose …', '2017-03-02', '-'])
    expect(found).toMatchObject({ type: 'date', filled: 2, blank: 5, fits: 1 })
    expect(found?.placeholders.map(({ text, count }) => `${text} ${count}`)).toEqual(['--None-- 1', 'N/A 1', '- 2', 'Please choose … 1'])
    expect(found?.format.nothing).toEqual(['--None--', 'N/A', '-', 'Please choose …'])
    for (const text of ['None', 'Null', 'Selection', 'NA', '0', 'Selectron -', '='])
      expect([text, isPlaceholder(text)]).toEqual([text, false])
  })

  it('a column that both signs read is read as the person writes', async () => {
    const comma = await guess('Size;z\n1.234;-\n', standardOpportunity, { decimal: ',' })
    expect(comma[0]).toMatchObject({ format: { decimal: ',' }, doubts: [expect.stringContaining('Points and commas')] })
  })

  it('what was guessed without a field reads every filled cell, or is a text (property)', { timeout: 60_000 }, async () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 24 }).map((list) => list.join(''))
    const cell = fc.oneof(
      digits,
      fc.tuple(digits, digits, fc.constantFrom('.', ',', ' ', '%', '/')).map(([left, right, sign]) => `${left}${sign}${right}`),
      fc
        .tuple(
          fc.integer({ min: 1, max: 31 }),
          fc.integer({ min: 1, max: 13 }),
          fc.integer({ min: 0, max: 2100 }),
          fc.constantFrom('.', '/', '-'),
        )
        .map(([day, month, year, sign]) => [day, month, year].join(sign)),
      fc.constantFrom(
        'yes',
        'no',
        '-',
        'N/A',
        '',
        '10:00',
        '10:00 PM',
        '2017-03-01',
        '2017-03-01 10:00',
        '5 %',
        '-5',
        '(5)',
        '$5',
        '5 EUR',
        '€ 1.000,50',
        'a@b.example',
        'www.b.example',
        '+49 30 123456',
        "'=1+1",
        'x'.repeat(300),
        'two\nlines',
        '\u0007',
      ),
      fc.string(),
    )
    const column = fc.oneof(
      fc.array(cell, { minLength: 1, maxLength: 30 }),
      fc.tuple(cell, cell).chain((pair) => fc.array(fc.constantFrom(...pair), { minLength: 1, maxLength: 30 })),
    )
    await fc.assert(
      fc.asyncProperty(column, async (cells) => {
        const rows = cells.map((text, index) => ({ row: index + 2, cells: [text] }))
        const table: CsvTable = {
          columns: [{ index: 0, name: 'Probe' }],
          rows,
          badRows: [],
          rowCount: rows.length,
          delimiter: ',',
          metadata: [],
          emptyRows: 0,
          problems: [],
        }
        const [found] = await guessColumns(table, standardOpportunity)
        if (found === undefined) throw new Error('no guess')
        if (found.type === 'text') return
        const field = proposeCustomField(found, standardOpportunity)
        for (const text of cells) {
          const read = readCell(field, text, found.format)
          if (!read.ok) throw new Error(`${found.type}: ${read.error.message}`)
          const isFilled = text.trim() !== '' && !isPlaceholder(text.trim())
          if (isFilled && read.value === null) throw new Error(`${found.type}: lost`)
        }
      }),
      { numRuns: 500 },
    )
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

  it('an amount whose name tells its currency is an amount of it', async () => {
    const guesses = await guess('Name (EUR);Amount (EUR);Deal value [USD];Price (ABC)\nx;5;6;7')
    expect(guesses.map(({ field, format }) => [field, format.currency])).toEqual([
      [undefined, undefined],
      ['Amount', 'EUR'],
      [undefined, undefined],
      [undefined, undefined],
    ])
    const [plain, priced] = await guess('Amount;Amount (EUR)\n5;6')
    expect([plain?.field, plain?.format.currency, priced?.field]).toEqual(['Amount', undefined, undefined])
  })

  it('a column of currency codes belongs to its amounts', async () => {
    const guesses = await guess('Amount;Amount (currency)\n5;USD')
    expect(guesses.map(({ field, isCurrencyCode, currencyColumn }) => [field, isCurrencyCode, currencyColumn])).toEqual([
      ['Amount', false, 'Amount (currency)'],
      [undefined, true, undefined],
    ])
  })
})

describe('a column of currency codes is recognised', () => {
  it.each<[string, string, readonly (string | undefined)[]]>([
    ['beside an amount of a known field', 'Amount;Currency\n5;USD\n7;EUR', ['Currency', undefined]],
    ['before plain numbers', 'ccy;net\nUSD;5\nCHF;7', [undefined, 'ccy']],
    ['for two amounts', 'net;gross;ccy\n5;6;USD', [undefined, 'ccy', undefined]],
    ['with cells that name none', 'Amount;Currency\n5;USD\n7;-', ['Currency', undefined]],
    ['but not where other words stand in it', 'Amount;Kind\n5;USD\n7;Dollar', [undefined, undefined]],
    ['but not without an amount', 'Colour;ccy\nred;USD', [undefined, undefined]],
  ])('%s', async (_what, text, expected) => {
    const guesses = await guess(text)
    expect(guesses.map(({ currencyColumn }) => currencyColumn)).toEqual(expected)
    const codes = new Set(expected)
    for (const found of guesses) expect(found.isCurrencyCode).toBe(codes.has(found.column))
    for (const found of guesses) if (found.currencyColumn !== undefined) expect(found.type).toBe('currency')
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
