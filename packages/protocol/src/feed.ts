import { ProtocolError } from './error.js'
import { type ConnectionId, type OrgId, parseConnectionId, parseOrgId } from './id.js'

/** The two sides of a connection. */
export const sides = ['vendor', 'partner'] as const
export type Side = (typeof sides)[number]

/** The topics of a connection's feeds: each side has one feed of each. */
export const connectionTopics = ['lead', 'opportunity', 'messages'] as const
export type ConnectionTopic = (typeof connectionTopics)[number]

/** The topics of a connection whose keys hold docs. */
export const objectTopics = ['lead', 'opportunity'] as const satisfies readonly ConnectionTopic[]
export type ObjectTopic = (typeof objectTopics)[number]

/** The topics of an org's own feeds. */
export const teamTopics = ['rows', 'messages'] as const
export type TeamTopic = (typeof teamTopics)[number]

/** The parts of a feed's name: a connection's feed, or an org's own. */
export type Feed =
  | { readonly kind: 'connection'; readonly connection: ConnectionId; readonly side: Side; readonly topic: ConnectionTopic }
  | { readonly kind: 'team'; readonly org: OrgId; readonly topic: TeamTopic }

declare const brand: unique symbol
/** A feed's name: `<connection>/<side>/<topic>` or `<org>/team/<topic>` (rule F1). Only `feedName` and `parseFeedName` make one. */
export type FeedName = string & { readonly [brand]: 'FeedName' }

/** Joins the parts of a feed's name. */
export function feedName(feed: Feed): FeedName {
  const name = feed.kind === 'team' ? `${feed.org}/team/${feed.topic}` : `${feed.connection}/${feed.side}/${feed.topic}`
  return name as FeedName
}

/**
 * Splits a feed's name into its parts.
 *
 * @throws ProtocolError FEED for a text of another form, FRAME for a malformed id in it
 */
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
  throw new ProtocolError('FEED', 'A feed’s name is neither connection/side/topic nor org/team/topic.')
}

/** Validates a feed's name. @throws ProtocolError as `parseFeed` does */
export function parseFeedName(name: string): FeedName {
  return feedName(parseFeed(name))
}

/** The peer's side. */
export function otherSide(side: Side): Side {
  return side === 'vendor' ? 'partner' : 'vendor'
}

/** The two feeds of a connection, or of the mailbox of that id, that hold messages and control entries: the vendor's, then the partner's. */
export function messageFeedsOf(connection: ConnectionId): readonly FeedName[] {
  return sides.map((side) => feedName({ kind: 'connection', connection, side, topic: 'messages' }))
}

/** The four feeds of a connection that hold docs: leads and opportunities of either side. */
export function docFeedsOf(connection: ConnectionId): readonly FeedName[] {
  return sides.flatMap((side) => objectTopics.map((topic) => feedName({ kind: 'connection', connection, side, topic })))
}

/** The feeds whose policies govern a feed (rules PO2, PO5): both messages feeds of its connection, or none for a team's feed. */
export function policyFeedsOf(name: FeedName): readonly FeedName[] {
  const feed = parseFeed(name)
  return feed.kind === 'connection' ? messageFeedsOf(feed.connection) : []
}

/** The feeds of docs that a policy in this feed governs, the opposite of `policyFeedsOf`; none where the feed holds no policies. */
export function docFeedsGovernedBy(name: FeedName): readonly FeedName[] {
  const feed = parseFeed(name)
  return feed.kind === 'connection' && feed.topic === 'messages' ? docFeedsOf(feed.connection) : []
}

/** The feed that holds the revocations of an org's devices: the messages of its own team (rule PO7). */
export function revocationFeedOf(org: OrgId): FeedName {
  return feedName({ kind: 'team', org, topic: 'messages' })
}

/** The org whose revocations a feed holds, the opposite of `revocationFeedOf`; undefined for every other feed. */
export function orgOfRevocationFeed(name: FeedName): OrgId | undefined {
  const feed = parseFeed(name)
  return feed.kind === 'team' && feed.topic === 'messages' ? feed.org : undefined
}
