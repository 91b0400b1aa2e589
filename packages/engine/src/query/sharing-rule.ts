import { matchesCondition, validateCondition, type CheckResult, type Condition } from './condition.js'
import { refuse } from '../schema/error.js'
import type { ObjectSchema } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'

/** Which of the vendor's records a partner may see: those that meet the conditions, and those added by hand, but never those hidden by hand. */
export interface Rule {
  /** Whether all conditions must hold, or any one of them. */
  readonly match: 'all' | 'any'
  /** At most 50. Without one, only what is added is shown. */
  readonly conditions: readonly Condition[]
  /** Ids of records that are shown in any case. */
  readonly added: readonly string[]
  /** Ids of records that are never shown. */
  readonly hidden: readonly string[]
  /**
   * True also shows copies that this org imported from another one, where the agreement by which they came lets it pass them on (rule SH5). Without it, no
   * copy is shown.
   */
  readonly copies?: boolean
}

/** A rule that shows nothing. */
export const emptyRule: Rule = { match: 'all', conditions: [], added: [], hidden: [] }

/** The most conditions of one rule. */
export const maxConditions = 50

/**
 * Whether a rule shows a record. Hidden beats added, and added beats the conditions. A rule without conditions shows only what is added: one that
 * somebody has just begun to write must not show everything.
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

/** Says whether a rule can be applied. Refuses with the first problem: RULE for too many conditions, else as `validateCondition`. */
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
