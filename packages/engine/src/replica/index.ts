export type { DisabledRule } from './replica-context.js'
export type { Followed } from './followed.js'
export type { InboxMessage, PeerDoc } from './replica-state.js'
export { messageRowId } from './feed-key.js'
export { connectionFeed, mailboxFeed } from './feed-role.js'
export { policyText, readPolicy } from './policy.js'
export {
  type Chunk,
  type CoveredFeed,
  type FeedOffers,
  type FeedToSign,
  Replica,
  type ReplicaOptions,
  type ReplicaView,
} from './replica.js'
