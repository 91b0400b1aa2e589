import { type ConnectionId, limits, otherSide, parseConnectionId, parseMailboxId, parseOrgId } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { ConnectionsApi, ConnectionState, ConnectionView } from '../api/index.js'
import { EngineError } from '../error.js'
import { asLeader, type EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { mailboxFeed, messageRowId } from '../replica/index.js'
import { numberOf, sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit, RowReader } from '../row/rows.js'
import { mailboxId } from '../seal/index.js'
import { connectionFacts, type ConnectionFacts, messageEdit, requireConnection, whileConnected } from './connection-facts.js'
import { endKey, endReconciler, type EndReason, mismatchProblem, signEnd } from './end-reconciler.js'
import { cancelEdits, commitKey, handshakeReconciler, isExpired, isOpen } from './handshake-reconciler.js'
import { formatLink, parseLink } from './invitation-link.js'
import { endOf, pauseOf } from './connection-why.js'
import { comparedFromStart, mismatchesTakenBack, roundOf } from './mismatch.js'
import { connectionWith } from './second.js'
import { pauseKey, peerPauseReconciler } from './pause.js'
import { checkedName } from '../name.js'
import { pausedByPeer, pauseReconciler } from './pause-reconciler.js'
import { codeOf, commitTo, makeReveal, pathToShow } from './reveal.js'
import { verificationReconciler, verifiedKey } from './verification-reconciler.js'

/** The records of earlier connections with the same org. */
export interface EarlierRecords {
  /** How many record maps may carry on over a connection. */
  count(connection: Row): number
  /** The decisions by which an admin who has compared the codes lets them (rule RA3). */
  decide(facts: ConnectionFacts, connection: Row): Promise<readonly RowEdit[]>
}

/** Connecting two orgs: invitations, the handshake, the comparison of codes, and the end. */
export function createConnections(
  context: EngineContext,
  earlier: EarlierRecords,
): { readonly api: ConnectionsApi; readonly reconcilers: readonly Reconciler[] } {
  const { rows, link, identity, clock, random } = context
  const leader = asLeader(context)

  link.onMailbox(({ mailbox, state }) => {
    // What a member's device says of an invitation counts nowhere, and would stand in the way of what an admin's says (rule DR1).
    if (context.user.role !== 'admin') return
    const row = rows.get('Invitation', mailbox)
    const known = textOf(row, 'state')
    if (!row || (known !== 'open' && known !== 'claimed') || state === 'open' || state === known) return
    // An invitation that led to a connection is done, whatever becomes of its mailbox.
    const next = textOf(row, 'connection') && state !== 'claimed' ? 'done' : state
    void rows
      .save([{ object: 'Invitation', id: mailbox, values: { state: next } }])
      .catch((error: unknown) => context.problem(error instanceof Error ? error.message : 'The state of an invitation could not be saved.'))
  })

  /** Milliseconds since 1970 by the relay's clock, as last heard. */
  const now = (): number => clock.now() + link.clockOffset
  const requireAdmin = (): void => {
    if (context.user.role !== 'admin') throw new EngineError('NOT_ALLOWED', 'Only an admin connects orgs. Ask an admin of your org.')
  }
  const find = (id: string): Row => {
    const row = rows.get('Connection', id)
    if (!row) throw new EngineError('NOT_FOUND', 'This connection does not exist. Choose another one.')
    return row
  }
  const view = (id: string): ConnectionView | undefined => {
    const connection = rows.get('Connection', id)
    if (connection) return connectionToView(connection, context, earlier, now())
    const invitation = rows.get('Invitation', id)
    return invitation && invitationToView(invitation, identity.org, now())
  }
  const viewOf = (id: string): ConnectionView => {
    const found = view(id)
    if (!found) throw new EngineError('NOT_FOUND', 'This connection does not exist. Choose another one.')
    return found
  }
  const endEdit = (row: Row, reason: EndReason): Promise<RowEdit> =>
    signEnd(identity, parseConnectionId(row.id), sideOf(row) ?? 'vendor', reason)

  const setPause = async (id: ConnectionId, on: boolean): Promise<void> => {
    requireAdmin()
    const connection = requireConnection(rows, id)
    if ((typeof valueOf(find(id), 'ownPause') === 'number') === on) return
    const body = await identity.signDecision('pause', { connection: id, on })
    const edits = [
      { object: 'Connection', id, values: { ownPause: on ? now() : null } },
      messageEdit(connection.ownMessages, pauseKey, body),
    ]
    await rows.save(edits, whileConnected(connection))
  }

  const api: ConnectionsApi = {
    list() {
      const views: ConnectionView[] = []
      for (const row of rows.list('Connection').values()) {
        const found = isRemoved(row) ? undefined : connectionToView(row, context, earlier, now())
        if (found) views.push(found)
      }
      for (const row of rows.list('Invitation').values()) {
        if (textOf(row, 'join') !== undefined) continue
        if (textOf(row, 'state') === 'done' || textOf(row, 'connection') || isRemoved(row)) continue
        const found = invitationToView(row, identity.org, now())
        if (found) views.push(found)
      }
      return views
    },
    get: view,
    async invite(base) {
      requireAdmin()
      requireAddress(base)
      await pathToShow(context)
      const secret = toBase64UrlEncoded(random(16))
      const id = mailboxId(secret)
      const expires = now() + limits.invitationMs
      await rows.save([
        { object: 'Invitation', id, values: { side: 'vendor', secret, base, expires, state: 'open', device: identity.device } },
      ])
      return viewOf(id)
    },
    async cancelInvitation(id) {
      requireAdmin()
      const requireCancellable = (from: RowReader): boolean => {
        if (mayBeCancelled(from.get('Invitation', id))) return true
        throw new EngineError('NOT_CONNECTED', 'This invitation is not open any more. If it led to a connection, end the connection.')
      }
      requireCancellable(rows)
      const edits =
        sideOf(rows.get('Invitation', id)) === 'partner'
          ? [{ object: 'Invitation', id, values: { state: 'cancelled' } }]
          : cancelEdits(parseMailboxId(id))
      await rows.save(edits, { holds: requireCancellable })
    },
    read(text) {
      const { vendor, vendorName } = parseLink(text)
      return { vendor, vendorName }
    },
    async accept(text) {
      requireAdmin()
      const { secret, vendor, vendorName } = parseLink(text)
      if (vendor === identity.org.id) throw new EngineError('LINK', 'Your own org made this invitation. Send the link to the partner.')
      const id = mailboxId(secret)
      if (rows.get('Invitation', id)) {
        await rows.save([{ object: 'Invitation', id, values: { removed: null } }])
        return viewOf(id)
      }
      const first = connectionWith(rows, vendor)
      if (first)
        throw new EngineError(
          'CONNECTED',
          'Your org is connected with the org that made this invitation. Go on with that connection, or disconnect it first.',
          [],
          undefined,
          first.id,
        )
      const { exchangeKey, jws, rosters: shown } = await makeReveal(context, id)
      const edits = [
        {
          object: 'Invitation',
          id,
          values: {
            side: 'partner',
            secret,
            vendor,
            ...(vendorName !== undefined && { vendorName }),
            // Nobody answers an invitation that was made longer ago. Offline, the clock may be wrong.
            ...(link.status().state === 'online' && { expires: now() + limits.invitationMs }),
            state: 'open',
            device: identity.device,
            exchangeKey,
            reveal: jws,
            rosters: [...shown],
          },
        },
        { object: 'Message', id: messageRowId(mailboxFeed(id, 'partner'), commitKey), values: { body: commitTo(jws) } },
      ]
      // The first commitment binds (rule CN3): a second click finds the invitation under way.
      await rows.save(edits, { holds: (stored) => stored.get('Invitation', id) === undefined })
      return viewOf(id)
    },
    async compareCodes(id, same) {
      requireAdmin()
      const connection = requireConnection(rows, id)
      const row = find(id)
      if (same) {
        const again = roundOf(row)
        const terms = { connection: id, transcript: textOf(row, 'transcript') ?? '', ...(again > 0 && { again }) }
        const body = await identity.signDecision('verified', terms)
        const values = { verified: 'yes', verifiedBy: context.user.id, ...(valueOf(row, 'paused') === 'before' && { problem: null }) }
        const edits = [
          { object: 'Connection', id, values },
          messageEdit(connection.ownMessages, verifiedKey, body),
          ...(await earlier.decide(connection, row)),
        ]
        const isSameRound = (stored: RowReader): boolean => {
          if (roundOf(stored.get('Connection', id)) === again) return true
          throw new EngineError('NOT_CONNECTED', 'The other org begins the comparison once more. Compare the codes again.')
        }
        await rows.save(edits, whileConnected(connection, { holds: isSameRound }))
        return
      }
      const values = {
        verified: 'mismatch',
        verifiedBy: context.user.id,
        // Whoever had confirmed them may have shared records, which are taken back now: that is for good.
        saysMismatch: valueOf(row, 'verified') === 'no' ? 'slip' : 'final',
        peerVerified: null,
        state: 'Error',
        problem: mismatchProblem,
      }
      await rows.save([await endEdit(row, 'mismatch'), { object: 'Connection', id, values }], whileConnected(connection))
      context.problem('An admin found that the codes of a connection differ. The connection is blocked.', id)
    },
    pause: (id) => setPause(id, true),
    resume: (id) => setPause(id, false),
    async compareAgain(id) {
      requireAdmin()
      const requireOwnMismatch = (from: RowReader): Row | undefined => {
        const row = from.get('Connection', id)
        if (textOf(row, 'state') !== 'Error' || valueOf(row, 'verified') !== 'mismatch')
          throw new EngineError('NOT_CONNECTED', 'Nobody says of this connection that its codes differ. Choose another one.')
        const says = valueOf(row, 'saysMismatch')
        if (says === 'slip') return row
        if (says === 'final')
          throw new EngineError(
            'NOT_ALLOWED',
            'Your org had confirmed these codes before. Disconnect, and connect again with a new invitation.',
          )
        throw new EngineError('NOT_ALLOWED', 'The other org says that the codes differ. Only its admin can take that back.')
      }
      find(id)
      const row = requireOwnMismatch(rows)
      const connection = connectionFacts(row)
      if (!row || !connection) return
      const other = connectionWith(rows, connection.peer, id)
      if (other)
        throw new EngineError('CONNECTED', 'Both orgs have connected again meanwhile. Go on with that connection.', [], undefined, other.id)
      const again = numberOf(row, 'again') + 1
      const peerSays = valueOf(row, 'peerSaysMismatch') === true
      const body = await identity.signDecision('end', { connection: id, reason: 'again', again })
      const values = { again, saysMismatch: null, peerVerified: null, ...(peerSays ? {} : comparedFromStart) }
      const saved = await rows.save([messageEdit(connection.ownMessages, endKey, body), { object: 'Connection', id, values }], {
        holds: (stored) => (valueOf(requireOwnMismatch(stored), 'peerSaysMismatch') === true) === peerSays,
      })
      // The other org said so too, meanwhile.
      if (!saved) await api.compareAgain(id)
    },
    async rename(id, name) {
      requireAdmin()
      const object = viewOf(id) && rows.get('Connection', id) ? 'Connection' : 'Invitation'
      await rows.save([{ object, id, values: { label: name.trim() === '' ? null : checkedName(name, 'The name of a connection') } }])
    },
    async remove(id) {
      requireAdmin()
      const isDead = (): boolean => {
        const { state, code } = viewOf(id)
        return state === 'Disabled' || (state === 'Error' && code === undefined)
      }
      if (!isDead())
        throw new EngineError('NOT_ALLOWED', 'Only what has ended leaves the list. Cancel the invitation, or end the connection, before.')
      await rows.save([{ object: rows.get('Connection', id) ? 'Connection' : 'Invitation', id, values: { removed: true } }])
    },
    async disconnect(id) {
      requireAdmin()
      const row = find(id)
      if (textOf(row, 'state') === 'Disabled') return
      const edits = [
        await endEdit(row, 'disconnected'),
        { object: 'Connection', id, values: { state: 'Disabled', problem: 'Your org ended the connection.' } },
      ]
      await rows.save(edits, { holds: (stored) => textOf(stored.get('Connection', id), 'state') !== 'Disabled' })
    },
  }
  return {
    api,
    reconcilers: [
      handshakeReconciler(leader),
      verificationReconciler(leader),
      pauseReconciler(leader),
      peerPauseReconciler(leader),
      endReconciler(leader),
    ],
  }
}

/** Once the vendor has shown its key, the partner may be connected already: then `disconnect` is what ends it. */
function mayBeCancelled(invitation: Row | undefined): boolean {
  return isOpen(invitation) && textOf(invitation, sideOf(invitation) === 'partner' ? 'connection' : 'reveal') === undefined
}

/** An invitation is a link that a person opens in a browser. */
export function requireAddress(base: string): void {
  if (!/^https?:\/\/[^\s/?#]\S*$/.test(base))
    throw new EngineError(
      'INVALID',
      'The link of an invitation begins with the address of a page, https://… Give that of the page that takes it.',
    )
}

const states: readonly ConnectionState[] = ['Pending', 'Enabled', 'Disabled', 'Error', 'Unknown']

/** Whether a person took it out of the list. */
const isRemoved = (row: Row): boolean => valueOf(row, 'removed') === true

const unheardProblem =
  'The vendor has not answered over this connection, and its invitation is over. If it stays so, disconnect and ask for a new invitation.'

/** Whether the vendor never learned that the invitation led to this connection. */
function isUnheard({ rows, replica }: Pick<EngineContext, 'rows' | 'replica'>, row: Row, now: number): boolean {
  const connection = connectionFacts(row)
  const invitation = rows.get('Invitation', textOf(row, 'salt') ?? '')
  if (!connection?.enabled || connection.side !== 'partner' || !invitation || !isExpired(invitation, now)) return false
  return replica.inbox(connection.peerMessages).size === 0
}

/** Undefined where nothing says any more between whom it is (rule DR4). */
function connectionToView(
  row: Row,
  context: Pick<EngineContext, 'failureOf' | 'rows' | 'replica'>,
  earlier: EarlierRecords,
  now: number,
): ConnectionView | undefined {
  const side = sideOf(row)
  const peer = side && textOf(row, otherSide(side))
  if (!side || peer === undefined) return undefined
  const verified = valueOf(row, 'verified')
  const transcript = textOf(row, 'transcript')
  return {
    id: parseConnectionId(row.id),
    side,
    state: states.find((state) => state === valueOf(row, 'state')) ?? 'Unknown',
    peerName: textOf(row, 'peerName'),
    label: textOf(row, 'label'),
    peer: parseOrgId(peer),
    invitation: undefined,
    code: transcript === undefined ? undefined : codeOf(transcript),
    verified: verified === 'yes' || verified === 'mismatch' ? verified : 'no',
    peerVerified: textOf(row, 'peerVerified') !== undefined,
    mismatchBy: verified !== 'mismatch' ? undefined : textOf(row, 'saysMismatch') === undefined ? 'peer' : 'own',
    comparedAgain: mismatchesTakenBack(row),
    integrationUser: textOf(row, 'integrationUser'),
    why: endOf(row) ?? pauseOf(row),
    earlier: verified === 'yes' ? 0 : earlier.count(row),
    first: textOf(row, 'second') as ConnectionId | undefined,
    problem:
      textOf(row, 'problem') ??
      pausedByPeer(context, row.id) ??
      context.failureOf(row.id) ??
      (isUnheard(context, row, now) ? unheardProblem : undefined),
  }
}

/** Why an invitation led to no connection, in words for a person. */
export const invitationProblems: Readonly<Record<string, string>> = {
  wrong: 'The relay does not know this invitation: it is over, or was never made there.',
  taken: 'Another org has used this invitation.',
  void: 'The invitation was tried with wrong secrets too often and is void.',
  expired: 'The invitation has expired.',
  cancelled: 'The invitation was cancelled.',
}

/** What a person does about an invitation that led to nothing. */
const remedies = { vendor: 'Make a new one.', partner: 'Ask for a new one.' }

/** Undefined where nothing says any more whose it is (rule DR4). */
function invitationToView(row: Row, org: EngineContext['org'], now: number): ConnectionView | undefined {
  const side = sideOf(row)
  const vendorId = side === 'vendor' ? org.id : textOf(row, 'vendor')
  if (!side || vendorId === undefined) return undefined
  const [secret = '', base, kept = 'open'] = ['secret', 'base', 'state'].map((field) => textOf(row, field))
  const expires = valueOf(row, 'expires')
  // A partner that has connected is not shown by its invitation.
  const waits = kept === 'open' || (kept === 'claimed' && side === 'partner')
  const state = valueOf(row, 'cancelled') === true ? 'cancelled' : waits && isExpired(row, now) ? 'expired' : kept
  const isOpen = state === 'open' || state === 'claimed'
  const vendor = parseOrgId(vendorId)
  return {
    id: parseConnectionId(row.id),
    side,
    state: isOpen ? 'Pending' : state === 'cancelled' ? 'Disabled' : 'Error',
    peerName: textOf(row, 'vendorName'),
    label: textOf(row, 'label'),
    peer: side === 'partner' ? vendor : undefined,
    invitation:
      isOpen && base !== undefined
        ? { link: formatLink(base, { secret, vendor, vendorName: org.name }), expires: typeof expires === 'number' ? expires : 0, state }
        : undefined,
    code: undefined,
    verified: 'no',
    peerVerified: false,
    mismatchBy: undefined,
    comparedAgain: 0,
    integrationUser: undefined,
    why: undefined,
    earlier: 0,
    first: undefined,
    problem:
      textOf(row, 'problem') ?? (Object.hasOwn(invitationProblems, state) ? `${invitationProblems[state]} ${remedies[side]}` : undefined),
  }
}
