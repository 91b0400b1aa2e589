import type { ConnectionId, ErrorCode, OrgId } from '@entente/protocol'
import { limits } from '@entente/protocol'
import { accessTo, type Parties } from './access.js'
import { CatchUp, type CatchUpTools } from './catch-up.js'
import type { Reader, Subscription } from './fan-out.js'
import type { Asked } from './message.js'

/** Whoever's subscriptions they are. */
export interface Subscriber extends Reader {
  readonly org: OrgId
  readonly hasEnded: boolean
  refuseFeed(feed: number, code: ErrorCode, detail: string): void
  readFailed(error: unknown): void
}

/** The feeds that one session follows, by its own numbers. */
export class Subscriptions {
  readonly #tools: CatchUpTools
  readonly #subscriber: Subscriber
  readonly #catchUp: CatchUp
  readonly #byNumber = new Map<number, Subscription>()

  constructor(tools: CatchUpTools, subscriber: Subscriber) {
    this.#tools = tools
    this.#subscriber = subscriber
    this.#catchUp = new CatchUp(
      tools,
      subscriber,
      (subscription) => this.#lose(subscription.number),
      (error) => subscriber.readFailed(error),
    )
  }

  get count(): number {
    return this.#byNumber.size
  }

  /** Entries between what was sent and the heads of the feeds, as far as they were read or sent to others, over all feeds. */
  get behind(): number {
    let behind = 0
    for (const { access, cursor, head } of this.#byNumber.values())
      behind += Math.max(0, head - cursor, this.#tools.readers.sent(access.name) - cursor)
    return behind
  }

  get(feed: number): Subscription | undefined {
    return this.#byNumber.get(feed)
  }

  /** @param attached the connections whose parties the session has shown */
  async add(
    { feed, name, after, opening, position }: Asked<'subscribe'>,
    attached: ReadonlyMap<ConnectionId, Parties>,
    now: number,
  ): Promise<void> {
    const { store, readers } = this.#tools
    this.remove(feed)
    if (this.#byNumber.size >= limits.feedsPerSession)
      return this.#subscriber.refuseFeed(feed, 'RATE', 'This session follows as many feeds as it may.')
    const access = await accessTo(name, this.#subscriber.org, attached, store, now)
    if (!access) return this.#subscriber.refuseFeed(feed, 'FEED', 'There is no such feed for you.')
    const isFresh = after === 0 && opening === 0
    if (!isFresh && !(await store.knows(name, opening, position))) return this.#lose(feed)
    if (this.#subscriber.hasEnded) return
    const subscription: Subscription = {
      number: feed,
      access,
      reader: this.#subscriber,
      cursor: after,
      head: after,
      live: false,
      ended: false,
    }
    this.#byNumber.set(feed, subscription)
    readers.add(subscription)
    this.#catchUp.follow(subscription)
  }

  /** Catches a subscription up that fell behind. */
  follow(subscription: Subscription): void {
    this.#catchUp.follow(subscription)
  }

  remove(feed: number): void {
    const subscription = this.#byNumber.get(feed)
    if (!subscription) return
    this.#byNumber.delete(feed)
    this.#tools.readers.remove(subscription)
  }

  removeAll(): void {
    for (const feed of this.#byNumber.keys()) this.remove(feed)
  }

  #lose(feed: number): void {
    this.remove(feed)
    this.#subscriber.refuseFeed(feed, 'LOST', 'The relay does not know this position; read from the beginning.')
  }
}
