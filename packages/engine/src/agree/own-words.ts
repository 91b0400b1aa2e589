import { decodeJwt } from 'jose'
import * as v from 'valibot'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { offSince } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { agreementFacts } from './agreement-row.js'
import { withdrawalPolicy } from './apply-agreement.js'
import { canonicalJson } from './canonical.js'
import { objectNames } from './narrow-proposal.js'
import { objectsKey, objectsTerms } from './objects.js'
import { termsOf, withdrawalKey, withdrawalTerms } from './withdrawal.js'

/**
 * Signs once more what two admins of this org have decided at once. What was withdrawn or switched off is one word to the peer, and of two words the later one
 * stands: it must say what both of them said.
 */
export function ownWordsReconciler({ rows, identity, user }: EngineContext): Reconciler<ConnectionFacts> {
  return {
    name: 'own words',
    subjects: () => (user.role === 'admin' ? enabledConnections(rows) : []),
    async react(connection) {
      const { signed, withdrawn } = agreementFacts(rows.get('Agreement', connection.id))
      const terms = withdrawn && termsOf(withdrawn)
      if (signed && terms?.version === signed.version && isOther(connection, withdrawalKey, withdrawalTerms, terms)) {
        const jws = await identity.signDecision('withdrawal', { connection: connection.id, ...terms })
        await rows.save([messageEdit(connection.ownMessages, withdrawalKey, jws), withdrawalPolicy(connection, signed, terms)])
      }
      const since = offSince(rows.get('Connection', connection.id), 'ownOff')
      const off = objectNames.filter((object) => since[object] !== undefined)
      if (isOther(connection, objectsKey, objectsTerms, { off })) {
        const jws = await identity.signDecision('objects', { connection: connection.id, off })
        await rows.save([messageEdit(connection.ownMessages, objectsKey, jws)])
      }
    },
  }

  /** Whether what was said is another than what holds. Where nothing was said, there is nothing to mend. */
  function isOther<Schema extends v.GenericSchema>(
    connection: ConnectionFacts,
    key: string,
    schema: Schema,
    terms: v.InferInput<Schema>,
  ): boolean {
    const body = valueOf(rows.get('Message', messageId(connection.ownMessages, key)), 'body')
    const said = typeof body === 'string' ? v.safeParse(schema, decodeJwt(body)) : undefined
    return said?.success === true && canonicalJson(said.output) !== canonicalJson(terms)
  }
}
