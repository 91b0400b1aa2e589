import { expect, it } from 'vitest'
import { valueText } from './value-text.js'

const field = (type: string): Parameters<typeof valueText>[0] => ({ name: 'F', label: 'F', type })

it('says a value as people of that language read it, exactly', () => {
  expect(valueText(field('number'), '12345678901234567890.50', 'en-GB')).toBe('12,345,678,901,234,567,890.50')
  expect(valueText(field('percent'), '50', 'de')).toBe('50 %')
  expect(valueText(field('currency'), { amount: '1054.00', currency: 'EUR' }, 'en-GB')).toBe('1,054.00 EUR')
  expect(valueText(field('date'), '2027-03-01', 'en-GB')).toBe('1 Mar 2027')
  expect(valueText(field('checkbox'), false, 'en')).toBe('No')
  expect(valueText({ ...field('picklist'), picklist: [{ value: 'won', label: 'Won' }] }, 'won', 'en')).toBe('Won')
  expect(valueText(field('text'), null, 'en')).toBe('')
})

it('knows a value that is not of the type (row 44)', () => {
  for (const [type, value] of [
    ['text', 42],
    ['number', '1e999'],
    ['number', 7],
    ['currency', '7'],
    ['currency', { amount: 7, currency: 'EUR' }],
    ['date', 'soon'],
    ['checkbox', 'yes'],
    ['dateTime', '2027-99-99T00:00:00Z'],
  ] as const)
    expect(valueText(field(type), value, 'en'), type).toBeUndefined()
})
