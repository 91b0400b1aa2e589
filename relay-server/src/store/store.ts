import type { Entry, EntryKind, Epoch, FeedName, Key, OrgId, StateVector } from '@entente/protocol'

/** The last entry of a key, as far as the next offer is judged by it. */
export interface KeyState {
  readonly sequence: number
  readonly kind: EntryKind
  /** The key's highest epoch; it outlives an erasure (rule EP1). */
  readonly epoch: Epoch
  /** Up to where the doc is known; empty for the other kinds. */
  readonly vector: StateVector
}

export interface KeyName {
  readonly feed: FeedName
  readonly key: Key
}

/** One entry to append, already admitted. `seen` is the compare of the compare-and-set: the key's last sequence, 0 for none. */
export interface Write extends KeyName {
  readonly seen: number
  readonly kind: EntryKind
  readonly whole: boolean
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  readonly vector: StateVector
}

export interface Commit {
  /** Entries ever committed, these included. */
  readonly position: number
  /** Per write the sequence it got, or 0 where `seen` was no longer the key's last and nothing was written. */
  readonly sequences: readonly number[]
  /** Per write how many updates now wait behind the key's merged state. */
  readonly tails: readonly number[]
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
  readonly position: number
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
 * Where the relay keeps what it acknowledged. Every adapter runs the suite in `contract.ts`. The guarantees:
 *
 * - `commit` is one transaction. When it resolves, the writes are on stable storage and every later read of any method sees them; when it
 *   rejects, none of them is there. Sequences of one feed are given without gaps, in the order of the writes, and become visible in that order.
 * - A write whose `seen` is not the key's last sequence changes nothing and gets sequence 0; the others of its batch stand.
 * - `page` shows one moment of the feed: merged states at their sequence, later updates at theirs, tombstones and messages at theirs.
 * - `opening` is a random number of 53 bits that this opening of the store drew and wrote down, with the position at that moment, before
 *   anything else (rule OP1). What was ever the answer to `knows` for a pair stays true unless the store was replaced by an older copy.
 * - Nothing is kept in memory per record.
 */
export interface Store {
  readonly opening: number
  /** Entries ever committed, as of the last commit that this process saw. */
  position(): number
  /** Whether this store once stood at `position` in the opening of that id. */
  knows(opening: number, position: number): Promise<boolean>
  keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]>
  /** The bytes of a message or notice, or undefined where the key holds none. */
  message(name: KeyName): Promise<Uint8Array | undefined>
  commit(writes: readonly Write[]): Promise<Commit>
  /** At least one entry where there is one, then as many as fit the bounds. */
  page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page>
  doc(name: KeyName): Promise<StoredDoc | undefined>
  /** Puts `merged` in the place of `from`'s states. Resolves to false, and changes nothing, where the doc was replaced or merged since. */
  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean>
  invitation(mailbox: string): Promise<Invitation | undefined>
  /** Reads, changes and writes one invitation in one transaction. `change` gives the row to keep, or undefined to leave all as it is. */
  changeInvitation(mailbox: string, change: (present: Invitation | undefined) => Invitation | undefined): Promise<Invitation | undefined>
  /** Removes feeds and all that they hold from the disk. */
  dropFeeds(feeds: readonly FeedName[]): Promise<void>
  /** Mailboxes of invitations that ended before a moment (void ones count as ended) and still have something to be dropped. */
  endedInvitations(before: number): Promise<readonly string[]>
  /** Removes invitations that expired before a moment. */
  forgetInvitations(expiredBefore: number): Promise<void>
  /** Whether a commit would go through now: tried by writing a row. */
  isWritable(): Promise<boolean>
  close(): Promise<void>
}
