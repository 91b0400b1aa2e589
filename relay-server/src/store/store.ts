import type { Entry, EntryKind, Epoch, FeedName, Key, OrgId, StateVector } from '@entente/protocol'
import type { Account, AccountChange, Standing, Usage } from './account.js'
import type { StoreStats } from './stats.js'
import type { Watcher } from './watcher.js'

/** Where a relay's entries lie: in a directory of this machine, or in a database. */
export interface StoreLocation {
  /** The directory of the embedded store. */
  readonly data: string
  /** The URL of a PostgreSQL database (it may hold a password), or undefined for the embedded store. */
  readonly store: string | undefined
}

/** The last entry of a key, as far as the next offer is judged by it. */
export interface KeyState {
  readonly sequence: number
  readonly kind: EntryKind
  /** The key's highest epoch; it outlives an erasure (rule EP1). */
  readonly epoch: Epoch
  /** Up to where the doc is known; empty for the other kinds. */
  readonly vector: StateVector
  /** What the key takes on the disk: merged state and tail, in bytes. */
  readonly bytes: number
}

export interface KeyName {
  readonly feed: FeedName
  readonly key: Key
}

/** A key and its last sequence, 0 for none. */
export interface KeyPosition extends KeyName {
  readonly sequence: number
}

/** One entry to append, already admitted. `seen` is the compare of the compare-and-set: the key's last sequence, 0 for none. */
export interface Write extends KeyName {
  /** The org that writes the feed, in whose account the entry is counted. */
  readonly owner: OrgId
  readonly seen: number
  /** Last entries of keys (policies) that the write was judged by. Writes that were judged by the same ones share the list. */
  readonly given: readonly KeyPosition[]
  /** By how many connections this entry changes the org's account: its first policy of one opens it, one that says so ends it (rule PO5). */
  readonly connects: -1 | 0 | 1
  readonly kind: EntryKind
  readonly whole: boolean
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  readonly vector: StateVector
}

export interface Commit {
  /** The incarnation in which this was committed. */
  readonly incarnation: number
  /** Per write the sequence it got, or 0 where `seen`, or one of `given`, was no longer the key's last and nothing was written. */
  readonly sequences: readonly number[]
  /** Per write how many updates now wait behind the key's merged state. */
  readonly tails: readonly number[]
  /** The accounts of the orgs that wrote, as they stand now. */
  readonly accounts: readonly Account[]
}

export interface PageBounds {
  readonly bytes: number
  readonly entries: number
}

/** A stretch of a feed in sequence order, read in one snapshot. */
export interface Page {
  readonly entries: readonly Entry[]
  /** The feed's last sequence, 0 where it has none. */
  readonly head: number
  /** The incarnation in which this was read. */
  readonly incarnation: number
  /** Whether nothing is left between these entries and the head. */
  readonly done: boolean
}

/** A doc as it lies in the store. */
export interface StoredDoc {
  readonly epoch: Epoch
  readonly sequence: number
  /** The sequence of the merged state, which is the first of `states`; the tail's updates follow in order. */
  readonly merged: number
  readonly states: readonly Uint8Array[]
}

export interface Invitation {
  readonly mailbox: string
  readonly vendor: OrgId
  readonly partner: OrgId | undefined
  readonly claimHash: Uint8Array
  /** ms since 1970 */
  readonly expires: number
  readonly wrongTries: number
  readonly isVoid: boolean
}

/**
 * Where the relay keeps what it acknowledged. Every adapter runs the suite in `contract/`. The guarantees:
 *
 * - `commit` is one transaction. When it resolves, the writes are on stable storage and every later read of any method sees them; when it
 *   rejects, none of them is there. Sequences of one feed are given without gaps, in the order of the writes, and become visible in that order,
 *   however many relays write to the same store.
 * - A write whose `seen` is not the key's last sequence, or one of whose `given` has moved on, changes nothing and gets sequence 0; the others of
 *   its batch stand.
 * - `page` shows one moment of the feed: merged states at their sequence, later updates at theirs, tombstones and messages at theirs.
 * - `incarnation` is a random number of 53 bits that was drawn and written down before anything else was done with this copy of the data, together
 *   with the head of each feed at that moment (rule IN1). What `headSince` once knew it knows unless the store was replaced by an
 *   older copy. Where relays share a store they share its incarnation; it changes under them only when the store was replaced.
 * - Accounts are exact: bytes and docs of all that lies in the feeds an org writes, and connections by its policies, changed in the transaction that
 *   changes those.
 * - Nothing is kept in memory per record.
 */
export interface Store {
  /** Whether others may write feeds to it too. */
  readonly isShared: boolean
  /** The present incarnation, as far as this process knows. */
  incarnation(): number
  /** The feed's head, where it once stood at `position` (its head then) in the incarnation of that id; undefined where nothing is known of that. */
  headSince(feed: FeedName, incarnation: number, position: number): Promise<number | undefined>
  keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]>
  /** The bytes of a control entry and its sequence, or undefined where the key holds none. */
  controlEntry(name: KeyName): Promise<{ readonly bytes: Uint8Array; readonly sequence: number } | undefined>
  commit(writes: readonly Write[]): Promise<Commit>
  /** At least one entry where there is one, then as many as fit the bounds. */
  page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page>
  doc(name: KeyName): Promise<StoredDoc | undefined>
  /** Puts `merged` in the place of `from`'s states. Resolves to false, and changes nothing, where the doc was replaced or merged since. */
  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean>
  invitation(mailbox: string): Promise<Invitation | undefined>
  /**
   * Reads, changes and writes one invitation in one transaction. `change` gives the row to keep, or undefined to leave all as it is; it may be
   * called more than once, and the last call counts.
   */
  changeInvitation(mailbox: string, change: (present: Invitation | undefined) => Invitation | undefined): Promise<Invitation | undefined>
  /**
   * Keeps a new invitation, in one transaction, where its mailbox holds none and its vendor has fewer than `most`, ended ones that are still
   * kept included. Resolves to what the mailbox then holds: this one, the one that was there, or undefined where the vendor has too many.
   */
  addInvitation(invitation: Invitation, most: number): Promise<Invitation | undefined>
  /** Removes feeds and all that they hold from the disk. */
  dropFeeds(feeds: readonly FeedName[]): Promise<void>
  /** Mailboxes of invitations that ended before a moment (void ones count as ended) and still have something to be dropped. */
  endedInvitations(before: number): Promise<readonly string[]>
  /** Removes invitations that expired before a moment. */
  forgetInvitations(expiredBefore: number): Promise<void>
  /** How an org stands, and whether a key holds a control entry: what every session is let in by, in one step. */
  standing(org: OrgId, controlEntry: KeyName): Promise<{ readonly standing: Standing; readonly hasControlEntry: boolean }>
  /** An org's account; one that was never written reads as new. */
  account(org: OrgId): Promise<Account>
  /** All accounts by org, from the one after `after` on ('' for the first). */
  accounts(after: string, limit: number): Promise<readonly Account[]>
  /**
   * The orgs that have taken up most of what they may, and after them those that hold most bytes. Reads all accounts.
   *
   * @param quota what holds for an org of which the operator has decided nothing else; 0 is no bound
   */
  fullestAccounts(quota: Usage, limit: number): Promise<readonly Account[]>
  /**
   * Changes what an operator decides about an org, in one step, so that of changes made at once none is lost; its usage stays what it is.
   * Watchers of every relay on this store are told. Resolves to false, and changes nothing, where the org does not stand as `onlyFrom` says.
   */
  changeAccount(org: OrgId, change: AccountChange): Promise<boolean>
  /** 32 random bytes, drawn when the store was made, the same for every relay on it. */
  secret(): Uint8Array
  /** Tells what others do with the same store from now on. Hints: something may be told late, twice, or in vain, but nothing never. */
  watch(watcher: Watcher): void
  stats(): Promise<StoreStats>
  /** Reads everything and compares. @returns what is wrong, in words that name feeds and keys but no bytes; empty where all is well */
  check(): Promise<readonly string[]>
  /** Whether a commit would go through now: tried by writing a row. */
  isWritable(): Promise<boolean>
  close(): Promise<void>
}

/** What an operator's command may do with a store while relays may be running on it. */
export type StoreBeside = Pick<Store, 'account' | 'accounts' | 'changeAccount' | 'stats' | 'check' | 'close'>
