import { describe, expect, it } from 'vitest'
import type { Field } from './field.js'
import { convertRecord, preflight, suggestMapping, type MappingLine } from './mapping.js'
import { listValues } from './picklists.js'
import type { ObjectSchema } from './schema.js'

// Vera offers these fields; Paul keeps deals in his own words.
const offered: readonly Field[] = [
  { name: 'Name', label: 'Opportunity Name', type: 'text', length: 120, required: true },
  { name: 'StageName', label: 'Stage', type: 'picklist', picklist: listValues(['Open', 'Won']), required: true },
  { name: 'Amount', label: 'Amount', type: 'currency' },
  { name: 'Contact__c', label: 'Vendor contact', type: 'text', length: 80 },
  { name: 'Private__c', label: 'Private', type: 'checkbox' },
]

const paul: ObjectSchema = {
  object: 'Opportunity',
  label: 'Deal',
  plural: 'Deals',
  nameField: 'Name',
  fields: [
    { name: 'Name', label: 'Deal', type: 'text', length: 10, required: true },
    { name: 'StageName', label: 'Phase', type: 'picklist', picklist: listValues(['Offen', 'Won']), required: true },
    { name: 'Amount', label: 'Value', type: 'currency' },
    { name: 'Kontakt__c', label: 'VENDOR CONTACT', type: 'text', length: 80 },
    { name: 'Private__c', label: 'Note', type: 'date' },
    { name: 'Region__c', label: 'Region', type: 'text', length: 20, required: true },
  ],
}

const rows = [
  { Name: 'Short', StageName: 'Won', Amount: { amount: '5.00', currency: 'USD' } },
  { Name: 'A much longer name', StageName: 'Open', Amount: null },
]

const complete: readonly MappingLine[] = [
  { source: 'Name', target: 'Name', truncate: true },
  { source: 'StageName', target: 'StageName', picklist: { Open: 'Offen' } },
  { source: 'Amount', target: 'Amount' },
  { target: 'Region__c', default: 'North' },
]

describe('suggesting a mapping', () => {
  it('goes by API name, then by label, and leaves out what is blocked', () => {
    expect(suggestMapping(offered, paul)).toEqual([
      { source: 'Name', target: 'Name' },
      { source: 'StageName', target: 'StageName' },
      { source: 'Amount', target: 'Amount' },
      { source: 'Contact__c', target: 'Kontakt__c' },
    ])
  })

  it('never overwrites what Paul chose, and gives no field two sources', () => {
    const chosen: readonly MappingLine[] = [{ source: 'Contact__c', target: 'Name', truncate: true }]
    const suggested = suggestMapping(offered, paul, chosen)
    expect(suggested[0]).toBe(chosen[0])
    expect(suggested.map(({ target }) => target)).toEqual(['Name', 'StageName', 'Amount'])
    expect(suggestMapping(offered, paul, suggested)).toEqual(suggested)
  })
})

describe('preflight', () => {
  it('passes a complete mapping and shows real rows before and after, changed ones first', () => {
    const checked = preflight(offered, paul, complete, rows)
    expect(checked.ok).toBe(true)
    expect(checked.unmapped).toEqual(['Contact__c', 'Private__c'])
    expect(checked.fields.map(({ target, verdict }) => `${target} ${verdict}`)).toEqual([
      'Name lossy',
      'StageName converts',
      'Amount same',
      'Region__c same',
    ])
    expect(checked.fields[0]?.samples).toEqual([
      { before: 'A much longer name', after: 'A much lon', flags: ['truncated'] },
      { before: 'Short', after: 'Short', flags: [] },
    ])
    expect(checked.fields[0]?.reason).toBe('Texts longer than 10 characters are cut.')
  })

  it('blocks where a required local field has no source (row 56)', () => {
    const checked = preflight(offered, paul, complete.slice(0, 3), rows)
    expect(checked.ok).toBe(false)
    expect(checked.fields.find(({ verdict }) => verdict === 'blocked')).toMatchObject({ target: 'Region__c', refusedRows: 2 })
  })

  it('counts the rows that would be refused and says why', () => {
    const [, stage] = preflight(
      offered,
      paul,
      [
        { source: 'Name', target: 'Name' },
        { source: 'StageName', target: 'StageName' },
      ],
      rows,
    ).fields
    expect(stage).toMatchObject({ verdict: 'lossy', refusedRows: 1 })
    expect(stage?.samples[0]).toMatchObject({ before: 'Open', error: { code: 'PICKLIST', field: 'StageName' } })
  })

  it.each<[string, MappingLine]>([
    ['a second source for one field', { source: 'Contact__c', target: 'Name' }],
    ['a source used twice', { source: 'Name', target: 'Kontakt__c' }],
    ['a field that Paul does not have', { source: 'Contact__c', target: 'Nowhere__c' }],
    ['a field that Vera does not offer', { source: 'Secret__c', target: 'Kontakt__c' }],
    ['types that never fit', { source: 'Private__c', target: 'Private__c' }],
    ['neither source nor default', { target: 'Kontakt__c' }],
  ])('blocks %s', (_what, line) => {
    const checked = preflight(offered, paul, [...complete, line], rows)
    expect(checked.ok).toBe(false)
    expect(checked.fields[4]).toMatchObject({ target: line.target, verdict: 'blocked' })
  })
})

describe('converting records', () => {
  it('fills a new record, defaults included, and flags what changed', () => {
    expect(convertRecord(offered, paul, complete, rows[1] ?? {}, 'create')).toEqual({
      ok: true,
      values: { Name: 'A much lon', StageName: 'Offen', Amount: null, Region__c: 'North' },
      flags: { Name: ['truncated'], StageName: ['mapped'], Region__c: ['defaulted'] },
    })
  })

  it('touches on update only what came', () => {
    expect(convertRecord(offered, paul, complete, { StageName: 'Won' }, 'update')).toEqual({
      ok: true,
      values: { StageName: 'Won' },
      flags: {},
    })
  })

  it('tells all errors at once', () => {
    const result = convertRecord(
      offered,
      paul,
      [
        { source: 'Name', target: 'Name' },
        { source: 'StageName', target: 'StageName' },
      ],
      rows[1] ?? {},
      'create',
    )
    const errors = result.ok ? [] : result.errors.map(({ code, field }) => `${code} ${field}`)
    expect(errors).toEqual(['LENGTH Name', 'PICKLIST StageName', 'REQUIRED Region__c'])
  })
})
