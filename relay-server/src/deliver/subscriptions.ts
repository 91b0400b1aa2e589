import { type MessageOf, type ConnectionId, connectionId, type ErrorCode, type FeedName, limits, type OrgId } from '@entente/protocol'
import { accessTo, type Parties } from '../auth/feed-access.js'
import { type CatchUpOwner, CatchUp, type CatchUpTools } from './catch-up.js'
import type { FeedReader, Subscription } from './fan-out.js'
import { TokenBucket } from '../flow/token-bucket.js'
import type { PolicyCache } from '../publish/policy-cache.js'

/**
 * Pages that a session may read in a second of feeds that it has followed before, and at once. A device follows each feed once; where the relay lost entries it
 * reads all of them again.
 */
const pagesAgainPerSecond = 64
const pagesAgainAtOnce = 2_048

/** The parts of the relay that subscriptions use. */
export interface SubscriptionTools extends CatchUpTools {
  readonly policies: PolicyCache
}

/** The session that subscribes. */
export interface Subscriber extends FeedReader {
  readonly org: OrgId
  readonly hasEnded: boolean
  refuseFeed(feed: number, code: ErrorCode, detail: string): void
  readFailed(error: unknown): void
  /** Ends the session, which asks for more than it may. */
  fail(code: ErrorCode, detail: string, retryMs: number): void
  /** All subscriptions have been answered. */
  caughtUp(): void
}

/** The connections whose parties one session has proved, and the feeds that it follows, by the session's own numbers. */
export class Subscriptions implements CatchUpOwner {
  readonly #tools: SubscriptionTools
  readonly #subscriber: Subscriber
  #catchUp: CatchUp | undefined
  #attached: Map<ConnectionId, Parties> | undefined
  #byNumber: Map<number, Subscription> | undefined
  /** The feeds that the session has followed, under whatever number. */
  readonly #names = new Set<FeedName>()
  #again: TokenBucket | undefined

  constructor(tools: SubscriptionTools, subscriber: Subscriber) {
    this.#tools = tools
    this.#subscriber = subscriber
  }

  get count(): number {
    return this.#byNumber?.size ?? 0
  }

  /** Entries between the sent sequences and the known heads, over all feeds. */
  get behind(): number {
    let behind = 0
    for (const { access, cursor, head } of this.#byNumber?.values() ?? [])
      behind += Math.max(0, head - cursor, this.#tools.readers.sent(access.name) - cursor)
    return behind
  }

  get isCatchingUp(): boolean {
    return this.#catchUp?.isRunning ?? false
  }

  get(feed: number): Subscription | undefined {
    return this.#byNumber?.get(feed)
  }

  /** Rule F3. @returns false if the id does not prove the parties, or this org is not one of them */
  attach({ connection, vendor, partner, salt }: MessageOf<'attach'>): boolean {
    const { org } = this.#subscriber
    if (connectionId(vendor, partner, salt) !== connection || (org !== vendor && org !== partner)) return false
    this.#attached ??= new Map()
    if (this.#attached.size >= limits.feedsPerSession) return false
    // Share the string that the session already holds for its own org.
    this.#attached.set(connection, org === vendor ? { vendor: org, partner } : { vendor, partner: org })
    return true
  }

  async add({ feed, name, after, incarnation, position }: MessageOf<'subscribe'>, now: number): Promise<void> {
    const { store, readers, policies } = this.#tools
    this.remove(feed)
    if (this.count >= limits.feedsPerSession)
      return this.#subscriber.refuseFeed(feed, 'RATE', 'This session has reached its number of feeds.')
    const access = await accessTo(name, this.#subscriber.org, this.#attached ?? none, store, now)
    if (!access) return this.#refuseUnknown(feed)
    if (this.#subscriber.hasEnded) return
    const subscription: Subscription = {
      number: feed,
      access,
      reader: this.#subscriber,
      cursor: after,
      head: after,
      live: false,
      ended: false,
      isAgain: this.#names.has(access.name),
    }
    this.#names.add(access.name)
    // Also where nothing is left to read.
    this.pageRead(subscription)
    if (this.#subscriber.hasEnded) return
    this.#byNumber ??= new Map()
    this.#byNumber.set(feed, subscription)
    // Before the read of the store, so that growth from then on reaches this subscription.
    readers.add(subscription)
    const isFresh = after === 0 && incarnation === 0
    const [isClosed, head] = await Promise.all([
      !access.writes && policies.hasConnectionEnded(name),
      isFresh ? undefined : store.headSince(name, incarnation, position),
    ])
    if (subscription.ended) return
    if (isClosed) this.dismiss(subscription)
    else if (!isFresh && head === undefined) this.lose(subscription)
    else this.#catchingUp().follow(subscription, head)
  }

  /** Lets a subscription that fell behind catch up. */
  follow(subscription: Subscription): void {
    this.#catchingUp().follow(subscription)
  }

  lose({ number }: Subscription): void {
    this.#refuseLost(number)
  }

  readFailed(error: unknown): void {
    this.#subscriber.readFailed(error)
  }

  /** Rule RL4. */
  pageRead({ isAgain }: Subscription): void {
    if (!isAgain) return
    const now = performance.now()
    this.#again ??= new TokenBucket(pagesAgainPerSecond, pagesAgainAtOnce, now)
    const retryMs = this.#again.take(1, now)
    if (retryMs > 0) this.#subscriber.fail('RATE', 'Too much is read again of feeds that this session follows already.', retryMs)
  }

  caughtUp(): void {
    this.#subscriber.caughtUp()
  }

  remove(feed: number): void {
    const subscription = this.get(feed)
    if (!subscription) return
    this.#byNumber?.delete(feed)
    this.#tools.readers.remove(subscription)
  }

  /** Ends a subscription to a feed that the org may no longer read. */
  dismiss({ number }: Subscription): void {
    this.remove(number)
    this.#refuseUnknown(number)
  }

  removeAll(): void {
    for (const feed of this.#byNumber?.keys() ?? []) this.remove(feed)
  }

  #catchingUp(): CatchUp {
    return (this.#catchUp ??= new CatchUp(this.#tools, this.#subscriber, this))
  }

  #refuseUnknown(feed: number): void {
    this.#subscriber.refuseFeed(feed, 'FEED', 'Your org has no such feed.')
  }

  #refuseLost(feed: number): void {
    this.remove(feed)
    this.#subscriber.refuseFeed(feed, 'LOST', 'The relay does not know this position; read from the beginning.')
  }
}

const none: ReadonlyMap<ConnectionId, Parties> = new Map()
