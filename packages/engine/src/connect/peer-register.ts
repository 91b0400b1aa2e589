import { compareStamps, type Key } from '@entente/protocol'
import type * as v from 'valibot'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { registerOf, type Row } from '../row/row.js'
import type { Value } from '../schema/value.js'
import { type ConnectionFacts, enabledConnections } from './connection-facts.js'
import { type DecisionType, readDecision, Refusals } from './peer-decision.js'

/** A decision of the peer's admins of which only the latest counts, and the register of the Connection row that keeps it. */
export interface PeerRegister<Schema extends v.GenericSchema> {
  readonly name: string
  readonly key: Key
  readonly type: DecisionType
  readonly terms: Schema
  readonly register: string
  /** Such as "A pause". */
  readonly what: string
  /** What the register keeps. @param at when the peer decided, in milliseconds since 1970 @param row the Connection row as it stands */
  readonly value: (terms: v.InferOutput<Schema>, at: number, row: Row | undefined) => Value
}

/** Takes in what an admin of the peer decided, under the stamp under which the peer says so (rule NB5). */
export function peerRegisterReconciler<Schema extends v.GenericSchema>(
  context: EngineContext,
  { name, key, type, terms, register, what, value }: PeerRegister<Schema>,
): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const refusals = new Refusals(context)
  return {
    name,
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const said = replica.inbox(connection.peerMessages).get(key)
      const row = rows.get('Connection', connection.id)
      const known = registerOf(row, register)
      const message = `${connection.id}/${key}`
      if (!said || (known && compareStamps(said.stamp, known[0]) <= 0) || refusals.has(message, said.body)) return
      const decision = await readDecision(context, connection, type, said.body, terms, 'admin')
      if (!decision.ok) return refusals.note(connection, message, said.body, what, decision.reason)
      const values = { [register]: value(decision.terms, decision.at, row) }
      await rows.save([{ object: 'Connection', id: connection.id, values, stamp: said.stamp }])
    },
  }
}
