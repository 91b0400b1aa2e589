import type { Entry, FeedName, Key, Offer, OrgId } from '@entente/protocol'
import { loadDoc, readSlots } from '@entente/protocol'
import type { RandomBytes } from '../port/random.js'
import type { Store, Write } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Row } from '../row/row.js'
import { Rows, type RowStep } from '../row/rows.js'
import { randomInteger, type Stamper } from '../row/stamper.js'
import { type Absorber, absorbEntry, isHeld, openDoc, withdrawnFrom } from './absorb.js'
import type { FeedKey } from './desired-state.js'
import { compareAt, type Compared, type Comparing, mayPublish, feedKeyName } from './compare.js'
import { type Followed, followedFeeds } from './followed.js'
import { ReplicaState, type InboxMessage, isSameFeed, type Outcome, type PeerDoc } from './replica-state.js'
import { Lock } from './lock.js'
import { RecordMapIndex } from './record-map-index.js'
import { type FeedRole, feedRoleOf } from './feed-role.js'
import { type LeftOut, project } from './project.js'
import { Sealer } from './sealer.js'
import { withoutSlots } from './seen.js'
import type { Address, FeedState, Head, Stored, StoredDoc } from './stored.js'
import { dirtyFlagWrite, mergeAll, noOutcome, type Result, Transactions } from './transactions.js'

export interface ReplicaOptions {
  readonly store: Store
  readonly tabs: Tabs
  readonly random: RandomBytes
  readonly stamper: Stamper
  readonly org: OrgId
  /** Whether rows go to the team feed: for an org with a second device or a recovery kit. */
  readonly team: boolean
  /** Hears of entries that could not be taken, in words without values. */
  readonly problem?: (what: string) => void
  /** Tests only: see `LeftOut`. */
  readonly leftOut?: ReadonlySet<LeftOut>
}

/** One `entries` message, with the incarnation that the session's welcome told. */
export interface Chunk {
  readonly incarnation: number
  readonly position: number
  readonly live: boolean
  readonly entries: readonly Entry[]
}

/** Offers for one feed, in the order in which they should be sent. */
export interface FeedOffers {
  readonly feed: FeedName
  readonly offers: readonly Omit<Offer, 'id'>[]
}

interface FeedChange {
  readonly feed: FeedName
  readonly key: Key
}

interface TabMessage {
  readonly type: 'replica'
  readonly rows: readonly Row[]
  readonly outcome: Outcome
}

/** What product modules read of replication. */
export interface ReplicaView {
  readonly rows: Rows
  inbox(feed: FeedName): ReadonlyMap<Key, InboxMessage>
  peerDocs(feed: FeedName): ReadonlyMap<Key, PeerDoc>
  acknowledged(feed: FeedName, key: Key): boolean
  waiting(): number
  watchFeeds(listener: (changed: readonly FeedChange[]) => void): () => void
}

/**
 * Keeps the relay's copy and an org's rows in step. The row is the truth, the doc is the relay's copy: a stored doc never holds an edit that the relay
 * has not sequenced. What is absorbed, what it does to rows, marks and the cursor is one store transaction; product modules only see its effects.
 */
export class Replica implements ReplicaView {
  readonly rows: Rows
  readonly org: OrgId
  readonly #store: Store
  readonly #tabs: Tabs
  readonly #index: RecordMapIndex
  readonly #sealer: Sealer
  readonly #replicaState = new ReplicaState()
  readonly #comparing: Comparing
  readonly #transactions: Transactions
  readonly #problem: (what: string) => void
  /** Yjs client id of this page load (rule DC2). */
  readonly #client: number
  /** One transaction that touches docs at a time, so that what was read before one still holds in it. */
  readonly #lock = new Lock()
  readonly #feedListeners = new Set<(changed: readonly FeedChange[]) => void>()
  readonly #workListeners = new Set<() => void>()
  readonly #deaf: () => void
  #leading = false

  static async open(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options)
    await replica.rows.load()
    replica.#index.load()
    await replica.#replicaState.load(options.store)
    return replica
  }

  private constructor({ store, tabs, random, stamper, org, team, problem, leftOut }: ReplicaOptions) {
    this.rows = new Rows(store, stamper)
    this.org = org
    this.#store = store
    this.#tabs = tabs
    this.#index = new RecordMapIndex(this.rows)
    this.#sealer = new Sealer(org, this.#index, random)
    this.#client = randomInteger(random)
    this.#problem = problem ?? ((): void => undefined)
    this.#comparing = {
      org,
      team,
      sealer: this.#sealer,
      replicaState: this.#replicaState,
      allRows: this.rows,
      leftOut: leftOut ?? new Set(),
    }
    this.#transactions = new Transactions(store, this.#index, this.#replicaState, this.#comparing)
    this.rows.dirtyFlag = (steps) => this.#flagDirty(steps)
    this.rows.tell = (rows) => this.#tell(rows, noOutcome)
    this.rows.watch((changes) => {
      if (!this.#leading) return
      if (changes.some(({ object }) => unlocking.has(object))) void this.#lock.run(() => this.#openHeld()).catch(this.#report)
      if (changes.some(({ object }) => object === 'Agreement')) void this.#lock.run(() => this.#withdraw()).catch(this.#report)
    })
    this.#deaf = tabs.listen((message) => this.#hear(message))
  }

  // ---- for product modules

  /** The live messages of a feed by key; erased ones are gone. Of a peer's feed after the relay lost it: as they were, until they come again. */
  inbox(feed: FeedName): ReadonlyMap<Key, InboxMessage> {
    return this.#replicaState.inbox(feed)
  }

  peerDocs(feed: FeedName): ReadonlyMap<Key, PeerDoc> {
    return this.#replicaState.docs(feed)
  }

  /** Whether the relay has what this org wants under a key. */
  acknowledged(feed: FeedName, key: Key): boolean {
    return !this.#replicaState.dirtyFlag(feed, key) && this.#replicaState.head(feed, key) !== undefined
  }

  /** How many keys have something that the relay has not acknowledged. */
  waiting(): number {
    return this.#replicaState.dirtyCount
  }

  /** Calls back with the messages and docs that changed, of own and peers' feeds. */
  watchFeeds(listener: (changed: readonly FeedChange[]) => void): () => void {
    this.#feedListeners.add(listener)
    return () => this.#feedListeners.delete(listener)
  }

  // ---- for the link

  /** Calls back when there may be something to send or another feed to follow. */
  watchWork(listener: () => void): () => void {
    this.#workListeners.add(listener)
    return () => this.#workListeners.delete(listener)
  }

  followed(): Followed {
    return followedFeeds({
      org: this.org,
      team: this.#comparing.team && this.#sealer.names !== undefined,
      connections: this.rows.list('Connection').values(),
      invitations: this.rows.list('Invitation').values(),
      isOpen: (feed) => this.#replicaState.isOpen(feed),
    })
  }

  /** Where to go on reading a feed. */
  position(feed: FeedName): FeedState {
    return this.#replicaState.feed(feed)
  }

  /** The sequence of a key's last entry that was absorbed here, 0 for none. */
  sequence(feed: FeedName, key: Key): number {
    return this.#replicaState.head(feed, key)?.sequence ?? 0
  }

  /** This tab leads from now on: takes over from the store what another tab may have done. */
  lead(): Promise<void> {
    return this.#lock.run(async () => {
      if (!(await this.#replicaState.loadFeeds(this.#store))) await this.#replicaState.load(this.#store)
      this.#leading = true
      await this.#openHeld()
      await this.#withdraw()
    })
  }

  close(): void {
    this.#leading = false
    this.#deaf()
  }

  /** Takes a chunk of a feed in: docs, rows, marks and the cursor in one transaction (rule AB3). @throws StoreError, with nothing taken in */
  absorb(feed: FeedName, chunk: Chunk): Promise<void> {
    return this.#lock.run(async () => {
      const feedRole = feedRoleOf(feed, this.org, this.#index)
      if (!feedRole) return
      const before = this.#replicaState.feed(feed)
      const fresh = chunk.entries.filter((entry) => entry.sequence > before.cursor)
      const absorbed = this.#absorbAll(feed, feedRole, fresh, await this.#readBases(feed, fresh))
      const cursor = fresh.reduce((highest, entry) => Math.max(highest, entry.sequence), before.cursor)
      const feedState = { cursor, incarnation: chunk.incarnation, position: chunk.position, rebuild: before.rebuild && !chunk.live }
      if (fresh.length > 0 || !isSameFeed(feedState, before)) await this.#commit(feed, feedRole, { ...absorbed, feedState })
    })
  }

  /**
   * The relay does not know the position that this device named: it lost its disk or came back from a backup. Own docs are forgotten, so that what
   * it still has is read and what it lost is published again; own tombstones likewise. What a peer had stays visible until it comes again (IN3).
   */
  lost(feed: FeedName): Promise<void> {
    return this.#lock.run(async () => {
      const own = feedRoleOf(feed, this.org, this.#index)?.own ?? false
      this.#took([], await this.#transactions.forget(feed, own))
    })
  }

  /**
   * Offers for what waits in these feeds, at most so many and roughly so many bytes. Marks for which nothing is left to send are cleared.
   *
   * @param isFree whether a key may be sent now: nothing of it under way, its feed not paused
   */
  offers(
    feeds: readonly FeedName[],
    isFree: (feed: FeedName, key: Key) => boolean,
    most: { readonly count: number; readonly bytes: number },
  ): Promise<readonly FeedOffers[]> {
    return this.#lock.run(async () => {
      const { due, settled } = this.#dueOffers(feeds, isFree, most.count)
      if (settled.length > 0) this.#took([], await this.#transactions.clearDirtyFlags(settled))
      const updates = due.filter(({ compared }) => compared.need === 'update')
      const bases = await this.#transactions.readDocs(updates.map(({ feedKey }) => feedKey))
      const offersByFeed = new Map<FeedName, Omit<Offer, 'id'>[]>()
      let bytes = 0
      for (const { feedKey, compared } of due) {
        if (bytes >= most.bytes) break
        const { feed, key } = feedKey
        const head = this.#replicaState.head(feed, key)
        const offer = project({
          ...compared,
          feed,
          key,
          head,
          doc: bases.get(feedKeyName(feed, key)),
          sealer: this.#sealer,
          client: this.#client,
        })
        if (!offer) continue
        bytes += offer.bytes.length
        const offers = offersByFeed.get(feed)
        if (offers) offers.push(offer)
        else offersByFeed.set(feed, [offer])
      }
      return [...offersByFeed].map(([feed, offers]) => ({ feed, offers }))
    })
  }

  // ---- absorbing

  #absorbAll(
    feed: FeedName,
    feedRole: FeedRole,
    entries: readonly Entry[],
    bases: ReadonlyMap<string, StoredDoc>,
  ): Omit<Result, 'feedState'> {
    const absorber = this.#absorber(feed, feedRole)
    const docs = new Map<Key, Stored>()
    const addresses = new Map<Key, Address>()
    const rows: Row[] = []
    for (const entry of entries) {
      const held = docs.get(entry.key) ?? bases.get(feedKeyName(feed, entry.key)) ?? withoutState(this.#replicaState.head(feed, entry.key))
      const absorbed = absorbEntry(absorber, entry, held)
      if (!absorbed) continue
      docs.set(entry.key, absorbed.stored)
      for (const row of absorbed.rows) {
        rows.push(row)
        addresses.set(entry.key, [row.object, row.id])
      }
    }
    return { docs, addresses, rows: mergeAll(rows) }
  }

  #absorber(feed: FeedName, feedRole: FeedRole): Absorber {
    return { feed, feedRole, rows: this.#index, sealer: this.#sealer, leftOut: this.#comparing.leftOut, problem: this.#problem }
  }

  #readBases(feed: FeedName, entries: readonly Entry[]): Promise<ReadonlyMap<string, StoredDoc>> {
    const keys = new Set(entries.filter((entry) => entry.kind === 'doc' && !entry.whole).map((entry) => entry.key))
    return this.#transactions.readDocs([...keys].map((key) => ({ feed, key })))
  }

  async #commit(feed: FeedName, feedRole: FeedRole, result: Result): Promise<void> {
    const written = await this.#transactions.commit(feed, feedRole, result)
    if (!written) {
      await this.#replicaState.load(this.#store)
      throw new Error('Another tab has read on in a feed. This one goes on from where that stands.')
    }
    this.#took(written.rows, written.outcome)
  }

  /** Takes what an agreement has withdrawn out of what is shown of the peer's docs. Their next epoch will not have it either. */
  async #withdraw(): Promise<void> {
    for (const feed of this.followed().feeds) {
      const feedRole = feedRoleOf(feed, this.org, this.#index)
      if (!feedRole || feedRole.own) continue
      const withdrawn = (version: number): ((slot: string) => boolean) => withdrawnFrom(feedRole, version, this.#index)
      const keys = [...this.#replicaState.heads(feed)].filter(([, head]) => withoutSlots(head, withdrawn) !== head).map(([key]) => key)
      if (keys.length === 0) continue
      const docs = new Map<Key, Stored>()
      for (const [key, stored] of await this.#transactions.readAll(feed, keys)) docs.set(key, withoutSlots(stored, withdrawn))
      await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows: [], feedState: this.#replicaState.feed(feed) })
    }
  }

  /** Reads docs that could not be read before, because their agreement or record map has come since. */
  async #openHeld(): Promise<void> {
    for (const [feed, held] of this.#replicaState.held()) {
      const feedRole = feedRoleOf(feed, this.org, this.#index)
      if (!feedRole) continue
      const keys = [...held].filter(([key, head]) => !isHeld(feedRole, key, head, this.#index)).map(([key]) => key)
      if (keys.length === 0) continue
      const absorber = this.#absorber(feed, feedRole)
      const bases = await this.#transactions.readDocs(keys.map((key) => ({ feed, key })))
      const docs = new Map<Key, Stored>()
      const rows: Row[] = []
      for (const key of keys) {
        const base = bases.get(feedKeyName(feed, key))
        if (!base) continue
        const opened = openDoc(absorber, key, { ...base, registers: {}, unreadable: [] }, readSlots(loadDoc([base.state])), base.registers)
        docs.set(key, opened.stored)
        rows.push(...opened.rows)
      }
      await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows: mergeAll(rows), feedState: this.#replicaState.feed(feed) })
    }
  }

  /** The marks that saved rows leave: written with them, taken into memory after. */
  #flagDirty(steps: readonly RowStep[]): { writes: readonly Write[]; commit(): void } {
    const outcome = this.#transactions.dirtyFlagsOf(steps)
    return {
      writes: outcome.dirtyFlags.map(dirtyFlagWrite),
      commit: () => {
        this.#replicaState.take(outcome)
        if (outcome.dirtyFlags.length > 0) this.#tell([], outcome)
        for (const listener of this.#workListeners) listener()
      },
    }
  }

  #dueOffers(
    feeds: readonly FeedName[],
    isFree: (feed: FeedName, key: Key) => boolean,
    count: number,
  ): { due: { feedKey: FeedKey; compared: Compared }[]; settled: FeedKey[] } {
    const due: { feedKey: FeedKey; compared: Compared }[] = []
    const settled: FeedKey[] = []
    for (const feed of feeds) {
      for (const [key, address] of this.#replicaState.dirtyFlags(feed)) {
        if (due.length >= count) break
        if (!isFree(feed, key)) continue
        const feedKey = { feed, key, address }
        const compared = compareAt(this.#comparing, feedKey, this.#index, this.#replicaState.head(feed, key))
        if (!compared || compared.need === 'none') settled.push(feedKey)
        else if (compared.need !== 'wait' && mayPublish(this.#comparing, feedKey, compared)) due.push({ feedKey, compared })
      }
    }
    return { due, settled }
  }

  // ---- memory and other tabs

  #took(rows: readonly Row[], outcome: Outcome): void {
    this.#replicaState.take(outcome)
    this.#tell(rows, outcome)
    this.rows.take(rows, 'feed')
    this.#notify(outcome)
  }

  #notify(outcome: Outcome): void {
    const changed = [...outcome.heads, ...outcome.dirtyFlags].map(([feed, key]) => ({ feed, key }))
    if (changed.length > 0) for (const listener of this.#feedListeners) listener(changed)
    for (const listener of this.#workListeners) listener()
  }

  #tell(rows: readonly Row[], outcome: Outcome): void {
    const told: TabMessage = { type: 'replica', rows, outcome }
    this.#tabs.tell(told)
  }

  #hear(message: unknown): void {
    if (!isTabMessage(message)) return
    this.#replicaState.take(message.outcome)
    this.rows.take(message.rows, 'tab')
    this.#notify(message.outcome)
    // The tab that saved may not have known all that this one knows: what its rows bear on is looked at again.
    if (this.#leading && message.rows.length > 0) void this.#lock.run(() => this.#recheck(message.rows)).catch(this.#report)
  }

  async #recheck(rows: readonly Row[]): Promise<void> {
    const steps = rows.map((after): RowStep => ({ before: undefined, after, fields: Object.keys(after.registers) }))
    const { writes, commit } = this.#flagDirty(steps)
    if (writes.length === 0) return
    await this.#store.update([], () => ({ writes, result: undefined }))
    commit()
  }

  readonly #report = (error: unknown): void => this.#problem(error instanceof Error ? error.message : 'A transaction failed.')
}

/** Rows whose arrival may make a held doc readable. */
const unlocking: ReadonlySet<string> = new Set(['Agreement', 'RecordMap', 'Connection'])

/** A head where the doc's bytes do not matter, because the entry brings the whole doc. */
function withoutState(head: Head | undefined): Stored | undefined {
  return head?.kind === 'doc' ? { ...head, state: new Uint8Array(), lost: true } : head
}

function isTabMessage(message: unknown): message is TabMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'replica'
}
