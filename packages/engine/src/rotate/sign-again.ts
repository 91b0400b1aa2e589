import { type ConnectionId, type FeedName, parseDeviceId, type Roster } from '@entente/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { type ConnectionFacts, enabledConnections } from '../connect/connection-facts.js'
import { roundOf } from '../connect/mismatch.js'
import { verifiedKey } from '../connect/verification-reconciler.js'
import type { EngineContext } from '../context.js'
import { decisionType } from '../identity/decision.js'
import type { Reconciler } from '../reconcilers.js'
import { effectiveVersion } from '../replica/desired-state.js'
import { textOf } from '../replica/feed-role.js'
import { messageRowId } from '../replica/index.js'
import { type Row, valueOf } from '../row/row.js'
import { type RowEdit, whileUnchanged } from '../row/rows.js'

/** The decisions that say how things stand, whoever made them. A request is for one person, and what was exported or imported has been. */
const standing = [
  'verified',
  'pause',
  'withdrawal',
  'objects',
  'wish',
  'wish-answer',
  'adoption',
  'recall',
  'people',
  'grants',
  'site',
  'proposal',
] as const

/**
 * Has an admin's device sign again what stands and only a removed device has signed, so that it counts for who reads it from now on (rule RT13). What this org's devices
 * have not taken in before they heard of the removal is late, and not among it (rule RT11).
 */
export function signAgainReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, rosters, identity, replica, org } = context
  /** By connection the roster for which it was done. */
  const done = new Map<string, number>()
  return {
    name: 'decisions of removed devices',
    subjects: () => (replica.keyring.removed(org.id) > 0 ? enabledConnections(rows) : []),
    async react({ id, ownMessages }) {
      const removed = replica.keyring.removed(org.id)
      const roster = await rosters.highest(org.id)
      if (done.get(id) === removed || roster?.devices.get(identity.device)?.role !== 'admin') return
      for (const row of rows.list('Message').values()) {
        const found = row.id.startsWith(`${ownMessages}#`) ? orphanOf(row, roster) : undefined
        if (!found || (found.type === 'proposal' && !isOpen(rows.get('Agreement', id), found.terms))) continue
        const edit: Pick<RowEdit, 'object' | 'id'> = { object: 'Message', id: row.id }
        const unchanged = whileUnchanged(rows, [edit])
        const body = await identity.signDecision(found.type, { ...found.terms, connection: id })
        await rows.save([{ ...edit, values: { body } }], unchanged)
      }
      await confirmAgain(id, ownMessages)
      done.set(id, removed)
    },
  }

  /** The codes count as confirmed here, and whoever confirmed them may have gone before its device said so to the peer. */
  async function confirmAgain(id: ConnectionId, ownMessages: FeedName): Promise<void> {
    const row = rows.get('Connection', id)
    if (valueOf(row, 'verified') !== 'yes') return
    const edit = { object: 'Message', id: messageRowId(ownMessages, verifiedKey) } as const
    const [unchanged, again] = [whileUnchanged(rows, [edit]), roundOf(row)]
    if (roundSaid(rows.get(edit.object, edit.id)) === again) return
    const terms = { connection: id, transcript: textOf(row, 'transcript') ?? '', ...(again > 0 && { again }) }
    await rows.save([{ ...edit, values: { body: await identity.signDecision('verified', terms) } }], unchanged)
  }
}

interface Orphan {
  readonly type: (typeof standing)[number]
  readonly terms: Readonly<Record<string, unknown>>
}

/** The decision in a message, if no admin of the roster has signed it. */
function orphanOf(row: Row, { devices }: Roster): Orphan | undefined {
  const body = valueOf(row, 'body')
  if (typeof body !== 'string' || !body.startsWith('ey')) return undefined
  try {
    const { typ, kid } = decodeProtectedHeader(body)
    const type = standing.find((each) => decisionType(each) === typ)
    if (!type || typeof kid !== 'string' || devices.get(parseDeviceId(kid))?.role === 'admin') return undefined
    const { iss: _, by: __, iat: ___, ...terms } = decodeJwt(body)
    return { type, terms }
  } catch {
    return undefined
  }
}

/** Which comparison of the codes a message confirms. */
function roundSaid(row: Row | undefined): unknown {
  const body = valueOf(row, 'body')
  try {
    return typeof body === 'string' ? (decodeJwt(body)['again'] ?? 0) : undefined
  } catch {
    return undefined
  }
}

function isOpen(agreement: Row | undefined, { version }: Orphan['terms']): boolean {
  return typeof version === 'number' && version > (effectiveVersion(agreement) ?? 0)
}
