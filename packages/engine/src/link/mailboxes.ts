import { type ClientMessage, parseMailboxId } from '@entente/protocol'
import { sideOf, textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import { claimHash, mailboxClaim } from '../seal/keys.js'

/**
 * The requests that the org's invitations make to the relay: the vendor leaves the claim's hash, the partner shows the claim (rules MB1, MB2). Each session
 * repeats them. A repeated request changes nothing, and a relay that lost its disk needs it.
 *
 * @returns messages, each with a name; a session says each name once
 */
export function mailboxRequests(rows: Rows): readonly (readonly [name: string, message: ClientMessage])[] {
  const requests: (readonly [string, ClientMessage])[] = []
  for (const row of rows.list('Invitation').values()) {
    const [side, secret, state] = [sideOf(row), textOf(row, 'secret'), textOf(row, 'state')]
    if (!side || !secret || (state !== 'open' && state !== 'claimed')) continue
    const mailbox = parseMailboxId(row.id)
    const claim = mailboxClaim(secret)
    if (side === 'partner') requests.push([`claim ${row.id}`, { type: 'claim', mailbox, claim }])
    else {
      const expires = valueOf(row, 'expires')
      if (typeof expires === 'number')
        requests.push([`invite ${row.id}`, { type: 'invite', mailbox, claimHash: claimHash(claim), expires }])
    }
  }
  return requests
}
