import {
  type ConnectionId,
  type ConnectionTopic,
  type FeedName,
  feedName,
  type OrgId,
  parseFeed,
  type Side,
  sides,
  type TeamTopic,
} from '@entente/protocol'
import { type Row, valueOf } from '../row/row.js'
import type { RowsView } from './rows-view.js'

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
  | { readonly kind: 'mailbox'; readonly mailbox: ConnectionId; readonly side: Side; readonly own: boolean }

/** The role of a feed; undefined where no row ties it to this org. */
export function feedRoleOf(feed: FeedName, org: OrgId, rows: RowsView): FeedRole | undefined {
  const parsed = parseFeed(feed)
  if (parsed.kind === 'team') return parsed.org === org ? { kind: 'team', topic: parsed.topic, own: true } : undefined
  const { connection, side, topic } = parsed
  const ours = sideOf(rows.get('Connection', connection))
  if (ours) return { kind: 'connection', connection, side, topic, own: side === ours }
  const inviting = sideOf(rows.get('Invitation', connection))
  return inviting && topic === 'messages' ? { kind: 'mailbox', mailbox: connection, side, own: side === inviting } : undefined
}

/** The side on which this org stands in a connection or an invitation. */
export function sideOf(row: Row | undefined): Side | undefined {
  const value = valueOf(row, 'side')
  return sides.find((side) => side === value)
}

export function connectionFeed(connection: ConnectionId, side: Side, topic: ConnectionTopic): FeedName {
  return feedName({ kind: 'connection', connection, side, topic })
}

export function teamFeed(org: OrgId, topic: TeamTopic): FeedName {
  return feedName({ kind: 'team', org, topic })
}

/** The objects whose docs travel, by topic. */
export const objectByTopic = { lead: 'Lead', opportunity: 'Opportunity' } as const
export const topicByObject: Readonly<Record<string, keyof typeof objectByTopic>> = { Lead: 'lead', Opportunity: 'opportunity' }

/** Whether rows of an object travel in messages feeds, and not in the team's rows. */
export const isMessage = (object: string): boolean => object === 'Message' || object === 'ControlEntry'

/** The text of a row's register, or undefined where it holds none. */
export function textOf(row: Row | undefined, field: string): string | undefined {
  const value = valueOf(row, field)
  return typeof value === 'string' && value !== '' ? value : undefined
}
