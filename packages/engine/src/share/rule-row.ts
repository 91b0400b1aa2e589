import * as v from 'valibot'
import type { ConnectionId } from '@entente/protocol'
import type { ObjectName } from '../api/index.js'
import { value } from '../agree/agreement-terms.js'
import { operators } from '../query/condition.js'
import type { Rule } from '../query/sharing-rule.js'
import { type Row, valueOf } from '../row/row.js'

const ruleSchema = v.object({
  match: v.picklist(['all', 'any']),
  conditions: v.array(v.object({ field: v.string(), operator: v.picklist(operators), value: v.exactOptional(value) })),
  added: v.array(v.string()),
  hidden: v.array(v.string()),
  copies: v.exactOptional(v.boolean()),
})

const rulesByRow = new WeakMap<Row, Rule>()

export function ruleRowId(connection: ConnectionId, object: ObjectName): string {
  return `${connection}:${object}`
}

/** The rule in a SharingRule row. Undefined where there is none, or where this version does not understand it: then no record is shown. */
export function ruleOf(row: Row | undefined): Rule | undefined {
  if (!row) return undefined
  const known = rulesByRow.get(row)
  if (known) return known
  const parsed = v.safeParse(ruleSchema, valueOf(row, 'rule'))
  if (!parsed.success) return undefined
  rulesByRow.set(row, parsed.output)
  return parsed.output
}
