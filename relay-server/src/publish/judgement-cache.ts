import { type ConnectionId, type FeedName, limits, type Offer, type OrgId } from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { LruMap } from '../flow/lru.js'
import { growthOf, mailboxKeys } from './judge-offer.js'
import type { PolicyCache } from './policy-cache.js'
import { type Account, noUsage, type Quota, type Usage } from '../store/account.js'
import { sizeOf } from '../store/size.js'
import type { KeyName, KeyState, Store, Write } from '../store/store.js'

/** Keys whose last entry is at hand; the others are read again when they are needed. */
const keptKeys = 8_192
/** More than one round of judging asks for, so that nothing of what is brought for it goes again before. */
const keptMailboxes = 4_096
const keptAccounts = 4_096

/** An offer as far as it says what must be known to judge it. */
export interface Asking {
  /** The key's, made once for all that is looked up by it. */
  readonly id: string
  readonly publisher: { readonly org: OrgId }
  readonly access: Access
  readonly offer: Offer
}

/** An offer that was judged by the key's last entry. */
interface Settled extends Asking {
  readonly last: KeyState | undefined
}

/** What an org may take up, and takes up with what is on its way to the disk. */
export interface Allowance {
  readonly quota: Required<Quota>
  readonly usage: Usage
}

/**
 * What judging needs of the store, kept for a while: last entries of keys, policies, accounts, the fill of mailboxes. Where other relays write to
 * the same store it may be outdated; the store compares again when it writes.
 */
export class JudgementCache {
  readonly #store: Store
  #states = new LruMap<string, KeyState>(keptKeys)
  /** How many keys the feeds of mailboxes hold. */
  #mailboxes = new LruMap<FeedName, number>(keptMailboxes)
  #accounts = new LruMap<OrgId, Allowance>(keptAccounts)
  /** What is judged but not yet on disk, which no reading knows of: by how much it lets orgs take up more, and how many keys it adds to mailboxes. */
  readonly #growth = new Map<OrgId, Usage>()
  readonly #keysUnderWay = new Map<FeedName, number>()
  readonly #quota: Required<Quota>
  readonly policies: PolicyCache

  /** @param quota what holds for orgs of which the operator has said nothing else; 0 is no bound */
  constructor(store: Store, quota: Required<Quota>, policies: PolicyCache) {
    this.#store = store
    this.#quota = quota
    this.policies = policies
  }

  state(id: string): KeyState | undefined {
    return this.#states.get(id)
  }

  allowance(org: OrgId): Allowance {
    const { quota, usage } = this.#accounts.get(org) ?? { quota: this.#quota, usage: noUsage }
    const growth = this.#growth.get(org)
    return { quota, usage: growth ? sum(usage, growth) : usage }
  }

  keysInMailbox(feed: FeedName): number {
    return (this.#mailboxes.get(feed) ?? 0) + (this.#keysUnderWay.get(feed) ?? 0)
  }

  /** Brings what is not at hand, or outdated by the looks of what an offer has seen. */
  async bring(asked: readonly Asking[], underWay: ReadonlySet<string>): Promise<void> {
    const keys = new Map<string, KeyName>()
    const connections = new Set<ConnectionId>()
    const mailboxes = new Set<FeedName>()
    const orgs = new Set<OrgId>()
    for (const { id, access, offer, publisher } of asked) {
      if (this.state(id)?.sequence !== offer.seen && !underWay.has(id)) keys.set(id, { feed: access.name, key: offer.key })
      if (access.feed.kind === 'connection' && !this.policies.get(access.feed.connection)) connections.add(access.feed.connection)
      if (access.mailboxUntil !== undefined && this.#mailboxes.get(access.name) === undefined) mailboxes.add(access.name)
      if (!this.#accounts.get(publisher.org)) orgs.add(publisher.org)
    }
    await Promise.all([
      keys.size > 0 ? this.#bringStates(keys) : undefined,
      ...[...connections].map((connection) => this.policies.load(connection)),
      ...[...mailboxes].map((feed) => this.#bringMailbox(feed)),
      ...[...orgs].map((org) => this.#bringAccount(org)),
    ])
  }

  /** Whether the account, the policies and the fill of the mailbox by which an offer is judged are at hand. */
  holds({ publisher, access }: Asking): boolean {
    return (
      this.#accounts.get(publisher.org) !== undefined &&
      (access.feed.kind !== 'connection' || this.policies.get(access.feed.connection) !== undefined) &&
      (access.mailboxUntil === undefined || this.#mailboxes.get(access.name) !== undefined)
    )
  }

  /** A write was judged and goes to the disk: its org will take up that much more. */
  expect({ publisher: { org }, access }: Asking, write: Write, last: KeyState | undefined): void {
    this.#growth.set(org, sum(this.#growth.get(org) ?? noUsage, growthOf(write, write.connects, last)))
    if (addsToMailbox(access, last)) this.#keysUnderWay.set(access.name, (this.#keysUnderWay.get(access.name) ?? 0) + 1)
  }

  /** What was expected of a write has come: it is on disk under this sequence, or another relay was first (0). */
  settle(asking: Settled, write: Write, sequence: number): void {
    const {
      id,
      publisher: { org },
      access,
      last,
    } = asking
    const growth = difference(this.#growth.get(org) ?? noUsage, growthOf(write, write.connects, last))
    if (isNone(growth)) this.#growth.delete(org)
    else this.#growth.set(org, growth)
    if (addsToMailbox(access, last)) {
      const left = (this.#keysUnderWay.get(access.name) ?? 1) - 1
      if (left === 0) this.#keysUnderWay.delete(access.name)
      else this.#keysUnderWay.set(access.name, left)
      // Counted anew: a reading may have found it there already.
      this.#mailboxes.delete(access.name)
    }
    if (sequence === 0) return this.forgetFor(asking)
    const { kind, whole, epoch, vector } = write
    const before = kind === 'doc' && !whole ? (last?.bytes ?? 0) : 0
    this.#states.set(id, { sequence, kind, epoch, vector, bytes: before + sizeOf(write) })
  }

  learnAccount(account: Account): void {
    this.#accounts.set(account.org, this.#allowanceOf(account))
  }

  /** What was known for this offer may be outdated: all of it is to be brought anew. */
  forgetFor({ id, publisher, access }: Asking): void {
    this.#states.delete(id)
    this.#accounts.delete(publisher.org)
    this.#mailboxes.delete(access.name)
    if (access.feed.kind === 'connection') this.policies.forget(access.feed.connection)
  }

  forgetAccounts(): void {
    this.#accounts.clear()
  }

  /** Nothing of what was judged is on its way to the disk any more. */
  nothingUnderWay(): void {
    this.#growth.clear()
    this.#keysUnderWay.clear()
  }

  /** Also what is being read, which goes where nobody looks any more. */
  forgetAll(): void {
    this.#states = new LruMap(keptKeys)
    this.#mailboxes = new LruMap(keptMailboxes)
    this.#accounts = new LruMap(keptAccounts)
    this.policies.forgetAll()
  }

  async #bringStates(names: ReadonlyMap<string, KeyName>): Promise<void> {
    const known = this.#states
    const ids = [...names.keys()]
    const states = await this.#store.keyStates([...names.values()])
    for (const [index, id] of ids.entries()) {
      const state = states[index]
      // A commit that settled meanwhile knows better than this reading.
      if (state && state.sequence > (known.get(id)?.sequence ?? 0)) known.set(id, state)
    }
  }

  async #bringMailbox(feed: FeedName): Promise<void> {
    const known = this.#mailboxes
    const page = await this.#store.page(feed, 0, { bytes: limits.entryBytes * mailboxKeys, entries: mailboxKeys })
    known.set(feed, page.entries.length)
  }

  async #bringAccount(org: OrgId): Promise<void> {
    const known = this.#accounts
    known.set(org, this.#allowanceOf(await this.#store.account(org)))
  }

  #allowanceOf({ quota, usage }: Account): Allowance {
    return { quota: { ...this.#quota, ...quota }, usage }
  }
}

function addsToMailbox({ mailboxUntil }: Access, last: KeyState | undefined): boolean {
  return mailboxUntil !== undefined && !last
}

function isNone({ bytes, docs, connections }: Usage): boolean {
  return bytes === 0 && docs === 0 && connections === 0
}

function difference(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes - b.bytes, docs: a.docs - b.docs, connections: a.connections - b.connections }
}

function sum(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, docs: a.docs + b.docs, connections: a.connections + b.connections }
}
