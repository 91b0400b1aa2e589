import type { FeedName, Key } from '@entente/protocol'
import type { Store, StoreKey, Write } from '../port/store.js'
import { mergeRows, type Row } from '../row/row.js'
import type { RowStore, Written } from '../row/row-store.js'
import { type Journal, type RowStep, stepBetween } from '../row/rows.js'
import { leastInSegment, mostInSegment, rowKey, storedRow } from '../row/stored-row.js'
import { compareAt } from './compare.js'
import { addressesOf, addressName, type FeedKey, feedKeyName, feedKeysOfFeed, feedKeysOfSteps } from './feed-key.js'
import type { FeedRole } from './feed-role.js'
import type { RecordMapIndex } from './record-map-index.js'
import type { DisabledRule, ReplicaContext } from './replica-context.js'
import { Lead } from './lead.js'
import { isSameFeed, noStateChange, type StateChange } from './replica-state.js'
import { Overlay } from './rows-view.js'
import {
  type Address,
  asFeedState,
  type DirtyFlag,
  docStoreKey,
  type FeedState,
  feedStoreKey,
  freshFeed,
  type Head,
  headOf,
  storedUnder,
  segmentStoreKey,
  type Stored,
  type StoredDoc,
  withoutHeld,
  writtenOnce,
} from './stored.js'

/** What absorbing left of a feed, not yet written. */
export interface Uncommitted {
  readonly docs: ReadonlyMap<Key, Stored>
  /** The row that each key of an own feed turned out to carry. */
  readonly addresses: ReadonlyMap<Key, Address>
  readonly rows: readonly Row[]
  readonly feedState: FeedState
  /** What the rows lack in the feed, where it has just been read to its end. */
  readonly lacking?: readonly FeedKey[]
}

/** So many rows are compared with a feed in one go: some 20 ms of work. */
const comparedAtOnce = 300

type Place = Pick<FeedKey, 'feed' | 'key'>

/** The store's transactions of a replica. Each gives the state change that it wrote, for the replica to take into memory. */
export class Transactions {
  readonly #store: Store
  readonly #rowStore: RowStore
  readonly #rows: RecordMapIndex
  readonly #context: ReplicaContext
  readonly #lead: Lead
  readonly #journal: Pick<Journal, 'changed'> | undefined
  readonly #session: number
  /** The rows, by `addressName`, that came in feeds which are being read to their end. */
  readonly #brought = new Map<FeedName, Set<string>>()
  #dirtyGroups = 0

  /** @param session names groups of dirty flags: a number of this page load */
  constructor(
    store: Store,
    rowStore: RowStore,
    rows: RecordMapIndex,
    context: ReplicaContext,
    lead: Lead,
    session: number,
    journal?: Pick<Journal, 'changed'>,
  ) {
    this.#store = store
    this.#rowStore = rowStore
    this.#session = session
    this.#journal = journal
    this.#lead = lead
    this.#rows = rows
    this.#context = context
  }

  /** All that is stored under keys of a feed, for what this tab is about to do as the leader. @throws LostLead where it leads no more */
  async readAll(feed: FeedName, keys: readonly Key[]): Promise<ReadonlyMap<Key, Stored>> {
    const found = new Map<Key, Stored>()
    await this.#read(
      keys.map((key) => ({ feed, key })),
      ({ key }, stored) => found.set(key, stored),
    )
    return found
  }

  /** Docs with their bytes, by `feedKeyName`, for the same. @throws LostLead where this tab leads no more */
  async readDocs(feedKeys: readonly Place[]): Promise<ReadonlyMap<string, StoredDoc>> {
    const docs = new Map<string, StoredDoc>()
    await this.#read(feedKeys, ({ feed, key }, stored) => stored.kind === 'doc' && docs.set(feedKeyName(feed, key), stored))
    return docs
  }

  /** Reads what is stored at some places. A segment is read once, for all that is sought in it. */
  async #read(places: readonly Place[], take: (place: Place, stored: Stored) => void): Promise<void> {
    const entries = new Map<string, { readonly storeKey: StoreKey; readonly sought: Map<Key, Place> }>()
    for (const place of places) {
      const { feed, key } = place
      const segment = this.#context.replicaState.segments(feed).get(key)
      const storeKey = segment ? segmentStoreKey(feed, segment) : docStoreKey(feed, key)
      const name = storeKey.join()
      if (!entries.has(name)) entries.set(name, { storeKey, sought: new Map() })
      entries.get(name)?.sought.set(key, place)
    }
    const read = [...entries.values()]
    const [term, ...values] = await this.#store.get([Lead.key, ...read.map(({ storeKey }) => storeKey)])
    this.#lead.check(term)
    for (const [index, { storeKey, sought }] of read.entries())
      for (const [key, stored] of storedUnder(storeKey, values[index])) {
        const place = sought.get(key)
        if (place) take(place, stored)
      }
  }

  /**
   * Writes docs, the rows that they change, the dirty flags that follow and the feed's state: one transaction, computed on the rows as stored (rule AB3).
   *
   * @param waits is called once what is written is known
   * @returns undefined, with nothing written, where another tab has read on in this feed
   */
  async commit(
    feed: FeedName,
    feedRole: FeedRole,
    { docs, addresses: addressByKey, rows, feedState, lacking = [] }: Uncommitted,
    waits: () => void = () => undefined,
  ): Promise<{ readonly rows: readonly Row[]; readonly change: StateChange; readonly written: Written | undefined } | undefined> {
    const before = this.#context.replicaState.feed(feed)
    const after = writtenOnce(feedState, before)
    const entryFeedKeys = feedRole.own
      ? [...docs.keys()].flatMap((key) => this.#feedKeyOfEntry(feed, feedRole, key, { docs, addresses: addressByKey }))
      : []
    const { replicaState } = this.#context
    const inSegments = placesOf(docs, replicaState.segments(feed), (key) => replicaState.head(feed, key) === undefined)
    const touched = [...new Set([...docs.keys()].flatMap((key) => replicaState.segments(feed).get(key) ?? []))]
    const addresses = uniqueAddresses([
      ...rows.map(({ object, id }): Address => [object, id]),
      ...entryFeedKeys.flatMap((feedKey) => addressesOf(feedKey, this.#rows)),
    ])
    const reads = [Lead.key, feedStoreKey(feed), ...touched.map((segment) => segmentStoreKey(feed, segment))]
    const rowKeys = addresses.map(([object, id]) => rowKey(object, id))
    const { result, written } = await this.#rowStore.update(reads, rowKeys, ([term, storedFeed, ...segments], storedRows) => {
      this.#lead.check(term)
      if (!isSameFeed(asFeedState(storedFeed) ?? freshFeed, before)) return { rows: [], writes: [], result: undefined }
      const view = this.#viewOf(storedRows)
      const steps: RowStep[] = []
      for (const row of rows) {
        const present = view.get(row.object, row.id)
        const merged = mergeRows(present, row)
        const step = stepBetween(present, merged)
        if (step) steps.push(step)
        view.set(merged)
      }
      const dirtyFlags = this.#dirtyFlagsAfter(feed, feedRole, docs, entryFeedKeys, lacking, steps, view)
      const heads = [...docs].map(
        ([key, stored]) => [feed, key, headOf(stored), inSegments.get(key)] satisfies StateChange['heads'][number],
      )
      const change: StateChange = { heads, dirtyFlags, feeds: [[feed, after]] }
      const writes: Write[] = [
        ...docWrites(feed, docs, inSegments, new Map(touched.map((segment, index) => [segment, segments[index]]))),
        ...replicaState.dirtyWrites(dirtyFlags),
        ...(this.#journal?.changed(steps) ?? []),
        { put: feedStoreKey(feed), value: after },
      ]
      waits()
      return { rows: steps, writes, result: { rows: steps.map(({ after }) => after), change } }
    })
    if (result && before.rebuild && feedRole.kind === 'team') {
      const brought = this.#brought.get(feed) ?? new Set()
      for (const { address } of entryFeedKeys) brought.add(addressName(address))
      this.#brought.set(feed, brought)
    }
    return result && { ...result, written }
  }

  /** This tab leads from now on. What it knew of the feeds that are being read may be over. */
  lead(): void {
    this.#brought.clear()
  }

  /**
   * The keys of an own feed whose rows have more than the relay, once it has been read to its end. The rows that its entries brought were compared with them as they came;
   * each of the others is compared, some at a time.
   *
   * @param docs what the last entries leave, not yet written
   * @throws LostLead where this tab leads no more
   */
  async lacking(feed: FeedName, feedRole: FeedRole, docs: ReadonlyMap<Key, Stored>): Promise<readonly FeedKey[]> {
    const found: FeedKey[] = []
    let compared = 0
    const brought = this.#brought.get(feed)
    this.#brought.delete(feed)
    for (const feedKey of this.#feedKeysOfFeed(feed, feedRole, brought)) {
      const head = docs.get(feedKey.key) ?? this.#context.replicaState.head(feed, feedKey.key)
      if ((compareAt(this.#context, feedKey, this.#rows, head)?.need ?? 'none') !== 'none') found.push(feedKey)
      compared++
      if (compared % comparedAtOnce === 0) await this.#lead.look()
    }
    return found
  }

  #feedKeysOfFeed(feed: FeedName, feedRole: FeedRole, without?: ReadonlySet<string>): Iterable<FeedKey> {
    return feedKeysOfFeed(feed, feedRole, this.#context.allRows, this.#rows, this.#context.sealer.names, without)
  }

  /** The feed key of an entry of an own feed: comparing its desired state sets or clears the dirty flag. */
  #feedKeyOfEntry(feed: FeedName, feedRole: FeedRole, key: Key, { docs, addresses }: Pick<Uncommitted, 'docs' | 'addresses'>): FeedKey[] {
    if (feedRole.kind === 'connection' && feedRole.topic !== 'messages') return [{ feed, key, address: ['RecordMap', key] }]
    const known = this.#context.replicaState.dirtyFlag(feed, key) ?? addresses.get(key)
    if (known) return [{ feed, key, address: known }]
    const stored = docs.get(key)
    if (!stored || stored.kind === 'head' || !stored.lost) return []
    // The entry was not taken, so it does not tell its row. That happens when somebody forges one: looking through the rows is no loss then.
    return [...this.#feedKeysOfFeed(feed, feedRole)].filter((feedKey) => feedKey.key === key)
  }

  #dirtyFlagsAfter(
    feed: FeedName,
    feedRole: FeedRole,
    docs: ReadonlyMap<Key, Stored>,
    entryFeedKeys: readonly FeedKey[],
    lacking: readonly FeedKey[],
    steps: readonly RowStep[],
    view: Overlay,
  ): StateChange['dirtyFlags'] {
    const dirtyFlags = new Map<string, StateChange['dirtyFlags'][number]>()
    // What came under a key changes the row that the key carries: both ask for the same.
    const compared = new Set<string>()
    const headAt = (feedKey: FeedKey): Head | undefined =>
      (feedKey.feed === feed ? docs.get(feedKey.key) : undefined) ?? this.#context.replicaState.head(feedKey.feed, feedKey.key)
    const compare = (feedKey: FeedKey, mayClear: boolean): void => {
      const name = feedKeyName(feedKey.feed, feedKey.key)
      if (compared.has(name)) return
      compared.add(name)
      const isDirty = this.#context.replicaState.dirtyFlag(feedKey.feed, feedKey.key) !== undefined
      const need = compareAt(this.#context, feedKey, view, headAt(feedKey))?.need ?? 'none'
      if (need !== 'none' && !isDirty) dirtyFlags.set(name, [feedKey.feed, feedKey.key, feedKey.address])
      if (need === 'none' && isDirty && mayClear) dirtyFlags.set(name, [feedKey.feed, feedKey.key, undefined])
    }
    for (const feedKey of entryFeedKeys) compare(feedKey, true)
    const touched = this.#feedKeysOfSteps(steps, view)
    for (const feedKey of touched) if (feedKey.feed === feed || !this.#context.disabledRules.has('project-all')) compare(feedKey, false)
    for (const feedKey of lacking) compare(feedKey, false)
    return this.inGroups([...dirtyFlags.values()])
  }

  /** Dirty flags with the groups in which they are to lie: where many are set together, a hundred are one entry of the store. */
  inGroups(dirtyFlags: readonly DirtyFlag[]): readonly DirtyFlag[] {
    const set = dirtyFlags.filter(([, , address]) => address)
    if (set.length < leastInSegment) return dirtyFlags
    const grouped = set.map(([feed, key, address], index): DirtyFlag => {
      if (index % mostInSegment === 0) this.#dirtyGroups++
      return [feed, key, address, `${this.#session}.${this.#dirtyGroups}`]
    })
    return [...dirtyFlags.filter(([, , address]) => !address), ...grouped]
  }

  #feedKeysOfSteps(steps: readonly RowStep[], view: Overlay): readonly FeedKey[] {
    const { org, sealer } = this.#context
    return feedKeysOfSteps(steps, org, view, sealer.names)
  }

  /** The dirty flags that changed rows set: one for each feed key that carries what changed, unless the relay has it already. */
  dirtyFlagsOf(steps: readonly RowStep[]): StateChange {
    const view = new Overlay(this.#rows)
    for (const { after } of steps) view.set(after)
    const dirtyFlags = this.#feedKeysOfSteps(steps, view)
      .filter((feedKey) => {
        const need = compareAt(this.#context, feedKey, view, this.#context.replicaState.head(feedKey.feed, feedKey.key))?.need
        return need !== undefined && need !== 'none'
      })
      .map(({ feed, key, address }) => [feed, key, address] as const)
    return { ...noStateChange, dirtyFlags: this.inGroups(dirtyFlags) }
  }

  /** Clears dirty flags that have no need by the rows as stored: another tab may just have saved. @returns these rows too */
  async clearDirtyFlags(feedKeys: readonly FeedKey[]): Promise<{ readonly rows: readonly Row[]; readonly change: StateChange }> {
    const addresses = uniqueAddresses(feedKeys.flatMap((feedKey) => addressesOf(feedKey, this.#rows)))
    const rowKeys = addresses.map(([object, id]) => rowKey(object, id))
    const { result } = await this.#rowStore.update([Lead.key], rowKeys, ([term], stored) => {
      this.#lead.check(term)
      const view = this.#viewOf(stored)
      const cleared = feedKeys
        .filter(
          (feedKey) =>
            (compareAt(this.#context, feedKey, view, this.#context.replicaState.head(feedKey.feed, feedKey.key))?.need ?? 'none') ===
            'none',
        )
        .map(({ feed, key }) => [feed, key, undefined] as const)
      const rows = stored.flatMap((value) => storedRow(value) ?? [])
      return {
        rows: [],
        writes: this.#context.replicaState.dirtyWrites(cleared),
        result: { rows, change: { ...noStateChange, dirtyFlags: cleared } },
      }
    })
    return result
  }

  /** Forgets what the relay may have lost of a feed: the feed is then read from its beginning, and an own one published again (rule IN3). */
  async forget(feed: FeedName, own: boolean): Promise<StateChange> {
    this.#brought.delete(feed)
    const heads = this.#context.replicaState.heads(feed)
    // What a peer's docs held stays with its bytes: it may be handed back (rule BK1).
    const rows = own ? heads : await this.readAll(feed, [...heads.keys()])
    const docs = [...rows].map(([key, stored]) => [key, afterLoss(stored, own, this.#context.disabledRules)] as const)
    const writes = docs.map(([key, stored]): Write =>
      stored ? { put: docStoreKey(feed, key), value: stored } : { delete: docStoreKey(feed, key) },
    )
    const after = writtenOnce(freshFeed, this.#context.replicaState.feed(feed))
    await this.#store.update([Lead.key], ([term]) => {
      this.#lead.check(term)
      // What stays of a segment has been written anew, under its own key.
      return { writes: [{ deleteAll: ['docs', feed] }, ...writes, { put: feedStoreKey(feed), value: after }], result: undefined }
    })
    return {
      heads: docs.map(([key, stored]) => [feed, key, stored && headOf(stored)] as const),
      dirtyFlags: [],
      feeds: [[feed, after]],
    }
  }

  /** The rows as stored, over those in memory. */
  #viewOf(stored: readonly unknown[]): Overlay {
    const view = new Overlay(this.#rows)
    for (const value of stored) {
      const row = storedRow(value)
      if (row) view.set(row)
    }
    return view
  }
}

/** What stays has no leaf until the relay gives it again: what it does not give is missing from the feed. */
function afterLoss(stored: Head | Stored, own: boolean, disabledRules: ReadonlySet<DisabledRule>): Stored | undefined {
  if (stored.kind === 'head') return undefined
  const head = withoutHeld(stored)
  const left = { sequence: 0, leaf: undefined, lost: true } as const
  if (head.kind === 'erased') return own && disabledRules.has('tombstones') ? undefined : { ...head, ...left }
  if (own) return undefined
  return head.kind === 'doc' ? { state: new Uint8Array(), ...head, ...left } : { ...head, ...left }
}

/** Rows of one chunk, each once. */
export function mergeAll(rows: readonly Row[]): readonly Row[] {
  if (rows.length < 2) return rows
  const merged = new Map<string, Row>()
  for (const row of rows) {
    const name = `${row.object}\n${row.id}`
    merged.set(name, mergeRows(merged.get(name), row))
  }
  return [...merged.values()]
}

/**
 * In which segments docs are to lie. Many that are new become one. Many of one segment that come again stay in it; fewer leave it.
 *
 * @param segments in which they lie
 */
function placesOf(docs: ReadonlyMap<Key, Stored>, segments: ReadonlyMap<Key, Key>, isNew: (key: Key) => boolean): ReadonlyMap<Key, Key> {
  const keysBySegment = new Map<Key | undefined, Key[]>()
  for (const [key, { kind }] of docs) {
    const segment = segments.get(key)
    if (kind === 'doc' && (segment || isNew(key)) && !keysBySegment.get(segment)?.push(key)) keysBySegment.set(segment, [key])
  }
  const places = new Map<Key, Key>()
  for (const [segment, keys] of keysBySegment)
    for (const key of keys.length < leastInSegment ? [] : keys) places.set(key, segment ?? keys[0] ?? key)
  return places
}

/** What puts docs into the store. Nothing stays in a segment of a doc that was written again: what was withdrawn from a peer's must be gone. @param touched the segments in which some of them lie, as stored */
function docWrites(
  feed: FeedName,
  docs: ReadonlyMap<Key, Stored>,
  places: ReadonlyMap<Key, Key>,
  touched: ReadonlyMap<Key, unknown>,
): readonly Write[] {
  const segments = new Map<Key, (readonly [Key, Stored])[]>()
  for (const [segment, value] of touched)
    segments.set(
      segment,
      storedUnder(segmentStoreKey(feed, segment), value).filter(([key]) => !docs.has(key)),
    )
  const writes: Write[] = []
  for (const [key, stored] of docs) {
    const place = places.get(key)
    if (place === undefined) writes.push({ put: docStoreKey(feed, key), value: stored })
    else if (!segments.get(place)?.push([key, stored])) segments.set(place, [[key, stored]])
  }
  for (const [segment, lying] of segments) {
    const storeKey = segmentStoreKey(feed, segment)
    writes.push(lying.length > 0 ? { put: storeKey, value: lying } : { delete: storeKey })
  }
  return writes
}

function uniqueAddresses(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [addressName(address), address])).values()]
}
