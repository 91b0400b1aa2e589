import { type ConnectionId, type FeedName, feedName, otherSide, type Side } from '@entente/protocol'
import type { ObjectName } from '../api/index.js'

/** The peer's feed with the docs of an object. */
export function mirrorFeed(connection: ConnectionId, side: Side, object: ObjectName): FeedName {
  return feedName({ kind: 'connection', connection, side: otherSide(side), topic: object === 'Lead' ? 'lead' : 'opportunity' })
}
