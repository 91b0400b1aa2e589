import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareFields } from './compare-fields.js'
import { convertValue, type ConversionChoices } from './convert.js'
import { fieldTypes, type Field, type FieldType } from './field.js'
import { listValues } from './picklists.js'
import { validateField } from './validate.js'
import type { Value } from './value.js'

function fieldOf(type: FieldType, more: Partial<Field> = {}): Field {
  return {
    name: `${type}__c`,
    label: type,
    type,
    ...(type === 'picklist' ? { picklist: listValues(['Open', 'Won', 'Lost']) } : {}),
    ...more,
  }
}

function outcome(source: Field, target: Field, value: Value, choices: ConversionChoices = {}): unknown {
  const result = convertValue(source, target, value, choices)
  if (!result.ok) return result.error.code
  return result.flags.length === 0 ? result.value : [result.value, ...result.flags]
}

const samples: Readonly<Record<FieldType, fc.Arbitrary<Value>>> = {
  text: fc.constantFrom('Acme', 'x'.repeat(255), '=1+1', 'Zürich 😀'),
  textArea: fc.constantFrom('one\ntwo', 'x'.repeat(3000)),
  email: fc.constantFrom('vera@vendor.example'),
  phone: fc.constantFrom('+1 206 555 0101'),
  url: fc.constantFrom('https://vendor.example'),
  checkbox: fc.boolean(),
  number: fc.integer().map(String),
  percent: fc.integer({ min: 0, max: 100 }).map(String),
  currency: fc.tuple(fc.integer(), fc.constantFrom('USD', 'EUR')).map(([amount, currency]) => ({ amount: `${amount}.00`, currency })),
  date: fc
    .date({ min: new Date('1980-01-01'), max: new Date('2060-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  dateTime: fc.date({ min: new Date('1980-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
  time: fc.constantFrom('00:00:00.000', '23:59:59.999'),
  picklist: fc.constantFrom('Open', 'Won', 'Lost'),
}

const pairs = fc.constantFrom(...fieldTypes).chain((type) => fc.tuple(fc.constant(type), fc.constantFrom(...fieldTypes), samples[type]))

describe('laws of conversion', () => {
  it('a field of the same kind takes every value as it is', () => {
    fc.assert(
      fc.property(pairs, ([type, , value]) => {
        expect(compareFields(fieldOf(type), fieldOf(type)).verdict).toBe('same')
        expect(convertValue(fieldOf(type), fieldOf(type), value)).toEqual({ ok: true, value, flags: [] })
      }),
    )
  })

  it('what is blocked never converts, what is not lossy never fails, and every result obeys the target', () => {
    fc.assert(
      fc.property(pairs, fc.constantFrom('UTC', 'Europe/Berlin'), fc.boolean(), ([from, to, value], zone, isShort) => {
        const source = fieldOf(from)
        const target = fieldOf(to, isShort ? { length: 5, precision: 4, scale: 0 } : {})
        const choices: ConversionChoices = { zone, truncate: true, round: true }
        const { verdict } = compareFields(source, target, choices)
        const result = convertValue(source, target, value, choices)
        if (verdict === 'blocked') expect(result.ok).toBe(false)
        if (verdict === 'same' || verdict === 'converts') expect(result.ok).toBe(true)
        if (result.ok) expect(validateField(target, result.value)).toEqual({ ok: true, value: result.value })
        else expect(result.error.field).toBe(target.name)
      }),
      { numRuns: 1000 },
    )
  })

  it('a date through an instant of the same zone and back is the same date', () => {
    fc.assert(
      fc.property(samples.date, fc.constantFrom('UTC', 'Asia/Kolkata', 'America/New_York'), (date, zone) => {
        const there = convertValue(fieldOf('date'), fieldOf('dateTime'), date, { zone })
        if (!there.ok) throw new Error(there.error.message)
        expect(outcome(fieldOf('dateTime'), fieldOf('date'), there.value, { zone })).toEqual([date, 'time dropped'])
      }),
    )
  })
})

describe('texts', () => {
  it('that are too long are refused unless cutting was agreed, and are then flagged (row 55)', () => {
    const short = fieldOf('text', { length: 5 })
    expect(outcome(fieldOf('text'), short, 'Vendor')).toBe('LENGTH')
    expect(outcome(fieldOf('text'), short, 'Vendor', { truncate: true })).toEqual(['Vendo', 'truncated'])
    expect(outcome(fieldOf('text'), short, 'abcd😀', { truncate: true })).toEqual(['abcd', 'truncated'])
    expect(outcome(fieldOf('email'), fieldOf('email', { length: 5 }), 'vera@vendor.example', { truncate: true })).toBe('LENGTH')
    expect(outcome(fieldOf('number'), fieldOf('text', { length: 2 }), '1234', { truncate: true })).toBe('LENGTH')
  })

  it('lose their line breaks only with a flag', () => {
    expect(outcome(fieldOf('textArea'), fieldOf('text'), 'one \n\n two')).toEqual(['one two', 'lines joined'])
    expect(outcome(fieldOf('textArea'), fieldOf('text'), 'one\ntwo', { newline: 'refuse' })).toBe('FORMAT')
    expect(outcome(fieldOf('text'), fieldOf('email'), 'not one')).toBe('FORMAT')
  })
})

describe('numbers and amounts', () => {
  it('overflow is refused; rounding is agreed first', () => {
    const narrow = fieldOf('number', { precision: 4, scale: 1 })
    expect(outcome(fieldOf('number'), narrow, '1000')).toBe('RANGE')
    expect(outcome(fieldOf('number'), narrow, '999.99')).toBe('RANGE')
    expect(outcome(fieldOf('number'), narrow, '99.94', { round: true })).toEqual(['99.9', 'rounded'])
    expect(outcome(fieldOf('number'), narrow, '999.99', { round: true })).toBe('RANGE')
  })

  it('amounts keep their code, whatever the own currency (row 57)', () => {
    expect(outcome(fieldOf('currency'), fieldOf('currency'), { amount: '10.00', currency: 'EUR' })).toEqual({
      amount: '10.00',
      currency: 'EUR',
    })
    const whole = fieldOf('currency', { scale: 0 })
    expect(outcome(fieldOf('currency'), whole, { amount: '10.00', currency: 'EUR' }, { round: true })).toEqual({
      amount: '10',
      currency: 'EUR',
    })
    expect(outcome(fieldOf('currency'), whole, { amount: '10.50', currency: 'EUR' }, { round: true })).toEqual([
      { amount: '10', currency: 'EUR' },
      'rounded',
    ])
    expect(outcome(fieldOf('currency'), fieldOf('number'), { amount: '10.00', currency: 'EUR' })).toEqual(['10', 'currency dropped'])
    expect(outcome(fieldOf('currency'), fieldOf('text'), { amount: '10.00', currency: 'EUR' })).toBe('10.00 EUR')
    expect(outcome(fieldOf('number'), fieldOf('currency'), '10')).toBe('MAPPING')
    expect(outcome(fieldOf('number'), fieldOf('currency'), '10', { currency: 'USD' })).toEqual({ amount: '10.00', currency: 'USD' })
  })
})

describe('picklists', () => {
  const vera = fieldOf('picklist', {
    picklist: [
      { value: 'open', label: 'Open' },
      { value: 'PROP', label: 'Proposal' },
      { value: 'won', label: 'Won' },
    ],
  })
  const paul = fieldOf('picklist', {
    picklist: [
      { value: 'won', label: 'Gewonnen' },
      { value: 'P1', label: 'PROPOSAL' },
      { value: 'neu', label: 'Neu' },
    ],
  })

  it('match by table, then value, then label in any case, then default, and otherwise say so (row 54)', () => {
    expect(outcome(vera, paul, 'won')).toBe('won')
    expect(outcome(vera, paul, 'PROP')).toEqual(['P1', 'mapped'])
    expect(outcome(vera, paul, 'open')).toBe('PICKLIST')
    expect(outcome(vera, paul, 'open', { picklist: { open: 'neu' } })).toEqual(['neu', 'mapped'])
    expect(outcome(vera, paul, 'open', { default: 'neu' })).toEqual(['neu', 'defaulted'])
    expect(outcome(vera, paul, 'won', { picklist: { won: 'neu' } })).toEqual(['neu', 'mapped'])
    expect(outcome(vera, paul, 'open', { picklist: { open: 'nowhere' } })).toBe('PICKLIST')
    expect(outcome(vera, { ...paul, restricted: false }, 'open')).toEqual(['open', 'mapped'])
  })

  it('say beforehand which values have no counterpart', () => {
    expect(compareFields(vera, paul)).toEqual({ verdict: 'lossy', reason: 'No counterpart for “open”: these are refused.' })
    expect(compareFields(vera, paul, { picklist: { open: 'neu' } }).verdict).toBe('converts')
    expect(compareFields(vera, paul, { picklist: { open: 'nowhere' } }).verdict).toBe('blocked')
    expect(compareFields(vera, fieldOf('picklist', { picklist: listValues(['x', 'y']) })).verdict).toBe('blocked')
    expect(compareFields({ ...vera, restricted: false }, vera).verdict).toBe('lossy')
  })

  it('and checkboxes go by explicit pairs only', () => {
    const pair = { picklist: { true: 'Won', false: 'Lost' } }
    expect(outcome(fieldOf('checkbox'), fieldOf('picklist'), true)).toBe('MAPPING')
    expect(outcome(fieldOf('checkbox'), fieldOf('picklist'), false, pair)).toEqual(['Lost', 'mapped'])
    expect(outcome(fieldOf('picklist'), fieldOf('checkbox'), 'Won', { picklist: { Won: 'true' } })).toEqual([true, 'mapped'])
    expect(outcome(fieldOf('picklist'), fieldOf('checkbox'), 'Open', { picklist: { Won: 'true' } })).toBe('MAPPING')
    expect(compareFields(fieldOf('checkbox'), fieldOf('picklist')).verdict).toBe('blocked')
    expect(compareFields(fieldOf('checkbox'), fieldOf('picklist'), pair).verdict).toBe('converts')
    expect(compareFields(fieldOf('picklist'), fieldOf('checkbox'), { picklist: { Won: 'true' } }).verdict).toBe('lossy')
  })
})

describe('what is empty', () => {
  it('stays empty, or takes the default where the target is required', () => {
    const required = fieldOf('text', { required: true })
    expect(outcome(fieldOf('text'), fieldOf('text'), null, { default: 'x' })).toBeNull()
    expect(outcome(fieldOf('text'), required, null)).toBe('REQUIRED')
    expect(outcome(fieldOf('text'), required, null, { default: 'x' })).toEqual(['x', 'defaulted'])
    expect(compareFields(fieldOf('text'), required).verdict).toBe('lossy')
    expect(compareFields(fieldOf('text'), required, { default: 'x' }).verdict).toBe('same')
    expect(compareFields(fieldOf('text'), required, { default: 5 }).verdict).toBe('blocked')
  })

  it('dates need a zone to become instants', () => {
    expect(outcome(fieldOf('date'), fieldOf('dateTime'), '2026-07-01')).toBe('MAPPING')
    expect(compareFields(fieldOf('date'), fieldOf('dateTime')).verdict).toBe('blocked')
    expect(compareFields(fieldOf('date'), fieldOf('dateTime'), { zone: 'UTC' }).verdict).toBe('converts')
    expect(compareFields(fieldOf('dateTime'), fieldOf('date'), { zone: 'UTC' }).verdict).toBe('lossy')
  })
})
