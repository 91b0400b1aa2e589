import type { Entry, EntryKind, Epoch, FeedName, Key, OrgId, Roster, StateVector, WireEntry } from '@entente/protocol'
import type { Account, AccountChange, Standing, Usage } from './account.js'

/** Where a relay keeps its entries: in a directory of this machine, or in a database. */
export interface StoreLocation {
  /** The directory of the embedded store. */
  readonly data: string
  /** The URL of a PostgreSQL database (it may hold a password), or undefined for the embedded store. */
  readonly store: string | undefined
}

/** The last entry of a key: what the next offer for the key is judged by. */
export interface KeyState {
  readonly sequence: number
  readonly kind: EntryKind
  /** The key's highest epoch. It outlives an erasure (rule EP1). */
  readonly epoch: Epoch
  /** The doc's state vector; empty for the other kinds. */
  readonly vector: StateVector
  /** The size of the key's merged state and tail, in bytes. */
  readonly bytes: number
}

/** A key, with its feed. */
export interface KeyName {
  readonly feed: FeedName
  readonly key: Key
}

/** A key and the sequence of its last entry, 0 for none. */
export interface KeyPosition extends KeyName {
  readonly sequence: number
}

/** One entry to append. It has been judged and admitted. */
export interface Write extends KeyName {
  /** The org that writes the feed. Its account counts the entry. */
  readonly owner: OrgId
  /** The sequence that the key's last entry must have, 0 for none: the comparison of compare and set (rule PB1). */
  readonly seen: number
  /** For a head, the sequence that the feed's last entry must have, 0 for an empty feed (rule HD1). Undefined for every other kind. */
  readonly follows: number | undefined
  /** The policies by which the write was judged. Each must still be its key's last entry. Writes that were judged by the same policies share the list. */
  readonly given: readonly KeyPosition[]
  /** The change in the number of the org's connections. The first policy of a connection adds one; a policy that ends it takes one away (rule PO5). */
  readonly connects: -1 | 0 | 1
  readonly kind: EntryKind
  readonly whole: boolean
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  readonly vector: StateVector
}

/** The result of one transaction. */
export interface Commit {
  /** The incarnation in which the transaction was committed. */
  readonly incarnation: number
  /** The sequence of each write; 0 where `seen`, `follows` or one of `given` was outdated, so that the write changed nothing. */
  readonly sequences: readonly number[]
  /** For each write, the number of updates after the key's merged state. */
  readonly tails: readonly number[]
  /** The accounts of the orgs that wrote, after the transaction. */
  readonly accounts: readonly Account[]
}

/** The bounds of a page: the bytes of its entries, and their number. */
export interface PageBounds {
  readonly bytes: number
  readonly entries: number
}

/** An entry of a page: in parts, or as it stands on the wire where the store keeps it so. */
export type PageEntry = Entry | WireEntry

/** Bytes of an entry on the wire beside its own, roughly at most. */
export const entryOverhead = 96

/** How many bytes an entry takes on the wire, roughly at most. */
export function lengthOnWire(entry: PageEntry): number {
  return 'wire' in entry ? entry.wire.length : entry.bytes.length + entryOverhead
}

/** Consecutive entries of a feed in sequence order, read in one snapshot. */
export interface Page {
  readonly entries: readonly PageEntry[]
  /** The feed's last sequence, 0 for an empty feed. */
  readonly head: number
  /** The incarnation in which the page was read. */
  readonly incarnation: number
  /** Whether the page reaches the head. */
  readonly done: boolean
}

/** A doc in the store: its merged state and its tail of updates. */
export interface StoredDoc {
  readonly epoch: Epoch
  /** The sequence of the key's last entry. */
  readonly sequence: number
  /** The sequence of the merged state. */
  readonly merged: number
  /** The merged state, then the tail's updates in order; all Yjs V1. */
  readonly states: readonly Uint8Array[]
}

/** What decides whether a device may enter, beside its own proof. */
export interface StandingAndRoster {
  readonly standing: Standing
  /** The number of the roster that is kept for the org, 0 for none. */
  readonly roster: number
}

/** An invitation and its mailbox (rules MB1 to MB6). */
export interface Invitation {
  readonly mailbox: string
  readonly vendor: OrgId
  /** The org that claimed the mailbox. */
  readonly partner: OrgId | undefined
  /** The SHA-256 of the claim. */
  readonly claimHash: Uint8Array
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly wrongTries: number
  readonly isVoid: boolean
}

/**
 * The relay's durable state: feeds, accounts and invitations. Every adapter passes the suite in `contract/`.
 *
 * The guarantees:
 *
 * - `commit` is one transaction. When it resolves, its writes are on stable storage, and every later read sees them. When it rejects, none is stored.
 * - A feed's sequences have no gaps and follow the order of the writes. Entries become visible in that order, however many relays share the store.
 * - A write changes nothing and gets the sequence 0 where `seen`, `follows` or one of `given` is outdated. The other writes of its batch stand.
 * - `page` shows one moment of the feed. Merged states, later updates, tombstones and messages each stand at their own sequence.
 * - `incarnation` is a random number of 53 bits. It is written, with the head of each feed at that moment, before anything else happens to this copy of the
 *   data (rule IN1). What `headSince` once knew it still knows, unless an older copy replaced the store.
 * - Relays that share a store share its incarnation. It changes under them only when the store was replaced (rule RS4).
 * - Accounts are exact. They count the bytes and keys in the feeds an org writes, and the connections of its policies. The transaction that changes those
 *   changes the account.
 * - The store's memory does not grow with the number of records.
 */
export interface Store {
  /** Whether other processes may write feeds to the store too. */
  readonly isShared: boolean
  /** The id of the present incarnation, as far as this process knows. */
  incarnation(): number
  /**
   * The feed's head, if its head once was `position` in that incarnation (rule IN2).
   *
   * @returns undefined where the store does not know the incarnation, or the feed never reached the position in it
   */
  headSince(feed: FeedName, incarnation: number, position: number): Promise<number | undefined>
  /** The last entries of keys, in the order of `names`; undefined for a key that was never written. */
  keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]>
  /** The bytes and sequence of the key's control entry, or undefined where the key holds none. */
  controlEntry(name: KeyName): Promise<{ readonly bytes: Uint8Array; readonly sequence: number } | undefined>
  /** Appends entries in one transaction (rules PB3 and AK1). */
  commit(writes: readonly Write[]): Promise<Commit>
  /** The feed's entries after the sequence `after`: one, if there is any, and then as many as fit the bounds. */
  page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page>
  /** The doc of a key, or undefined where the key holds none. */
  doc(name: KeyName): Promise<StoredDoc | undefined>
  /** Replaces the states of `from` by `merged`. It resolves to false, and changes nothing, where the doc was replaced or merged since. */
  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean>
  /** The invitation of a mailbox, or undefined where there is none. */
  invitation(mailbox: string): Promise<Invitation | undefined>
  /**
   * Changes one invitation in one transaction. Resolves to the invitation that the mailbox then holds.
   *
   * @param change returns the invitation to store, or undefined to change nothing; it may be called more than once, and the last call counts
   */
  changeInvitation(mailbox: string, change: (present: Invitation | undefined) => Invitation | undefined): Promise<Invitation | undefined>
  /**
   * Stores a new invitation in one transaction, if its mailbox holds none and its vendor has fewer than `most`. Ended invitations count until they are
   * forgotten (rule MB6). Resolves to the invitation that the mailbox then holds: the new one or the earlier one, or undefined where the vendor has
   * too many.
   */
  addInvitation(invitation: Invitation, most: number): Promise<Invitation | undefined>
  /** Removes feeds and everything in them from the disk. */
  dropFeeds(feeds: readonly FeedName[]): Promise<void>
  /** The mailboxes of void invitations, and of those that ended before the time `before`, whose feeds still hold something. */
  endedInvitations(before: number): Promise<readonly string[]>
  /** Removes the invitations that expired before the time `expiredBefore`. Times are milliseconds since 1970. */
  forgetInvitations(expiredBefore: number): Promise<void>
  /** An org's standing, and the number of the roster that is kept for it, 0 for none, read at once: every new session needs both. */
  standing(org: OrgId): Promise<StandingAndRoster>
  /** The roster that is kept for an org, as a JWS. */
  roster(org: OrgId): Promise<string | undefined>
  /**
   * Keeps a verified roster for its org in one transaction, unless one with this number or a higher one is kept already (rule RO3).
   *
   * @returns whether it is kept now
   */
  keepRoster(roster: Pick<Roster, 'org' | 'number' | 'token'>): Promise<boolean>
  /** An org's account. An account that was never written reads as a new one. */
  account(org: OrgId): Promise<Account>
  /** At most `limit` accounts in the order of their orgs' ids, from the first one after `after` ('' for all). */
  accounts(after: string, limit: number): Promise<readonly Account[]>
  /**
   * At most `limit` accounts: first those that have used most of their quota, then those with the most bytes. It reads all accounts.
   *
   * @param quota the quota of orgs for which the operator has set no other; 0 is no bound
   */
  fullestAccounts(quota: Usage, limit: number): Promise<readonly Account[]>
  /**
   * Changes an operator's decisions about an org in one transaction, so that no concurrent change is lost. The org's usage stays. The watchers of every
   * relay on this store are informed. It resolves to false, and changes nothing, where the org's standing is not `onlyFrom`.
   */
  changeAccount(org: OrgId, change: AccountChange): Promise<boolean>
  /** 32 random bytes, drawn when the store was created: the same for every relay on it. */
  secret(): Uint8Array
  /** Reports the changes that other processes make to the store from now on. A report may be late, repeated or needless, but every change is reported in the end (rule RS2). */
  watch(watcher: Watcher): void
  /** How much the store holds. */
  stats(): Promise<StoreStats>
  /** Checks the whole store for contradictions. @returns a line for each, which names feeds and keys but no bytes; empty where there is none */
  check(): Promise<readonly string[]>
  /** Whether a commit would succeed now. It tries by writing a row. */
  isWritable(): Promise<boolean>
  /** Closes the store. No other method may be called after it. */
  close(): Promise<void>
}

/** The methods that are safe for an operator's command while relays run on the store. */
export type StoreBeside = Pick<Store, 'account' | 'accounts' | 'changeAccount' | 'stats' | 'check' | 'close'>

/** The contents of a store in numbers. Sizes in bytes. */
export interface StoreStats {
  /** The size of the files or tables, dead space included. */
  readonly diskBytes: number
  readonly orgs: number
  readonly feeds: number
  /** Keys that hold something. */
  readonly docs: number
  readonly tombstones: number
  /** Updates that wait behind merged states. */
  readonly tailUpdates: number
  readonly invitations: number
  readonly incarnations: number
}

/** The relay's side of `Store.watch`: what it follows, and how it hears of changes that other processes make. */
export interface Watcher {
  /** The feeds whose growth matters here. The store asks from time to time, because a hint may be lost. */
  followedFeeds(): Iterable<FeedName>
  /** The mailboxes whose change matters here. */
  followedMailboxes(): Iterable<string>
  /** Another process may have written to the feed, up to this head. */
  feedGrew(feed: FeedName, head: number): void
  /** Another process may have changed the invitation of this mailbox. */
  mailboxChanged(mailbox: string): void
  /** An operator may have changed accounts. */
  accountsChanged(): void
  /** Another copy replaced the store. Everything known of it is void (rules RS4, RS5). */
  storeReplaced(): void
}
