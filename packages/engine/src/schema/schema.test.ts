import { describe, expect, it } from 'vitest'
import { fieldTypes, parseField, refusedFieldTypes } from './field.js'
import { addCustomField, findField, maxFields, removeCustomField, schemaWithFields, standardLead, standardOpportunity } from './schema.js'

function errorOf(result: { ok: true } | { ok: false; error: { code: string; rule: string } }): string {
  return result.ok ? 'ok' : `${result.error.code} ${result.error.rule}`
}

describe.each([standardLead, standardOpportunity])('the standard $object', (schema) => {
  it('has well-formed fields with different names, a name field among them', () => {
    for (const field of schema.fields) expect(parseField(field)).toEqual({ ok: true, field })
    expect(new Set(schema.fields.map(({ name }) => name)).size).toBe(schema.fields.length)
    expect(findField(schema, schema.nameField)?.required).toBe(true)
  })
})

describe('a custom field', () => {
  const product = { name: 'Product__c', label: 'Product', type: 'text', length: 40 }

  it('joins the schema and can be removed again', () => {
    const added = addCustomField(standardOpportunity, product)
    if (!added.ok) throw new Error(added.error.message)
    expect(findField(added.schema, 'Product__c')).toEqual({ ...product, custom: true })
    expect(removeCustomField(added.schema, 'Product__c')).toEqual({ ok: true, schema: standardOpportunity })
    expect(errorOf(removeCustomField(added.schema, 'Amount'))).toBe('FIELD custom field')
  })

  it.each(['Product', '_stamp__c', '1st__c', 'Pro duct__c', '__proto__', 'constructor', `${'a'.repeat(78)}__c`])(
    'must not be named %s',
    (name) => {
      expect(errorOf(addCustomField(standardOpportunity, { ...product, name }))).toMatch(/^FIELD/)
    },
  )

  it('is refused where the name is taken, in any case', () => {
    const added = addCustomField(standardOpportunity, product)
    if (!added.ok) throw new Error(added.error.message)
    expect(errorOf(addCustomField(added.schema, { ...product, name: 'PRODUCT__c' }))).toBe('FIELD unique name')
  })

  it('is refused beyond the number of fields an object may have', () => {
    const fields = Array.from({ length: maxFields }, (_none, index) => ({ name: `F${index}__c`, label: 'F', type: 'text' as const }))
    expect(errorOf(addCustomField({ ...standardLead, fields }, product))).toBe('FIELD field count')
  })

  it.each(Object.keys(refusedFieldTypes))('of type %s is refused with the reason', (type) => {
    const result = addCustomField(standardOpportunity, { ...product, type })
    expect(errorOf(result)).toBe('UNSUPPORTED type')
    expect(result.ok ? '' : result.error.message).toBe(Object.entries(refusedFieldTypes).find(([name]) => name === type)?.[1])
  })

  it.each([
    [null],
    [[]],
    ['Product__c'],
    [{ ...product, label: '' }],
    [{ ...product, label: 'a\ud800' }],
    [{ ...product, type: 'toString' }],
    [{ ...product, length: 0 }],
    [{ ...product, length: 1.5 }],
    [{ ...product, type: 'number', precision: 19 }],
    [{ ...product, type: 'number', precision: 4, scale: 5 }],
    [{ ...product, required: 'yes' }],
    [{ ...product, type: 'picklist' }],
    [{ ...product, type: 'picklist', picklist: [] }],
    [
      {
        ...product,
        type: 'picklist',
        picklist: [
          { value: 'a', label: 'A' },
          { value: 'a', label: 'B' },
        ],
      },
    ],
    [{ ...product, type: 'picklist', picklist: [{ value: '', label: 'A' }] }],
    [{ ...product, type: 'picklist', picklist: ['a'] }],
    [{ ...product, picklist: [{ value: 'a', label: 'A' }] }],
  ])('described as %j is refused', (input) => {
    expect(errorOf(parseField(input))).toMatch(/^FIELD/)
  })

  it('keeps nothing that a field does not have', () => {
    const parsed = parseField(JSON.parse('{"name":"A__c","label":"A","type":"text","__proto__":{"x":1},"evil":1}'))
    expect(parsed).toEqual({ ok: true, field: { name: 'A__c', label: 'A', type: 'text' } })
  })
})

it('relabels fields without touching the others', () => {
  const changed = schemaWithFields(standardOpportunity, { Amount: { label: 'Deal Value' }, Nothing: { label: 'x' } })
  expect(findField(changed, 'Amount')).toEqual({ ...findField(standardOpportunity, 'Amount'), label: 'Deal Value' })
  expect(changed.fields.filter(({ name }) => name !== 'Amount')).toEqual(standardOpportunity.fields.filter(({ name }) => name !== 'Amount'))
  expect(fieldTypes).toHaveLength(13)
})
