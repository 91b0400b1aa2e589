import { parseKey } from '@entente/protocol'
import { type Position, RelayClient } from '@entente/relay-server/testing'
import { createHistories, keyOf } from './payload.js'
import { type AgreedFeed, agreeAt, RelayLine } from './relay-line.js'

/** Offers in one frame. */
const chunk = 1_000
// Docs know nothing of each other, so one record's history serves all of them.
const [history] = createHistories(1, 1)

/** A feed with many docs in it, and its writer. */
export class FilledFeed {
  readonly feed: AgreedFeed
  readonly #writer: RelayLine
  #published = 0

  private constructor(feed: AgreedFeed, writer: RelayLine) {
    this.feed = feed
    this.#writer = writer
  }

  /** Publishes docs under keys 0 to `docs`, each once. */
  static async fill(url: string, docs: number): Promise<FilledFeed> {
    const filled = await FilledFeed.open(url)
    await filled.publish(docs, docs)
    return filled
  }

  static async open(url: string): Promise<FilledFeed> {
    const feed = await agreeAt(url)
    const writer = await RelayLine.open(feed, feed.connection.vera)
    await writer.follow()
    return new FilledFeed(feed, writer)
  }

  /** Publishes `count` whole docs over `keys` keys in turn, each time round under a new epoch. Only as the feed's first. */
  async publish(count: number, keys: number): Promise<void> {
    for (let start = 0; start < count; start += chunk) {
      const offers = Array.from({ length: Math.min(chunk, count - start) }, (_, index) => {
        const number = start + index
        return this.#offer(number, number % keys, true, Math.floor(number / keys), Math.max(0, number - keys + 1))
      })
      this.#writer.offer(offers)
      await this.#taken(offers.length)
    }
  }

  /** Overwrites one register of every `step`th of `docs` docs. Only once, after each doc was published once. */
  async change(docs: number, step: number): Promise<void> {
    const offers = Array.from({ length: docs / step }, (_, index) => this.#offer(index, index * step, false, 0, index * step + 1))
    this.#writer.offer(offers)
    await this.#taken(offers.length)
  }

  /** Where a device stands that has read everything up to now. */
  async position(): Promise<Position> {
    const { connection, url } = this.feed
    const client = new RelayClient(url)
    await client.sayHello(connection.paul)
    const { incarnation } = await client.next('welcome')
    await client.close()
    const reader = await RelayLine.open(this.feed, connection.paul)
    await reader.follow()
    reader.close()
    return { after: this.#published, incarnation, position: reader.position }
  }

  close(): void {
    this.#writer.close()
  }

  #offer(id: number, doc: number, whole: boolean, number: number, seen: number) {
    const bytes = whole ? history?.whole : history?.updates[0]
    if (!bytes) throw new Error('There is no history to publish.')
    return { id, key: parseKey(keyOf(doc)), kind: 'doc', whole, epoch: { version: 1, number }, bytes, seen } as const
  }

  async #taken(count: number): Promise<void> {
    this.#published += count
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#writer.accepted >= this.#published) resolve()
      }
      this.#writer.onHeard = look
      look()
    })
  }
}
