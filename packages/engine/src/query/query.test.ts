import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { queryRecords, validateQuery, type ListedRecord, type RecordQuery } from './query.js'
import { standardOpportunity as schema } from '../schema/schema.js'

const records: readonly ListedRecord[] = [
  { id: 'a', values: { Name: 'Zürich pilot', StageName: 'Closed Won', Amount: { amount: '900.00', currency: 'USD' } } },
  { id: 'b', values: { Name: 'Austin 10', StageName: 'Prospecting', Amount: null } },
  { id: 'c', values: { Name: 'Austin 9', StageName: 'Qualification', Amount: { amount: '1000.00', currency: 'USD' } } },
  { id: 'd', values: { Name: 'austin 9', StageName: 'Prospecting' } },
]

function ids(query: RecordQuery): string {
  return queryRecords(schema, records, query)
    .map(({ id }) => id)
    .join('')
}

describe('a list of records', () => {
  it('sorts each type as people expect, empty ones last in both directions', () => {
    expect(ids({ sort: [{ field: 'Amount', direction: 'ascending' }] })).toBe('acbd')
    expect(ids({ sort: [{ field: 'Amount', direction: 'descending' }] })).toBe('cabd')
    expect(ids({ sort: [{ field: 'Name', direction: 'ascending' }] })).toBe('cdba')
    expect(
      ids({
        sort: [
          { field: 'StageName', direction: 'ascending' },
          { field: 'Name', direction: 'descending' },
        ],
      }),
    ).toBe('bdca')
    expect(ids({ sort: [{ field: 'Nowhere', direction: 'ascending' }] })).toBe('abcd')
  })

  it('finds all words in any case, order and accent', () => {
    expect(ids({ search: 'PILOT zurich' })).toBe('a')
    expect(ids({ search: 'austin prospecting' })).toBe('bd')
    expect(ids({ search: '  ' })).toBe('abcd')
    expect(ids({ search: 'nobody' })).toBe('')
  })

  it('filters by conditions, all or any', () => {
    const won = { field: 'StageName', operator: 'equals', value: 'Closed Won' } as const
    const empty = { field: 'Amount', operator: 'isEmpty' } as const
    expect(ids({ conditions: [won] })).toBe('a')
    expect(ids({ conditions: [won, empty] })).toBe('')
    expect(ids({ conditions: [won, empty], match: 'any' })).toBe('abd')
  })

  it('says what in a query cannot be applied', () => {
    expect(validateQuery(schema, { sort: [{ field: 'Name', direction: 'ascending' }] })).toEqual({ ok: true })
    expect(validateQuery(schema, { sort: [{ field: 'Nowhere', direction: 'ascending' }] })).toMatchObject({
      ok: false,
      error: { code: 'FIELD' },
    })
    expect(validateQuery(schema, { conditions: [{ field: 'Name', operator: 'lessThan', value: 'x' }] })).toMatchObject({
      ok: false,
      error: { code: 'RULE' },
    })
  })

  it('shows the same order whatever order the records came in, and changes nothing', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...records], { minLength: 4 }),
        fc.constantFrom('Name', 'Amount', 'StageName', 'Probability'),
        fc.constantFrom('ascending' as const, 'descending' as const),
        (shuffled, field, direction) => {
          const before = [...shuffled]
          const sort = [{ field, direction }]
          expect(queryRecords(schema, shuffled, { sort })).toEqual(queryRecords(schema, records, { sort }))
          expect(shuffled).toEqual(before)
        },
      ),
    )
  })
})
