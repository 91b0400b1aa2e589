import { type FeedName, otherSide, parseConnectionId, parseOrgId, rosterFeedOf, rosterKey, rosterNumber } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { connectionFeed, messageRowId } from '../replica/index.js'
import { sideOf, textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { readRoster } from '../identity/roster.js'
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
      await publish(connectionFeed(connection, side, 'messages'))
      const peer = textOf(row, otherSide(side))
      if (peer !== undefined) await hear(connectionFeed(connection, otherSide(side), 'messages'), peer)
    },
  }

  async function publish(feed: FeedName): Promise<void> {
    await context.identity.catchUp()
    const edits: RowEdit[] = []
    for (const { number, token } of await rosters.chain(org.id)) {
      const id = messageRowId(feed, rosterKey(number))
      if (valueOf(rows.get('ControlEntry', id), 'body') !== token) edits.push({ object: 'ControlEntry', id, values: { body: token } })
    }
    if (edits.length > 0) await rows.save(edits)
  }

  async function hear(feed: FeedName, peer: string): Promise<void> {
    const found: { readonly number: number; readonly token: string }[] = []
    for (const [key, { body }] of replica.inbox(feed)) {
      const number = key.startsWith('roster.') ? rosterNumber(key) : undefined
      if (number !== undefined && typeof body === 'string') found.push({ number, token: body })
    }
    const org = parseOrgId(peer)
    for (const { number, token } of found.sort((a, b) => a.number - b.number)) {
      const before = await rosters.highest(org)
      if (number <= (before?.number ?? 0)) continue
      const roster = await readRoster(token, org, before)
      if (roster?.number === number) await rows.save([rosterEdit(roster)])
    }
  }
}
