import { connectionId, type FeedName, otherSide, parseConnectionId, parseKey, type Side } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Duty } from '../link/index.js'
import { connectionFeed, messageRowId } from '../replica/index.js'
import { sideOf, textOf } from '../replica/meaning.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { integrationUser } from './integration-user.js'
import { commitTo, makeReveal, readReveal, type Reveal, sharedSecret, shortCode } from './reveal.js'

export const commitKey = parseKey('commit')
export const revealKey = parseKey('reveal')

/**
 * Carries the handshake in the mailbox of each open invitation: the partner has committed, the vendor reveals, the partner reveals, both have a
 * connection (rules CN2 to CN6). Each step is one save, found by looking at what is there, so it goes on after a crash wherever it stood.
 */
export function handshakeDuty(context: EngineContext): Duty {
  const { rows, replica, identity, clock, random } = context
  return {
    name: 'handshake',
    async react() {
      for (const row of rows.list('Invitation').values()) {
        const [side, state] = [sideOf(row), textOf(row, 'state')]
        if (!side || (state !== 'open' && state !== 'claimed')) continue
        const expires = valueOf(row, 'expires')
        if (state === 'open' && typeof expires === 'number' && clock.now() > expires) await end(row, 'expired')
        else if (side === 'vendor') await workAsVendor(row)
        else await workAsPartner(row)
      }
    },
  }

  async function workAsVendor(row: Row): Promise<void> {
    const commit = said(row, 'partner', commitKey)
    if (commit === undefined) return
    const own = textOf(row, 'reveal')
    if (own === undefined) {
      const { exchangeKey, jws } = await makeReveal(identity, parseConnectionId(row.id), random)
      // The first commitment binds: one that comes later would have seen our reveal.
      await rows.save([
        { object: 'Invitation', id: row.id, values: { state: 'claimed', exchangeKey, reveal: jws, peerCommit: commit } },
        say(row, 'vendor', revealKey, jws),
      ])
      return
    }
    const theirs = said(row, 'partner', revealKey)
    if (theirs === undefined) return
    if (commitTo(theirs) !== textOf(row, 'peerCommit')) return end(row, 'wrong', 'The partner showed another key than it had committed to.')
    const reveal = await readReveal(theirs, parseConnectionId(row.id))
    if (!reveal) return end(row, 'wrong', 'What the partner showed is not signed by its org.')
    await rows.save([
      ...(await connectionEdits(row, 'vendor', own, theirs, reveal)),
      { object: 'Invitation', id: row.id, values: { state: 'done' } },
    ])
  }

  async function workAsPartner(row: Row): Promise<void> {
    const theirs = said(row, 'vendor', revealKey)
    const own = textOf(row, 'reveal')
    if (theirs === undefined || own === undefined) return
    if (!textOf(row, 'connection')) {
      const reveal = await readReveal(theirs, parseConnectionId(row.id))
      if (!reveal || reveal.org !== textOf(row, 'vendor'))
        return end(row, 'wrong', 'Who answered is not the org that the invitation names.')
      await rows.save([
        ...(await connectionEdits(row, 'partner', theirs, own, reveal)),
        { object: 'Invitation', id: row.id, values: { connection: connectionId(reveal.org, identity.org.id, row.id) } },
        say(row, 'partner', revealKey, own),
      ])
    } else if (replica.acknowledged(mailboxFeed(row, 'partner'), revealKey)) {
      // The mailbox is left only when the vendor can read the reveal there.
      await rows.save([{ object: 'Invitation', id: row.id, values: { state: 'done' } }])
    }
  }

  async function connectionEdits(
    row: Row,
    side: Side,
    vendorReveal: string,
    partnerReveal: string,
    peer: Reveal,
  ): Promise<readonly RowEdit[]> {
    const [vendor, partner] = side === 'vendor' ? [identity.org.id, peer.org] : [peer.org, identity.org.id]
    const id = connectionId(vendor, partner, row.id)
    return [
      {
        object: 'Connection',
        id,
        values: {
          side,
          vendor,
          partner,
          salt: row.id,
          secret: sharedSecret(textOf(row, 'exchangeKey') ?? '', peer.exchange, id),
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

  function mailboxFeed(row: Row, side: Side): FeedName {
    return connectionFeed(parseConnectionId(row.id), side, 'messages')
  }

  function say(row: Row, side: Side, key: typeof commitKey, body: string): RowEdit {
    return { object: 'Message', id: messageRowId(mailboxFeed(row, side), key), values: { body } }
  }

  /** What the other side said under a key. */
  function said(row: Row, side: Side, key: typeof commitKey): string | undefined {
    if (sideOf(row) !== otherSide(side)) return undefined
    const body = replica.inbox(mailboxFeed(row, side)).get(key)?.body
    return typeof body === 'string' ? body : undefined
  }

  async function end(row: Row, state: 'wrong' | 'expired', problem?: string): Promise<void> {
    await rows.save([{ object: 'Invitation', id: row.id, values: { state, ...(problem && { problem }) } }])
    if (problem) context.problem(problem)
  }
}
