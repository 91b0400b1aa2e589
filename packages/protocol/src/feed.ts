import { ProtocolError } from './error.js'
import { type ConnectionId, type OrgId, parseConnectionId, parseOrgId } from './id.js'

export const sides = ['vendor', 'partner'] as const
export type Side = (typeof sides)[number]

export const connectionTopics = ['lead', 'opportunity', 'messages'] as const
export type ConnectionTopic = (typeof connectionTopics)[number]

/** Topics whose keys hold docs of agreed slots. */
export type ObjectTopic = Exclude<ConnectionTopic, 'messages'>

export const teamTopics = ['rows', 'messages'] as const
export type TeamTopic = (typeof teamTopics)[number]

/** A feed in its parts: a connection's, or an org's own. */
export type Feed =
  | { readonly kind: 'connection'; readonly connection: ConnectionId; readonly side: Side; readonly topic: ConnectionTopic }
  | { readonly kind: 'team'; readonly org: OrgId; readonly topic: TeamTopic }

declare const brand: unique symbol
/** A feed as one text: `<connection>/<side>/<topic>` or `<org>/team/<topic>`. */
export type FeedName = string & { readonly [brand]: 'FeedName' }

export function feedName(feed: Feed): FeedName {
  const name = feed.kind === 'team' ? `${feed.org}/team/${feed.topic}` : `${feed.connection}/${feed.side}/${feed.topic}`
  return name as FeedName
}

/** @throws ProtocolError FEED for a text that names no feed. */
export function parseFeed(name: string): Feed {
  const [owner = '', middle = '', topic = '', ...rest] = name.split('/')
  if (rest.length === 0) {
    const teamTopic = teamTopics.find((known) => known === topic)
    if (middle === 'team' && teamTopic) return { kind: 'team', org: parseOrgId(owner), topic: teamTopic }
    const side = sides.find((known) => known === middle)
    const connectionTopic = connectionTopics.find((known) => known === topic)
    if (side && connectionTopic) {
      return { kind: 'connection', connection: parseConnectionId(owner), side, topic: connectionTopic }
    }
  }
  throw new ProtocolError('FEED', 'A text names no feed: it is neither connection/side/topic nor org/team/topic.')
}

export function parseFeedName(name: string): FeedName {
  return feedName(parseFeed(name))
}

export function otherSide(side: Side): Side {
  return side === 'vendor' ? 'partner' : 'vendor'
}
