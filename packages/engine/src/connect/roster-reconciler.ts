import {
  type FeedName,
  type OrgId,
  otherSide,
  parseConnectionId,
  parseOrgId,
  rosterFeedOf,
  rosterKey,
  rosterNumber,
} from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { connectionFeed, messageRowId } from '../replica/index.js'
import { numberOf, sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { pathOf, readRoster } from '../identity/roster.js'
import { rosterEdit } from '../identity/rosters.js'

/**
 * Publishes the own org's rosters in its team's messages and in those of every connection, and takes in those of its peers (rules RO3, RO5). A peer's roster
 * becomes a row only if it follows the highest one known.
 */
export function rosterReconciler(context: EngineContext): Reconciler {
  const { rows, replica, rosters, org } = context
  return {
    name: 'rosters',
    subjects: () => [{ id: org.id }, ...rows.list('Connection').values()],
    async react({ id }) {
      if (id === org.id) return publish(rosterFeedOf(org.id))
      const row = rows.get('Connection', id)
      const [side, state] = [sideOf(row), textOf(row, 'state')]
      if (!side || (state !== 'Enabled' && state !== 'Error')) return
      const connection = parseConnectionId(id)
      await publish(connectionFeed(connection, side, 'messages'), numberOf(row, 'shownRoster'))
      const peer = textOf(row, otherSide(side))
      if (peer !== undefined) await hear(connectionFeed(connection, otherSide(side), 'messages'), peer)
      await compareAnew(id, 'recovered', org.id)
      if (peer !== undefined) await compareAnew(id, 'peerRecovered', parseOrgId(peer))
    },
  }

  /** After an org has come back by its recovery kit, both compare the codes once more: whoever has stolen a kit is another org than the one on the phone (rule CN13). */
  async function compareAnew(connection: string, register: 'recovered' | 'peerRecovered', of: OrgId): Promise<void> {
    const { number = 1, time = 0 } = (await rosters.chain(of))[0] ?? {}
    const isKnown = (row: Row | undefined): boolean => number === 1 || numberOf(row, register) >= number
    const row = rows.get('Connection', connection)
    if (isKnown(row)) return
    const values = { [register]: number, ...(valueOf(row, 'verified') === 'yes' && { verified: 'no' }), peerVerified: null }
    // Each device works it out by itself, under one stamp (rule DR3).
    const follows = [Math.min(Math.max(0, time), 2 ** 45), 0, 0] as const
    const saved = await rows.save([{ object: 'Connection', id: connection, values, follows }], {
      holds: (stored) => !isKnown(stored.get('Connection', connection)),
    })
    if (!saved) return
    const who = of === org.id ? 'Your org' : (textOf(row, 'peerName') ?? 'The other org')
    context.problem(
      `${who} has come back by its recovery kit. Compare the codes once more before anything is exchanged.`,
      parseConnectionId(connection),
    )
  }

  /** @param shown the number of the roster that the peer was shown in the handshake: the path to that one and all later ones prove the highest to it */
  async function publish(feed: FeedName, shown = 0): Promise<void> {
    await context.identity.catchUp()
    const edits: RowEdit[] = []
    const chain = await rosters.chain(org.id)
    const [first] = chain
    const path = pathOf(chain.filter(({ number }) => number <= shown))
    for (const { number, token } of await rosters.history(org.id)) {
      const id = messageRowId(feed, rosterKey(number))
      const said = rows.get('ControlEntry', id)
      // Of those before the last one of the root key a reader needs none. What was said of them is what counts all the same, so that no other waits for ever (rule RO5).
      if (!said && number < (first?.number ?? 0)) continue
      if (!said && number < shown && !path.some((each) => each.number === number)) continue
      if (valueOf(said, 'body') !== token) edits.push({ object: 'ControlEntry', id, values: { body: token } })
    }
    if (edits.length > 0) await rows.save(edits)
  }

  async function hear(feed: FeedName, peer: string): Promise<void> {
    const found: { readonly number: number; readonly token: string }[] = []
    for (const [key, message] of replica.inbox(feed, 'roster')) {
      const number = rosterNumber(key)
      if (number !== undefined && typeof message.body === 'string') found.push({ number, token: message.body })
    }
    const org = parseOrgId(peer)
    // Whoever has lost all that it knew of the peer begins with the path again.
    const isPath = (await rosters.highest(org)) === undefined
    for (const { number, token } of found.sort((a, b) => a.number - b.number)) {
      const before = await rosters.highest(org)
      if (number <= (before?.number ?? 0)) continue
      const roster = await readRoster(token, org, before, isPath)
      if (roster?.number === number) await rows.save([rosterEdit(roster)])
    }
  }
}
