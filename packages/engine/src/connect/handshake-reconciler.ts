import {
  connectionId,
  type ConnectionId,
  type Key,
  otherSide,
  parseConnectionId,
  parseMailboxId,
  parseKey,
  type Side,
} from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { connectionFeed, mailboxFeed, messageRowId } from '../replica/index.js'
import { sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { integrationUser } from './connection-facts.js'
import { commitTo, makeReveal, readReveal, type Reveal, sharedSecret, shortCode } from './reveal.js'

export const commitKey = parseKey('commit')
export const revealKey = parseKey('reveal')
export const cancelKey = parseKey('cancel')

const weakKey = 'The other org showed a key that protects nothing. Connect again with a new invitation.'

/** A SHA-256 in base64url. Anything else, of whatever length, is kept nowhere. */
const commitment = /^[A-Za-z0-9_-]{43}$/

/** Whether an invitation's time is over. @param now milliseconds since 1970 */
export function isExpired(row: Row, now: number): boolean {
  const expires = valueOf(row, 'expires')
  return typeof expires === 'number' && now > expires
}

/**
 * Works the handshake in the mailbox of each open invitation: the partner commits, the vendor reveals, the partner reveals, both have a connection (rules
 * CN2 to CN6). The rows and the inbox decide the next step, and each step is one save, so it goes on after a crash.
 */
export function handshakeReconciler(context: EngineContext): Reconciler<Row> {
  const { rows, replica, identity, clock, random } = context
  return {
    name: 'handshake',
    subjects: () => rows.list('Invitation').values(),
    async react(row) {
      const [side, state] = [sideOf(row), textOf(row, 'state')]
      if (!side || (state !== 'open' && state !== 'claimed')) return
      if (side === 'partner') await workAsPartner(row)
      else if (valueOf(row, 'cancelled') === true) await cancel(row)
      else if (isExpired(row, now()) && said(row, 'partner', revealKey) === undefined) await end(row, 'expired')
      else await workAsVendor(row)
    },
  }

  async function workAsVendor(row: Row): Promise<void> {
    const commit = said(row, 'partner', commitKey)
    if (commit === undefined) return
    const own = textOf(row, 'reveal')
    if (own === undefined) {
      if (!commitment.test(commit)) return end(row, 'wrong', 'The partner committed to nothing. Make a new invitation.')
      const { exchangeKey, jws } = await makeReveal(identity, parseMailboxId(row.id), random)
      // The first commitment binds: who made a later one may have seen our reveal.
      await rows.save([
        { object: 'Invitation', id: row.id, values: { state: 'claimed', exchangeKey, reveal: jws, peerCommit: commit } },
        say(row, 'vendor', revealKey, jws),
      ])
      return
    }
    const theirs = said(row, 'partner', revealKey)
    if (theirs === undefined) return
    if (commitTo(theirs) !== textOf(row, 'peerCommit'))
      return end(row, 'wrong', 'The partner showed another key than it had committed to. Make a new invitation.')
    const reveal = await readReveal(theirs, parseMailboxId(row.id))
    if (!reveal) return end(row, 'wrong', 'The partner’s answer is not signed by its org. Make a new invitation.')
    const edits = await connectionEdits(row, 'vendor', own, theirs, reveal)
    if (!edits) return end(row, 'wrong', weakKey)
    await rows.save([...edits, { object: 'Invitation', id: row.id, values: { state: 'done', exchangeKey: null } }])
  }

  async function workAsPartner(row: Row): Promise<void> {
    if (said(row, 'vendor', cancelKey) !== undefined && !textOf(row, 'connection'))
      return end(row, 'cancelled', 'The vendor cancelled the invitation.')
    const theirs = said(row, 'vendor', revealKey)
    const own = textOf(row, 'reveal')
    if (theirs === undefined || own === undefined) return
    if (!textOf(row, 'connection')) {
      const reveal = await readReveal(theirs, parseMailboxId(row.id))
      if (!reveal || reveal.org !== textOf(row, 'vendor'))
        return end(row, 'wrong', 'Another org answered than the one that the invitation names. Ask for a new invitation.')
      const edits = await connectionEdits(row, 'partner', theirs, own, reveal)
      if (!edits) return end(row, 'wrong', weakKey)
      const connection = connectionId(reveal.org, identity.org.id, row.id)
      await rows.save([
        ...edits,
        { object: 'Invitation', id: row.id, values: { connection, exchangeKey: null } },
        say(row, 'partner', revealKey, own),
      ])
    } else if (hasAnswered(parseConnectionId(textOf(row, 'connection') ?? ''))) {
      // The partner leaves the mailbox once the vendor speaks over the connection. Until then a relay that lost its disk gets the reveal again.
      await rows.save([{ object: 'Invitation', id: row.id, values: { state: 'done' } }])
    }
  }

  async function connectionEdits(
    row: Row,
    side: Side,
    vendorReveal: string,
    partnerReveal: string,
    peer: Reveal,
  ): Promise<readonly RowEdit[] | undefined> {
    const [vendor, partner] = side === 'vendor' ? [identity.org.id, peer.org] : [peer.org, identity.org.id]
    const id = connectionId(vendor, partner, row.id)
    const secret = sharedSecret(textOf(row, 'exchangeKey') ?? '', peer.exchange, id)
    if (secret === undefined) return undefined
    return [
      {
        object: 'Connection',
        id,
        values: {
          side,
          vendor,
          partner,
          salt: row.id,
          secret,
          state: 'Enabled',
          verified: 'no',
          code: shortCode(vendorReveal, partnerReveal),
          peerName: peer.orgName,
          peerDevices: [peer.certificate],
          integrationUser: integrationUser(id),
        },
      },
      {
        object: 'User',
        id: integrationUser(id),
        values: {
          name: `Integration with ${peer.orgName}`,
          role: 'integration',
          credential: await identity.signDecision('integration', { connection: id, sub: integrationUser(id), scope: `${id}/${side}` }),
        },
      },
    ]
  }

  /** The vendor leaves the mailbox once the relay has the cancellation for the partner. */
  async function cancel(row: Row): Promise<void> {
    if (replica.acknowledged(mailboxFeed(parseMailboxId(row.id), 'vendor'), cancelKey))
      await rows.save([{ object: 'Invitation', id: row.id, values: { state: 'cancelled' } }])
  }

  function hasAnswered(connection: ConnectionId): boolean {
    return replica.inbox(connectionFeed(connection, 'vendor', 'messages')).size > 0
  }

  /** Milliseconds since 1970 by the relay's clock, as last heard. */
  function now(): number {
    return clock.now() + context.link.status().clockOffset
  }

  function say(row: Row, side: Side, key: Key, body: string): RowEdit {
    return { object: 'Message', id: messageRowId(mailboxFeed(parseMailboxId(row.id), side), key), values: { body } }
  }

  /** The other side's message under a key. */
  function said(row: Row, side: Side, key: Key): string | undefined {
    if (sideOf(row) !== otherSide(side)) return undefined
    const body = replica.inbox(mailboxFeed(parseMailboxId(row.id), side)).get(key)?.body
    return typeof body === 'string' ? body : undefined
  }

  async function end(row: Row, state: 'wrong' | 'expired' | 'cancelled', problem?: string): Promise<void> {
    await rows.save([{ object: 'Invitation', id: row.id, values: { state, ...(problem && { problem }) } }])
    if (problem) context.problem(problem)
  }
}
