import { describe, expect, it } from 'vitest'
import { fieldTypes, type Field, type FieldType } from './field.js'
import { listValues } from './picklists.js'
import { standardLead, standardOpportunity } from './schema.js'
import { parseRecord, validateField } from './validate.js'

function fieldOf(type: FieldType, more: Partial<Field> = {}): Field {
  return { name: 'Probe__c', label: 'Probe', type, ...(type === 'picklist' ? { picklist: listValues(['Hot', 'Cold']) } : {}), ...more }
}

function outcome(field: Field, input: unknown): unknown {
  const checked = validateField(field, input)
  return checked.ok ? checked.value : `${checked.error.code} ${checked.error.rule}`
}

describe('what each type stores', () => {
  it.each<[FieldType, unknown, unknown]>([
    ['text', '  Acme ', 'Acme'],
    ['textArea', 'one\r\ntwo\rthree', 'one\ntwo\nthree'],
    ['email', 'vera@vendor.example', 'vera@vendor.example'],
    ['email', 'jörg.o-neil+x@münchen.example', 'jörg.o-neil+x@münchen.example'],
    ['phone', '+1 (206) 555-0101 ext. 7', '+1 (206) 555-0101 ext. 7'],
    ['url', 'https://www.vendor.example/a?b=c#d', 'https://www.vendor.example/a?b=c#d'],
    ['url', 'www.vendor.example:8080/a', 'www.vendor.example:8080/a'],
    ['checkbox', false, false],
    ['number', '0012.0', '12'],
    ['number', 50, '50'],
    ['percent', '50', '50'],
    ['currency', { amount: '1054', currency: 'USD' }, { amount: '1054.00', currency: 'USD' }],
    ['currency', { amount: -5.5, currency: 'EUR' }, { amount: '-5.50', currency: 'EUR' }],
    ['date', '2024-02-29', '2024-02-29'],
    ['dateTime', '2024-02-29T12:00:00+02:00', '2024-02-29T10:00:00.000Z'],
    ['time', '9:30', '09:30:00.000'],
    ['picklist', 'Hot', 'Hot'],
  ])('%s takes %j as %j', (type, input, stored) => {
    expect(outcome(fieldOf(type), input)).toEqual(stored)
    expect(outcome(fieldOf(type), stored)).toEqual(stored)
  })

  it.each(fieldTypes)('%s: empty is null', (type) => {
    expect([null, '', '   '].map((empty) => outcome(fieldOf(type), empty))).toEqual([null, null, null])
  })
})

describe('what each type refuses (rows 45, 64)', () => {
  it.each<[FieldType, unknown, string]>([
    ['text', 5, 'TYPE text'],
    ['text', ['a'], 'TYPE text'],
    ['text', 'a\nb', 'FORMAT single line'],
    ['text', 'a\u0000b', 'FORMAT no control characters'],
    ['text', 'a\ud800', 'TYPE well-formed text'],
    ['text', 'x'.repeat(256), 'LENGTH length'],
    ['textArea', 'x'.repeat(32_001), 'LENGTH length'],
    ['email', 'vera@vendor', 'FORMAT email syntax'],
    ['email', 'vera vendor.example', 'FORMAT email syntax'],
    ['email', 'a@b@vendor.example', 'FORMAT email syntax'],
    ['phone', 'call me', 'FORMAT phone syntax'],
    ['phone', '<b>1</b>', 'FORMAT phone syntax'],
    ['url', 'javascript:alert(1)', 'FORMAT url scheme'],
    ['url', ' JavaScript:alert(1)', 'FORMAT url scheme'],
    ['url', 'data:text/html,x', 'FORMAT url scheme'],
    ['url', 'not a url', 'FORMAT url syntax'],
    ['url', 'https://user@vendor.example', 'FORMAT url syntax'],
    ['checkbox', 'true', 'TYPE true or false'],
    ['checkbox', 1, 'TYPE true or false'],
    ['number', Number.NaN, 'TYPE finite number'],
    ['number', Number('1e999'), 'TYPE finite number'],
    ['number', '1e999', 'TYPE exact decimal'],
    ['number', 1e21, 'TYPE exact decimal'],
    ['number', '1,5', 'TYPE exact decimal'],
    ['number', '1.5', 'RANGE scale'],
    ['number', '1' + '0'.repeat(18), 'RANGE digits'],
    ['percent', true, 'TYPE exact decimal'],
    ['currency', '1054', 'TYPE amount and currency'],
    ['currency', { amount: '1054' }, 'TYPE amount and currency'],
    ['currency', { amount: '1054', currency: 'usd' }, 'TYPE amount and currency'],
    ['currency', { amount: '1054', currency: 'USD', rate: 1 }, 'TYPE amount and currency'],
    ['currency', { amount: '1.005', currency: 'USD' }, 'RANGE scale'],
    ['date', '2023-02-29', 'TYPE calendar date'],
    ['date', '+275760-09-13', 'TYPE calendar date'],
    ['date', '01-03-2017', 'TYPE calendar date'],
    ['dateTime', '+275760-09-13T00:00:00Z', 'TYPE instant'],
    ['dateTime', '2017-03-01T10:00:00', 'TYPE instant'],
    ['time', '24:00', 'TYPE time of day'],
    ['picklist', 'hot', 'PICKLIST offered value'],
    ['picklist', '__proto__', 'PICKLIST offered value'],
  ])('%s refuses %j as %s', (type, input, refusal) => {
    expect(outcome(fieldOf(type), input)).toBe(refusal)
  })

  it('a retired picklist value is no longer offered, and an unrestricted list takes others', () => {
    const retired = [
      { value: 'Hot', label: 'Hot', active: false },
      { value: 'Cold', label: 'Cold' },
    ]
    expect(outcome(fieldOf('picklist', { picklist: retired }), 'Hot')).toBe('PICKLIST offered value')
    expect(outcome(fieldOf('picklist', { restricted: false }), 'Lukewarm')).toBe('Lukewarm')
  })

  it('never tells the value', () => {
    for (const type of fieldTypes) {
      const checked = validateField(fieldOf(type, { length: 3 }), 'secret\u0000word@')
      if (checked.ok) throw new Error(`${type} took it`)
      expect(JSON.stringify(checked.error)).not.toContain('secret')
      expect(checked.error.fix).not.toBe('')
    }
  })
})

describe('a record', () => {
  const deal = { Name: 'Rollout', CloseDate: '2026-05-01', StageName: 'Prospecting' }

  it('is created with its required fields, in stored form', () => {
    const parsed = parseRecord(standardOpportunity, { ...deal, Probability: 10, AccountName: '' }, 'create')
    expect(parsed).toEqual({ ok: true, values: { ...deal, Probability: '10', AccountName: null } })
  })

  it('tells all its errors at once, and says which fields are missing', () => {
    const parsed = parseRecord(standardOpportunity, { Name: '', Amount: 'much', Colour: 'red' }, 'create')
    const errors = parsed.ok ? [] : parsed.errors.map(({ code, field }) => `${code} ${field}`)
    expect(errors.toSorted()).toEqual(['FIELD Colour', 'REQUIRED CloseDate', 'REQUIRED Name', 'REQUIRED StageName', 'TYPE Amount'])
  })

  it('is edited field by field; a required one cannot be emptied', () => {
    expect(parseRecord(standardOpportunity, { NextStep: 'Call' }, 'edit')).toEqual({ ok: true, values: { NextStep: 'Call' } })
    expect(parseRecord(standardOpportunity, { StageName: null }, 'edit')).toMatchObject({ ok: false, errors: [{ code: 'REQUIRED' }] })
  })

  it('does not let names of the engine or of objects through', () => {
    const input = JSON.parse('{"_stamp": 1, "__proto__": {"admin": true}, "constructor": 1, "<img onerror=x>": 2}')
    const parsed = parseRecord(standardLead, input, 'edit')
    if (parsed.ok) throw new Error('should be refused')
    expect(parsed.errors.map(({ rule }) => rule)).toEqual(['reserved name', 'reserved name', 'known field', 'known field'])
    expect(JSON.stringify(parsed.errors)).not.toContain('onerror')
  })
})
