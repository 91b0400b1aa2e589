import { randomBytes } from 'node:crypto'
import type { FeedName, OrgId, Roster } from '@entente/protocol'
import pg from 'pg'
import type { Account, AccountChange, Usage } from '../account.js'
import { PostgresAccounts } from './accounts.js'
import { type AppendCall, appendStatement, callsOf, outcomeOf } from './batch.js'
import { checkDatabase, statsOf } from './check.js'
import {
  ask,
  bytesOf,
  flagOf,
  listOf,
  numberOf,
  type PostgresRow,
  type PostgresValue,
  type PostgresStatement,
  textOf,
} from './connection.js'
import { PostgresLink } from './link.js'
import { mostEntries, reads, toAccount, toDoc, toInvitation, toKeyState, toPage } from './reads.js'
import type { PostgresSession } from './session.js'
import { PostgresWatch, type WatchTimes } from './watch.js'
import { addInvitation, type ChangedInvitation, changeInvitation, writes as statements } from './writes.js'
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

export interface PostgresOptions {
  /** Connections for reads and commits, beside the one that listens. */
  readonly connections?: number
  /** How often to send hints and to look, in ms. */
  readonly times?: Partial<WatchTimes>
}

const defaultTimes: WatchTimes = { hints: 3, revision: 1_000, heads: 5_000 }

/**
 * Opens the store for several relays: the database at `url` (PostgreSQL 15 or later, reached directly or through a pooler that pools by session). Its tables
 * are in the namespace `entente`, which is created if it is missing; the user needs the right to create in the database.
 *
 * While the database is unreachable, calls wait for a few seconds and then reject; the store reconnects without a restart. If the connection breaks
 * in the middle of a commit, the commit rejects although it may have succeeded; compare and set shows that on the next try.
 *
 * Erased or dropped bytes cannot be read any more, but they stay in dead rows until the database vacuums, and in its write-ahead log and backups as
 * long as the operator keeps those.
 *
 * @throws Error when the database cannot be reached, is of another version, or runs without fsync or full_page_writes
 */
export async function openPostgresStore(url: string, options: PostgresOptions = {}): Promise<Store> {
  const watch = new PostgresWatch(randomBytes(9).toString('base64url'), { ...defaultTimes, ...options.times })
  const link = await PostgresLink.open({ url, connections: options.connections ?? 6 }, watch)
  try {
    const [settings] = await (await link.present()).ask(reads.settings, [])
    watch.start(link)
    return new PostgresStore(url, link, watch, bytesOf(settings, 'secret'))
  } catch (error) {
    await link.close()
    throw error
  }
}

class PostgresStore implements Store {
  readonly isShared = true
  readonly #url: string
  readonly #link: PostgresLink
  readonly #watch: PostgresWatch
  readonly #secret: Uint8Array
  readonly #accounts = new PostgresAccounts((statement, values) => this.#ask(statement, values))

  constructor(url: string, link: PostgresLink, watch: PostgresWatch, secret: Uint8Array) {
    this.#url = url
    this.#link = link
    this.#watch = watch
    this.#secret = secret
  }

  incarnation(): number {
    return this.#link.incarnation
  }

  async headSince(feed: FeedName, incarnation: number, position: number): Promise<number | undefined> {
    const seen = this.#looking(feed)
    const [row] = await this.#askInTurn(reads.headSince, [feed, incarnation])
    if (!row) return undefined
    const head = numberOf(row, 'head')
    await seen(head, numberOf(row, 'incarnation'))
    return position <= numberOf(row, 'ended') ? head : undefined
  }

  async keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]> {
    const states = names.map((): KeyState | undefined => undefined)
    if (names.length === 0) return states
    const rows = await this.#ask(reads.keyStates, [listOf(names.map((name) => name.feed)), listOf(names.map((name) => name.key))])
    for (const row of rows) states[numberOf(row, 'i') - 1] = toKeyState(row)
    return states
  }

  async controlEntry(name: KeyName): Promise<{ readonly bytes: Uint8Array; readonly sequence: number } | undefined> {
    const [row] = await this.#ask(reads.controlEntry, [name.feed, name.key])
    return row && { bytes: bytesOf(row, 'bytes'), sequence: numberOf(row, 'sequence') }
  }

  async page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page> {
    const seen = this.#looking(feed)
    const page = toPage(await this.#askInTurn(reads.page, [feed, after, mostEntries(bounds), bounds.bytes]), after)
    await seen(page.head, page.incarnation)
    return page
  }

  /** To be called before a feed is read. @returns a function that records the feed's head, and notices that the database was replaced by another copy */
  #looking(feed: FeedName): (head: number, incarnation: number) => Promise<void> {
    const [before, known] = [this.#watch.head(feed), this.#link.known]
    return async (head, incarnation) => {
      if (incarnation !== this.#link.incarnation) await this.#link.look()
      else if (this.#watch.learn(feed, head, before) && incarnation === known.incarnation && this.#watch.isProof([feed])) {
        await this.#link.look(known)
        throw replaced()
      }
    }
  }

  async doc(name: KeyName): Promise<StoredDoc | undefined> {
    return toDoc(await this.#ask(reads.doc, [name.feed, name.key]))
  }

  async invitation(mailbox: string): Promise<Invitation | undefined> {
    return toInvitation((await this.#ask(reads.invitation, [mailbox]))[0])
  }

  async endedInvitations(before: number): Promise<readonly string[]> {
    return (await this.#ask(reads.ended, [before])).map((row) => textOf(row, 'mailbox'))
  }

  async commit(writes: readonly Write[]): Promise<Commit> {
    const { known } = this.#link
    const { incarnation } = known
    if (writes.length === 0) return { incarnation, sequences: [], tails: [], accounts: [] }
    const before = new Map(writes.map(({ feed }) => [feed, this.#watch.head(feed)]))
    const outcome = await this.#append(writes, incarnation)
    if (!outcome) {
      await this.#link.look()
      throw replaced()
    }
    // Written to a copy that has been replaced meanwhile, so it says nothing about the present one.
    if (this.#link.incarnation !== incarnation) throw replaced()
    const { sequences, tails, accounts } = outcome
    const lowest = new Map<FeedName, number>()
    const heads = new Map<FeedName, number>()
    writes.forEach(({ feed }, index) => {
      const sequence = sequences[index] ?? 0
      if (sequence === 0) return
      if (!lowest.has(feed)) lowest.set(feed, sequence)
      heads.set(feed, sequence)
    })
    // A sequence given twice: older rows have replaced the ones that were seen.
    const wentBack = [...lowest].filter(([feed, sequence]) => sequence > 1 && sequence <= (before.get(feed) ?? 0)).map(([feed]) => feed)
    if (wentBack.length > 0 && this.#watch.isProof(wentBack)) {
      await this.#link.look(known)
      throw replaced()
    }
    for (const [feed, head] of heads) {
      this.#watch.learn(feed, head, 0)
      this.#watch.notifyFeed(feed, head)
    }
    return { incarnation, sequences, tails, accounts }
  }

  async compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean> {
    const [row] = await this.#ask(statements.compact, [name.feed, name.key, from.merged, from.sequence, Buffer.from(merged)])
    return flagOf(row, 'done')
  }

  async changeInvitation(
    mailbox: string,
    change: (present: Invitation | undefined) => Invitation | undefined,
  ): Promise<Invitation | undefined> {
    return this.#keepInvitation(mailbox, (client) => changeInvitation(client, mailbox, change))
  }

  async addInvitation(invitation: Invitation, most: number): Promise<Invitation | undefined> {
    return this.#keepInvitation(invitation.mailbox, (client) => addInvitation(client, invitation, most))
  }

  async #keepInvitation(mailbox: string, work: (client: pg.ClientBase) => Promise<ChangedInvitation>): Promise<Invitation | undefined> {
    const session = await this.#link.present()
    const { kept, isChanged } = await session.use(work)
    if (isChanged) this.#watch.notifyMailbox(mailbox)
    return kept
  }

  async dropFeeds(feeds: readonly FeedName[]): Promise<void> {
    if (feeds.length === 0) return
    this.#watch.forget(feeds)
    await this.#ask(statements.drop, [listOf(feeds)])
  }

  async forgetInvitations(expiredBefore: number): Promise<void> {
    await this.#ask(statements.forget, [expiredBefore])
  }

  standing(org: OrgId): Promise<StandingAndRoster> {
    return this.#accounts.standing(org)
  }

  roster(org: OrgId): Promise<string | undefined> {
    return this.#accounts.roster(org)
  }

  keepRoster(roster: Pick<Roster, 'org' | 'number' | 'token'>): Promise<boolean> {
    return this.#accounts.keepRoster(roster)
  }

  account(org: OrgId): Promise<Account> {
    return this.#accounts.one(org)
  }

  accounts(after: string, limit: number): Promise<readonly Account[]> {
    return this.#accounts.page(after, limit)
  }

  fullestAccounts(quota: Usage, limit: number): Promise<readonly Account[]> {
    return this.#accounts.fullest(quota, limit)
  }

  async changeAccount(org: OrgId, change: AccountChange): Promise<boolean> {
    const isChanged = await this.#accounts.change(org, change)
    if (isChanged) this.#watch.notifyAccounts()
    return isChanged
  }

  secret(): Uint8Array {
    return this.#secret
  }

  watch(watcher: Watcher): void {
    this.#watch.add(watcher)
  }

  stats(): Promise<StoreStats> {
    return statsOf(this.#url)
  }

  check(): Promise<readonly string[]> {
    return checkDatabase(this.#url)
  }

  async isWritable(): Promise<boolean> {
    try {
      await this.#ask(statements.tryWriting, [])
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.#watch.stop()
    await this.#link.close()
  }

  async #ask(statement: PostgresStatement, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    return (await this.#link.present()).ask(statement, values)
  }

  async #askInTurn(statement: PostgresStatement, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    return (await this.#link.present()).askInTurn(statement, values)
  }

  /** @returns undefined if the incarnation is another, so that nothing was written */
  async #append(writes: readonly Write[], incarnation: number): Promise<Omit<Commit, 'incarnation'> | undefined> {
    const calls = callsOf(writes, incarnation)
    const [only, ...more] = calls
    const answers =
      only && more.length === 0
        ? [(await this.#outOfRings((session) => session.ask(appendStatement, only.values)))[0]]
        : await this.#outOfRings((session) => session.use((client) => appendInTurn(client, calls)))
    if (answers.includes(undefined)) return undefined
    const outcomes = calls.map((call, index) => outcomeOf(call.size, answers[index]))
    const accounts = new Map(answers.flatMap((row) => accountsOf(row)).map((account) => [account.org, account]))
    return {
      sequences: outcomes.flatMap((outcome) => outcome.sequences),
      tails: outcomes.flatMap((outcome) => outcome.tails),
      accounts: [...accounts.values()],
    }
  }

  /** Writes again after a deadlock of two commits: the server rolled this one back. */
  async #outOfRings<T>(write: (session: PostgresSession) => Promise<T>): Promise<T> {
    const session = await this.#link.present()
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(session)
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || error.code !== '40P01' || attempt === 3) throw error
      }
    }
  }
}

async function appendInTurn(client: pg.ClientBase, calls: readonly AppendCall[]): Promise<readonly (PostgresRow | undefined)[]> {
  await client.query('BEGIN')
  try {
    const answers: (PostgresRow | undefined)[] = []
    for (const { values } of calls) answers.push((await ask(client, appendStatement, values))[0])
    await client.query('COMMIT')
    return answers
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

function accountsOf(row: PostgresRow | undefined): readonly Account[] {
  const json = row?.['accounts']
  if (typeof json !== 'string') return []
  // Rows of our own view: naming their type is the boundary.
  const rows = JSON.parse(json) as readonly Readonly<Record<string, string | number | null>>[]
  return rows.map((each) =>
    toAccount(Object.fromEntries(Object.entries(each).map(([name, value]) => [name, value === null ? null : String(value)]))),
  )
}

function replaced(): Error {
  return new Error('The database was replaced by another copy meanwhile; nothing was acknowledged.')
}
