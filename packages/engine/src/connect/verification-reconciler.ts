import { parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { textOf } from '../replica/feed-role.js'
import type { Reconciler } from '../reconcilers.js'
import { type ConnectionFacts, enabledConnections } from './connection-facts.js'
import { readDecision, Refusals } from './peer-decision.js'

/** The key of the message by which an org tells the other that its admin confirmed the codes. */
export const verifiedKey = parseKey('verified')

const verifiedTerms = v.object({ code: v.pipe(v.string(), v.maxLength(20)) })

/** Takes in that an admin of the peer confirmed the codes, and found those that this org shows (rule CN10). */
export function verificationReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const refusals = new Refusals(context)
  return {
    name: 'confirmed codes',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const row = rows.get('Connection', connection.id)
      const body = replica.inbox(connection.peerMessages).get(verifiedKey)?.body ?? null
      const message = `${connection.id}/${verifiedKey}`
      if (body === null || textOf(row, 'peerVerified') !== undefined || refusals.has(message, body)) return
      const decision = await readDecision(context, connection, 'verified', body, verifiedTerms, 'admin')
      const reason = !decision.ok ? decision.reason : decision.terms.code === textOf(row, 'code') ? undefined : 'it names another code'
      if (reason !== undefined) refusals.note(connection, message, body, 'The confirmation of the codes', reason)
      else await rows.save([{ object: 'Connection', id: connection.id, values: { peerVerified: body } }])
    },
  }
}
