import { type ConnectionId, type FeedName, limits, type Offer, type OrgId } from '@entente/protocol'
import type { Access } from './access.js'
import { LruMap } from './lru.js'
import { growthOf, mailboxKeys } from './offer.js'
import type { PolicyBook } from './policy.js'
import { type Account, noUsage, type Usage } from './store/account.js'
import type { KeyName, KeyState, Store, Write } from './store/store.js'

/** Keys whose last entry is at hand; the others are read again when they are needed. */
const keptKeys = 8_192
const keptMailboxes = 1_024
const keptAccounts = 4_096

/** An offer as far as it says what must be known to judge it. */
export interface Asking {
  readonly publisher: { readonly org: OrgId }
  readonly access: Access
  readonly offer: Offer
}

/**
 * What judging needs of the store, kept for a while: last entries of keys, policies, accounts, the fill of mailboxes. Where other relays write to
 * the same store it may be outdated; the store compares again when it writes.
 */
export class AtHand {
  readonly #store: Store
  readonly #states = new LruMap<string, KeyState>(keptKeys)
  /** How many keys the feeds of mailboxes hold. */
  readonly #mailboxes = new LruMap<FeedName, number>(keptMailboxes)
  readonly #accounts = new LruMap<OrgId, Account>(keptAccounts)
  readonly policies: PolicyBook

  constructor(store: Store, policies: PolicyBook) {
    this.#store = store
    this.policies = policies
  }

  state(name: KeyName): KeyState | undefined {
    return this.#states.get(keyId(name))
  }

  account(org: OrgId): Account {
    return this.#accounts.get(org) ?? { org, standing: 'none', quota: {}, usage: noUsage }
  }

  keysInMailbox(feed: FeedName): number {
    return this.#mailboxes.get(feed) ?? 0
  }

  /** Brings what is not at hand, or outdated by the looks of what an offer has seen. */
  async bring(asked: readonly Asking[], isUnderWay: (name: KeyName) => boolean): Promise<void> {
    const keys = new Map<string, KeyName>()
    const connections = new Set<ConnectionId>()
    const mailboxes = new Set<FeedName>()
    const orgs = new Set<OrgId>()
    for (const { access, offer, publisher } of asked) {
      const name = { feed: access.name, key: offer.key }
      if (this.state(name)?.sequence !== offer.seen && !isUnderWay(name)) keys.set(keyId(name), name)
      if (access.feed.kind === 'connection' && !this.policies.get(access.feed.connection)) connections.add(access.feed.connection)
      if (access.mailboxUntil !== undefined && this.#mailboxes.get(access.name) === undefined) mailboxes.add(access.name)
      if (!this.#accounts.get(publisher.org)) orgs.add(publisher.org)
    }
    await Promise.all([
      keys.size > 0 ? this.#bringStates([...keys.values()]) : undefined,
      ...[...connections].map((connection) => this.policies.load(connection)),
      ...[...mailboxes].map((feed) => this.#bringMailbox(feed)),
      ...[...orgs].map((org) => this.#bringAccount(org)),
    ])
  }

  /** A write was judged and goes to the disk: its org will take up that much more. */
  expect(write: Write, isMailbox: boolean): void {
    const last = this.state(write)
    const account = this.account(write.owner)
    this.#accounts.set(write.owner, { ...account, usage: sum(account.usage, growthOf(write, last)) })
    if (isMailbox && !last) this.#mailboxes.set(write.feed, this.keysInMailbox(write.feed) + 1)
  }

  /** A write is on disk under this sequence. */
  learn(write: Write, sequence: number): void {
    const before = write.kind === 'doc' && !write.whole ? (this.state(write)?.bytes ?? 0) : 0
    const { kind, epoch, vector } = write
    this.#states.set(keyId(write), { sequence, kind, epoch, vector, bytes: before + write.bytes.length })
  }

  learnAccount(account: Account): void {
    this.#accounts.set(account.org, account)
  }

  /** What was known of this key, and of what its last write was judged by, proved outdated. */
  forget({ feed, key }: KeyName, connection: ConnectionId | undefined): void {
    this.#states.delete(keyId({ feed, key }))
    if (connection !== undefined) this.policies.forget(connection)
  }

  /** An offer is about to be refused by what may be outdated: all of it is to be brought anew. */
  forgetFor({ publisher, access, offer }: Asking): void {
    this.forget({ feed: access.name, key: offer.key }, access.feed.kind === 'connection' ? access.feed.connection : undefined)
    this.#accounts.delete(publisher.org)
  }

  forgetAccounts(): void {
    this.#accounts.clear()
  }

  forgetAll(): void {
    this.#states.clear()
    this.#mailboxes.clear()
    this.#accounts.clear()
    this.policies.forgetAll()
  }

  async #bringStates(names: readonly KeyName[]): Promise<void> {
    const states = await this.#store.keyStates(names)
    for (const [index, name] of names.entries()) {
      const state = states[index]
      // A commit that settled meanwhile knows better than this reading.
      if (state && state.sequence > (this.state(name)?.sequence ?? 0)) this.#states.set(keyId(name), state)
    }
  }

  async #bringMailbox(feed: FeedName): Promise<void> {
    const page = await this.#store.page(feed, 0, { bytes: limits.entryBytes * mailboxKeys, entries: mailboxKeys })
    this.#mailboxes.set(feed, page.entries.length)
  }

  async #bringAccount(org: OrgId): Promise<void> {
    this.#accounts.set(org, await this.#store.account(org))
  }
}

export function keyId({ feed, key }: KeyName): string {
  return `${feed}\n${key}`
}

function sum(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, docs: a.docs + b.docs, connections: a.connections + b.connections }
}
