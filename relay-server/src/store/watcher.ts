import type { FeedName } from '@entente/protocol'

/** The relay's side of `Store.watch`: what it follows, and how it hears of changes that other processes make. */
export interface Watcher {
  /** The feeds whose growth matters here. The store asks from time to time, because a hint may be lost. */
  followedFeeds(): Iterable<FeedName>
  /** The mailboxes whose change matters here. */
  followedMailboxes(): Iterable<string>
  /** Another process may have written to the feed, up to this head. */
  feedGrew(feed: FeedName, head: number): void
  /** Another process may have changed the invitation of this mailbox. */
  mailboxChanged(mailbox: string): void
  /** An operator may have changed accounts. */
  accountsChanged(): void
  /** Another copy replaced the store. Everything known of it is void (rules RS4, RS5). */
  storeReplaced(): void
}
