import { statSync } from 'node:fs'
import type { FeedName, OrgId, Roster } from '@entente/protocol'
import type { Account, AccountChange, Usage } from '../account.js'
import { openReadConnection, type ReadConnection } from './connection.js'
import { checkLibsqlFile } from './check.js'
import { openFile, openFileBeside, type OpenFile } from './file.js'
import { LibsqlReads } from './reads.js'
import { LibsqlWrites } from './writes.js'
import { Transactions } from './transactions.js'
import type {
  Commit,
  Invitation,
  KeyName,
  KeyState,
  Page,
  PageBounds,
  StandingAndRoster,
  Store,
  StoredDoc,
  StoreStats,
  Watcher,
  Write,
} from '../store.js'

/** How often the store looks for an operator's changes from another process, in ms. */
const watchMs = 1_000

export interface LibsqlOptions {
  readonly beside?: boolean
  /** Called after each transaction with the time, in ms, of writing and syncing it. */
  readonly synced?: (ms: number) => void
}

/**
 * Opens the embedded store: one SQLite file in `directory`, which is created if it is missing. One relay at a time may use it, because its caches are its own.
 * With `beside` it opens the store for an operator's command while a relay may be running on it: it takes no lock and draws no incarnation. Such a store reads,
 * and changes accounts, but leaves the feeds to the relay.
 *
 * @throws Error when the file is of another version, another relay uses the directory, it cannot be written, or (beside) there is none.
 */
export async function openLibsqlStore(directory: string, { beside = false, synced = () => {} }: LibsqlOptions = {}): Promise<Store> {
  const file = beside ? await openFileBeside(directory) : await openFile(directory)
  const writes = await LibsqlWrites.prepare(file.writer, file.incarnation)
  return new LibsqlStore(file, beside, openReadConnection(file.path), writes, synced)
}

class LibsqlStore implements Store {
  readonly isShared = false
  readonly #file: OpenFile
  readonly #beside: boolean
  readonly #reader: ReadConnection
  readonly #reads: LibsqlReads
  readonly #writes: LibsqlWrites
  readonly #secret: Uint8Array
  #revision: number
  #watching: NodeJS.Timeout | undefined
  readonly #transactions: Transactions

  constructor(file: OpenFile, beside: boolean, reader: ReadConnection, writes: LibsqlWrites, synced: (ms: number) => void) {
    this.#file = file
    this.#beside = beside
    this.#reader = reader
    this.#reads = new LibsqlReads(reader, file.incarnation.id)
    this.#writes = writes
    this.#transactions = new Transactions(file.writer, writes.begin, () => writes.forget(), synced)
    this.#secret = this.#reads.secret()
    this.#revision = this.#reads.revision()
  }

  incarnation(): number {
    return this.#file.incarnation.id
  }

  async headSince(feed: FeedName, incarnation: number, position: number): Promise<number | undefined> {
    return this.#reads.headSince(feed, incarnation, position)
  }

  async keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]> {
    return this.#reader.snapshot(() => names.map((name) => this.#reads.keyState(name)))
  }

  async controlEntry(name: KeyName): Promise<{ readonly bytes: Uint8Array; readonly sequence: number } | undefined> {
    return this.#reads.controlEntry(name)
  }

  async page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page> {
    return this.#reader.snapshot(() => this.#reads.page(feed, after, bounds))
  }

  async doc(name: KeyName): Promise<StoredDoc | undefined> {
    return this.#reader.snapshot(() => this.#reads.doc(name))
  }

  async invitation(mailbox: string): Promise<Invitation | undefined> {
    return this.#reads.invitation(mailbox)
  }

  async endedInvitations(before: number): Promise<readonly string[]> {
    return this.#reads.endedInvitations(before)
  }

  commit(writes: readonly Write[]): Promise<Commit> {
    return this.#transactions.run(() => this.#writes.append(writes))
  }

  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean> {
    return this.#transactions.run(() => this.#writes.compact(name, from, merged))
  }

  async changeInvitation(
    mailbox: string,
    change: (present: Invitation | undefined) => Invitation | undefined,
  ): Promise<Invitation | undefined> {
    return this.#transactions.run(() => this.#writes.changeInvitation(mailbox, change))
  }

  addInvitation(invitation: Invitation, most: number): Promise<Invitation | undefined> {
    return this.#transactions.run(() => this.#writes.addInvitation(invitation, most))
  }

  async dropFeeds(feeds: readonly FeedName[]): Promise<void> {
    await this.#transactions.run(() => feeds.forEach((feed) => this.#writes.dropFeed(feed)))
  }

  async forgetInvitations(expiredBefore: number): Promise<void> {
    await this.#transactions.run(() => this.#writes.forgetInvitations(expiredBefore))
  }

  async standing(org: OrgId): Promise<StandingAndRoster> {
    return this.#reads.standing(org)
  }

  async roster(org: OrgId): Promise<string | undefined> {
    return this.#reads.roster(org)
  }

  keepRoster(roster: Pick<Roster, 'org' | 'number' | 'token'>): Promise<boolean> {
    return this.#transactions.run(() => this.#writes.keepRoster(roster))
  }

  async account(org: OrgId): Promise<Account> {
    return this.#reads.account(org)
  }

  async accounts(after: string, limit: number): Promise<readonly Account[]> {
    return this.#reads.accounts(after, limit)
  }

  async fullestAccounts(quota: Usage, limit: number): Promise<readonly Account[]> {
    return this.#reads.fullestAccounts(quota, limit)
  }

  changeAccount(org: OrgId, change: AccountChange): Promise<boolean> {
    return this.#transactions.run(() => this.#writes.changeAccount(org, change))
  }

  secret(): Uint8Array {
    return this.#secret
  }

  /** Reports changes of accounts only: no other process writes feeds or mailboxes. */
  watch(watcher: Watcher): void {
    clearInterval(this.#watching)
    this.#watching = setInterval(() => {
      let revision: number
      try {
        revision = this.#reads.revision()
      } catch {
        // Every other read reports a disk that cannot be read; the next look makes up for this one.
        return
      }
      if (revision === this.#revision) return
      this.#revision = revision
      watcher.accountsChanged()
    }, watchMs).unref()
  }

  async stats(): Promise<StoreStats> {
    const diskBytes = ['', '-wal'].reduce((sum, end) => sum + (statSync(this.#file.path + end, { throwIfNoEntry: false })?.size ?? 0), 0)
    return { diskBytes, ...this.#reads.counts() }
  }

  check(): Promise<readonly string[]> {
    return checkLibsqlFile(this.#file.path)
  }

  async isWritable(): Promise<boolean> {
    try {
      await this.#transactions.run(() => this.#writes.tryWriting())
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#watching)
    await this.#transactions.finished()
    this.#reader.close()
    // Beside a relay this would wait for its readers; the last process to close the file checkpoints anyway.
    if (!this.#beside) await this.#file.writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {})
    this.#file.writer.close()
    this.#file.unlock()
  }
}
