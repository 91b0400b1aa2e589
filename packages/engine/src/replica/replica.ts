import type { Entry, FeedName, Key, Offer, OrgId, Stamp } from '@entente/protocol'
import { compareStamps, headKey, loadDoc, parseFeed, readSlots } from '@entente/protocol'
import { SerialQueue } from '../flow/serial-queue.js'
import type { RandomBytes } from '../port/random.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import { isAbove as standsAbove, type Row } from '../row/row.js'
import type { Attached } from '../row/attached.js'
import type { Written } from '../row/row-store.js'
import { Rows, type RowStep, type Journal } from '../row/rows.js'
import { randomInteger, type Stamper } from '../row/stamper.js'
import { type Absorber, absorbEntry, absorbHeld, isDeferred, openAhead, readDeferred, withdrawnFrom } from './absorb-entry.js'
import { sealsOf, slotsToHandBack } from './above.js'
import { compareAt, type Comparison } from './compare.js'
import type { DecidingRows } from './deciding-rows.js'
import { effectiveVersion } from './desired-state.js'
import { type FeedKey, feedKeyName, feedKeysOfFeed } from './feed-key.js'
import { FeedHeads } from './feed-heads.js'
import { bringsKeys, type FeedRole, feedRoleOf, isHeld, rotationKey, rotationsOf, teamFeed, textOf, topicByObject } from './feed-role.js'
import { type Followed, FollowedFeeds } from './followed.js'
import { OpenedDocs } from './opened-docs.js'
import { countsUnder, type PlaceAbove, type SealAbove, takenBack } from './handed-back.js'
import { awaitsTeam, isTeamBehind, mayPublish } from './policy.js'
import { project } from './project-offer.js'
import { exceededBy, isPaused } from './reading-bound.js'
import { Lead, LostLead } from './lead.js'
import { RecordMapIndex } from './record-map-index.js'
import type { DisabledRule, ReplicaContext } from './replica-context.js'
import {
  type InboxMessage,
  isSameFeed,
  noStateChange,
  type PeerDoc,
  readDirtyFlags,
  ReplicaState,
  type StateChange,
} from './replica-state.js'
import type { RecordMaps } from './rows-view.js'
import { FeedSealer } from './feed-sealer.js'
import { Keyring } from '../seal/keyring.js'
import { type Withdrawn, withoutSlots } from './known.js'
import { type Address, type FeedState, type Head, heldOf, registersOf, type Stored, type StoredDoc, textOfStamps } from './stored.js'
import { mergeAll, Transactions, type Uncommitted } from './transactions.js'

export interface ReplicaOptions {
  /** Writes down what the org’s own saves did, and what became of its records. */
  readonly journal?: Journal
  readonly store: Store
  readonly tabs: Tabs
  readonly random: RandomBytes
  readonly stamper: Stamper
  readonly org: OrgId
  /** Notes entries that could not be absorbed, in words without values. */
  readonly problem?: (what: string) => void
  /** Hears that an entry of a feed was left out because it came late, as a removed device makes it (rule RT11). */
  readonly late?: (feed: FeedName) => void
  /** Tests only: see `DisabledRule`. */
  readonly disabledRules?: ReadonlySet<DisabledRule>
}

/** One `entries` message, with the incarnation that the session's welcome named. */
export interface Chunk {
  readonly incarnation: number
  readonly position: number
  readonly live: boolean
  readonly entries: readonly Entry[]
}

/** What is told while a chunk is absorbed. */
export interface Absorbing {
  /** How many entries were taken in, after each part of a long chunk. */
  readonly took?: (entries: number) => void
  /** Each time that all is handed to the store, in its transaction. */
  readonly handedOver?: () => void
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
  readonly change: StateChange
  readonly written: Written | undefined
}

/** What product modules read of replication. */
export interface ReplicaView {
  readonly rows: Rows
  /** The same rows, for work that only the tab that leads does: once another one leads, its saves are refused with LostLead. */
  readonly leadersRows: Rows
  readonly org: OrgId
  readonly recordMaps: RecordMaps
  readonly keyring: Keyring
  readonly heads: Omit<FeedHeads, 'absorbed' | 'lost' | 'offer' | 'hasNew'>
  inbox(feed: FeedName, kind?: string): ReadonlyMap<Key, InboxMessage>
  peerDocs(feed: FeedName): ReadonlyMap<Key, PeerDoc>
  acknowledged(feed: FeedName, key: Key): boolean
  broughtBy(feed: FeedName, key: Key, stamps: ReadonlyMap<string, Stamp>): number | undefined
  isUnread(feed: FeedName, key: Key): boolean
  rowsAfter(sequence: number, without: readonly Address[]): number
  dropBodies(feed: FeedName, keys: readonly Key[]): Promise<void>
  waiting(): number
  followed(): Followed
  position(feed: FeedName): FeedState
  isOwn(feed: FeedName): boolean
  generationOf(feed: FeedName): number
  readCovered(feed: FeedName, generation: number, covers: number): Promise<void>
  giveUpLate(feed: FeedName): Promise<readonly Key[]>
  isLateHeld(feed: FeedName): boolean
  outdated(): { readonly total: number; readonly left: readonly FeedKey[] }
  publishDue(feedKeys: readonly FeedKey[]): Promise<void>
  publishAgain(feed: FeedName, keys: readonly Key[]): Promise<void>
  above(feed: FeedName): readonly PlaceAbove[]
  sealsAbove(feed: FeedName, places: readonly PlaceAbove[]): Promise<readonly SealAbove[]>
  takeBack(feed: FeedName, seals: readonly SealAbove[], restoredAt?: number): Promise<void>
  watchFeeds(listener: (changed: readonly FeedChange[]) => void): () => void
}

/**
 * Keeps the relay's copy and an org's rows in step. The row is the truth, the doc is the relay's copy: a stored doc never holds an edit that the relay
 * has not sequenced. Absorbed docs, the rows and dirty flags that they change and the cursor are one store transaction.
 */
export class Replica implements ReplicaView {
  readonly rows: Rows
  readonly leadersRows: Rows
  /** The signed heads of feeds. */
  readonly heads: FeedHeads
  /** The secrets of later generations. */
  readonly keyring: Keyring
  readonly org: OrgId
  readonly #store: Store
  readonly #tabs: Tabs
  readonly #openedDocs = new OpenedDocs()
  /** The rows in memory, as functions over rows see them. */
  readonly #view: RecordMapIndex
  readonly #sealer: FeedSealer
  readonly #replicaState = new ReplicaState()
  readonly #context: ReplicaContext
  readonly #followed: FollowedFeeds
  readonly #transactions: Transactions
  readonly #problem: (what: string) => void
  readonly #late: (feed: FeedName) => void
  /** Yjs client id of this page load (rule DC2). */
  readonly #client: number
  /** Places above which this page load has said what the org has, where a peer handed back what is late. */
  readonly #saidAbove = new Set<string>()
  /** One transaction on docs at a time, so that what was read before it still holds in it. */
  readonly #transactionQueue = new SerialQueue()
  /** Feeds that were read to their end when the present keys came: below which generation nothing counts any more. */
  readonly #settled = new Map<FeedName, number>()
  readonly #feedListeners = new Set<(changed: readonly FeedChange[]) => void>()
  readonly #workListeners = new Set<() => void>()
  readonly #lostListeners = new Set<() => void>()
  readonly #lead: Lead
  /** How many messages of other tabs were taken. */
  #heard = 0
  /** Whether the docs of the team's rows are in memory. */
  #isLoaded = false
  readonly #stopListening: () => void
  #leading = false

  static async open(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options)
    // Without the docs of the team's rows, as many as there are rows, which only the work with the relay reads: no page waits for them.
    const team = teamFeed(options.org, 'rows')
    // None of them needs another, and each waits for the store most of the time.
    await Promise.all([replica.rows.load(), replica.keyring.load(), replica.#replicaState.load(options.store, team)])
    replica.#view.load()
    return replica
  }

  private constructor({ store, tabs, random, stamper, org, problem, late, disabledRules, journal }: ReplicaOptions) {
    this.rows = new Rows(
      store,
      stamper,
      {
        flagDirty: (steps) => this.#flagDirty(steps),
        saved: (rows, written) => this.#tellTabs(rows, noStateChange, written),
      },
      journal,
    )
    this.#lead = new Lead(store, () => {
      this.#leading = false
      for (const listener of this.#lostListeners) listener()
    })
    this.leadersRows = this.rows.behind({ key: Lead.key, check: (stored) => this.#lead.check(stored) })
    this.org = org
    this.#store = store
    this.#tabs = tabs
    this.#view = new RecordMapIndex(this.rows)
    this.keyring = new Keyring(store)
    this.#sealer = new FeedSealer(org, this.#view, this.keyring, !disabledRules?.has('origin'))
    this.#client = randomInteger(random)
    this.heads = new FeedHeads(this.#replicaState, () => {
      for (const listener of this.#workListeners) listener()
    })
    this.#problem = problem ?? ((): void => undefined)
    this.#late = late ?? ((): void => undefined)
    this.#context = {
      org,
      sealer: this.#sealer,
      keyring: this.keyring,
      replicaState: this.#replicaState,
      allRows: this.rows,
      disabledRules: disabledRules ?? new Set(),
    }
    this.#followed = new FollowedFeeds(this.#context)
    this.#transactions = new Transactions(store, this.rows.stored, this.#view, this.#context, this.#lead, stamper.session, journal)
    this.rows.watch((changes) => {
      let [unlocks, withdraws, admits] = [false, false, false]
      for (const { object } of changes) {
        this.#followed.rowChanged(object)
        unlocks ||= unlocking.has(object)
        admits ||= object === 'Roster'
        withdraws ||= object === 'Agreement'
      }
      if (!this.#leading) return
      if (unlocks) void this.#transactionQueue.run(() => this.#readDeferred()).catch(this.#report)
      if (admits) void this.judgeAgain().catch(this.#report)
      if (withdraws) void this.#transactionQueue.run(() => this.#withdraw()).catch(this.#report)
    })
    this.keyring.watch(() => {
      this.#settle()
      // What waited for a rotation may leave.
      for (const listener of this.#workListeners) listener()
      if (this.#leading) void this.#transactionQueue.run(() => this.#readHeld()).catch(this.#report)
    })
    this.#stopListening = tabs.listen(
      (message) => this.#hearTab(message),
      () => void this.#transactionQueue.run(() => this.#catchUp()).catch(this.#report),
    )
  }

  // ---- for product modules

  get recordMaps(): RecordMaps {
    return this.#view
  }

  /**
   * The live messages of a feed by key; erased ones are gone. Of a peer's feed after the relay lost it: as they were, until they come again.
   *
   * @param kind only those whose keys begin with it and a dot
   */
  inbox(feed: FeedName, kind?: string): ReadonlyMap<Key, InboxMessage> {
    return this.#replicaState.inbox(feed, kind)
  }

  peerDocs(feed: FeedName): ReadonlyMap<Key, PeerDoc> {
    return this.#replicaState.docs(feed)
  }

  /** Whether the relay holds the desired state under a key. */
  acknowledged(feed: FeedName, key: Key): boolean {
    return !this.#replicaState.dirtyFlag(feed, key) && this.#replicaState.head(feed, key) !== undefined
  }

  /** By which entry the last of some registers came into the relay's copy of an own doc, as a sequence. Undefined where one of them is not in it. */
  broughtBy(feed: FeedName, key: Key, stamps: ReadonlyMap<string, Stamp>): number | undefined {
    const head = this.#replicaState.head(feed, key)
    if (head?.kind !== 'doc' || head.lost) return undefined
    const registers = registersOf(head)
    let latest = 0
    for (const [slot, stamp] of stamps) {
      const register = registers[slot]
      if (!register || compareStamps(register[0], stamp) !== 0) return undefined
      latest = Math.max(latest, head.since?.[slot] ?? head.sequence)
    }
    return latest
  }

  /** Whether something came under a key that cannot be read yet: its agreement or the key to it has not come. */
  isUnread(feed: FeedName, key: Key): boolean {
    const head = this.#replicaState.head(feed, key)
    return heldOf(head) !== undefined || (head?.kind === 'doc' && head.deferred)
  }

  /** The newest generation of the keys of a feed that this device has. */
  generationOf(feed: FeedName): number {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    return feedRole ? this.#sealer.generationOf(feedRole) : 0
  }

  /** How many of the team's rows have an entry after a sequence, but for some rows. */
  rowsAfter(sequence: number, without: readonly Address[]): number {
    const { names } = this.#sealer
    const passed = new Set(without.map((address) => names?.key(...address)))
    let count = 0
    for (const [key, head] of this.#replicaState.heads(teamFeed(this.org, 'rows')))
      if (head.kind !== 'head' && head.sequence > sequence && !passed.has(key)) count++
    return count
  }

  /** How many keys have something that the relay has not acknowledged. A record that waits for the team and for a peer counts once. */
  waiting(): number {
    const team = teamFeed(this.org, 'rows')
    let count = this.#replicaState.dirtyCount
    // Asked with each drawing, also while thousands wait: most of the time they wait for the one or for the other alone.
    if (Object.keys(topicByObject).every((object) => this.#replicaState.dirtyRowCount(team, object) === 0)) return count
    for (const [feed, addresses] of this.#replicaState.allDirtyFlags()) {
      if (feed === team || this.#replicaState.dirtyRowCount(feed, 'RecordMap') === 0) continue
      for (const [object, id] of addresses.values()) {
        const map = object === 'RecordMap' ? this.#view.get(object, id) : undefined
        const [topicObject, record] = [textOf(map, 'object'), textOf(map, 'record')]
        if (topicObject && record && this.#replicaState.isRowDirty(team, [topicObject, record])) count--
      }
    }
    return count
  }

  /** Whether the relay has acknowledged everything: nothing is waiting, which need not be counted for that. */
  get isSettled(): boolean {
    return this.#replicaState.dirtyCount === 0
  }

  /** Whether there may be something to offer. */
  get hasOffers(): boolean {
    return this.#replicaState.dirtyCount > 0 || this.heads.hasNew
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

  /** The feeds to subscribe to, and the connections to introduce to the relay. The same object until they change. */
  followed(): Followed {
    return this.#followed.get()
  }

  /** The keys of a feed of which something waits to be published. */
  waitingKeys(feed: FeedName): Iterable<Key> {
    return this.#replicaState.dirtyFlags(feed).keys()
  }

  /** Where to go on reading a feed. */
  position(feed: FeedName): FeedState {
    return this.#replicaState.feed(feed)
  }

  /** The sequence of a key's last entry that was absorbed here, 0 for none. */
  sequence(feed: FeedName, key: Key): number {
    return this.#replicaState.head(feed, key)?.sequence ?? 0
  }

  /** Calls back when another tab has taken the lead and the tabs did not tell. */
  watchLead(lost: () => void): () => void {
    this.#lostListeners.add(lost)
    return () => this.#lostListeners.delete(lost)
  }

  /** Looks into the store whether this tab still leads, and for what other tabs saved and did not live to tell. */
  async lookAtLead(): Promise<void> {
    const look = async (): Promise<void> => {
      await this.#lead.look()
      const dirtyFlags = (await readDirtyFlags(this.#store)).filter((flag) => !this.#replicaState.hasDirtyFlag(flag))
      await this.rows.catchUp()
      if (dirtyFlags.length === 0) return
      this.#take([], { ...noStateChange, dirtyFlags })
    }
    await this.#transactionQueue.run(look).catch(this.#report)
  }

  /** Whether the tab that led last has stopped by itself, so that this one may lead. */
  isLeadFree(): Promise<boolean> {
    return this.#lead.isFree()
  }

  /** Another tab leads. What this one has begun as the leader is not written any more. */
  standDown(): void {
    this.#leading = false
    this.#lead.stop()
  }

  /** The same, and the next tab may know it from the store. */
  async endLead(): Promise<void> {
    this.#leading = false
    await this.#lead.end()
  }

  /** Takes the docs of the team's rows into memory, which `open` leaves out. Where the store fails, whoever leads reads all of it. */
  async loadTeam(): Promise<void> {
    const team = teamFeed(this.org, 'rows')
    const load = async (): Promise<void> => {
      await this.#replicaState.loadFeed(this.#store, team)
      this.#isLoaded = true
    }
    await this.#transactionQueue.run(load).catch(this.#report)
    for (const listener of this.#feedListeners) listener([{ feed: team, key: headKey }])
  }

  /** This tab leads from now on. Loads what another tab may have written. */
  lead(): Promise<void> {
    return this.#transactionQueue.run(async () => {
      await this.#lead.take()
      this.#transactions.lead()
      const isSame = await this.#replicaState.loadFeeds(this.#store)
      if (!isSame || !this.#isLoaded) await this.#replicaState.loadHeads(this.#store)
      this.#isLoaded = true
      await this.keyring.load()
      // A tab may have been closed before it told.
      await this.rows.catchUp()
      this.#followed.stateLoaded()
      this.#leading = true
      await this.#readDeferred()
      await this.#readHeld()
      await this.#readUnproven()
      await this.#withdraw()
    })
  }

  close(): void {
    this.#leading = false
    this.#stopListening()
  }

  /**
   * Absorbs a chunk of a feed: docs, rows, dirty flags and the cursor in one transaction (rule AB3).
   *
   * @param hears what is told on the way
   * @returns the keys of which an entry was left out (rule AN1)
   * @throws StoreError, with nothing absorbed
   */
  async absorb(feed: FeedName, chunk: Chunk, hears: Absorbing = {}): Promise<readonly Key[]> {
    await this.#pauseAtBound(feed, chunk.entries)
    return this.#transactionQueue.run(async () => {
      const refused: Key[] = []
      for (const part of partsOf(chunk)) {
        refused.push(...(await this.#absorbPart(feed, part, hears.handedOver)))
        hears.took?.(part.entries.length)
      }
      return refused
    })
  }

  /** Opens entries that will be absorbed soon, while the store is at work on those before them. Their turn finds them opened, if nothing else has come under their keys. */
  openAhead(feed: FeedName, entries: readonly Entry[]): void {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    if (feedRole?.kind !== 'team') return
    for (const entry of entries) {
      const doc = this.#openedDocs.find(feed, entry) ? undefined : openAhead({ feed, feedRole, sealer: this.#sealer }, entry)
      if (doc) this.#openedDocs.add(feed, entry.key, doc)
    }
  }

  async #absorbPart(feed: FeedName, chunk: Chunk, handedOver: Absorbing['handedOver']): Promise<readonly Key[]> {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    if (!feedRole || this.#isPaused(feedRole)) return []
    const before = this.#replicaState.feed(feed)
    const fresh = chunk.entries.filter((entry) => entry.sequence > before.cursor)
    const bases = await this.#readBases(feed, feedRole, fresh)
    let attempt = this.#absorbAll(feed, feedRole, fresh, bases)
    if (attempt.needed.length > 0)
      attempt = this.#absorbAll(feed, feedRole, fresh, new Map([...bases, ...(await this.#transactions.readAll(feed, attempt.needed))]))
    const { refused, problems, overheard, needed: _, ...opened } = attempt
    for (const problem of problems) this.#problem(problem)
    await this.#overhear(overheard)
    const absorbed = { ...opened, ...(await this.#admit(feedRole, opened)) }
    const cursor = fresh.reduce((highest, entry) => Math.max(highest, entry.sequence), before.cursor)
    const { incarnation, position } = chunk
    const feedState = { ...before, cursor, incarnation, position, rebuild: before.rebuild && !chunk.live }
    const isRead = before.rebuild && !feedState.rebuild && feedRole.own
    const lacking = isRead ? await this.#transactions.lacking(feed, feedRole, absorbed.docs) : []
    if (fresh.length > 0 || !isSameFeed(feedState, before))
      await this.#commit(feed, feedRole, { ...absorbed, feedState, lacking }, handedOver)
    for (const { key } of fresh) this.#openedDocs.forget(feed, key)
    this.heads.absorbed(feed, before.cursor, fresh.length, chunk.live)
    return refused
  }

  /** Whether nothing is read from a feed of a peer now (rules IS4, PA2, OB2). */
  isPaused(feed: FeedName): boolean {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    return feedRole !== undefined && this.#isPaused(feedRole)
  }

  #isPaused(feedRole: FeedRole): boolean {
    if (feedRole.kind !== 'connection' || feedRole.own) return false
    const connection = this.#view.get('Connection', feedRole.connection)
    return isPaused(connection) || (feedRole.topic !== 'messages' && isHeld(connection, feedRole.topic))
  }

  async #pauseAtBound(feed: FeedName, entries: readonly Entry[]): Promise<void> {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    if (feedRole?.kind !== 'connection' || feedRole.own || feedRole.topic !== 'messages') return
    const { connection } = feedRole
    const row = this.#view.get('Connection', connection)
    const stage = isPaused(row) ? undefined : exceededBy(row, this.#replicaState.inbox(feed), this.#replicaState.held(feed).size, entries)
    if (!stage) return
    await this.rows.save([{ object: 'Connection', id: connection, values: { paused: stage, problem: pausedProblem[stage] } }])
    this.#problem(pausedProblem[stage])
  }

  /** Whether this org writes a feed. */
  isOwn(feed: FeedName): boolean {
    return feedRoleOf(feed, this.org, this.#view)?.own ?? false
  }

  /**
   * The relay does not know the position that this device named: it lost its disk or came back from a backup. Own docs and tombstones are forgotten, so
   * that the relay's are read and the lost ones are published again. A peer's docs stay visible until they come again (rule IN3). Also for a peer's feed
   * that is to be read again, because an entry in it was left out.
   */
  lost(feed: FeedName): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const own = feedRoleOf(feed, this.org, this.#view)?.own ?? false
      this.heads.lost(feed)
      this.#settled.delete(feed)
      this.#take([], await this.#transactions.forget(feed, own))
    })
  }

  /**
   * Makes offers for the dirty keys of these feeds, at most so many and roughly so many bytes. Clears dirty flags that have no need left.
   *
   * @param isFree whether a key may be published now: no offer of it is in flight, and its feed is not paused
   * @param isRefused whether the relay has no room for a key, or will not take it
   */
  offers(
    feeds: readonly FeedName[],
    isFree: (feed: FeedName, key: Key) => boolean,
    most: { readonly count: number; readonly bytes: number },
    isRefused: (feed: FeedName, key: Key) => boolean = () => false,
  ): Promise<readonly FeedOffers[]> {
    return this.#transactionQueue.run(async () => {
      const { due, settled } = this.#dueOffers(feeds, isFree, most.count, isRefused)
      if (settled.length > 0) {
        const { rows, change } = await this.#transactions.clearDirtyFlags(settled)
        // Where memory is behind the store, a flag stays, and would be looked at again and again.
        this.rows.take(rows, 'tab')
        this.#take([], change)
      }
      const offersByFeed = new Map<FeedName, Omit<Offer, 'id'>[]>()
      for (const feed of feeds) {
        const offer = this.heads.offer(feed)
        if (offer && isFree(feed, headKey)) offersByFeed.set(feed, [offer])
      }
      if (due.length === 0 && offersByFeed.size === 0) return []
      let bytes = 0
      const make = (some: typeof due, bases?: ReadonlyMap<string, StoredDoc>): void => {
        for (const { feedKey, comparison } of some) {
          if (bytes >= most.bytes) break
          const { feed, key } = feedKey
          const head = this.#replicaState.head(feed, key)
          const offer = project({
            ...comparison,
            feed,
            key,
            head,
            doc: bases?.get(feedKeyName(feed, key)),
            sealer: this.#sealer,
            client: this.#client,
            sealedDoc: (doc) => this.#openedDocs.add(feed, key, doc),
          })
          if (!offer) continue
          bytes += offer.bytes.length
          const offers = offersByFeed.get(feed)
          if (offers) offers.push(offer)
          else offersByFeed.set(feed, [offer])
        }
      }
      const updates = due.filter(({ comparison }) => comparison.need === 'update')
      // Also where nothing is read: what is made here is sent. What needs nothing of it is made while the store reads.
      const [bases] = await Promise.all([
        this.#transactions.readDocs(updates.map(({ feedKey }) => feedKey)),
        Promise.resolve(due.filter(({ comparison }) => comparison.need !== 'update')).then(make),
      ])
      make(updates, bases)
      return [...offersByFeed].map(([feed, offers]) => ({ feed, offers }))
    })
  }

  /** Publishes keys of an own feed anew: a peer has something else there than this org signed. */
  publishAgain(feed: FeedName, keys: readonly Key[]): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole?.own) return
      const docs = new Map<Key, Stored>()
      for (const [key, stored] of await this.#transactions.readAll(feed, keys))
        if (stored.kind !== 'head') docs.set(key, { ...stored, lost: true })
      if (docs.size > 0)
        await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows: [], feedState: this.#replicaState.feed(feed) })
    })
  }

  /** What of a peer's feed stands above the relay's copy (rule BK1). */
  above(feed: FeedName): readonly PlaceAbove[] {
    return [...this.#replicaState.heads(feed)].flatMap(([key, head]) => slotsToHandBack(head).map((slot) => ({ key, slot })))
  }

  /** The seals of such places, for the owner. Those of an earlier version of the agreement are worth nothing any more. */
  async sealsAbove(feed: FeedName, places: readonly PlaceAbove[]): Promise<readonly SealAbove[]> {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    if (feedRole?.kind !== 'connection' || feedRole.own) return []
    const version = effectiveVersion(this.#view.get('Agreement', feedRole.connection))
    const docs = await this.#transactions.readAll(feed, [...new Set(places.map(({ key }) => key))])
    const found: SealAbove[] = []
    for (const [key, stored] of docs) {
      if (stored.kind !== 'doc' && stored.kind !== 'erased') continue
      const slots = places.filter((place) => place.key === key).map(({ slot }) => slot)
      for (const [slot, { epoch, bytes }] of Object.entries(sealsOf(stored, slots)))
        if (version !== undefined && countsUnder(version, slot, epoch)) found.push({ key, slot, epoch, bytes })
    }
    return found
  }

  /**
   * Takes what a peer hands back of an own feed: what this org sealed itself and lost (rule BK3).
   *
   * @param restoredAt see `takenBack`
   */
  takeBack(feed: FeedName, seals: readonly SealAbove[], restoredAt = 0): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole) return
      const { rows, exists } = takenBack(this.#absorber(feed, feedRole), seals, restoredAt, ({ key, slot }) => {
        // Once is enough: a peer and a removed device could have it say that again and again.
        const name = `${feedKeyName(feed, key)} ${slot}`
        if (this.#saidAbove.has(name)) return undefined
        this.#saidAbove.add(name)
        return this.#client
      })
      const docs = new Map<Key, Stored>()
      for (const [key, register] of exists) {
        const head = this.#replicaState.head(feed, key)
        // The peer has heard a later word than this erasure, and follows only one above that.
        if (head?.kind === 'erased' && standsAbove(register, head.exists)) docs.set(key, { ...head, lost: true })
      }
      if (rows.length > 0 || docs.size > 0)
        await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows, feedState: this.#replicaState.feed(feed) })
    })
  }

  /** Drops what a peer's messages say, and keeps their stamps, so that nothing older comes back. */
  dropBodies(feed: FeedName, keys: readonly Key[]): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole || feedRole.own) return
      const docs = new Map<Key, Stored>()
      for (const key of keys) {
        const head = this.#replicaState.head(feed, key)
        if (head?.kind === 'message') docs.set(key, { ...head, body: 'null' })
      }
      if (docs.size > 0)
        await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows: [], feedState: this.#replicaState.feed(feed) })
    })
  }

  /**
   * Leaves out what is held in the feeds of a side under a generation that no rotation has begun. The relay says that this messages feed is live: a rotation would have
   * come in it before anything that is sealed under it (rule RT7). So a relay that makes up a generation holds nothing up.
   *
   * @returns the keys of which an entry was left out, by feed
   */
  giveUpHeld(messages: FeedName): Promise<readonly (readonly [FeedName, readonly Key[]])[]> {
    if (this.#replicaState.heldFeeds().length === 0) return Promise.resolve([])
    return this.#transactionQueue.run(async () => {
      const left: (readonly [FeedName, readonly Key[]])[] = []
      for (const feed of this.#replicaState.heldFeeds().filter((each) => rotationsOf(each) === messages)) {
        const keys = [...this.#replicaState.held(feed)].filter(
          ([, { generation, late }]) => !late && !this.#isAnnounced(messages, generation),
        )
        if (keys.length === 0) continue
        await this.#absorbHeld(
          feed,
          keys.map(([key]) => key),
          true,
        )
        left.push([feed, keys.map(([key]) => key)])
      }
      return left
    })
  }

  /**
   * Reads what came late in a feed, as far as the present head covers it: a device that has the present keys has signed that it holds just this (rule RT11).
   *
   * @param generation that of the head
   */
  readCovered(feed: FeedName, generation: number, covers: number): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole || generation < this.#sealer.lateBelow(feedRole)) return
      const late = [...this.#replicaState.held(feed)].filter(([key, held]) => held.late && this.sequence(feed, key) <= covers)
      if (late.length === 0) return
      await this.#absorbHeld(
        feed,
        late.map(([key]) => key),
        false,
        true,
      )
    })
  }

  /** Leaves out what has come late in an own feed, and no head has covered: the org publishes anew what its rows hold (rule RT11). */
  giveUpLate(feed: FeedName): Promise<readonly Key[]> {
    return this.#transactionQueue.run(async () => {
      const keys = [...this.#replicaState.held(feed)].filter(([, { late }]) => late).map(([key]) => key)
      if (keys.length > 0) await this.#absorbHeld(feed, keys, true)
      return keys
    })
  }

  /** How much of the own feeds the relay has, and what of it is sealed under earlier keys than the present ones. */
  outdated(): { readonly total: number; readonly left: readonly FeedKey[] } {
    let total = 0
    const left: FeedKey[] = []
    for (const feed of this.followed().feeds) {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole?.own || this.#sealer.generationOf(feedRole) === 0) continue
      for (const feedKey of feedKeysOfFeed(feed, feedRole, this.#context.allRows, this.#view, this.#sealer.names)) {
        const head = this.#replicaState.head(feed, feedKey.key)
        if (!head || head.kind === 'head' || !head.leaf || bringsKeys(feedKey.key)) continue
        total++
        const need = compareAt(this.#context, feedKey, this.#view, head)?.need
        if (need === 'begin' || need === 'message' || need === 'erase') left.push(feedKey)
      }
    }
    return { total, left }
  }

  /** Has these keys published: they are due, though nobody edited them. */
  publishDue(feedKeys: readonly FeedKey[]): Promise<void> {
    return this.#transactionQueue.run(async () => {
      const dirtyFlags = this.#transactions.inGroups(feedKeys.map(({ feed, key, address }) => [feed, key, address] as const))
      await this.#store.update([], () => ({ writes: this.#replicaState.dirtyWrites(dirtyFlags), result: undefined }))
      this.#take([], { ...noStateChange, dirtyFlags })
    })
  }

  /** Whether something that came late is held in a feed. */
  isLateHeld(feed: FeedName): boolean {
    return [...this.#replicaState.held(feed).values()].some(({ late }) => late)
  }

  /** Notes the feeds that are read to their end now, under which keys. What comes under earlier ones from now on was made after the rotation. */
  #settle(): void {
    for (const feed of this.followed().feeds) {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      const below = feedRole && this.#sealer.lateBelow(feedRole)
      // While a rotation is due, nobody knows yet which keys count.
      if (!below || below > this.#sealer.generationOf(feedRole) || this.#settled.get(feed) === below) continue
      if (this.heads.isExact(feed) && this.#replicaState.held(feed).size === 0) this.#settled.set(feed, below)
    }
  }

  /** Whether a rotation of this generation stands in a messages feed, read or held. */
  #isAnnounced(messages: FeedName, generation: number): boolean {
    const head = this.#replicaState.head(messages, rotationKey(generation))
    return head !== undefined && (head.kind === 'message' || heldOf(head) !== undefined)
  }

  /** Reads what was held, as far as its keys have come. */
  async #readHeld(): Promise<void> {
    for (const feed of this.#replicaState.heldFeeds()) await this.#absorbHeld(feed, [...this.#replicaState.held(feed).keys()], false)
  }

  async #absorbHeld(feed: FeedName, keys: readonly Key[], isGivenUp: boolean, isCovered = false): Promise<void> {
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    if (!feedRole) return
    const overheard: Row[] = []
    const absorber: Absorber = {
      ...this.#absorber(feed, feedRole),
      isCovered,
      isSettled: false,
      overhear: (parts) => overheard.push(...parts),
    }
    const docs = new Map<Key, Stored>()
    const addresses = new Map<Key, Address>()
    const rows: Row[] = []
    for (const [key, stored] of await this.#transactions.readAll(feed, keys)) {
      const held = heldOf(stored)
      if (!held) continue
      const absorbed = absorbHeld(absorber, stored, held, isGivenUp)
      docs.set(key, absorbed.stored)
      for (const row of absorbed.rows) {
        rows.push(row)
        addresses.set(key, [row.object, row.id])
      }
    }
    if (docs.size === 0) return
    await this.#overhear(overheard)
    const admitted = await this.#admit(feedRole, { docs, rows: mergeAll(rows) })
    await this.#commit(feed, feedRole, { ...admitted, addresses, feedState: this.#replicaState.feed(feed) })
  }

  // ---- absorbing

  #absorbAll(feed: FeedName, feedRole: FeedRole, entries: readonly Entry[], bases: ReadonlyMap<Key, Stored>): Attempt {
    const problems: string[] = []
    const needed = new Set<Key>()
    const overheard: Row[] = []
    const absorber: Absorber = {
      ...this.#absorber(feed, feedRole),
      problem: (what) => problems.push(what),
      overhear: (parts) => overheard.push(...parts),
      needBytes: (key) => void (bases.has(key) || needed.add(key)),
    }
    const docs = new Map<Key, Stored>()
    const addresses = new Map<Key, Address>()
    const rows: Row[] = []
    const refused = new Set<Key>()
    for (const entry of entries) {
      const present = docs.get(entry.key) ?? bases.get(entry.key) ?? withoutState(this.#replicaState.head(feed, entry.key))
      const absorbed = absorbEntry(absorber, entry, present)
      if (!absorbed) continue
      docs.set(entry.key, absorbed.stored)
      if (absorbed.refused) refused.add(entry.key)
      // A later entry of the chunk may have brought the key whole.
      else refused.delete(entry.key)
      for (const row of absorbed.rows) {
        rows.push(row)
        addresses.set(entry.key, [row.object, row.id])
      }
    }
    return { docs, addresses, rows: mergeAll(rows), refused: [...refused], problems, overheard, needed: [...needed] }
  }

  /**
   * What of a team's rows counts (rule DR2). Registers that never did are not said to be there: what this device has in their place goes there again. A doc with one
   * of them is read once more when the roster has changed.
   */
  async #admit<Of extends Pick<Uncommitted, 'docs' | 'rows'>>(feedRole: FeedRole, { docs, rows }: Of): Promise<Pick<Of, 'docs' | 'rows'>> {
    const [{ deciding }, { names }] = [this.#context, this.#sealer]
    if (feedRole.kind !== 'team' || !deciding || !names || rows.length === 0) return { docs, rows }
    const { rows: admitted, refused } = await deciding.admit(rows)
    const left = new Map(docs)
    for (const { object, id, field, isOutdated } of refused) {
      const key = names.key(object, id)
      const stored = left.get(key)
      if (stored?.kind !== 'doc') continue
      const { [field]: known, ...others } = registersOf(stored)
      const registers = isOutdated && known ? { ...others, [field]: known } : others
      left.set(key, { ...stored, registers: textOfStamps(registers), unproven: true })
    }
    return { docs: left, rows: admitted }
  }

  /** Tells who judges what came late. Nothing of it is taken in, but others may have taken it (rule DR4). Again for what is still held: a page may end before it has answered. */
  async #overhear(parts: readonly Row[]): Promise<void> {
    if (parts.length > 0) await this.#context.deciding?.admit(mergeAll(parts))
  }

  /** From now on rows that decide count only as the engine says. */
  judgeBy(deciding: DecidingRows): void {
    this.#context.deciding = deciding
  }

  /** Judges once more what did not count: another roster is known. */
  judgeAgain(): Promise<void> {
    return this.#transactionQueue.run(() => this.#readUnproven())
  }

  #absorber(feed: FeedName, feedRole: FeedRole): Absorber {
    return {
      feed,
      feedRole,
      rows: this.#view,
      sealer: this.#sealer,
      disabledRules: this.#context.disabledRules,
      lateBelow: this.#context.disabledRules.has('rotation') ? 0 : this.#sealer.lateBelow(feedRole),
      isSettled: this.#settled.get(feed) === this.#sealer.lateBelow(feedRole),
      isCovered: false,
      problem: this.#problem,
      noteLate: () => this.#late(feed),
      overhear: () => undefined,
      opened: (entry) => this.#openedDocs.find(feed, entry),
      needBytes: () => undefined,
    }
  }

  /** What absorbing needs with its bytes: the docs that updates continue, and of a peer's those of which something may stand above what comes. */
  async #readBases(feed: FeedName, { own }: FeedRole, entries: readonly Entry[]): Promise<ReadonlyMap<Key, Stored>> {
    const keys = new Set<Key>()
    for (const { key, kind, whole } of entries) {
      const head = this.#replicaState.head(feed, key)
      if (kind === 'doc' && !whole ? head?.kind === 'doc' : !own && isAbove(head)) keys.add(key)
    }
    return keys.size === 0 ? new Map<Key, Stored>() : this.#transactions.readAll(feed, [...keys])
  }

  async #commit(feed: FeedName, feedRole: FeedRole, uncommitted: Uncommitted, waits?: () => void): Promise<void> {
    const written = await this.#transactions.commit(feed, feedRole, uncommitted, waits)
    if (!written) {
      await this.#loadAll()
      this.#followed.stateLoaded()
      throw new Error('Another tab has read on in a feed. This one goes on from where that stands.')
    }
    this.#take(written.rows, written.change, written.written)
  }

  /** Hides the slots of peers' docs that an agreement has withdrawn. The docs' next epochs will not have them. */
  async #withdraw(): Promise<void> {
    for (const feed of this.followed().feeds) {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole || feedRole.own) continue
      const withdrawn: Withdrawn = (version) => withdrawnFrom(feedRole, version, this.#view)
      const keys = [...this.#replicaState.heads(feed)].filter(([, head]) => withoutSlots(head, withdrawn) !== head).map(([key]) => key)
      if (keys.length === 0) continue
      const docs = new Map<Key, Stored>()
      for (const [key, stored] of await this.#transactions.readAll(feed, keys)) docs.set(key, withoutSlots(stored, withdrawn))
      await this.#commit(feed, feedRole, { docs, addresses: new Map(), rows: [], feedState: this.#replicaState.feed(feed) })
    }
  }

  /** Reads once more what the team's rows hold of devices that were no admins' when it came: the roster has changed since (rule DR2). */
  async #readUnproven(): Promise<void> {
    const feed = teamFeed(this.org, 'rows')
    const feedRole = feedRoleOf(feed, this.org, this.#view)
    const keys = [...this.#replicaState.heads(feed)].flatMap(([key, head]) => (head.kind === 'doc' && head.unproven ? [key] : []))
    if (!feedRole || keys.length === 0) return
    const absorber = this.#absorber(feed, feedRole)
    const docs = new Map<Key, Stored>()
    const rows: Row[] = []
    for (const [key, base] of await this.#transactions.readAll(feed, keys)) {
      if (base.kind !== 'doc' || base.lost) continue
      const opened = readDeferred(absorber, key, base, readSlots(loadDoc([base.state])))
      docs.set(key, opened.stored)
      rows.push(...opened.rows)
    }
    const admitted = await this.#admit(feedRole, { docs, rows: mergeAll(rows) })
    await this.#commit(feed, feedRole, { ...admitted, addresses: new Map(), feedState: this.#replicaState.feed(feed) })
  }

  /** Reads deferred docs whose agreement or record map has come since. */
  async #readDeferred(): Promise<void> {
    for (const [feed, deferred] of this.#replicaState.deferred()) {
      const feedRole = feedRoleOf(feed, this.org, this.#view)
      if (!feedRole) continue
      const keys = [...deferred].filter(([key, head]) => !isDeferred(feedRole, key, head, this.#view)).map(([key]) => key)
      if (keys.length === 0) continue
      const absorber = this.#absorber(feed, feedRole)
      const bases = await this.#transactions.readDocs(keys.map((key) => ({ feed, key })))
      const docs = new Map<Key, Stored>()
      const rows: Row[] = []
      for (const key of keys) {
        const base = bases.get(feedKeyName(feed, key))
        if (!base || base.lost) continue
        const opened = readDeferred(absorber, key, base, readSlots(loadDoc([base.state])))
        docs.set(key, opened.stored)
        rows.push(...opened.rows)
      }
      const admitted = await this.#admit(feedRole, { docs, rows: mergeAll(rows) })
      await this.#commit(feed, feedRole, { ...admitted, addresses: new Map(), feedState: this.#replicaState.feed(feed) })
    }
  }

  /** The dirty flags that saved rows set. */
  #flagDirty(steps: readonly RowStep[]): Attached {
    const change = this.#transactions.dirtyFlagsOf(steps)
    return {
      writes: this.#replicaState.dirtyWrites(change.dirtyFlags),
      commit: () => {
        this.#takeState(change)
        if (change.dirtyFlags.length > 0) this.#tellTabs([], change)
        for (const listener of this.#workListeners) listener()
      },
    }
  }

  #dueOffers(
    feeds: readonly FeedName[],
    isFree: (feed: FeedName, key: Key) => boolean,
    count: number,
    isRefused: (feed: FeedName, key: Key) => boolean,
  ): { due: { feedKey: FeedKey; comparison: Comparison }[]; settled: FeedKey[] } {
    const due: { feedKey: FeedKey; comparison: Comparison }[] = []
    const settled: FeedKey[] = []
    const waits = isTeamBehind(this.#context, isRefused)
    for (const feed of feeds) {
      const isOfConnection = parseFeed(feed).kind === 'connection'
      if (waits && isOfConnection) continue
      for (const [key, address] of this.#replicaState.dirtyFlags(feed)) {
        if (due.length >= count) break
        if (!isFree(feed, key) || (isOfConnection && awaitsTeam(this.#context, address))) continue
        const feedKey = { feed, key, address }
        const comparison = compareAt(this.#context, feedKey, this.#view, this.#replicaState.head(feed, key))
        if (!comparison || comparison.need === 'none') settled.push(feedKey)
        else if (comparison.need !== 'wait' && mayPublish(this.#context, feedKey, comparison, this.#view)) due.push({ feedKey, comparison })
      }
    }
    return { due, settled }
  }

  // ---- memory and other tabs

  #take(rows: readonly Row[], change: StateChange, written?: Written): void {
    this.#takeState(change)
    this.#tellTabs(rows, change, written)
    this.rows.take(rows, 'feed')
    this.rows.stored.took(written)
    this.#notify(change)
  }

  async #loadAll(): Promise<void> {
    await this.#replicaState.load(this.#store)
    this.#isLoaded = true
  }

  #takeState(change: StateChange): void {
    this.#replicaState.take(change)
    this.#followed.stateChanged(change)
  }

  #notify(change: StateChange): void {
    const changed = [...change.heads, ...change.dirtyFlags].map(([feed, key]) => ({ feed, key }))
    if (changed.length > 0) for (const listener of this.#feedListeners) listener(changed)
    for (const listener of this.#workListeners) listener()
  }

  #tellTabs(rows: readonly Row[], change: StateChange, written?: Written): void {
    const message: TabMessage = { type: 'replica', rows, change, written }
    this.#tabs.tell(message)
  }

  #hearTab(message: unknown): void {
    if (!isTabMessage(message)) return
    this.#heard++
    this.#takeState(message.change)
    this.rows.take(message.rows, 'tab')
    this.rows.stored.heard(message.rows, message.written)
    this.#notify(message.change)
    // The tab that saved may not have known all that this one knows, so this one compares the rows too.
    if (this.#leading && message.rows.length > 0) void this.#transactionQueue.run(() => this.#recheck(message.rows)).catch(this.#report)
  }

  async #recheck(rows: readonly Row[]): Promise<void> {
    const steps = rows.map((after): RowStep => ({ before: undefined, after, fields: Object.keys(after.registers) }))
    const { writes, commit } = this.#flagDirty(steps)
    if (writes.length === 0) return
    await this.#store.update([Lead.key], ([term]) => {
      this.#lead.check(term)
      return { writes, result: undefined }
    })
    commit()
  }

  /** This tab was frozen, and other tabs have gone on. */
  async #catchUp(): Promise<void> {
    // What is told while the store is read would be lost with what memory held.
    for (let [heard, tries] = [-1, 0]; heard !== this.#heard && tries < 5; tries++) {
      heard = this.#heard
      await this.#loadAll()
    }
    await this.keyring.load()
    await this.rows.catchUp()
    this.#followed.stateLoaded()
    const changed = this.followed().feeds.flatMap((feed) => [...this.#replicaState.heads(feed).keys()].map((key) => ({ feed, key })))
    for (const listener of this.#feedListeners) listener(changed)
    for (const listener of this.#workListeners) listener()
  }

  readonly #report = (error: unknown): void => {
    if (!(error instanceof LostLead)) this.#problem(error instanceof Error ? error.message : 'A transaction failed.')
  }
}

const pausedProblem = {
  before: 'The other org sends more than a stranger has to say. Nothing more is read from it until you have compared the codes.',
  after: 'The other org sends more messages than all its records could need. Nothing more is read from it. Ask its admin what happened.',
} as const

/** So many entries are absorbed in one go, for a page to draw between two of them. A page of a relay's answer has half as many of an org's rows. */
const mostEntries = 200

/** A chunk in parts. A part ends with a head, so that the feed stands as the head says when it is taken, or with so many entries. */
function* partsOf({ entries, ...chunk }: Chunk): Iterable<Chunk> {
  let start = 0
  for (const [index, { kind }] of entries.entries()) {
    if ((kind !== 'head' && index + 1 - start < mostEntries) || index === entries.length - 1) continue
    yield { ...chunk, live: false, entries: entries.slice(start, index + 1) }
    start = index + 1
  }
  yield { ...chunk, entries: start === 0 ? entries : entries.slice(start) }
}

/** What absorbing leaves, unless it needs more of what is stored than it was given. */
interface Attempt extends Omit<Uncommitted, 'feedState'> {
  readonly refused: readonly Key[]
  /** What was left out, in words. */
  readonly problems: readonly string[]
  /** What came late of a team's rows. */
  readonly overheard: readonly Row[]
  /** The keys whose bytes it needs. */
  readonly needed: readonly Key[]
}

/** Rows whose arrival may make a deferred doc readable. */
const unlocking: ReadonlySet<string> = new Set(['Agreement', 'RecordMap', 'Connection'])

/** Whether a doc, as a reader knows it, stands above the relay's copy, or may do so after the next entry. */
function isAbove(head: Head | undefined): boolean {
  return (head?.kind === 'doc' || head?.kind === 'erased') && (head.lost || head.above !== undefined)
}

/** A head where the doc's bytes do not matter, because the entry brings the whole doc. */
function withoutState(head: Head | undefined): Stored | undefined {
  return head?.kind === 'doc' ? { ...head, state: new Uint8Array(), lost: true } : head
}

function isTabMessage(message: unknown): message is TabMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'replica'
}
