import { encodeHead, type FeedName, type HeadEntry, headKey, type Key, type Offer, zeroEpoch } from '@entente/protocol'
import type { Leaf } from './leaf.js'
import type { ReplicaState } from './replica-state.js'
import type { StoredHead } from './stored.js'

/** A feed as this device holds it, and the head that covers exactly that. */
export interface CoveredFeed {
  /** The head's JWS, which has yet to be verified, and the sequence that its entry names. */
  readonly token: string
  readonly covers: number
  readonly incarnation: number
  /** The hash over all that this device holds of the feed (rule HD3). */
  readonly root: string
  /** Whether some of it is kept unread, because its agreement has not come. */
  readonly deferred: boolean
}

/** Where an own feed stands, for a device to sign (rule HD4). */
export interface FeedToSign {
  readonly incarnation: number
  readonly sequence: number
  readonly root: string
  /** Whether something of the feed is unpublished. */
  readonly busy: boolean
}

/** What the heads of feeds cover here, and the heads that this device publishes. */
export class FeedHeads {
  readonly #state: ReplicaState
  readonly #onNew: () => void
  readonly #listeners = new Set<(feed: FeedName) => void>()
  /** Feeds of which this device holds all that the relay had at the present cursor, so that a head that comes next covers just that. */
  readonly #exact = new Set<FeedName>()
  /** Signed heads to publish. Each waits only as long as nothing comes after what it covers. */
  readonly #new = new Map<FeedName, HeadEntry>()

  /** @param onNew called when there is a head to offer */
  constructor(state: ReplicaState, onNew: () => void) {
    this.#state = state
    this.#onNew = onNew
  }

  /** What this device holds of a feed, if the newest head covers exactly that: nothing has come since, and nothing was passed over before (rule HD5). */
  covered(feed: FeedName): CoveredFeed | undefined {
    const head = this.#exact.has(feed) ? this.#atEnd(feed) : undefined
    if (!head) return undefined
    const { token, covers } = head
    const { incarnation } = this.#state.feed(feed)
    return { token, covers, incarnation, root: this.#state.tree(feed).root(), deferred: this.#state.hasDeferred(feed) }
  }

  /** Hashes what the feeds hold a piece at a time, so that nothing waits for all of it when a head comes or is to be signed. @param turn lets others work */
  async hashAhead(turn: () => Promise<void>): Promise<void> {
    while (this.#state.hashAhead()) await turn()
  }

  /** Whether this device holds all that the relay has of a feed. */
  isExact(feed: FeedName): boolean {
    return this.#exact.has(feed) && !this.#state.feed(feed).rebuild
  }

  /** Calls back when a head covers exactly what this device holds of a feed. */
  watch(listener: (feed: FeedName) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What a device may sign of an own feed now. Undefined while it has not read it to its end, or the relay's copy of a key is not the org's own (rule HD4). */
  toSign(feed: FeedName): FeedToSign | undefined {
    const { cursor: sequence, incarnation, rebuild } = this.#state.feed(feed)
    if (rebuild || !this.#exact.has(feed) || this.#state.hasDeferred(feed)) return undefined
    for (const head of this.#state.heads(feed).values()) if (head.kind !== 'head' && head.lost && head.leaf) return undefined
    return { incarnation, sequence, root: this.#state.tree(feed).root(), busy: this.#state.dirtyFlags(feed).size > 0 }
  }

  /** What this device holds of a feed that it has read to its end: the hash over all of it. */
  holding(feed: FeedName): { readonly incarnation: number; readonly root: string } | undefined {
    const { incarnation, rebuild } = this.#state.feed(feed)
    if (rebuild || !this.#exact.has(feed) || this.#state.hasDeferred(feed)) return undefined
    return { incarnation, root: this.#state.tree(feed).root() }
  }

  /** Publishes a signed head, unless something else comes first. */
  publish(feed: FeedName, head: HeadEntry): void {
    this.#new.set(feed, head)
    this.#onNew()
  }

  /** Whether a doc or message of a feed has come above a sequence. */
  hasAbove(feed: FeedName, sequence: number): boolean {
    for (const head of this.#state.heads(feed).values()) if (head.kind !== 'head' && head.sequence > sequence) return true
    return false
  }

  /** The hashes of a feed's buckets, one after the other (rule HD3). */
  bucketHashes(feed: FeedName): Uint8Array {
    return this.#state.tree(feed).hashes()
  }

  /** The leaves in one bucket of a feed. */
  leavesIn(feed: FeedName, bucket: number): Iterable<readonly [Key, Leaf]> {
    return this.#state.tree(feed).leavesIn(bucket)
  }

  // ---- for the replica

  /** Entries of a feed were absorbed. Each for itself leaves the feed exactly as it was at the relay; of a feed that was caught up on, only the end is. */
  absorbed(feed: FeedName, before: number, count: number, live: boolean): void {
    const isExact = live || (this.#exact.has(feed) && this.#state.feed(feed).cursor === before + count)
    if (isExact) this.#exact.add(feed)
    else this.#exact.delete(feed)
    if (isExact && this.#atEnd(feed)) for (const listener of this.#listeners) listener(feed)
  }

  /** A feed will be read from its beginning. */
  lost(feed: FeedName): void {
    this.#exact.delete(feed)
  }

  get hasNew(): boolean {
    return this.#new.size > 0
  }

  /** The offer of a head that still covers all. */
  offer(feed: FeedName): Omit<Offer, 'id'> | undefined {
    const head = this.#new.get(feed)
    if (!head) return undefined
    if (this.#state.feed(feed).cursor !== head.sequence) {
      this.#new.delete(feed)
      return undefined
    }
    const seen = this.#state.head(feed, headKey)?.sequence ?? 0
    return { seen, key: headKey, kind: 'head', whole: true, epoch: zeroEpoch, bytes: encodeHead(head) }
  }

  #atEnd(feed: FeedName): StoredHead | undefined {
    const head = this.#state.head(feed, headKey)
    return head?.kind === 'head' && head.sequence === this.#state.feed(feed).cursor ? head : undefined
  }
}
