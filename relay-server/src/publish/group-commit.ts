import {
  type ConnectionId,
  decodeControlEntry,
  type ErrorCode,
  type FeedName,
  type Key,
  type Offer,
  ProtocolError,
  rosterNumber,
} from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import type { Rosters } from '../auth/rosters.js'
import { acknowledge, heldBytes, type Publisher, refuse, tooLate, tooMany, unavailable } from './acknowledge.js'
import { JudgementCache } from './judgement-cache.js'
import { type Log, reasonOf } from '../log.js'
import { isRefusal, judgeOffer, type Refusal } from './judge-offer.js'
import { PendingLedger } from './pending-ledger.js'
import type { PolicyCache } from './policy-cache.js'
import type { Quota } from '../store/account.js'
import type { Commit, KeyState, Store, Write } from '../store/store.js'
import { FairQueue } from './fair-queue.js'

/**
 * Offers in one transaction at most; the rest go with the next. With so many, the wait for the disk is a small part of the work. No more, so that the relay
 * judges the next batch while one goes to the disk, and readers receive one while the next goes to the disk.
 */
const batchOffers = 512
const batchBytes = 8 * 1024 * 1024
/** While others wait for their turn: offers that are judged at once, and how long, in ms, judging goes on before everybody else has a turn. */
const judgedWhenBusy = 16
const judgeMs = 0.5
/** How often the relay judges an offer when another relay on the same store came first. After that the device must look again. So it must at once with a head. */
const tries = 3
/** Refusals that depend on policies, epochs and accounts. */
const changeable: ReadonlySet<ErrorCode> = new Set(['STALE_EPOCH', 'WAIT', 'FIELD', 'QUOTA'])

/** Copies small bytes out of the frame of the offers, so that a waiting offer does not keep a large frame alive. */
export function fitToWait(offers: readonly Offer[]): readonly Offer[] {
  const bytes = offers.reduce((sum, offer) => sum + offer.bytes.length, 0)
  const kept = offers[0]?.bytes.buffer.byteLength ?? 0
  return bytes * 2 >= kept ? offers : offers.map((offer) => ({ ...offer, bytes: offer.bytes.slice() }))
}

/** What a batch meets outside: who waits meanwhile, and the steps after it is on disk, in this order: fan-out, acknowledgement, effects. */
export interface AfterCommit {
  /** Whether others wait for a turn of the relay's thread. */
  isBusy(): boolean
  fanOut(writes: readonly Write[], commit: Commit): void
  grown(write: Write, tail: number): void
  measured(figures: BatchFigures): void
}

/** The size of a batch, and its times in ms. */
export interface BatchFigures {
  readonly offers: number
  readonly entries: number
  readonly commitMs: number
  /** For each frame of the batch: from its arrival to the acknowledgement. */
  readonly waitedMs: readonly number[]
}

interface Queued {
  readonly id: string
  readonly publisher: Publisher
  readonly access: Access
  readonly offer: Offer
  /** Time of arrival, on the clock of `performance.now()`. */
  readonly at: number
  readonly attempt: number
  /** The key's last entry by which the offer was judged. */
  last: KeyState | undefined
  /** Why the roster in the offer was not taken. */
  rosterRefusal: Refusal | undefined
}

interface Refused extends Pick<Queued, 'publisher' | 'offer'> {
  readonly refusal: Refusal
}

interface Gathering {
  readonly writes: Write[]
  readonly from: Queued[]
  readonly refused: Refused[]
  bytes: number
}

/**
 * Group commit (rules PB3, AK1). The relay judges offers as they arrive. Accepted offers gather while the last transaction goes to the disk, and go with the
 * next one. No answer rests on an entry that is not on disk: an answer that depends on a pending entry waits for it, and becomes UNAVAILABLE when the
 * disk refuses the entry.
 */
export class GroupCommit {
  readonly #store: Store
  readonly #after: AfterCommit
  readonly #rosters: Pick<Rosters, 'publish'>
  readonly #log: Log
  readonly #judgementCache: JudgementCache
  readonly #pending = new PendingLedger()
  readonly #waiting = new FairQueue<Queued>()
  #next: Gathering = nothingGathered()
  /** Offers of this round that are refused by what is on disk. */
  #refused: Refused[] = []
  #judging = false
  #committing = false
  #idle: (() => void)[] = []
  #isStopped = false

  /** @param quota the quota of orgs for which the operator set no other; 0 is no bound */
  constructor(store: Store, policies: PolicyCache, after: AfterCommit, quota: Quota, rosters: Pick<Rosters, 'publish'>, log: Log) {
    this.#store = store
    this.#rosters = rosters
    this.#after = after
    this.#log = log
    this.#judgementCache = new JudgementCache(store, quota, policies)
  }

  offer(publisher: Publisher, access: Access, offers: readonly Offer[]): void {
    const at = performance.now()
    const queued = offers.map((offer): Queued => ({
      id: keyId(access.name, offer.key),
      publisher,
      access,
      offer,
      at,
      attempt: 1,
      last: undefined,
      rosterRefusal: undefined,
    }))
    if (this.#isStopped) return refuse(queued.map((one) => ({ ...one, refusal: unavailable })))
    this.#waiting.add(publisher.org, queued)
    if (this.#judging) return
    this.#judging = true
    // One turn later, so that frames that arrived together are judged and committed together.
    setImmediate(() => void this.#judge())
  }

  /** Drops the cached accounts after an operator changed some. */
  forgetAccounts(): void {
    this.#judgementCache.evictAccounts()
  }

  /** Drops the whole cache after the store was replaced by another copy. */
  forgetAll(): void {
    this.#judgementCache.clear()
  }

  /** Resolves when everything offered so far has been answered. */
  async finished(): Promise<void> {
    while (this.#judging || this.#committing || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  /** Refuses further offers, which devices make again elsewhere or later. Resolves like `finished`. */
  stop(): Promise<void> {
    this.#isStopped = true
    return this.finished()
  }

  async #judge(): Promise<void> {
    const ends = performance.now() + judgeMs
    let isRefusing = false
    while (!this.#isFull()) {
      const isBusy = isRefusing || this.#after.isBusy() || (this.#waiting.orgs > 1 && this.#waiting.size > batchOffers)
      if (isBusy && performance.now() >= ends) {
        setImmediate(() => void this.#judge())
        return this.#commitNext()
      }
      const most = isBusy ? judgedWhenBusy : batchOffers - this.#next.writes.length - this.#next.refused.length
      // Out of the queue while the judge's data loads: a commit that settles meanwhile puts its returned offers back in front of the others.
      const taken = this.#waiting.take(most, (queued) => this.#isToWait(queued))
      if (taken.length === 0) break
      const some = this.#withoutOverdrawn(taken)
      try {
        await this.#judgementCache.load(some, this.#pending)
        for (const queued of some) if (queued.offer.kind === 'control') await this.#takeRoster(queued)
      } catch (error) {
        this.#log.error('store-read-failed', { reason: reasonOf(error) })
        refuse([...some, ...this.#waiting.takeAll()].map((one) => ({ ...one, refusal: unavailable })))
        break
      }
      this.#waiting.putBack(this.#judgeSome(some))
      isRefusing = some.length < taken.length || this.#refused.length > 0
      refuse(this.#refused)
      this.#refused = []
    }
    this.#judging = false
    this.#commitNext()
  }

  /** A roster is in force from the moment that it is verified: the entry that carries it to the readers follows. */
  async #takeRoster(queued: Queued): Promise<void> {
    const { offer, access, publisher } = queued
    try {
      const number = access.writes && access.mailboxUntil === undefined ? rosterNumber(offer.key) : undefined
      if (number !== undefined)
        await this.#rosters.publish(publisher.org, number, Buffer.from(decodeControlEntry(offer.bytes).copy).toString())
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      queued.rosterRefusal = { code: error.code, version: 0, detail: error.message }
    }
  }

  /** @returns the offers to judge once more, after a fresh read */
  #judgeSome(some: readonly Queued[]): readonly Queued[] {
    const left: Queued[] = []
    const doubted = new Map<string, Queued>()
    for (const [index, queued] of some.entries()) {
      // Offers for one key keep their order.
      if (this.#isToWait(queued) || doubted.has(queued.id)) {
        left.push(queued)
        continue
      }
      // A commit that settled meanwhile, or an operator, may have evicted what was just loaded.
      if (this.#isFull() || !this.#judgementCache.has(queued)) {
        left.push(...some.slice(index))
        break
      }
      const again = this.#judgeOne(queued)
      if (!again) continue
      doubted.set(again.id, again)
      left.push(again)
    }
    // Together, so that they cost one more read, and no other offer waits for it.
    for (const again of doubted.values()) this.#judgementCache.evict(again)
    return left
  }

  #isFull(): boolean {
    return this.#next.writes.length + this.#next.refused.length >= batchOffers || this.#next.bytes >= batchBytes
  }

  /** Whose offers were refused too often gets no more of them judged, which would cost as much again (rule RL1). */
  #withoutOverdrawn(some: readonly Queued[]): readonly Queued[] {
    const overdrawn = new Set(some.filter(({ publisher }) => publisher.overdrawnMs > 0))
    if (overdrawn.size === 0) return some
    refuse([...overdrawn].map(({ publisher, offer }) => ({ publisher, offer, refusal: tooMany, retryMs: publisher.overdrawnMs })))
    return some.filter((one) => !overdrawn.has(one))
  }

  #isToWait({ access }: Queued): boolean {
    return this.#pending.hasPolicy(connectionOf(access))
  }

  /** @returns the offer if it must be judged once more after a fresh read: another relay may have changed the reason for a refusal */
  #judgeOne(queued: Queued): Queued | undefined {
    const { id, publisher, access, offer } = queued
    const last = (queued.last = this.#judgementCache.state(id))
    const { quota, usage } = this.#judgementCache.allowance(publisher.org)
    const connection = connectionOf(access)
    const verdict = judgeOffer({
      offer,
      access,
      org: publisher.org,
      quota,
      usage: this.#pending.usage(publisher.org, usage),
      last,
      isOvertaken: this.#pending.hasKey(id),
      isFeedPending: offer.kind === 'head' && this.#pending.hasFeed(access.name),
      policies: connection && this.#judgementCache.policies.get(connection),
      hasWithdrawn: this.#judgementCache.hasWithdrawn(id),
      keysInMailbox: this.#judgementCache.mailboxKeys(access.name) + this.#pending.mailboxKeys(access.name),
      rosterRefusal: queued.rosterRefusal,
      now: Date.now(),
    })
    if (isRefusal(verdict)) {
      const knowsMore = verdict.code === 'BEHIND' && offer.seen > (last?.sequence ?? 0)
      if (queued.attempt === 1 && (knowsMore || changeable.has(verdict.code))) return { ...queued, attempt: queued.attempt + 1 }
      publisher.refused(1)
      const refused = this.#restsOnPending(queued, verdict) ? this.#next.refused : this.#refused
      refused.push({ publisher, offer, refusal: verdict })
      return undefined
    }
    this.#next.writes.push(verdict)
    this.#next.from.push(queued)
    this.#next.bytes += verdict.bytes.length
    this.#pending.add(queued, verdict)
    return undefined
  }

  /** Whether a refusal might be another one if the disk refuses what is pending. A pending policy is waited for before anything is judged by it. */
  #restsOnPending({ id, access, offer }: Queued, { code }: Refusal): boolean {
    return code === 'QUOTA' || offer.kind === 'head' || access.mailboxUntil !== undefined || this.#pending.hasKey(id)
  }

  #commitNext(): void {
    if (this.#committing) return
    const gathered = this.#next
    this.#next = nothingGathered()
    if (gathered.writes.length === 0) {
      refuse(gathered.refused)
      return this.#goOn()
    }
    this.#committing = true
    const began = performance.now()
    this.#store
      .commit(gathered.writes)
      .then((commit) => this.#settle(gathered, commit, performance.now() - began))
      .catch((error: unknown) => this.#fail(gathered, error))
      .finally(() => {
        this.#committing = false
        this.#commitNext()
      })
    // What did not fit in is judged while this goes to the disk.
    if (this.#waiting.size > 0) this.#goOn()
  }

  #goOn(): void {
    if (this.#judging) return
    if (this.#waiting.size > 0) {
      this.#judging = true
      // Everything else has its turn first, however many offers wait only to be refused.
      setImmediate(() => void this.#judge())
      return
    }
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #settle({ writes, from, refused }: Gathering, commit: Commit, commitMs: number): void {
    const accepted = new Map<Publisher, number[]>()
    const again: Queued[] = []
    const late: Queued[] = []
    for (const account of commit.accounts) this.#judgementCache.setAccount(account)
    writes.forEach((write, index) => {
      const sequence = commit.sequences[index] ?? 0
      const queued = from[index]
      if (!queued) return
      this.#pending.remove(queued, write)
      this.#judgementCache.settle(queued, write, sequence)
      if (sequence === 0) {
        if (queued.attempt < tries && write.kind !== 'head') again.push({ ...queued, attempt: queued.attempt + 1 })
        else late.push(queued)
        return
      }
      const ids = accepted.get(queued.publisher)
      if (ids) ids.push(queued.offer.id)
      else accepted.set(queued.publisher, [queued.offer.id])
      queued.publisher.settled(heldBytes(queued.offer))
    })
    this.#after.fanOut(writes, commit)
    acknowledge(accepted)
    const now = performance.now()
    const entries = [...accepted.values()].reduce((sum, ids) => sum + ids.length, 0)
    this.#after.measured({
      offers: writes.length,
      entries,
      commitMs,
      waitedMs: [...new Set(from.map(({ at }) => at))].map((at) => now - at),
    })
    refuse([...refused, ...late.map((one) => ({ ...one, refusal: tooLate }))])
    this.#waiting.putBack(again)
    writes.forEach((write, index) => {
      if (!commit.sequences[index]) return
      this.#after.grown(write, commit.tails[index] ?? 0)
    })
  }

  /** The offers that gathered meanwhile were judged by entries that did not reach the disk, so they fail too. */
  #fail(gathered: Gathering, error: unknown): void {
    const next = this.#next
    this.#next = nothingGathered()
    this.#log.error('commit-failed', { reason: reasonOf(error), offers: gathered.writes.length + next.writes.length })
    this.#judgementCache.clear()
    this.#pending.clear()
    refuse([...gathered.from, ...gathered.refused, ...next.from, ...next.refused].map((one) => ({ ...one, refusal: unavailable })))
  }
}

function nothingGathered(): Gathering {
  return { writes: [], from: [], refused: [], bytes: 0 }
}

function keyId(feed: FeedName, key: Key): string {
  return `${feed}\n${key}`
}

function connectionOf({ feed }: Access): ConnectionId | undefined {
  return feed.kind === 'connection' ? feed.connection : undefined
}
