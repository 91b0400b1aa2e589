import type { FeedName, Key } from '@entente/protocol'
import type { ConnectionFacts } from './connection-facts.js'
import type { EngineContext } from '../context.js'

/** The peer's messages of one kind that may need work: all of them at first and after a change of a connection, then those that change. */
export class PendingMessages {
  readonly #context: EngineContext
  readonly #prefix: string
  readonly #pendingByFeed = new Map<FeedName, Set<Key>>()

  constructor(context: EngineContext, prefix: string) {
    this.#context = context
    this.#prefix = prefix
    context.replica.watchFeeds((changed) => {
      for (const { feed, key } of changed) if (key.startsWith(prefix)) this.#pendingByFeed.get(feed)?.add(key)
    })
    context.rows.watch((changes) => {
      if (changes.some(({ object }) => object === 'Connection')) this.#pendingByFeed.clear()
    })
  }

  /** Handles the pending messages one by one. A message whose handler throws, or says false, stays pending. */
  async handleAll(connection: ConnectionFacts, handle: (key: Key) => Promise<unknown>): Promise<void> {
    const feed = connection.peerMessages
    let pending = this.#pendingByFeed.get(feed)
    if (!pending) {
      pending = new Set([...this.#context.replica.inbox(feed).keys()].filter((key) => key.startsWith(this.#prefix)))
      this.#pendingByFeed.set(feed, pending)
    }
    for (const key of Array.from(pending)) {
      pending.delete(key)
      try {
        if ((await handle(key)) === false) pending.add(key)
      } catch (error) {
        pending.add(key)
        throw error
      }
    }
  }
}
