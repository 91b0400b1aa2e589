import { type ConnectionId, feedName, type FeedName, parseFeed, sides } from '@entente/protocol'
import type { PolicyCache } from './policy-cache.js'

/** Whether either org has ended the connection that a feed of docs belongs to (rule PO5). A team's feeds, and messages, do not end. */
export async function isOver(name: FeedName, policies: PolicyCache): Promise<boolean> {
  const feed = parseFeed(name)
  return feed.kind === 'connection' && feed.topic !== 'messages' && (await policies.current(feed.connection)).isEnded
}

/** The feeds in which an end is told, by a feed of docs. */
export function messagesBeside(name: FeedName): readonly FeedName[] {
  const feed = parseFeed(name)
  if (feed.kind === 'team') return []
  return sides.map((side) => feedName({ kind: 'connection', connection: feed.connection, side, topic: 'messages' }))
}

/** The feeds of docs that are over where an end is told in this one; none where it is another kind of feed. */
export function docsBeside(name: FeedName): readonly FeedName[] {
  const feed = parseFeed(name)
  return feed.kind === 'connection' && feed.topic === 'messages' ? docsOf(feed.connection) : []
}

function docsOf(connection: ConnectionId): readonly FeedName[] {
  return sides.flatMap((side) =>
    (['lead', 'opportunity'] as const).map((topic) => feedName({ kind: 'connection', connection, side, topic })),
  )
}
