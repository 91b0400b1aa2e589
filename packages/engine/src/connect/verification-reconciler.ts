import { compareStamps, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { textOf } from '../replica/feed-role.js'
import type { Reconciler } from '../reconcilers.js'
import { registerOf } from '../row/row.js'
import { type ConnectionFacts, enabledConnections } from './connection-facts.js'
import { roundNumber, roundOf } from './mismatch.js'
import { readDecision, Refusals } from './peer-decision.js'

/** The key of the message by which an org tells the other that its admin confirmed the codes. */
export const verifiedKey = parseKey('verified')

export const verifiedTerms = v.object({
  transcript: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** Which comparison it was. */
  again: v.optional(roundNumber, 0),
})

/** Takes in that an admin of the peer confirmed the codes, over the very handshake that this org saw (rule CN10). */
export function verificationReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const refusals = new Refusals(context)
  return {
    name: 'confirmed codes',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const row = rows.get('Connection', connection.id)
      const said = replica.inbox(connection.peerMessages).get(verifiedKey)
      const body = said?.body ?? null
      const message = `${connection.id}/${verifiedKey}`
      if (!said || body === null || refusals.has(message, body)) return
      // Of several admins of the peer the last one counts, so that each device of this org has the same.
      const taken = registerOf(row, 'peerVerified')
      if (typeof taken?.[1] === 'string' && compareStamps(taken[0], said.stamp) >= 0) return
      const decision = await readDecision(context, connection, 'verified', body, verifiedTerms, 'admin')
      // From before a mismatch was taken back, or after one of which this org has not heard yet.
      if (decision.ok && decision.terms.again !== roundOf(row)) return refusals.skip(message, body)
      const isSame = decision.ok && decision.terms.transcript === textOf(row, 'transcript')
      const reason = !decision.ok ? decision.reason : isSame ? undefined : 'it is of another handshake'
      if (reason !== undefined) refusals.note(connection, message, body, 'The confirmation of the codes', reason)
      else {
        const round = roundOf(row)
        await rows.save([{ object: 'Connection', id: connection.id, values: { peerVerified: body }, follows: said.stamp }], {
          holds: (stored) => roundOf(stored.get('Connection', connection.id)) === round,
        })
      }
    },
  }
}
