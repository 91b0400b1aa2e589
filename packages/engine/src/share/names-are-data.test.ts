import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { byName, value } from '../agree/agreement-terms.js'
import { packageTerms } from '../export/export-messages.js'
import { importAnswer } from '../import/import-answer.js'
import { queryRecords } from '../query/query.js'
import type { Field } from '../schema/field.js'
import { standardLead } from '../schema/schema.js'
import type { Value } from '../schema/value.js'
import { recordToListing } from './listing.js'

// Vera runs a building company: one of her fields is named "constructor". Names that others choose are data, whatever objects inherit.
const builder: Field = { name: 'constructor', label: 'Constructor', type: 'text', length: 80 }
const schema = { ...standardLead, fields: [...standardLead.fields, builder] }
const agreed = {
  fields: [
    { vendor: builder, partner: builder, slot: undefined, mapping: { source: 'constructor', target: 'constructor', update: false } },
  ],
}

describe('a field named constructor', () => {
  it('[SH3] is listed and packed with its value, and with none where it has none', () => {
    const row = { object: 'Lead', id: 'a', registers: { constructor: [[1, 0, 1], 'Ada & Sons'] as const } }
    const { fields } = agreed
    expect(recordToListing('Lead', 'l', row as never, fields)).toMatchObject({ values: { constructor: 'Ada & Sons' } })
    expect(Object.keys(v.parse(byName(value), { constructor: 'Ada & Sons', __proto__: null }))).toEqual(['constructor'])
    const id = 'A'.repeat(22)
    const answers = [{ listing: id, map: id, values: { constructor: 'Ada & Sons' } }]
    const terms = v.parse(packageTerms, { job: id, request: 0, part: 0, object: 'Lead', version: 1, answers })
    expect(terms.answers[0]).toMatchObject({ values: { constructor: 'Ada & Sons' } })
  })

  it('is imported, sorted and searched, also where a record leaves it out', () => {
    const id = 'A'.repeat(22)
    const listing = { listing: id, map: id }
    const target = { ...schema, fields: [builder] }
    expect(importAnswer(target, agreed, { ...listing, values: { constructor: 'Ada & Sons' } })).toMatchObject({
      ok: true,
      values: { constructor: 'Ada & Sons' },
    })
    expect(importAnswer(target, agreed, { ...listing, values: {} })).toMatchObject({ ok: true })
    const records: { readonly id: string; readonly values: Readonly<Record<string, Value>> }[] = [
      { id: 'a', values: { LastName: 'A' } },
      { id: 'b', values: { LastName: 'B', constructor: 'Ada & Sons' } },
    ]
    const sort = [{ field: 'constructor', direction: 'ascending' as const }]
    expect(queryRecords(schema, records, { sort, search: '' }).map(({ id: found }) => found)).toEqual(['b', 'a'])
    expect(queryRecords(schema, records, { search: 'sons' }).map(({ id: found }) => found)).toEqual(['b'])
  })
})
