import type { FeedName } from '@entente/protocol'

/** Whoever wants to know what other processes do with the same store. */
export interface Watcher {
  /** The feeds whose growth matters here; asked now and then, because a hint may be lost. */
  followedFeeds(): Iterable<FeedName>
  /** The mailboxes whose change matters here. */
  followedMailboxes(): Iterable<string>
  /** A feed may have reached this head at other hands. */
  feedGrew(feed: FeedName, head: number): void
  mailboxChanged(mailbox: string): void
  /** What an operator decides about orgs has changed. */
  accountsChanged(): void
  /** The store was replaced by another copy; what was known of it is void. */
  storeReplaced(): void
}
