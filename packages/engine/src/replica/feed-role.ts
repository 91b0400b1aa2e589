import {
  type ConnectionId,
  type FeedName,
  feedName,
  type Key,
  type MailboxId,
  messagesTopic,
  type OrgId,
  parseFeed,
  parseKey,
  type Side,
  sides,
} from '@entente/protocol'
import { type Row, valueOf } from '../row/row.js'
import { isValueMap } from '../schema/value.js'
import type { RowsView } from './rows-view.js'

/** The objects whose docs travel between orgs, by topic. */
export const objectByTopic = { lead: 'Lead', opportunity: 'Opportunity' } as const
export type ObjectTopic = keyof typeof objectByTopic
export const topicByObject: Readonly<Record<string, ObjectTopic>> = { Lead: 'lead', Opportunity: 'opportunity' }

/** The topics of a connection that this org uses: each side has one feed of each. */
export const connectionTopics = ['lead', 'opportunity', 'messages'] as const
export type ConnectionTopic = (typeof connectionTopics)[number]

/** The topics of the own team that this org uses. */
export const teamTopics = ['rows', 'messages'] as const
export type TeamTopic = (typeof teamTopics)[number]

/** What a feed is to this org. */
export type FeedRole =
  | { readonly kind: 'team'; readonly topic: TeamTopic; readonly own: true }
  | {
      readonly kind: 'connection'
      readonly connection: ConnectionId
      readonly side: Side
      readonly topic: ConnectionTopic
      readonly own: boolean
    }
  | { readonly kind: 'mailbox'; readonly mailbox: MailboxId; readonly side: Side; readonly own: boolean }

/** Asked for each record. A device knows few feeds. */
const parsedFeeds = new Map<FeedName, ReturnType<typeof parseFeed>>()

/** The role of a feed; undefined where no row ties it to this org, or its topic is none that this org uses. */
export function feedRoleOf(feed: FeedName, org: OrgId, rows: RowsView): FeedRole | undefined {
  let parsed = parsedFeeds.get(feed)
  if (!parsed) parsedFeeds.set(feed, (parsed = parseFeed(feed)))
  if (parsed.kind === 'team') {
    const topic = teamTopics.find((known) => known === parsed.topic)
    return topic && parsed.org === org ? { kind: 'team', topic, own: true } : undefined
  }
  const { side } = parsed
  if (parsed.kind === 'mailbox') {
    const inviting = sideOf(rows.get('Invitation', parsed.mailbox))
    return inviting && { kind: 'mailbox', mailbox: parsed.mailbox, side, own: side === inviting }
  }
  const { connection } = parsed
  const topic = connectionTopics.find((known) => known === parsed.topic)
  const ours = topic && sideOf(rows.get('Connection', connection))
  return ours && { kind: 'connection', connection, side, topic, own: side === ours }
}

/** The side on which this org stands in a connection or an invitation. */
export function sideOf(row: Row | undefined): Side | undefined {
  const value = valueOf(row, 'side')
  return sides.find((side) => side === value)
}

export function connectionFeed(connection: ConnectionId, side: Side, topic: ConnectionTopic): FeedName {
  return feedName({ kind: 'connection', connection, side, topic })
}

/** The messages feed in which the rotations of a feed's keys stand (rule RT1); undefined for a mailbox, which has none. */
export function rotationsOf(feed: FeedName): FeedName | undefined {
  const parsed = parseFeed(feed)
  return parsed.kind === 'mailbox' ? undefined : feedName({ ...parsed, topic: messagesTopic })
}

/** The key of a rotation's message (rule RT1). */
export function rotationKey(generation: number): Key {
  return parseKey(`rotation.${generation}`)
}

/** The generation that the rotation under a key begins; undefined for any other key. */
export function rotationOf(key: string): number | undefined {
  const [, digits] = /^rotation\.([1-9][0-9]{0,2})$/.exec(key) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** Whether a message under a key brings keys or says who has them. It speaks for itself: who signed it decides. */
export function bringsKeys(key: string): boolean {
  return rotationOf(key) !== undefined || key.startsWith('roster.')
}

export function mailboxFeed(mailbox: MailboxId, side: Side): FeedName {
  return feedName({ kind: 'mailbox', mailbox, side })
}

export function teamFeed(org: OrgId, topic: TeamTopic): FeedName {
  return feedName({ kind: 'team', org, topic })
}

/** Whether admins of both orgs have confirmed the codes of a connection: before, nothing of value leaves (rule CN10). */
export function isConfirmed(connection: Row | undefined): boolean {
  return isVerified(connection) && textOf(connection, 'peerVerified') !== undefined
}

/** Whether an admin of this org has confirmed the codes. */
function isVerified(connection: Row | undefined): boolean {
  return valueOf(connection, 'verified') === 'yes'
}

/** Whether an admin of this org has ever confirmed the codes. After a recovery they are compared once more (rule CN13). */
export function wasVerified(connection: Row | undefined): boolean {
  return isVerified(connection) || textOf(connection, 'verifiedBy') !== undefined
}

/** Whether a connection has come to its end, or its codes differ: what was shown over it is taken back (rule CN11). */
export function isOver(connection: Row | undefined): boolean {
  return valueOf(connection, 'state') === 'Disabled' || valueOf(connection, 'verified') === 'mismatch'
}

/** Whether an admin of either org has paused a connection: until both sides let it go on, no record travels (rule PA2). */
export function isOnHold(connection: Row | undefined): boolean {
  return typeof valueOf(connection, 'ownPause') === 'number' || typeof valueOf(connection, 'peerPause') === 'number'
}

/** Which objects each side has switched off. */
export const offRegisters = ['ownOff', 'peerOff'] as const

/** The register of a Connection row that says since when (milliseconds since 1970) this org has switched an object off; one for each, so that none undoes another's. */
export const ownOff = (object: string): string => `ownOff.${object}`

export function offSince(connection: Row | undefined, register: (typeof offRegisters)[number]): Readonly<Partial<Record<string, number>>> {
  const since =
    register === 'peerOff'
      ? valueOf(connection, register)
      : Object.fromEntries(Object.keys(topicByObject).map((object) => [object, valueOf(connection, ownOff(object)) ?? null]))
  if (!isValueMap(since)) return {}
  return Object.fromEntries(Object.entries(since).flatMap(([object, at]) => (typeof at === 'number' ? [[object, at]] : [])))
}

/** Whether either side has switched an object off (rule OB2). */
export function isSwitchedOff(connection: Row | undefined, object: string): boolean {
  return offRegisters.some((register) => offSince(connection, register)[object] !== undefined)
}

/** Whether no doc of a topic travels for now: the connection pauses, or its object is switched off (rules PA2, OB2). */
export function isHeld(connection: Row | undefined, topic: ObjectTopic): boolean {
  return isOnHold(connection) || isSwitchedOff(connection, objectByTopic[topic])
}

/** Whether a feed holds messages, and not docs. */
export const isMessages = (feedRole: FeedRole): boolean => feedRole.kind === 'mailbox' || feedRole.topic === 'messages'

/** Whether rows of an object travel in messages feeds, and not in the team's rows. */
export const isMessage = (object: string): boolean => object === 'Message' || object === 'ControlEntry'

/** The text of a row's register, or undefined where it holds none. */
export function textOf(row: Row | undefined, field: string): string | undefined {
  const value = valueOf(row, field)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The number in a row's register, or 0 where it holds none. */
export function numberOf(row: Row | undefined, field: string): number {
  const value = valueOf(row, field)
  return typeof value === 'number' ? value : 0
}
