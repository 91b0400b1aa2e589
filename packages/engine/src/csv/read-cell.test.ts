import { describe, expect, it } from 'vitest'
import { listValues, type Field, type FieldType } from '../schema/index.js'
import { readCell, type CellFormat } from './read-cell.js'
import { readDate, readDateTime, readTime } from './read-date.js'

function fieldOf(type: FieldType): Field {
  const field: Field = { name: 'Probe__c', label: 'Probe', type, precision: 18, scale: 2, length: 40 }
  return type === 'picklist' ? { ...field, picklist: [...listValues(['Open', 'Won']), { value: 'L', label: 'Lost' }] } : field
}

function read(type: FieldType, text: string, format: CellFormat = {}, code = ''): unknown {
  const result = readCell(fieldOf(type), text, format, code)
  if (!result.ok) return result.error.code
  return result.flags.length === 0 ? result.value : [result.value, ...result.flags]
}

describe('cells of each type', () => {
  it.each<[FieldType, string, CellFormat, unknown]>([
    ['text', ' Acme ', {}, 'Acme'],
    ['text', 'two\r\nlines', {}, ['two lines', 'lines joined']],
    ['text', 'x'.repeat(41), {}, 'LENGTH'],
    ['text', 'x'.repeat(41), { truncate: true }, ['x'.repeat(40), 'truncated']],
    ['text', "'=SUM(A1)", {}, '=SUM(A1)'],
    ['text', "'tis", {}, "'tis"],
    ['textArea', 'two\r\nlines', {}, 'two\nlines'],
    ['phone', "'+1 206 555 0101", {}, '+1 206 555 0101'],
    ['email', 'nobody', {}, 'FORMAT'],
    ['checkbox', 'Yes', {}, true],
    ['checkbox', '0', {}, false],
    ['checkbox', 'oui', {}, 'TYPE'],
    ['checkbox', 'oui', { values: { oui: 'true' } }, true],
    ['number', '1,234.50', {}, '1234.5'],
    ['number', '1.234,50', { decimal: ',' }, '1234.5'],
    ['number', '1.234,50', {}, 'TYPE'],
    ['number', '1.05E+03', {}, 'TYPE'],
    ['number', '1.005', {}, 'RANGE'],
    ['number', '1.005', { round: true }, ['1', 'rounded']],
    ['percent', '50 %', {}, '50'],
    ['currency', '$1,054', {}, { amount: '1054.00', currency: 'USD' }],
    ['currency', '1.054,50 €', { decimal: ',' }, { amount: '1054.50', currency: 'EUR' }],
    ['currency', 'GBP 7', { currency: 'USD' }, { amount: '7.00', currency: 'GBP' }],
    ['currency', '-£7', {}, { amount: '-7.00', currency: 'GBP' }],
    ['currency', '($7.25)', {}, { amount: '-7.25', currency: 'USD' }],
    ['currency', '$7', { currency: 'CAD' }, { amount: '7.00', currency: 'CAD' }],
    ['currency', '7', {}, 'FORMAT'],
    ['currency', '€7£', {}, 'TYPE'],
    ['date', '01/03/2017', { dateOrder: 'dmy' }, '2017-03-01'],
    ['date', '01/03/2017', { dateOrder: 'mdy' }, '2017-01-03'],
    ['date', '31/02/2017', { dateOrder: 'dmy' }, 'TYPE'],
    ['dateTime', '2017-03-01 09:30', { zone: 'Europe/Berlin' }, '2017-03-01T08:30:00.000Z'],
    ['time', '3:30 PM', {}, '15:30:00.000'],
    ['picklist', 'Open', {}, 'Open'],
    ['picklist', 'lost', {}, ['L', 'mapped']],
    ['picklist', 'Gone', {}, 'PICKLIST'],
    ['picklist', 'Gone', { values: { Gone: 'L' } }, ['L', 'mapped']],
    ['date', '', { default: '2018-01-01' }, ['2018-01-01', 'defaulted']],
    ['number', '  ', {}, null],
    ['picklist', '--None--', { nothing: ['--None--'] }, null],
    ['picklist', 'Gone', { values: { Gone: '' } }, null],
    ['picklist', 'Gone', { values: { Gone: '' }, default: 'Open' }, ['Open', 'defaulted']],
    ['number', 'many', { blankUnread: true }, null],
    ['date', 'N/A', { nothing: ['N/A'], default: '2018-01-01' }, ['2018-01-01', 'defaulted']],
    ['text', 'N/A', {}, 'N/A'],
  ])('%s reads %j under %j as %j', (type, text, format, expected) => {
    expect(read(type, text, format)).toEqual(expected)
  })

  it('takes the currency of another column where the cell has none', () => {
    expect(read('currency', '7', { currency: 'USD' }, 'EUR')).toEqual({ amount: '7.00', currency: 'EUR' })
    expect(read('currency', '7', { currency: 'USD' }, 'N/A')).toEqual({ amount: '7.00', currency: 'USD' })
    expect(read('currency', '$7', {}, 'EUR')).toEqual({ amount: '7.00', currency: 'USD' })
  })

  it('never tells the cell', () => {
    for (const type of ['number', 'date', 'checkbox', 'picklist', 'email', 'currency', 'time'] as const) {
      const result = readCell(fieldOf(type), 'secret word', {})
      if (result.ok) throw new Error(`${type} took it`)
      expect(JSON.stringify(result.error)).not.toContain('secret')
    }
  })
})

describe('dates', () => {
  it.each([
    ['2017-03-01', '2017-03-01'],
    ['2017/3/1', '2017-03-01'],
    ['20170301', '2017-03-01'],
    ['1 Mar 2017', '2017-03-01'],
    ['1st March, 2017', '2017-03-01'],
    ['Mar 1, 2017', '2017-03-01'],
    ['1-Mar-17', '2017-03-01'],
    ['2017-03-01 00:00:00', '2017-03-01'],
    ['2017-03-01T00:00:00.000Z', '2017-03-01'],
    ['2017-03-01 10:00', undefined],
    ['2017-02-29', undefined],
    ['1 Foo 2017', undefined],
    ['2017-03', undefined],
    ['42000', undefined],
  ])('%s speaks for itself', (text, expected) => {
    expect(readDate(text, 'ymd')).toBe(expected)
  })

  it('with the year behind need an order', () => {
    expect(readDate('1.3.17', 'dmy')).toBe('2017-03-01')
    expect(readDate('1.3.99', 'dmy')).toBe('1999-03-01')
    expect(readDate('01-03-2017', 'ymd')).toBeUndefined()
    expect(readDate('13-01-2017', 'mdy')).toBeUndefined()
    expect(readDate('01-03/2017', 'dmy')).toBeUndefined()
  })

  it('with times are instants', () => {
    expect(readDateTime('01/03/2017 15:30', 'dmy', 'UTC')).toBe('2017-03-01T15:30:00.000Z')
    expect(readDateTime('3/1/2017, 3:30 PM', 'mdy', 'America/New_York')).toBe('2017-03-01T20:30:00.000Z')
    expect(readDateTime('2017-03-01T15:30:00+02:00', 'ymd', 'UTC')).toBe('2017-03-01T13:30:00.000Z')
    expect(readDateTime('2017-03-01', 'ymd', 'UTC')).toBe('2017-03-01T00:00:00.000Z')
    expect(readDateTime('soon', 'ymd', 'UTC')).toBeUndefined()
    expect([readTime('12:00 AM'), readTime('12:15pm'), readTime('13:00 PM')]).toEqual(['00:00:00.000', '12:15:00.000', undefined])
  })
})
