import { type ConnectionId, type DeviceId, type FeedName, type Offer, type RelayMessage, type Role, revokedDevice } from '@entente/protocol'
import type { Access } from './access.js'
import { type Log, reasonOf } from './log.js'
import { LruMap } from './lru.js'
import { isRefusal, judgeOffer, mailboxKeys, policyOf, type Refusal } from './offer.js'
import type { PolicyBook } from './policy.js'
import type { Commit, KeyName, KeyState, Store, Write } from './store/store.js'

/** Keys whose last entry is at hand; the others are read again when they are needed. */
const keptKeys = 8_192
const keptMailboxes = 1_024
/** What one transaction takes at most; the rest goes with the next. */
const batchOffers = 2_000
const batchBytes = 8 * 1024 * 1024
/** When to try again while the store does not take anything. */
const unavailableRetryMs = 2_000

/** Whoever made an offer and hears what became of it. */
export interface Publisher {
  readonly role: Role
  say(message: RelayMessage): void
  /** Bytes of offers that are no longer in the queue. */
  settled(bytes: number): void
}

/** What happens, in this order, once a batch is on disk: fan-out, acknowledgement, effects. */
export interface AfterCommit {
  fanOut(writes: readonly Write[], commit: Commit): void
  revoked(device: DeviceId): void
  grown(write: Write, tail: number): void
}

interface Queued {
  readonly publisher: Publisher
  readonly access: Access
  readonly offer: Offer
}

interface Refused extends Queued {
  readonly refusal: Refusal
}

interface Gathering {
  readonly writes: Write[]
  readonly from: Queued[]
  readonly refused: Refused[]
  bytes: number
}

/**
 * Group commit (rules PB3, AK1): offers are judged as they come, what may enter gathers while the last transaction is on its way to the disk,
 * and goes with the next. Nothing is acknowledged, fanned out or refused on the strength of what is not on disk: an answer that
 * depends on an entry under way waits for it, and turns into UNAVAILABLE when the disk does not take it.
 */
export class Batch {
  readonly #store: Store
  readonly #policies: PolicyBook
  readonly #after: AfterCommit
  readonly #log: Log
  readonly #states = new LruMap<string, KeyState>(keptKeys)
  /** Keys with an entry that is judged but not yet on disk. */
  readonly #underWay = new Set<string>()
  /** How many keys the feeds of mailboxes hold. */
  readonly #mailboxKeys = new LruMap<FeedName, number>(keptMailboxes)
  readonly #incoming: Queued[] = []
  #next: Gathering = { writes: [], from: [], refused: [], bytes: 0 }
  #judging = false
  #committing = false
  #idle: (() => void)[] = []

  constructor(store: Store, policies: PolicyBook, after: AfterCommit, log: Log) {
    this.#store = store
    this.#policies = policies
    this.#after = after
    this.#log = log
  }

  offer(publisher: Publisher, access: Access, offers: readonly Offer[]): void {
    for (const offer of offers) this.#incoming.push({ publisher, access, offer })
    if (this.#judging) return
    this.#judging = true
    // One turn later, so that all frames that came in together are judged, and go to the disk, together.
    setImmediate(() => void this.#judge())
  }

  /** Resolves when everything offered so far has been answered. */
  async finished(): Promise<void> {
    while (this.#judging || this.#committing || this.#incoming.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  async #judge(): Promise<void> {
    try {
      while (this.#incoming.length > 0 && !this.#isFull()) {
        const some = this.#incoming.slice(0, batchOffers)
        await this.#bring(some)
        let judged = 0
        for (const queued of some) {
          if (this.#isFull()) break
          this.#judgeOne(queued)
          judged++
        }
        this.#incoming.splice(0, judged)
      }
    } catch (error) {
      this.#log.error('store-read-failed', { reason: reasonOf(error) })
      for (const queued of this.#incoming.splice(0)) refuse(queued, unavailable)
    }
    this.#judging = false
    this.#commitNext()
  }

  #isFull(): boolean {
    return this.#next.writes.length >= batchOffers || this.#next.bytes >= batchBytes
  }

  /** Brings what judging needs and is not at hand: last entries, policies, the fill of mailboxes. */
  async #bring(queued: readonly Queued[]): Promise<void> {
    const missing = new Map<string, KeyName>()
    const connections = new Set<ConnectionId>()
    const mailboxes = new Set<FeedName>()
    for (const { access, offer } of queued) {
      const id = keyId({ feed: access.name, key: offer.key })
      if (!this.#states.get(id)) missing.set(id, { feed: access.name, key: offer.key })
      if (access.feed.kind === 'connection' && !this.#policies.get(access.feed.connection)) connections.add(access.feed.connection)
      if (access.mailboxUntil !== undefined && this.#mailboxKeys.get(access.name) === undefined) mailboxes.add(access.name)
    }
    if (missing.size > 0) {
      const ids = [...missing.keys()]
      const states = await this.#store.keyStates([...missing.values()])
      for (const [index, id] of ids.entries()) {
        const state = states[index]
        if (state && !this.#states.get(id)) this.#states.set(id, state)
      }
    }
    for (const connection of connections) await this.#policies.load(connection)
    for (const feed of mailboxes) {
      const page = await this.#store.page(feed, 0, { bytes: Number.POSITIVE_INFINITY, entries: mailboxKeys })
      this.#mailboxKeys.set(feed, page.entries.length)
    }
  }

  #judgeOne(queued: Queued): void {
    const { publisher, access, offer } = queued
    const id = keyId({ feed: access.name, key: offer.key })
    const last = this.#states.get(id)
    const { feed } = access
    const verdict = judgeOffer({
      offer,
      access,
      role: publisher.role,
      last,
      isOvertaken: this.#underWay.has(id),
      policies: feed.kind === 'connection' ? this.#policies.get(feed.connection) : undefined,
      keysInMailbox: this.#mailboxKeys.get(access.name) ?? 0,
      now: Date.now(),
    })
    if (isRefusal(verdict)) {
      this.#next.refused.push({ ...queued, refusal: verdict })
      return
    }
    this.#next.writes.push(verdict)
    this.#next.from.push(queued)
    this.#next.bytes += verdict.bytes.length
    this.#underWay.add(id)
    const policy = policyOf(verdict)
    if (policy && feed.kind === 'connection') this.#policies.register(feed.connection, feed.side, policy)
    if (access.mailboxUntil !== undefined && !last) this.#mailboxKeys.set(access.name, (this.#mailboxKeys.get(access.name) ?? 0) + 1)
  }

  #commitNext(): void {
    if (this.#committing) return
    const gathered = this.#takeNext()
    if (gathered.writes.length === 0) {
      for (const refused of gathered.refused) refuse(refused, refused.refusal)
      return this.#goOn()
    }
    this.#committing = true
    this.#store
      .commit(gathered.writes)
      .then((commit) => this.#settle(gathered, commit))
      .catch((error: unknown) => this.#fail(gathered, error))
      .finally(() => {
        this.#committing = false
        this.#commitNext()
      })
  }

  #takeNext(): Gathering {
    const gathered = this.#next
    this.#next = { writes: [], from: [], refused: [], bytes: 0 }
    return gathered
  }

  #goOn(): void {
    if (this.#judging) return
    if (this.#incoming.length > 0) {
      this.#judging = true
      void this.#judge()
      return
    }
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #settle(gathered: Gathering, commit: Commit): void {
    const ids = new Map<Publisher, number[]>()
    gathered.writes.forEach((write, index) => {
      const id = keyId(write)
      const sequence = commit.sequences[index] ?? 0
      const queued = gathered.from[index]
      this.#underWay.delete(id)
      if (!queued) return
      if (sequence === 0) {
        this.#states.delete(id)
        // It may have been a policy, which the offers after it were judged by only until now.
        this.#policies.forget()
        refuse(queued, { code: 'BEHIND', version: 0, detail: 'Another entry for the key came first; take that in and offer again.' })
        return
      }
      this.#states.set(id, { sequence, kind: write.kind, epoch: write.epoch, vector: write.vector })
      const list = ids.get(queued.publisher)
      if (list) list.push(queued.offer.id)
      else ids.set(queued.publisher, [queued.offer.id])
      queued.publisher.settled(queued.offer.bytes.length)
    })
    this.#after.fanOut(gathered.writes, commit)
    for (const [publisher, accepted] of ids) publisher.say({ type: 'accepted', ids: accepted })
    for (const refused of gathered.refused) refuse(refused, refused.refusal)
    gathered.writes.forEach((write, index) => {
      if (!commit.sequences[index]) return
      const device = write.kind === 'notice' ? revokedDevice(write.key) : undefined
      if (device) this.#after.revoked(device)
      this.#after.grown(write, commit.tails[index] ?? 0)
    })
  }

  /** What gathered meanwhile was judged on what is now not on disk, so it fails too. */
  #fail(gathered: Gathering, error: unknown): void {
    const next = this.#takeNext()
    this.#log.error('commit-failed', { reason: reasonOf(error), offers: gathered.writes.length + next.writes.length })
    this.#states.clear()
    this.#policies.forget()
    this.#mailboxKeys.clear()
    this.#underWay.clear()
    for (const queued of [...gathered.from, ...gathered.refused, ...next.from, ...next.refused]) refuse(queued, unavailable)
  }
}

const unavailable: Refusal = { code: 'UNAVAILABLE', version: 0, detail: 'The relay cannot store at the moment; offer again later.' }

function refuse({ publisher, offer }: Queued, { code, version, detail }: Refusal): void {
  const retryMs = code === 'UNAVAILABLE' ? unavailableRetryMs : 0
  publisher.say({ type: 'refused', what: 'offer', subject: offer.id, code, version, retryMs, detail })
  publisher.settled(offer.bytes.length)
}

function keyId({ feed, key }: KeyName): string {
  return `${feed}\n${key}`
}
