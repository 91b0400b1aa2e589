import { type ConnectionId, otherSide, parseConnectionId, parseKey, parseOrgId, policyKey, type Side, type Stamp } from '@entente/protocol'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { type Decision, verifyDecision } from '../identity/decision.js'
import type { Identity } from '../identity/identity.js'
import type { Reconciler } from '../reconcilers.js'
import { connectionFeed, messageRowId, policyText, readPolicy } from '../replica/index.js'
import { numberOf, sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import { againTerms, comparedFromStart } from './mismatch.js'
import type { RowEdit } from '../row/rows.js'
import { connectionWith } from './second.js'

export const endKey = parseKey('end')

/** Why an org ends a connection. `second`: the two orgs have another one (rule CN12). */
export type EndReason = 'mismatch' | 'disconnected' | 'second'

/** The edit that tells the peer of an end. */
export async function signEnd(identity: Identity, connection: ConnectionId, side: Side, reason: EndReason): Promise<RowEdit> {
  const body = await identity.signDecision('end', { connection, reason })
  return { object: 'Message', id: messageRowId(connectionFeed(connection, side, 'messages'), endKey), values: { body } }
}

export const secondProblem = 'Both orgs are connected with each other already, so this second connection was refused.'

export const mismatchProblem = 'The codes of both orgs differ, so someone may stand between them. No record travels.'

/** Takes in that the peer ended the connection or found the codes to differ (rule CN7), and registers an end with the relay (rule CN8). */
export function endReconciler(context: EngineContext): Reconciler<Row> {
  const { rows, replica } = context
  const refused = new Map<string, unknown>()
  rows.watch((changes) => {
    if (changes.some(({ object }) => object === 'Roster')) refused.clear()
  })
  return {
    name: 'connection ends',
    subjects: () => rows.list('Connection').values(),
    async react(row) {
      const state = textOf(row, 'state')
      if (state === 'Enabled' || state === 'Error') await takeEnd(row)
      if (state === 'Disabled') await registerEnd(row)
    },
  }

  /** Where the org never registered a policy, the relay knows no connection to end. */
  async function registerEnd(row: Row): Promise<void> {
    const side = sideOf(row)
    if (!side) return
    const id = messageRowId(connectionFeed(parseConnectionId(row.id), side, 'messages'), policyKey)
    const policy = readPolicy(valueOf(rows.get('ControlEntry', id), 'body'))
    if (policy && !policy.ended) await rows.save([{ object: 'ControlEntry', id, values: { body: policyText({ ...policy, ended: true }) } }])
  }

  async function takeEnd(row: Row): Promise<void> {
    const side = sideOf(row)
    const peer = side && textOf(row, otherSide(side))
    if (!side || peer === undefined) return
    const connection = parseConnectionId(row.id)
    const said = replica.inbox(connectionFeed(connection, otherSide(side), 'messages')).get(endKey)
    const body = said?.body
    if (
      !said ||
      typeof body !== 'string' ||
      refused.get(row.id) === body ||
      textOf(row, 'ended') === body ||
      textOf(row, 'takenBack') === body
    )
      return
    const org = parseOrgId(peer)
    const verified = await verifyDecision(body, 'end', context.rosters, { org, connection, role: 'admin' })
    if (!verified.ok) {
      refused.set(row.id, body)
      context.problem(`The other org’s end of a connection was refused: ${verified.reason}.`, connection)
      return
    }
    const { reason, iat } = verified.decision
    if (reason === 'again') return takeAgain(row, connection, body, verified.decision, said.stamp)
    const values =
      reason === 'mismatch'
        ? { state: 'Error', verified: 'mismatch', peerSaysMismatch: true, peerVerified: null, problem: mismatchProblem }
        : reason === 'second'
          ? { state: 'Disabled', problem: secondProblem, second: connectionWith(rows, org, row.id)?.id ?? null }
          : { state: 'Disabled', problem: 'The other org ended the connection.' }
    // An end by an own person, meanwhile, is for good.
    await rows.save([{ object: 'Connection', id: row.id, values: { ...values, ended: body, endedAt: iat * 1000 }, follows: said.stamp }], {
      holds: (stored) => textOf(stored.get('Connection', row.id), 'state') !== 'Disabled',
    })
  }

  /** The peer takes back that the codes differ: both compare them once more, unless this org says so too (rule CN7). */
  async function takeAgain(row: Row, connection: ConnectionId, body: string, decision: Decision, follows: Stamp): Promise<void> {
    const terms = v.safeParse(againTerms, decision)
    if (!terms.success || terms.output.again <= numberOf(row, 'peerAgain')) {
      refused.set(row.id, body)
      context.problem('The other org took back a mismatch of codes that it had not told.', connection)
      return
    }
    const saysMismatch = textOf(row, 'saysMismatch')
    const values = {
      ended: null,
      takenBack: body,
      peerAgain: terms.output.again,
      peerSaysMismatch: null,
      ...(saysMismatch === undefined && comparedFromStart),
    }
    await rows.save([{ object: 'Connection', id: row.id, values, follows }], {
      holds(stored) {
        const now = stored.get('Connection', row.id)
        return textOf(now, 'state') !== 'Disabled' && textOf(now, 'saysMismatch') === saysMismatch
      },
    })
  }
}
