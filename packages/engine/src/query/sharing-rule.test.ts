import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operators, operatorsOf, type Condition } from './condition.js'
import { fieldTypes } from '../schema/field.js'
import { emptyRule, matchesRule, maxConditions, validateRule, type Rule } from './sharing-rule.js'
import { standardOpportunity as schema } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

const deal = {
  Name: 'Brackmoor Rollout',
  StageName: 'Negotiation/Review',
  Amount: { amount: '1054.00', currency: 'USD' },
  Probability: '90',
  CloseDate: '2026-05-01',
  IsPrivate: false,
  Description: null,
}

function holds(field: string, operator: Condition['operator'], value?: Value): boolean {
  const condition: Condition = value === undefined ? { field, operator } : { field, operator, value }
  return matchesRule(schema, { ...emptyRule, conditions: [condition] }, 'r1', deal)
}

describe('a condition', () => {
  it.each<[string, Condition['operator'], Value | undefined, boolean]>([
    ['Probability', 'greaterThan', '9', true],
    ['Probability', 'greaterThan', '90', false],
    ['Probability', 'greaterOrEqual', '90.0', true],
    ['Probability', 'lessThan', 100, true],
    ['Amount', 'greaterThan', '999.99', true],
    ['Amount', 'equals', '1054', true],
    ['Amount', 'equals', { amount: '1054', currency: 'USD' }, true],
    ['Amount', 'greaterThan', { amount: '1', currency: 'EUR' }, false],
    ['Amount', 'equals', { amount: '1054', currency: 'EUR' }, false],
    ['Amount', 'notEquals', { amount: '1054', currency: 'EUR' }, true],
    ['CloseDate', 'lessOrEqual', '2026-05-01', true],
    ['CloseDate', 'lessThan', '2026-05-01', false],
    ['StageName', 'equals', 'negotiation/review', true],
    ['StageName', 'oneOf', ['Closed Won', 'Negotiation/Review'], true],
    ['StageName', 'oneOf', ['Closed Won'], false],
    ['Name', 'contains', 'ROLL', true],
    ['Name', 'startsWith', 'brack', true],
    ['Name', 'startsWith', 'roll', false],
    ['IsPrivate', 'equals', false, true],
    ['IsPrivate', 'notEquals', false, false],
    ['Description', 'isEmpty', undefined, true],
    ['NextStep', 'isEmpty', undefined, true],
    ['Name', 'isNotEmpty', undefined, true],
    ['NextStep', 'equals', 'x', false],
    ['NextStep', 'notEquals', 'x', true],
    ['TotalOpportunityQuantity', 'lessThan', '5', false],
  ])('%s %s %j is %s', (field, operator, value, expected) => {
    expect(holds(field, operator, value)).toBe(expected)
  })

  it('that cannot be applied holds for no record, not even as “differs”', () => {
    expect(holds('Removed__c', 'notEquals', 'x')).toBe(false)
    expect(holds('Removed__c', 'isEmpty')).toBe(false)
    expect(holds('Probability', 'contains', '9')).toBe(false)
    expect(holds('Probability', 'notEquals', 'many')).toBe(false)
    expect(holds('__proto__', 'isNotEmpty')).toBe(false)
  })

  it('is exact where floats are not', () => {
    const rule: Rule = { ...emptyRule, conditions: [{ field: 'TotalOpportunityQuantity', operator: 'equals', value: '9007199254740993' }] }
    expect(matchesRule(schema, rule, 'r', { TotalOpportunityQuantity: '9007199254740993' })).toBe(true)
    expect(matchesRule(schema, rule, 'r', { TotalOpportunityQuantity: '9007199254740992' })).toBe(false)
  })
})

function check(...conditions: readonly Condition[]): string {
  const result = validateRule(schema, { ...emptyRule, conditions })
  return result.ok ? 'ok' : `${result.error.code} ${result.error.rule}`
}

describe('a rule', () => {
  const open: Condition = { field: 'Probability', operator: 'lessThan', value: '100' }
  const big: Condition = { field: 'Amount', operator: 'greaterThan', value: '100000' }

  it('needs all conditions or any', () => {
    expect(matchesRule(schema, { ...emptyRule, match: 'all', conditions: [open, big] }, 'r1', deal)).toBe(false)
    expect(matchesRule(schema, { ...emptyRule, match: 'any', conditions: [open, big] }, 'r1', deal)).toBe(true)
  })

  it('shows nothing by condition while it has none', () => {
    expect(matchesRule(schema, emptyRule, 'r1', deal)).toBe(false)
    expect(matchesRule(schema, { ...emptyRule, match: 'any' }, 'r1', deal)).toBe(false)
  })

  it('hidden beats added, and added beats conditions', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom('all' as const, 'any' as const),
        fc.subarray([open, big]),
        (isAdded, isHidden, match, conditions) => {
          const rule: Rule = { match, conditions, added: isAdded ? ['r1'] : [], hidden: isHidden ? ['r1'] : [] }
          const shown = matchesRule(schema, rule, 'r1', deal)
          if (isHidden) expect(shown).toBe(false)
          else if (isAdded) expect(shown).toBe(true)
          else expect(shown).toBe(matchesRule(schema, { ...rule, added: ['r2'], hidden: ['r2'] }, 'r1', deal))
        },
      ),
    )
  })

  it('is checked before it is saved', () => {
    expect(check(open, big)).toBe('ok')
    expect(check(open, { field: 'Nowhere', operator: 'isEmpty' })).toBe('FIELD known field')
    expect(check({ field: 'Name', operator: 'lessThan', value: 'x' })).toBe('RULE operator')
    expect(check({ field: 'Amount', operator: 'lessThan', value: 'much' })).toBe('RULE value')
    expect(check({ field: 'Name', operator: 'contains', value: ' ' })).toBe('RULE value')
    expect(check({ field: 'Name', operator: 'oneOf', value: [] })).toBe('RULE value')
    expect(check({ field: 'Name', operator: 'isEmpty', value: 'x' })).toBe('RULE value')
    const many = { ...emptyRule, conditions: Array.from({ length: maxConditions + 1 }, () => open) }
    expect(validateRule(schema, many).ok).toBe(false)
    expect(matchesRule(schema, { ...many, match: 'any' }, 'r1', deal)).toBe(false)
  })

  it('every type has operators that exist', () => {
    for (const type of fieldTypes) {
      expect(operatorsOf(type).length).toBeGreaterThan(3)
      expect(operatorsOf(type).every((operator) => operators.includes(operator))).toBe(true)
    }
  })
})
