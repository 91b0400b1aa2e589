import { describe, expect, it } from 'vitest'
import type { AgreedField, FieldMapping } from '../api/index.js'
import type { Field } from '../schema/field.js'
import { findField, standardLead } from '../schema/schema.js'
import { importAnswer } from './import-answer.js'

const field = (name: string, changes: Partial<Field> = {}): Field => {
  const known = findField(standardLead, name)
  if (!known) throw new Error(`There is no field ${name}.`)
  return { ...known, ...changes }
}
const agreed = (vendor: Field, partner: Field, choices: Partial<FieldMapping> = {}): AgreedField => ({
  vendor,
  partner,
  slot: undefined,
  mapping: { source: vendor.name, target: partner.name, update: false, ...choices },
})
const rating = field('Rating', {
  picklist: [
    { value: 'Lava', label: 'Lava' },
    { value: 'Hot', label: 'Hot' },
  ],
})
const base = [
  agreed(field('LastName'), field('LastName')),
  agreed(field('Company'), field('Company')),
  agreed(field('Status'), field('Status')),
]
const answer = (values: Readonly<Record<string, string>>) => ({
  listing: 'L'.repeat(22),
  map: 'M'.repeat(22),
  values: { LastName: 'Ada', Company: 'Acme', Status: 'Open - Not Contacted', ...values },
})

describe('an imported record', () => {
  it('fails over a picklist value that the mapping does not know, and names the field (row 54)', () => {
    const result = importAnswer(standardLead, { fields: [...base, agreed(rating, field('Rating'))] }, answer({ Rating: 'Lava' }))
    expect(result).toMatchObject({ ok: false, errors: [{ record: 'L'.repeat(22), field: 'Rating', rule: 'offered value' }] })
    expect(JSON.stringify(result)).not.toContain('Lava')
  })

  it('takes the table’s or the default’s value where the mapping has one (row 54)', () => {
    const byTable = importAnswer(
      standardLead,
      { fields: [...base, agreed(rating, field('Rating'), { picklist: { Lava: 'Warm' } })] },
      answer({ Rating: 'Lava' }),
    )
    expect(byTable).toMatchObject({ ok: true, values: { Rating: 'Warm' } })
    const byDefault = importAnswer(
      standardLead,
      { fields: [...base, agreed(rating, field('Rating'), { default: 'Cold' })] },
      answer({ Rating: 'Lava' }),
    )
    expect(byDefault).toMatchObject({ ok: true, values: { Rating: 'Cold' } })
  })

  it('fails over a text that is too long, unless truncation was agreed: then it is partial (row 55)', () => {
    const long = { Description: 'x'.repeat(60) }
    const line = (choices: Partial<FieldMapping>) => [...base, agreed(field('Description'), field('City'), choices)]
    expect(importAnswer(standardLead, { fields: line({}) }, answer(long))).toMatchObject({
      ok: false,
      errors: [{ field: 'City', rule: 'length' }],
    })
    expect(importAnswer(standardLead, { fields: line({ truncate: true }) }, answer(long))).toMatchObject({
      ok: true,
      losses: [{ field: 'City', rule: 'truncated' }],
      values: { City: 'x'.repeat(40) },
    })
  })

  it('takes nothing that was not agreed, and refuses a value of another type (row 44)', () => {
    expect(importAnswer(standardLead, { fields: base }, answer({ Phone: '+49 30 1' }))).toMatchObject({
      ok: true,
      values: expect.not.objectContaining({ Phone: expect.anything() }),
    })
    const wrong = { ...answer({}), values: { ...answer({}).values, LastName: { amount: '1', currency: 'EUR' } } }
    expect(importAnswer(standardLead, { fields: base }, wrong)).toMatchObject({ ok: false, errors: [{ field: 'LastName' }] })
  })

  it('gets the agreed owner and the defaults', () => {
    const terms = { fields: base, owner: 'Pia', defaults: { City: 'Potsdam', LeadSource: 'Partner' } }
    expect(importAnswer(standardLead, terms, answer({}))).toMatchObject({
      ok: true,
      values: { OwnerName: 'Pia', City: 'Potsdam', LeadSource: 'Partner' },
    })
  })
})
