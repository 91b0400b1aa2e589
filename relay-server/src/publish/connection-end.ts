import { type FeedName, parseFeed } from '@entente/protocol'
import type { PolicyCache } from './policy-cache.js'

/** Whether either org has ended the connection of a feed of docs (rule PO5). Team feeds and messages do not end. */
export async function isOver(name: FeedName, policies: PolicyCache): Promise<boolean> {
  const feed = parseFeed(name)
  return feed.kind === 'connection' && feed.topic !== 'messages' && (await policies.current(feed.connection)).isEnded
}
