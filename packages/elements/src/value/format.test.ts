import type { Field, FieldType } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import { formatAge, formatValue } from './format.js'

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

  it('tell an age in the unit that fits', () => {
    expect(formatAge(0, 4_000, 'en')).toBe('just now')
    expect(formatAge(0, 30_000, 'en')).toBe('30 seconds ago')
    expect(formatAge(0, 3 * 3_600_000, 'en')).toBe('3 hours ago')
    expect(formatAge(0, 86_400_000, 'en')).toBe('yesterday')
  })
})
