import { type Key, parseKey } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { isPaused } from '../replica/reading-bound.js'
import { valueOf } from '../row/row.js'
import { connectionFacts, type ConnectionFacts, enabledConnections, messageEdit, messageId } from './connection-facts.js'

/** The key of the message by which an org tells the other that it reads nothing more of it. */
const pausedKey: Key = parseKey('paused')

const texts: Readonly<Record<string, string>> = {
  before: 'The other org reads nothing more of yours until its admin has compared the codes: your org has sent more than it takes before.',
  after: 'The other org reads nothing more of yours: your org has sent more messages than it takes. Ask your own admin what sends them.',
}

/** Tells a peer that this org reads nothing more of it, so that both sides’ admins know (rule IS4). */
export function pauseReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows } = context
  const told = new Map<string, string>()
  return {
    name: 'pauses',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const row = rows.get('Connection', connection.id)
      const stage = isPaused(row) ? (valueOf(row, 'paused') ?? null) : null
      const said = valueOf(rows.get('Message', messageId(connection.ownMessages, pausedKey)), 'body') ?? null
      if (stage !== said) await rows.save([messageEdit(connection.ownMessages, pausedKey, stage)])
      const heard = pausedByPeer(context, connection.id)
      if (heard !== undefined && told.get(connection.id) !== heard) context.problem(heard, connection.id)
      if (heard === undefined) told.delete(connection.id)
      else told.set(connection.id, heard)
    },
  }
}

/** That the peer of a connection has paused reading, in words. */
export function pausedByPeer({ rows, replica }: Pick<EngineContext, 'rows' | 'replica'>, id: string): string | undefined {
  const connection = connectionFacts(rows.get('Connection', id))
  const body = connection?.enabled ? replica.inbox(connection.peerMessages).get(pausedKey)?.body : undefined
  return typeof body === 'string' && Object.hasOwn(texts, body) ? texts[body] : undefined
}
