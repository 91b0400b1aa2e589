import { matchesCondition, validateCondition, type CheckResult, type Condition } from './condition.js'
import { refuse } from '../schema/error.js'
import type { ObjectSchema } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'

/**
 * Which of the vendor's records a partner may see: those that meet the conditions (all or any), and those added by hand, but never
 * those hidden by hand.
 */
export interface Rule {
  readonly match: 'all' | 'any'
  readonly conditions: readonly Condition[]
  /** Record ids. */
  readonly added: readonly string[]
  /** Record ids. */
  readonly hidden: readonly string[]
}

/** A rule that shows nothing. */
export const emptyRule: Rule = { match: 'all', conditions: [], added: [], hidden: [] }

export const maxConditions = 50

/**
 * Whether a rule shows a record. Hidden beats added, added beats the conditions. Without conditions nothing is shown by condition:
 * a rule that somebody has only begun to write must not show everything.
 */
export function matchesRule(schema: ObjectSchema, rule: Rule, recordId: string, values: RecordValues): boolean {
  if (rule.hidden.includes(recordId)) return false
  if (rule.added.includes(recordId)) return true
  const { conditions } = rule
  if (conditions.length === 0 || conditions.length > maxConditions) return false
  return rule.match === 'all'
    ? conditions.every((condition) => matchesCondition(schema, condition, values))
    : conditions.some((condition) => matchesCondition(schema, condition, values))
}

/** Checks every condition and tells the first that cannot be applied (FIELD, RULE). */
export function validateRule(schema: ObjectSchema, rule: Rule): CheckResult {
  if (rule.conditions.length > maxConditions) {
    return refuse('RULE', '', 'condition count', `A rule has at most ${maxConditions} conditions.`, 'Join some with “one of”.')
  }
  for (const condition of rule.conditions) {
    const checked = validateCondition(schema, condition)
    if (!checked.ok) return checked
  }
  return { ok: true }
}
