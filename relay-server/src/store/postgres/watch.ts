import { type FeedName, parseFeed } from '@entente/protocol'
import { LruMap } from '../../flow/lru.js'
import { SingleFlight } from '../../flow/single-flight.js'
import { listOf, numberOf, textOf } from './connection.js'
import { Hints } from './hints.js'
import type { PostgresLink } from './link.js'
import { reads, toHeads } from './reads.js'
import type { Watcher } from '../store.js'

/** The ms between two looks, and the feeds in one query. */
export interface WatchTimes {
  readonly hints: number
  readonly revision: number
  readonly heads: number
}

const slice = 1_000
/** Capacity, in feeds, of the remembered heads, which show that the data went back in time. */
const knownFeeds = 20_000

const statements = {
  notify: { name: 'notify', text: "SELECT pg_notify('entente', p) FROM unnest($1::text[]) p" },
  revision: {
    name: 'revision',
    text: `SELECT s.accounts, s.mailboxes, entente.copy() AS copy, (SELECT id FROM entente.incarnations ORDER BY n DESC LIMIT 1) AS incarnation
      FROM entente.settings s`,
  },
} as const

/**
 * Sends hints about this relay's writes to other relays, and detects theirs. Hints go by NOTIFY in transactions of their own: a transaction that notifies holds
 * a lock of the whole server while it commits, so a NOTIFY inside the commits of entries would let only one at a time to the disk. A connection may
 * lose hints, so the watch also looks up everything that is followed from time to time.
 */
export class PostgresWatch {
  readonly #times: WatchTimes
  readonly #hints: Hints
  readonly #watchers: Watcher[] = []
  readonly #heads = new LruMap<FeedName, number>(knownFeeds)
  /** By the time over which they are spread, in ms. */
  readonly #looksAtHeads = new SingleFlight((over: number) => this.#lookAtHeads(over))
  readonly #looksAtRevision = new SingleFlight(() => this.#lookAtRevision())
  #link: PostgresLink | undefined
  #flush: NodeJS.Timeout | undefined
  #timers: NodeJS.Timeout[] = []
  #accounts = -1
  #mailboxes = -1

  constructor(sender: string, times: WatchTimes) {
    this.#hints = new Hints(sender)
    this.#times = times
  }

  start(link: PostgresLink): void {
    this.#link = link
    const every = (ms: number, look: () => Promise<void>): void => {
      const timer = setInterval(() => void look().catch(() => {}), ms)
      timer.unref()
      this.#timers.push(timer)
    }
    every(this.#times.revision, () => this.#looksAtRevision.ask(undefined))
    every(this.#times.heads, () => this.#looksAtHeads.ask(this.#times.heads / 2))
  }

  /** Sends the hints that are left. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    clearTimeout(this.#flush)
    if (!this.#hints.isEmpty) await this.#send()
    clearTimeout(this.#flush)
  }

  add(watcher: Watcher): void {
    this.#watchers.push(watcher)
  }

  /** The last seen head of a feed, 0 for none. */
  head(feed: FeedName): number {
    return this.#heads.get(feed) ?? 0
  }

  /** Records a head that was read. @returns whether the feed went back since `before` was the head */
  learn(feed: FeedName, head: number, before: number): boolean {
    if (head > this.head(feed)) this.#heads.set(feed, head)
    // A feed that is gone was dropped with its mailbox.
    return head > 0 && head < before
  }

  /**
   * Whether feeds that went back prove that the data did. The feeds of a mailbox are dropped with it, and a session that still writes to them starts them again.
   * So they prove nothing, and are forgotten.
   */
  isProof(feeds: readonly FeedName[]): boolean {
    if (feeds.some((feed) => parseFeed(feed).kind !== 'mailbox')) return true
    this.forget(feeds)
    return false
  }

  /** Forgets the heads of dropped feeds. */
  forget(feeds: readonly FeedName[]): void {
    for (const feed of feeds) this.#heads.delete(feed)
  }

  notifyFeed(feed: FeedName, head: number): void {
    this.#hints.feed(feed, head)
    this.#soon()
  }

  notifyMailbox(mailbox: string): void {
    this.#hints.mailbox(mailbox)
    this.#soon()
  }

  notifyAccounts(): void {
    this.#hints.accounts()
    for (const watcher of this.#watchers) watcher.accountsChanged()
    this.#soon()
  }

  receive(payload: string): void {
    for (const watcher of this.#watchers) this.#hints.pass(payload, watcher)
  }

  storeReplaced(): void {
    this.#heads.clear()
    for (const watcher of this.#watchers) watcher.storeReplaced()
  }

  /** Looks up everything after an interruption, in which any hint may have been lost. */
  regained(): void {
    for (const watcher of this.#watchers) {
      watcher.accountsChanged()
      for (const mailbox of watcher.followedMailboxes()) watcher.mailboxChanged(mailbox)
    }
    void this.#looksAtHeads.ask(0).catch(() => {})
  }

  #soon(): void {
    this.#flush ??= setTimeout(() => void this.#send(), this.#times.hints)
  }

  async #send(): Promise<void> {
    const payloads = this.#hints.take()
    // The next hints gather while these are in flight.
    await this.#link?.session?.askLine(statements.notify, [listOf(payloads)]).catch(() => {})
    this.#flush = undefined
    if (!this.#hints.isEmpty) this.#soon()
  }

  async #lookAtRevision(): Promise<void> {
    const session = this.#link?.session
    if (!this.#link || !session) return
    const [row] = await session.askLine(statements.revision, [])
    const [accounts, mailboxes] = [numberOf(row, 'accounts'), numberOf(row, 'mailboxes')]
    const [accountsMoved, mailboxesMoved] = [accounts !== this.#accounts, mailboxes !== this.#mailboxes]
    this.#accounts = accounts
    this.#mailboxes = mailboxes
    if (numberOf(row, 'incarnation') !== this.#link.incarnation || textOf(row, 'copy') !== session.known.copy) await this.#link.look()
    for (const watcher of this.#watchers) {
      if (accountsMoved) watcher.accountsChanged()
      if (mailboxesMoved) for (const mailbox of watcher.followedMailboxes()) watcher.mailboxChanged(mailbox)
    }
  }

  /** Looks up the followed feeds in slices, spread over about `ms`. */
  async #lookAtHeads(over: number): Promise<void> {
    for (const watcher of this.#watchers) {
      const followed = [...watcher.followedFeeds()]
      for (let at = 0; at < followed.length; at += slice) {
        await this.#lookAtSlice(watcher, followed.slice(at, at + slice))
        if (at + slice < followed.length) await new Promise((resolve) => setTimeout(resolve, (over * slice) / followed.length))
      }
    }
  }

  async #lookAtSlice(watcher: Watcher, feeds: readonly FeedName[]): Promise<void> {
    const link = this.#link
    if (!link?.session) return
    const { known } = link
    const before = new Map(feeds.map((feed) => [feed, this.head(feed)]))
    const heads = toHeads(await link.session.ask(reads.heads, [listOf(feeds)]))
    if (link.incarnation !== known.incarnation) return
    const wentBack = heads.filter(([feed, head]) => this.learn(feed, head, before.get(feed) ?? 0)).map(([feed]) => feed)
    if (wentBack.length > 0 && this.isProof(wentBack)) return link.look(known)
    for (const [feed, head] of heads) watcher.feedGrew(feed, head)
  }
}
