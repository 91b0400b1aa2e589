import { type Field, type FieldType, fieldTypes } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import { formatAge, formatInstant, formatValue } from './format.js'

const field = (type: FieldType): Field => ({ name: 'F', label: 'F', type })

describe('values as people read them', () => {
  it('follow the language, digit by digit', () => {
    expect(formatValue(field('number'), '12345678901234567890.50', 'en-GB')).toBe('12,345,678,901,234,567,890.50')
    expect(formatValue(field('number'), '1234.5', 'de')).toBe('1.234,5')
    expect(formatValue(field('percent'), '50', 'en')).toBe('50 %')
  })

  it('keep an amount’s own currency, and show an unknown one as it came', () => {
    expect(formatValue(field('currency'), { amount: '1054.00', currency: 'EUR' }, 'en-GB')).toBe('€1,054')
    expect(formatValue(field('currency'), { amount: '1054.25', currency: 'USD' }, 'en-US')).toBe('$1,054.25')
    expect(formatValue(field('currency'), { amount: '5', currency: 'points' }, 'en')).toBe('5 points')
  })

  it('show a date as that date in every zone', () => {
    expect(formatValue(field('date'), '2027-03-01', 'en-GB')).toBe('1 Mar 2027')
    expect(formatValue(field('date'), 'soon', 'en-GB')).toBe('soon')
  })

  it('take the label of a picklist value, and the value where there is none', () => {
    const stage: Field = { ...field('picklist'), picklist: [{ value: 'won', label: 'Won' }] }
    expect(formatValue(stage, 'won', 'en')).toBe('Won')
    expect(formatValue(stage, 'gone', 'en')).toBe('gone')
  })

  it('throw at no number, whoever chose it (row 82)', () => {
    for (const wild of [Number.NaN, Infinity, -Infinity, 1e300, -1e300, 8.64e15 + 1]) {
      expect(formatAge(wild, 0, 'en')).toBe('at an unknown time')
      expect(formatInstant(wild, 'en')).toBe('at an unknown time')
    }
    for (const type of fieldTypes)
      for (const wild of ['9999-99-99', '0000-00-00', '-1', '1e400', '99:99', '2027-13-45T99:99:99Z', '9'.repeat(400), ''])
        expect(formatValue(field(type), wild, 'en')).toEqual(expect.any(String))
    expect(formatValue(field('currency'), { amount: '9'.repeat(400), currency: 'EUR' }, 'en')).toEqual(expect.any(String))
  })

  it('tell an age in the unit that fits', () => {
    expect(formatAge(0, 4_000, 'en')).toBe('just now')
    expect(formatAge(0, 30_000, 'en')).toBe('30 seconds ago')
    expect(formatAge(0, 3 * 3_600_000, 'en')).toBe('3 hours ago')
    expect(formatAge(0, 86_400_000, 'en')).toBe('yesterday')
  })
})
