import { compareStamps, type Key, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { registerOf } from '../row/row.js'
import { type ConnectionFacts, enabledConnections } from './connection-facts.js'
import { readDecision, Refusals } from './peer-decision.js'

// Either org pauses a connection for a while (rules PA1 and PA2). Each side's pause is a register of its own, so neither ends the other's.

/** The key of a side's decision whether the connection pauses. */
export const pauseKey: Key = parseKey('pause')

/** A pause, or its end, as an admin signs it. */
export const pauseTerms = v.object({ on: v.boolean() })

/** Takes in that an admin of the peer paused the connection, or resumed it, under the stamp under which the peer says so (rule NB5). */
export function peerPauseReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const refusals = new Refusals(context)
  return {
    name: 'pauses of the peer',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const said = replica.inbox(connection.peerMessages).get(pauseKey)
      const known = registerOf(rows.get('Connection', connection.id), 'peerPause')
      const message = `${connection.id}/${pauseKey}`
      if (!said || (known && compareStamps(said.stamp, known[0]) <= 0) || refusals.has(message, said.body)) return
      const decision = await readDecision(context, connection, 'pause', said.body, pauseTerms, 'admin')
      if (!decision.ok) return refusals.note(connection, message, said.body, 'A pause', decision.reason)
      const peerPause = decision.terms.on ? decision.at : null
      await rows.save([{ object: 'Connection', id: connection.id, values: { peerPause }, stamp: said.stamp }])
    },
  }
}
