import { ProtocolError } from './error.js'
import { type ConnectionId, type MailboxId, type OrgId, parseConnectionId, parseMailboxId, parseOrgId } from './id.js'

/** The two sides of a connection. */
export const sides = ['vendor', 'partner'] as const
export type Side = (typeof sides)[number]

/** The topic that holds messages and control entries. Every other topic of a connection or a team holds docs (rule F5). */
export const messagesTopic = 'messages'

const topicForm = /^[a-z][a-z0-9-]{0,23}$/

/** The parts of a feed's name: a connection's feed, an org's own, or one of the two of an invitation's mailbox. */
export type Feed =
  | { readonly kind: 'connection'; readonly connection: ConnectionId; readonly side: Side; readonly topic: string }
  | { readonly kind: 'team'; readonly org: OrgId; readonly topic: string }
  | { readonly kind: 'mailbox'; readonly mailbox: MailboxId; readonly side: Side }

declare const brand: unique symbol
/**
 * A feed's name: `<connection>/<side>/<topic>`, `<org>/team/<topic>` or `mailbox/<id>/<side>` (rule F1). Only `feedName` and `parseFeedName` make one.
 */
export type FeedName = string & { readonly [brand]: 'FeedName' }

/** Joins the parts of a feed's name. @throws ProtocolError FEED for a topic of another form than rule F5 gives */
export function feedName(feed: Feed): FeedName {
  if (feed.kind === 'mailbox') return `mailbox/${feed.mailbox}/${feed.side}` as FeedName
  if (!isTopic(feed.topic)) throw noFeedName()
  const name = feed.kind === 'team' ? `${feed.org}/team/${feed.topic}` : `${feed.connection}/${feed.side}/${feed.topic}`
  return name as FeedName
}

/** Whether a text is the name of a topic (rule F5). */
export function isTopic(name: string): boolean {
  return topicForm.test(name)
}

/**
 * Splits a feed's name into its parts.
 *
 * @throws ProtocolError FEED for a text of another form, FRAME for a malformed id in it
 */
export function parseFeed(name: string): Feed {
  const [first = '', second = '', third = '', ...rest] = name.split('/')
  if (rest.length > 0) throw noFeedName()
  if (first === 'mailbox') return { kind: 'mailbox', mailbox: parseMailboxId(second), side: parseSide(third) }
  if (!isTopic(third)) throw noFeedName()
  if (second === 'team') return { kind: 'team', org: parseOrgId(first), topic: third }
  return { kind: 'connection', connection: parseConnectionId(first), side: parseSide(second), topic: third }
}

/** Validates a feed's name. @throws ProtocolError as `parseFeed` does */
export function parseFeedName(name: string): FeedName {
  return feedName(parseFeed(name))
}

/** The peer's side. */
export function otherSide(side: Side): Side {
  return side === 'vendor' ? 'partner' : 'vendor'
}

/** The two feeds of a connection that hold messages and control entries: the vendor's, then the partner's. */
export function messageFeedsOf(connection: ConnectionId): readonly FeedName[] {
  return sides.map((side) => feedName({ kind: 'connection', connection, side, topic: messagesTopic }))
}

/** The two feeds of an invitation's mailbox: the vendor's, then the partner's. */
export function mailboxFeedsOf(mailbox: MailboxId): readonly FeedName[] {
  return sides.map((side) => feedName({ kind: 'mailbox', mailbox, side }))
}

/** The feeds whose policies govern a feed (rules PO2, PO5): both messages feeds of its connection, or none for a team's or a mailbox's feed. */
export function policyFeedsOf(name: FeedName): readonly FeedName[] {
  const feed = parseFeed(name)
  return feed.kind === 'connection' ? messageFeedsOf(feed.connection) : []
}

/** The connection whose docs a policy in this feed governs, the opposite of `policyFeedsOf`; undefined where the feed holds no policies. */
export function connectionGovernedBy(name: FeedName): ConnectionId | undefined {
  const feed = parseFeed(name)
  return feed.kind === 'connection' && feed.topic === messagesTopic ? feed.connection : undefined
}

/** Whether a feed holds messages, rather than docs. */
export function holdsMessages(feed: Feed): boolean {
  return feed.kind === 'mailbox' || feed.topic === messagesTopic
}

/** The connection whose docs a feed holds; undefined where it holds messages, or is a team's. */
export function connectionOfDocs(feed: Feed): ConnectionId | undefined {
  return feed.kind === 'connection' && feed.topic !== messagesTopic ? feed.connection : undefined
}

/** The feed in which an org publishes its rosters first: the messages of its own team (rule RO5). */
export function rosterFeedOf(org: OrgId): FeedName {
  return feedName({ kind: 'team', org, topic: messagesTopic })
}

/** The org that publishes its rosters first in this feed, the opposite of `rosterFeedOf`; undefined for every other feed. */
export function orgOfRosterFeed(name: FeedName): OrgId | undefined {
  const feed = parseFeed(name)
  return feed.kind === 'team' && feed.topic === messagesTopic ? feed.org : undefined
}

function parseSide(text: string): Side {
  const side = sides.find((known) => known === text)
  if (!side) throw noFeedName()
  return side
}

function noFeedName(): ProtocolError {
  return new ProtocolError('FEED', 'A feed’s name is neither connection/side/topic nor org/team/topic nor mailbox/id/side.')
}
