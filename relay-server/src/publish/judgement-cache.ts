import { type ConnectionId, type FeedName, hasSlot, limits, type Offer, type OrgId, withdrawnSlots } from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { LruMap } from '../flow/lru.js'
import { mailboxKeys } from './judge-offer.js'
import { addsToMailbox, type Pending, type PendingLedger, policyIn } from './pending-ledger.js'
import type { Policies, PolicyCache } from './policy-cache.js'
import { type Account, noUsage, type Quota, sizeOf, type Usage } from '../store/account.js'
import type { KeyName, KeyState, Store, Write } from '../store/store.js'

/** Capacity, in keys. Evicted keys are read again when an offer needs them. */
const keptKeys = 8_192
/** More than one round of judging loads, so that it evicts nothing of its own. */
const keptMailboxes = 4_096
const keptAccounts = 4_096

/** The parts of an offer that say what the cache must hold to judge it. */
export interface OfferToJudge {
  /** The key's, made once for all that is looked up by it. */
  readonly id: string
  readonly publisher: { readonly org: OrgId }
  readonly access: Access
  readonly offer: Offer
}

/** An org's quota, and its usage in the store. */
export interface Allowance {
  readonly quota: Quota
  readonly usage: Usage
}

/**
 * Caches what the judge needs from the store: last entries of keys, policies, accounts, and the sizes of mailboxes. With other relays on the same store it may
 * be outdated; the store compares again when it writes.
 */
export class JudgementCache {
  readonly #store: Store
  #states = new LruMap<string, KeyState>(keptKeys)
  /** The number of keys in each mailbox feed. */
  #mailboxes = new LruMap<FeedName, number>(keptMailboxes)
  #accounts = new LruMap<OrgId, Allowance>(keptAccounts)
  /** Of docs in connections with withdrawals: whether one still has a withdrawn slot, and the policies by which that was looked up. */
  #withdrawn = new LruMap<string, { readonly policies: Policies; readonly has: boolean }>(keptKeys)
  readonly #quota: Quota
  readonly policies: PolicyCache

  /** @param quota the quota of orgs for which the operator set no other; 0 is no bound */
  constructor(store: Store, quota: Quota, policies: PolicyCache) {
    this.#store = store
    this.#quota = quota
    this.policies = policies
  }

  state(id: string): KeyState | undefined {
    return this.#states.get(id)
  }

  allowance(org: OrgId): Allowance {
    return this.#accounts.get(org) ?? { quota: this.#quota, usage: noUsage }
  }

  hasWithdrawn(id: string): boolean {
    return this.#withdrawn.get(id)?.has ?? false
  }

  mailboxKeys(feed: FeedName): number {
    return this.#mailboxes.get(feed) ?? 0
  }

  /** Loads entries that are missing or older than the sequence the offer names. */
  async load(asked: readonly OfferToJudge[], pending: PendingLedger): Promise<void> {
    const keys = new Map<string, KeyName>()
    const connections = new Set<ConnectionId>()
    const mailboxes = new Set<FeedName>()
    const orgs = new Set<OrgId>()
    for (const { id, access, offer, publisher } of asked) {
      const sequence = this.state(id)?.sequence
      // An offer that names an earlier entry than a known one comes too late, whatever the store holds now; unless it names none, since a feed may be dropped.
      const isKnown = sequence === offer.seen || (sequence !== undefined && offer.seen > 0 && sequence > offer.seen)
      if (!isKnown && !pending.hasKey(id)) keys.set(id, { feed: access.name, key: offer.key })
      if (access.feed.kind === 'connection' && !this.policies.get(access.feed.connection)) connections.add(access.feed.connection)
      if (access.mailboxUntil !== undefined && this.#mailboxes.get(access.name) === undefined) mailboxes.add(access.name)
      if (!this.#accounts.get(publisher.org)) orgs.add(publisher.org)
    }
    await Promise.all([
      keys.size > 0 ? this.#loadStates(keys) : undefined,
      ...[...connections].map((connection) => this.policies.load(connection)),
      ...[...mailboxes].map((feed) => this.#loadMailbox(feed)),
      ...[...orgs].map((org) => this.#loadAccount(org)),
    ])
    await Promise.all(asked.filter((each) => !this.#knowsWithdrawn(each)).map((each) => this.#loadWithdrawn(each)))
  }

  /** Whether the cache has the account, the policies and the size of the mailbox by which an offer is judged. */
  has(asked: OfferToJudge): boolean {
    const { publisher, access } = asked
    return (
      this.#accounts.get(publisher.org) !== undefined &&
      this.#knowsWithdrawn(asked) &&
      (access.feed.kind !== 'connection' || this.policies.get(access.feed.connection) !== undefined) &&
      (access.mailboxUntil === undefined || this.#mailboxes.get(access.name) !== undefined)
    )
  }

  /** A write went to the disk under this sequence, or another relay was first (0). */
  settle(pending: Pending, write: Write, sequence: number): void {
    const { id, access, last } = pending
    const connection = policyIn(access, write)
    if (connection) this.policies.evict(connection)
    // Read again: a load in flight may have found the key there already.
    if (addsToMailbox(access, last)) this.#mailboxes.delete(access.name)
    if (sequence === 0) return this.evict(pending)
    const { kind, whole, epoch, vector } = write
    // A doc that has begun anew has no withdrawn slot.
    if (whole) this.#withdrawn.delete(id)
    const before = kind === 'doc' && !whole ? (last?.bytes ?? 0) : 0
    this.#states.set(id, { sequence, kind, epoch, vector, bytes: before + sizeOf(write) })
  }

  setAccount(account: Account): void {
    this.#accounts.set(account.org, this.#allowanceOf(account))
  }

  /** Evicts everything by which this offer was judged, because it may be outdated. */
  evict({ id, publisher, access }: Omit<OfferToJudge, 'offer'>): void {
    this.#states.delete(id)
    this.#accounts.delete(publisher.org)
    this.#mailboxes.delete(access.name)
    if (access.feed.kind === 'connection') this.policies.evict(access.feed.connection)
  }

  evictAccounts(): void {
    this.#accounts.clear()
  }

  /** Clears the cache. It also discards the loads in flight. */
  clear(): void {
    this.#states = new LruMap(keptKeys)
    this.#mailboxes = new LruMap(keptMailboxes)
    this.#accounts = new LruMap(keptAccounts)
    this.#withdrawn = new LruMap(keptKeys)
    this.policies.clear()
  }

  async #loadStates(names: ReadonlyMap<string, KeyName>): Promise<void> {
    const known = this.#states
    const ids = [...names.keys()]
    const states = await this.#store.keyStates([...names.values()])
    for (const [index, id] of ids.entries()) {
      const state = states[index]
      // A commit that settled meanwhile is newer than this read.
      if (state && state.sequence > (known.get(id)?.sequence ?? 0)) known.set(id, state)
    }
  }

  /** The policies of an update's connection, where either side has withdrawn something. */
  #withdrawing({ access: { feed }, offer }: OfferToJudge): Policies | undefined {
    if (feed.kind !== 'connection' || offer.kind !== 'doc' || offer.whole) return undefined
    const policies = this.policies.get(feed.connection)
    return policies?.vendor?.withdrawn || policies?.partner?.withdrawn ? policies : undefined
  }

  #knowsWithdrawn(asked: OfferToJudge): boolean {
    const policies = this.#withdrawing(asked)
    return !policies || this.#withdrawn.get(asked.id)?.policies === policies
  }

  async #loadWithdrawn(asked: OfferToJudge): Promise<void> {
    const policies = this.#withdrawing(asked)
    const { name, feed } = asked.access
    if (!policies || feed.kind !== 'connection') return
    const known = this.#withdrawn
    const doc = await this.#store.doc({ feed: name, key: asked.offer.key })
    const gone = doc ? withdrawnSlots([policies.vendor, policies.partner], doc.epoch.version, feed.topic) : undefined
    known.set(asked.id, { policies, has: doc !== undefined && gone !== undefined && gone.size > 0 && hasSlot(doc.states, gone) })
  }

  async #loadMailbox(feed: FeedName): Promise<void> {
    const known = this.#mailboxes
    const page = await this.#store.page(feed, 0, { bytes: limits.entryBytes * mailboxKeys, entries: mailboxKeys })
    known.set(feed, page.entries.length)
  }

  async #loadAccount(org: OrgId): Promise<void> {
    const known = this.#accounts
    known.set(org, this.#allowanceOf(await this.#store.account(org)))
  }

  #allowanceOf({ quota, usage }: Account): Allowance {
    return { quota: { ...this.#quota, ...quota }, usage }
  }
}
