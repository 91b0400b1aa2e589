import {
  connectionId,
  type ConnectionId,
  type Key,
  type MailboxId,
  otherSide,
  parseConnectionId,
  parseMailboxId,
  parseKey,
  roles,
  type Side,
} from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import type { Reconciler } from '../reconcilers.js'
import { connectionFeed, mailboxFeed, messageRowId } from '../replica/index.js'
import { isOver, sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { isValueMap, type Value } from '../schema/value.js'
import { rosterEdit } from '../identity/rosters.js'
import { integrationUser } from './connection-facts.js'
import { secondProblem, signEnd } from './end-reconciler.js'
import { settleSecond } from './second.js'
import {
  commitTo,
  type Joins,
  jwsOfReveal,
  makeReveal,
  readReveal,
  type Reveal,
  revealBody,
  rosterOf,
  sharedSecret,
  transcriptOf,
} from './reveal.js'

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
  const { rows, replica, identity, rosters, clock } = context
  return {
    name: 'handshake',
    // What is shown in a handshake counts only with the signature of an admin's device.
    subjects: () => (context.user.role === 'admin' ? rows.list('Invitation').values() : []),
    async react(row) {
      const [side, state] = [sideOf(row), textOf(row, 'state')]
      if (!side || (state !== 'open' && state !== 'claimed')) return
      // What was revealed belongs to a secret of the device that began. Two of one org that went on with it would show two keys.
      const device = textOf(row, 'device')
      if (device !== undefined && device !== identity.device) return
      if (side === 'partner') await workAsPartner(row)
      else if (valueOf(row, 'cancelled') === true) await cancel(row)
      // Both devices show the code, and the rest is not the handshake's.
      else if (!['open', undefined].includes(textOf(row, 'join'))) return
      else if (isExpired(row, now()) && said(row, 'partner', revealKey) === undefined) await end(row, 'expired')
      else await workAsVendor(row)
    },
  }

  async function workAsVendor(row: Row): Promise<void> {
    const commit = said(row, 'partner', commitKey)
    if (typeof commit !== 'string') return
    const own = textOf(row, 'reveal')
    if (own === undefined) {
      if (!commitment.test(commit)) return end(row, 'wrong', 'The partner committed to nothing. Make a new invitation.')
      const made = await makeReveal(context, parseMailboxId(row.id), joinsOf(row)).catch((error: unknown) =>
        giveUp(context, row, error, ['SIZE']),
      )
      if (!made) return
      const { exchangeKey, jws: reveal } = made
      const edits = [
        { object: 'Invitation', id: row.id, values: { state: 'claimed', exchangeKey, reveal, peerCommit: commit } },
        say(row, 'vendor', revealKey, revealBody(made)),
      ]
      // The first commitment binds: who made a later one may have seen our reveal. Nothing is shown for an invitation that a person has cancelled meanwhile.
      await rows.save(edits, {
        holds: (stored) => isOpen(stored.get('Invitation', row.id)) && textOf(stored.get('Invitation', row.id), 'reveal') === undefined,
      })
      return
    }
    const message = said(row, 'partner', revealKey)
    const theirs = jwsOfReveal(message)
    if (message === undefined) return
    if (theirs === undefined || commitTo(theirs) !== textOf(row, 'peerCommit'))
      return end(row, 'wrong', 'The partner showed another key than it had committed to. Make a new invitation.')
    const reveal = await readReveal(message, parseMailboxId(row.id), rosters)
    if (!reveal || (reveal.joins === undefined) !== (textOf(row, 'join') === undefined))
      return end(row, 'wrong', 'The answer to the invitation is not signed as it should be. Make a new invitation.')
    if (textOf(row, 'join') !== undefined) return showJoining(row, own, theirs, reveal)
    const edits = await connectionEdits(row, 'vendor', own, theirs, reveal)
    if (!edits) return end(row, 'wrong', weakKey)
    await rows.save([...edits, { object: 'Invitation', id: row.id, values: { state: 'done', exchangeKey: null } }])
  }

  async function workAsPartner(row: Row): Promise<void> {
    const cancelled = said(row, 'vendor', cancelKey)
    if (cancelled !== undefined && !textOf(row, 'connection')) {
      const who = textOf(row, 'join') ? 'admin' : 'vendor'
      if (cancelled === impossible)
        return end(row, 'cancelled', `The invitation cannot be carried out. The ${who} reads the reason beside it.`)
      return end(row, 'cancelled', `The ${who} cancelled the invitation.`)
    }
    const message = said(row, 'vendor', revealKey)
    const own = textOf(row, 'reveal')
    if (!textOf(row, 'connection') && isExpired(row, now())) return end(row, 'expired')
    if (message === undefined || own === undefined) return
    if (!textOf(row, 'connection')) {
      const [reveal, theirs] = [await readReveal(message, parseMailboxId(row.id), rosters), jwsOfReveal(message)]
      if (!reveal || theirs === undefined || reveal.org !== textOf(row, 'vendor'))
        return end(row, 'wrong', 'Another org answered than the one that the invitation names. Ask for a new invitation.')
      if ((reveal.joins === undefined) !== (textOf(row, 'join') === undefined))
        return end(row, 'wrong', 'The link is for something else than what this page does. Ask for a new invitation.')
      if (reveal.joins) {
        if (textOf(row, 'transcript') === undefined) await showJoining(row, theirs, own, reveal)
        return
      }
      const edits = await connectionEdits(row, 'partner', theirs, own, reveal)
      if (!edits) return end(row, 'wrong', weakKey)
      const connection = connectionId(reveal.org, identity.org.id, row.id)
      const more = [
        { object: 'Invitation', id: row.id, values: { connection, exchangeKey: null } },
        say(row, 'partner', revealKey, revealBody({ jws: own, rosters: textsOf(row, 'rosters') })),
      ]
      await rows.save([...edits, ...more], { holds: (stored) => isOpen(stored.get('Invitation', row.id)) })
    } else if (hasAnswered(parseConnectionId(textOf(row, 'connection') ?? '')) || (isRefused(row) && isShown(row))) {
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
    const exchangeKey = textOf(row, 'exchangeKey') ?? ''
    const secret = await sharedSecret(exchangeKey, peer.exchange, id)
    const label = textOf(row, 'label')
    const named = rosterOf(side === 'vendor' ? vendorReveal : partnerReveal)
    const shown = (await rosters.chain(identity.org.id)).find(({ hash }) => hash === named)?.number ?? 0
    if (secret === undefined) return undefined
    const { first, seconds } = settleSecond(rows, peer.org, id)
    const ends: RowEdit[] = first ? [await signEnd(identity, id, side, 'second')] : []
    for (const second of seconds) {
      ends.push(await signEnd(identity, parseConnectionId(second.id), sideOf(second) ?? side, 'second'))
      ends.push({ object: 'Connection', id: second.id, values: { state: 'Disabled', problem: secondProblem, second: id } })
    }
    return [
      // Where a connection stays, its messages bring each roster, and none that removes somebody is left out.
      ...(first ? [] : peer.rosters.map(rosterEdit)),
      ...ends,
      {
        object: 'Connection',
        id,
        values: {
          side,
          vendor,
          partner,
          salt: row.id,
          secret,
          exchangeKey,
          peerExchange: peer.exchange,
          ...(first ? { state: 'Disabled', problem: secondProblem, second: first.id } : { state: 'Enabled' }),
          verified: 'no',
          transcript: transcriptOf(vendorReveal, partnerReveal),
          shownRoster: shown,
          peerName: peer.orgName,
          ...(label !== undefined && { label }),
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

  /** Both devices show the code now. Which device joins follows from its reveal, and so from the code (rule JN2). */
  async function showJoining(row: Row, adminReveal: string, joinerReveal: string, peer: Reveal): Promise<void> {
    if (textOf(row, 'transcript') !== undefined) return
    const isJoiner = sideOf(row) === 'partner'
    const { key, exchange } = peer.device
    const values = {
      join: 'compare',
      transcript: transcriptOf(adminReveal, joinerReveal),
      exchangeKey: null,
      peerName: peer.orgName,
      ...(isJoiner
        ? { joins: { ...(peer.joins ?? { name: '', role: 'member' }) }, peerRosters: peer.rosters.map(({ token }) => token) }
        : { joiner: { key, exchange } }),
    }
    const edits: RowEdit[] = [{ object: 'Invitation', id: row.id, values }]
    if (isJoiner) edits.push(say(row, 'partner', revealKey, revealBody({ jws: joinerReveal, rosters: textsOf(row, 'rosters') })))
    await rows.save(edits, { holds: (stored) => isOpen(stored.get('Invitation', row.id)) })
  }

  /** The vendor leaves the mailbox once the relay has the cancellation for the partner. */
  async function cancel(row: Row): Promise<void> {
    if (replica.acknowledged(mailboxFeed(parseMailboxId(row.id), 'vendor'), cancelKey))
      await rows.save([{ object: 'Invitation', id: row.id, values: { state: 'cancelled' } }])
  }

  /** A connection that was refused as a second one is not answered. */
  function isRefused(row: Row): boolean {
    return isOver(rows.get('Connection', textOf(row, 'connection') ?? ''))
  }

  function isShown(row: Row): boolean {
    return replica.acknowledged(mailboxFeed(parseMailboxId(row.id), 'partner'), revealKey)
  }

  function hasAnswered(connection: ConnectionId): boolean {
    return replica.inbox(connectionFeed(connection, 'vendor', 'messages')).size > 0
  }

  /** Milliseconds since 1970 by the relay's clock, as last heard. */
  function now(): number {
    return clock.now() + context.link.clockOffset
  }

  function say(row: Row, side: Side, key: Key, body: Value): RowEdit {
    return { object: 'Message', id: messageRowId(mailboxFeed(parseMailboxId(row.id), side), key), values: { body } }
  }

  /** The other side's message under a key. */
  function said(row: Row, side: Side, key: Key): Value | undefined {
    if (sideOf(row) !== otherSide(side)) return undefined
    return replica.inbox(mailboxFeed(parseMailboxId(row.id), side)).get(key)?.body
  }

  async function end(row: Row, state: 'wrong' | 'expired' | 'cancelled', problem?: string): Promise<void> {
    await rows.save([{ object: 'Invitation', id: row.id, values: { state, ...(problem && { problem }) } }])
    if (problem) context.problem(problem)
  }
}

/** The body of the message `cancel` where the invitation cannot be carried out, whoever tries. */
const impossible = 'impossible'

/** The vendor's side takes an invitation back. @param problem why, in words for the own side. @param body what it says to the other side */
export function cancelEdits(id: MailboxId, problem?: string, body = 'cancelled'): readonly RowEdit[] {
  return [
    { object: 'Invitation', id, values: { cancelled: true, ...(problem !== undefined && { problem }) } },
    { object: 'Message', id: messageRowId(mailboxFeed(id, 'vendor'), cancelKey), values: { body } },
  ]
}

/** Ends an invitation that no other try would carry out: both sides read so. @param final the codes of errors that stay, whoever tries again; any other error is thrown */
export async function giveUp(
  { rows, problem }: EngineContext,
  row: Row,
  error: unknown,
  final: readonly EngineError['code'][],
): Promise<undefined> {
  if (!(error instanceof EngineError) || !final.includes(error.code)) throw error
  await rows.save(cancelEdits(parseMailboxId(row.id), error.message, impossible), {
    holds: (stored) => isOpen(stored.get('Invitation', row.id)),
  })
  problem(error.message)
}

/** Whether a handshake goes on. */
export function isOpen(invitation: Row | undefined): boolean {
  const state = textOf(invitation, 'state')
  return (state === 'open' || state === 'claimed') && valueOf(invitation, 'cancelled') !== true
}

/** For whom a device joins by an invitation; undefined of one that connects two orgs. */
export function joinsOf(row: Row | undefined): Joins | undefined {
  const joins = valueOf(row, 'joins')
  const [name, role] = isValueMap(joins) ? [joins['name'], roles.find((each) => each === joins['role'])] : []
  return typeof name === 'string' && role ? { name, role } : undefined
}

export function textsOf(row: Row, field: string): readonly string[] {
  const value = valueOf(row, field)
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
