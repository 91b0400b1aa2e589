import type { FeedName } from '@entente/protocol'
import type { Store, Watcher } from '../store.js'

/** Takes down what a store told. */
export class Witness implements Watcher {
  readonly grown = new Set<string>()
  readonly mailboxes: string[] = []
  accounts = 0
  replacements = 0
  readonly #feeds: readonly FeedName[]
  readonly #followed: readonly string[]

  constructor(store: Store, feeds: readonly FeedName[] = [], mailboxes: readonly string[] = []) {
    this.#feeds = feeds
    this.#followed = mailboxes
    store.watch(this)
  }

  followedFeeds(): readonly FeedName[] {
    return this.#feeds
  }

  followedMailboxes(): readonly string[] {
    return this.#followed
  }

  feedGrew(feed: FeedName, head: number): void {
    this.grown.add(`${feed} ${head}`)
  }

  mailboxChanged(mailbox: string): void {
    this.mailboxes.push(mailbox)
  }

  accountsChanged(): void {
    this.accounts++
  }

  storeReplaced(): void {
    this.replacements++
  }
}
