import {
  type ConnectionId,
  connectionTopics,
  type FeedName,
  type OrgId,
  otherSide,
  parseConnectionId,
  parseOrgId,
  sides,
} from '@entente/protocol'
import type { Row } from '../row/row.js'
import { connectionFeed, sideOf, teamFeed, textOf } from './feed-role.js'

/** What this org says of a connection so that the relay knows its parties. */
export interface Parties {
  readonly connection: ConnectionId
  readonly vendor: OrgId
  readonly partner: OrgId
  readonly salt: string
}

export interface Followed {
  readonly feeds: readonly FeedName[]
  readonly parties: readonly Parties[]
}

/** Which feeds this org reads, or still has something to say in (rules of carriage; pure over rows). */
export function followedFeeds(options: {
  readonly org: OrgId
  readonly team: boolean
  readonly connections: Iterable<Row>
  readonly invitations: Iterable<Row>
  /** Whether something waits to be said in an own feed, or may turn out to when the feed has been read to its end. */
  readonly isOpen: (feed: FeedName) => boolean
}): Followed {
  const feeds: FeedName[] = []
  const parties: Parties[] = []
  if (options.team) feeds.push(teamFeed(options.org, 'rows'), teamFeed(options.org, 'messages'))
  for (const row of options.connections) {
    const side = sideOf(row)
    const [state, vendor, partner, salt] = ['state', 'vendor', 'partner', 'salt'].map((field) => textOf(row, field))
    if (!side || !vendor || !partner || !salt || !textOf(row, 'secret')) continue
    const connection = parseConnectionId(row.id)
    const own = connectionTopics.map((topic) => connectionFeed(connection, side, topic))
    const peer = connectionTopics.map((topic) => connectionFeed(connection, otherSide(side), topic))
    const said = connectionFeed(connection, side, 'messages')
    // An ended connection is followed for as long as it takes to erase what stands at the relay, and to say that it ended. What was said stays in sight
    // for good: a relay that has lost it is told again (rule IN3).
    feeds.push(...(state === 'Enabled' || state === 'Pending' ? [...own, ...peer] : own.some(options.isOpen) ? own : [said]))
    parties.push({ connection, vendor: parseOrgId(vendor), partner: parseOrgId(partner), salt })
  }
  for (const row of options.invitations) {
    const state = textOf(row, 'state')
    if (sideOf(row) && (state === 'open' || state === 'claimed')) {
      for (const each of sides) feeds.push(connectionFeed(parseConnectionId(row.id), each, 'messages'))
    }
  }
  return { feeds, parties }
}
