import type { SharingApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { connectionFacts, requireConnection, whileConnected } from '../connect/connection-facts.js'
import { contentToValue } from '../agree/canonical.js'
import { asLeader, type EngineContext } from '../context.js'
import { validateRule } from '../query/sharing-rule.js'
import type { Reconciler } from '../reconcilers.js'
import { listingReconciler } from './listing-reconciler.js'
import { ruleOf, ruleRowId } from './rule-row.js'
import { isShownBy, visibilityIndexesOf } from './visibility-index.js'

/** Which of the vendor's records each partner sees. */
export function createSharing(context: EngineContext): { readonly api: SharingApi; readonly reconcilers: readonly Reconciler[] } {
  const { rows } = context
  const api: SharingApi = {
    rule: (connection, object) => ruleOf(rows.get('SharingRule', ruleRowId(connection, object))),
    async setRule(connection, object, rule) {
      const facts = requireConnection(rows, connection, 'vendor')
      if (context.user.role !== 'admin')
        throw new EngineError('NOT_ALLOWED', 'Only an admin may change what a partner sees. Ask one of your admins.')
      const checked = validateRule(context.schema(object), rule)
      if (!checked.ok) throw new EngineError('INVALID', `The rule was not saved. ${checked.error.message}`, [checked.error])
      const values = { connection, object, rule: contentToValue(rule) }
      await rows.save([{ object: 'SharingRule', id: ruleRowId(connection, object), values }], whileConnected(facts))
    },
    visible(connection, object) {
      const facts = connectionFacts(rows.get('Connection', connection))
      return facts?.side === 'vendor' ? [...visibilityIndexesOf(context).of(facts, object).visible.keys()] : []
    },
    count(_connection, object, rule) {
      const schema = context.schema(object)
      let count = 0
      for (const row of rows.list(object).values()) if (isShownBy(context, object, schema, rule, row)) count++
      return count
    },
  }
  return { api, reconcilers: [listingReconciler(asLeader(context))] }
}
