import type { FeedName, Key, Stamp } from '@entente/protocol'
import { type Page, scanPages, segmentsAtOnce } from '../flow/scan-pages.js'
import type { Store, Write } from '../port/store.js'
import { isGone } from './existence.js'
import { feedKeyName } from './feed-key.js'
import type { Value } from '../schema/value.js'
import type { Register } from '../row/row.js'
import { LeafTree } from './leaf-tree.js'
import {
  type Address,
  type DirtyFlag,
  type DocHead,
  dirtyFlagsUnder,
  dirtyGroupKey,
  dirtyStoreKey,
  asFeedState,
  type FeedState,
  freshFeed,
  type Head,
  headOf,
  type Held,
  heldOf,
  type StoredMessage,
  storedUnder,
} from './stored.js'

/** What the peer (or the own org) has in a doc of a feed, as last absorbed. */
export interface PeerDoc {
  readonly key: Key
  readonly feed: FeedName
  readonly kind: 'doc' | 'erased'
  /** The register by which it exists or not: the highest that was seen. Undefined while none has been read. */
  readonly exists: Register | undefined
  /** The agreement's version that says what its slots mean. */
  readonly version: number
  /** By slot. Empty while the version is not known here; after an erasure what the doc held last. */
  readonly registers: Readonly<Record<string, Register>>
  readonly unreadable: readonly string[]
}

export interface InboxMessage {
  readonly body: Value
  readonly stamp: Stamp
}

/** A message whose body is read when somebody asks for it. */
class Message implements InboxMessage {
  readonly #text: string
  readonly stamp: Stamp
  #body: Value | undefined

  constructor({ body, stamp }: StoredMessage) {
    this.#text = body
    this.stamp = stamp
  }

  get body(): Value {
    return (this.#body ??= JSON.parse(this.#text) as Value)
  }
}

/** What one transaction does to the replica state: written to the store, then taken into memory here and in the other tabs. */
export interface StateChange {
  /** With the segment in which the doc lies, unless it has an entry of its own. */
  readonly heads: readonly (readonly [FeedName, Key, Head | undefined, segment?: Key | undefined])[]
  readonly dirtyFlags: readonly DirtyFlag[]
  readonly feeds: readonly (readonly [FeedName, FeedState])[]
}

export const noStateChange: StateChange = { heads: [], dirtyFlags: [], feeds: [] }

/** What a device knows of the relay's copy, in memory: everything but the docs' bytes. */
export class ReplicaState {
  #headsByFeed = new Map<FeedName, Map<Key, Head>>()
  #docsByFeed = new Map<FeedName, Map<Key, PeerDoc>>()
  /** By feed, and once more by feed and kind: `roster` of `roster.3`. */
  #inboxes = new Map<string, Map<Key, InboxMessage>>()
  #deferredByFeed = new Map<FeedName, Map<Key, DocHead>>()
  #heldByFeed = new Map<FeedName, Map<Key, Held>>()
  readonly #dirtyFlagsByFeed = new Map<FeedName, Map<Key, Address>>()
  /** The keys of the dirty flags by object and id of their row: who asks by row need not hash the key of each. */
  readonly #dirtyRowsByFeed = new Map<FeedName, Map<string, Map<string, Key>>>()
  /** What lies in each group of dirty flags. A flag that was set again lies in several, and it may have an entry of its own beside them. */
  readonly #dirtyGroups = new Map<string, Map<string, DirtyFlag>>()
  readonly #groupsByFlag = new Map<string, readonly string[]>()
  readonly #loneFlags = new Set<string>()
  #trees = new Map<FeedName, LeafTree>()
  #segmentsByFeed = new Map<FeedName, Map<Key, Key>>()
  readonly #feeds = new Map<FeedName, FeedState>()
  #dirtyCount = 0
  /** The feed that `loadFeed` reads, and the keys that changed since it began. */
  #loading: { readonly feed: FeedName; readonly changed: Set<Key> } | undefined

  head(feed: FeedName, key: Key): Head | undefined {
    return this.#headsByFeed.get(feed)?.get(key)
  }

  /** In which segment docs of a feed lie, unless they have entries of their own. */
  segments(feed: FeedName): ReadonlyMap<Key, Key> {
    return tableOf(this.#segmentsByFeed, feed)
  }

  heads(feed: FeedName): ReadonlyMap<Key, Head> {
    return tableOf(this.#headsByFeed, feed)
  }

  docs(feed: FeedName): ReadonlyMap<Key, PeerDoc> {
    return tableOf(this.#docsByFeed, feed)
  }

  inbox(feed: FeedName, kind?: string): ReadonlyMap<Key, InboxMessage> {
    return tableOf(this.#inboxes, kind === undefined ? feed : `${feed}#${kind}`)
  }

  /** The leaves of all that a feed holds. */
  tree(feed: FeedName): LeafTree {
    let tree = this.#trees.get(feed)
    if (!tree) this.#trees.set(feed, (tree = new LeafTree()))
    return tree
  }

  /** Hashes some of the leaves ahead. @returns whether any are left */
  hashAhead(): boolean {
    for (const tree of this.#trees.values()) if (tree.hashAhead()) return true
    return false
  }

  /** Whether a key of a feed holds something that this device cannot read yet. */
  hasDeferred(feed: FeedName): boolean {
    return (this.#deferredByFeed.get(feed)?.size ?? 0) > 0 || (this.#heldByFeed.get(feed)?.size ?? 0) > 0
  }

  dirtyFlag(feed: FeedName, key: Key): Address | undefined {
    return this.#dirtyFlagsByFeed.get(feed)?.get(key)
  }

  /** Whether a row has something unpublished in a feed. */
  isRowDirty(feed: FeedName, [object, id]: Address): boolean {
    return this.#dirtyRowsByFeed.get(feed)?.get(object)?.has(id) ?? false
  }

  /** The keys of an object's rows that have something unpublished in a feed. */
  dirtyKeysOf(feed: FeedName, object: string): Iterable<Key> {
    return this.#dirtyRowsByFeed.get(feed)?.get(object)?.values() ?? []
  }

  /** How many rows of an object have something unpublished in a feed. */
  dirtyRowCount(feed: FeedName, object: string): number {
    return this.#dirtyRowsByFeed.get(feed)?.get(object)?.size ?? 0
  }

  dirtyFlags(feed: FeedName): ReadonlyMap<Key, Address> {
    return tableOf(this.#dirtyFlagsByFeed, feed)
  }

  allDirtyFlags(): Iterable<readonly [FeedName, ReadonlyMap<Key, Address>]> {
    return this.#dirtyFlagsByFeed
  }

  /** What sets and clears dirty flags in the store. A group of which something is left is written again: only the tab that leads clears, and it knows what lies in each. */
  dirtyWrites(flags: readonly DirtyFlag[]): readonly Write[] {
    const writes: Write[] = []
    const groups = new Map<string, DirtyFlag[]>()
    const cleared = new Set<string>()
    for (const flag of flags) {
      const [feed, key, address, group] = flag
      const name = feedKeyName(feed, key)
      if (!address) {
        cleared.add(name)
        if (this.#loneFlags.has(name)) writes.push({ delete: dirtyStoreKey(feed, key) })
      } else if (group === undefined) writes.push({ put: dirtyStoreKey(feed, key), value: address })
      else if (!groups.get(group)?.push(flag)) groups.set(group, [flag])
    }
    for (const group of new Set([...cleared].flatMap((name) => this.#groupsByFlag.get(name) ?? []))) {
      const left = [...(this.#dirtyGroups.get(group) ?? [])].flatMap(([name, flag]) => (cleared.has(name) ? [] : [flag]))
      if (left.length === 0) writes.push({ delete: dirtyGroupKey(group) })
      else groups.set(group, left)
    }
    for (const [group, lying] of groups)
      writes.push({ put: dirtyGroupKey(group), value: lying.map(([feed, key, address]) => [feed, key, address]) })
    return writes
  }

  /** Whether a dirty flag is known as it lies in the store. */
  hasDirtyFlag([feed, key, , group]: DirtyFlag): boolean {
    const name = feedKeyName(feed, key)
    return group === undefined ? this.#loneFlags.has(name) : this.#dirtyGroups.get(group)?.has(name) === true
  }

  /** Whether something of an own feed is unpublished, or may turn out to be when the feed has been read to its end. */
  isUnsettled(feed: FeedName): boolean {
    return this.dirtyFlags(feed).size > 0 || this.feed(feed).rebuild
  }

  /** Docs that wait for their agreement or record map, by feed. */
  deferred(): readonly (readonly [FeedName, ReadonlyMap<Key, DocHead>])[] {
    return [...this.#deferredByFeed].filter(([, docs]) => docs.size > 0)
  }

  /** Keys with entries whose keys this device does not have. */
  held(feed: FeedName): ReadonlyMap<Key, Held> {
    return tableOf(this.#heldByFeed, feed)
  }

  /** The feeds with such keys. */
  heldFeeds(): readonly FeedName[] {
    return [...this.#heldByFeed].filter(([, held]) => held.size > 0).map(([feed]) => feed)
  }

  get dirtyCount(): number {
    return this.#dirtyCount
  }

  feed(feed: FeedName): FeedState {
    return this.#feeds.get(feed) ?? freshFeed
  }

  take({ heads, dirtyFlags, feeds }: StateChange): void {
    for (const [feed, key, head, segment] of heads) {
      if (this.#loading?.feed === feed) this.#loading.changed.add(key)
      this.#takeHead(feed, key, head, segment)
    }
    for (const flag of dirtyFlags) this.#takeDirtyFlag(flag)
    for (const [feed, state] of feeds) this.#feeds.set(feed, state)
  }

  /**
   * Fills memory from the store, in place of what it held: `loadFeeds`, and then the keys of these feeds. Where another tab reads on meanwhile, the feeds' states are so
   * behind what is read after them, and never before it.
   *
   * @param later a feed whose keys `loadFeed` takes
   */
  async load(store: Store, later?: FeedName): Promise<void> {
    await this.loadFeeds(store)
    await this.loadHeads(store, later)
  }

  /** The second half of `load`. */
  async loadHeads(store: Store, later?: FeedName): Promise<void> {
    // Beside what memory holds, so that nobody reads half of it.
    const loaded = new ReplicaState()
    const feeds = [...this.#feeds.keys()].filter((feed) => feed !== later)
    await Promise.all(feeds.map((feed) => scanHeads(store, feed, (key, head, segment) => loaded.#takeHead(feed, key, head, segment))))
    this.#headsByFeed = loaded.#headsByFeed
    this.#docsByFeed = loaded.#docsByFeed
    this.#inboxes = loaded.#inboxes
    this.#deferredByFeed = loaded.#deferredByFeed
    this.#trees = loaded.#trees
    this.#heldByFeed = loaded.#heldByFeed
    this.#segmentsByFeed = loaded.#segmentsByFeed
  }

  /** Takes what the store has of a feed that `load` left out. What changes meanwhile is newer than what is read. */
  async loadFeed(store: Store, feed: FeedName): Promise<void> {
    const { changed } = (this.#loading = { feed, changed: new Set<Key>() })
    try {
      await scanHeads(store, feed, (key, head, segment) => {
        if (!changed.has(key)) this.#takeHead(feed, key, head, segment)
      })
    } finally {
      this.#loading = undefined
    }
  }

  /** The cheap part of loading: dirty flags and feed states. Tells whether the store's feed states are those of memory. */
  async loadFeeds(store: Store): Promise<boolean> {
    const feeds: [FeedName, FeedState][] = []
    await scanPages(store, ['feed'], (page) => {
      for (const [[, feed], value] of page) {
        const state = asFeedState(value)
        if (state) feeds.push([feed as FeedName, state])
      }
    })
    const dirtyFlags = await readDirtyFlags(store)
    const same = feeds.every(([feed, state]) => isSameFeed(state, this.feed(feed)))
    this.#dirtyFlagsByFeed.clear()
    this.#dirtyRowsByFeed.clear()
    this.#dirtyGroups.clear()
    this.#groupsByFlag.clear()
    this.#loneFlags.clear()
    this.#dirtyCount = 0
    this.#feeds.clear()
    this.take({ heads: [], dirtyFlags, feeds })
    return same
  }

  #takeHead(feed: FeedName, key: Key, head: Head | undefined, segment?: Key): void {
    const segments = tableOf(this.#segmentsByFeed, feed)
    if (segment) segments.set(key, segment)
    else segments.delete(key)
    const heads = tableOf(this.#headsByFeed, feed)
    const docs = tableOf(this.#docsByFeed, feed)
    docs.delete(key)
    const deferred = tableOf(this.#deferredByFeed, feed)
    deferred.delete(key)
    const entries = heldOf(head)
    this.tree(feed).set(key, entries ? entries.leaf : head && 'leaf' in head ? head.leaf : undefined)
    const held = tableOf(this.#heldByFeed, feed)
    held.delete(key)
    this.#takeMessage(feed, key, head && head.kind !== 'head' && 'stamp' in head ? new Message(head) : undefined)
    if (!head) {
      heads.delete(key)
      return
    }
    heads.set(key, head)
    if (head.kind === 'head') return
    if (entries) held.set(key, entries)
    if (head.kind === 'doc' && head.deferred) deferred.set(key, head)
    // A peer's: those of own feeds are stamps.
    if (
      !('stamp' in head) &&
      typeof head.registers !== 'string' &&
      (head.exists?.[1] === true || isGone(head.exists) || head.kind === 'doc')
    ) {
      const { exists, version, registers } = head
      docs.set(key, {
        key,
        feed,
        kind: isGone(exists) ? 'erased' : 'doc',
        exists,
        version,
        registers,
        unreadable: head.kind === 'doc' ? head.unreadable : [],
      })
    }
  }

  #takeMessage(feed: FeedName, key: Key, message: InboxMessage | undefined): void {
    const take = (name: string): void => {
      const inbox = tableOf(this.#inboxes, name)
      if (message) inbox.set(key, message)
      else inbox.delete(key)
    }
    take(feed)
    const dot = key.indexOf('.')
    if (dot !== -1) take(`${feed}#${key.slice(0, dot)}`)
  }

  #takeDirtyFlag(flag: DirtyFlag): void {
    const [feed, key, address, group] = flag
    const name = feedKeyName(feed, key)
    if (!address) {
      this.#loneFlags.delete(name)
      for (const each of this.#groupsByFlag.get(name) ?? []) {
        const lying = this.#dirtyGroups.get(each)
        if (lying?.delete(name) && lying.size === 0) this.#dirtyGroups.delete(each)
      }
      this.#groupsByFlag.delete(name)
    } else if (group === undefined) this.#loneFlags.add(name)
    else {
      const lying = this.#dirtyGroups.get(group)
      if (lying) lying.set(name, flag)
      else this.#dirtyGroups.set(group, new Map([[name, flag]]))
      const groups = this.#groupsByFlag.get(name) ?? []
      if (!groups.includes(group)) this.#groupsByFlag.set(name, [...groups, group])
    }
    const dirtyFlags = tableOf(this.#dirtyFlagsByFeed, feed)
    let dirtyRows = this.#dirtyRowsByFeed.get(feed)
    if (!dirtyRows) this.#dirtyRowsByFeed.set(feed, (dirtyRows = new Map()))
    this.#dirtyCount -= dirtyFlags.size
    const before = dirtyFlags.get(key)
    if (before) dirtyRows.get(before[0])?.delete(before[1])
    if (address) {
      const [object, id] = address
      dirtyFlags.set(key, address)
      const rows = dirtyRows.get(object)
      if (rows) rows.set(id, key)
      else dirtyRows.set(object, new Map([[id, key]]))
    } else dirtyFlags.delete(key)
    this.#dirtyCount += dirtyFlags.size
  }
}

/** The dirty flags of a store. */
export async function readDirtyFlags(store: Store): Promise<readonly DirtyFlag[]> {
  const dirtyFlags: DirtyFlag[] = []
  await scanPages(store, ['dirty'], (page) => {
    for (const [storeKey, value] of page) dirtyFlags.push(...dirtyFlagsUnder(storeKey, value))
  })
  return dirtyFlags
}

async function scanHeads(store: Store, feed: FeedName, take: (key: Key, head: Head, segment?: Key) => void): Promise<void> {
  const takeAll = (page: Page): void => {
    for (const [storeKey, value] of page)
      for (const [key, stored] of storedUnder(storeKey, value))
        take(key, headOf(stored), storeKey[0] === 'docs' ? (storeKey[2] as Key) : undefined)
  }
  await scanPages(store, ['docs', feed], takeAll, segmentsAtOnce)
  // What has an entry of its own was written after its segment.
  await scanPages(store, ['doc', feed], takeAll)
}

export function isSameFeed(a: FeedState, b: FeedState): boolean {
  const isSamePlace = a.cursor === b.cursor && a.incarnation === b.incarnation && a.position === b.position
  return isSamePlace && a.rebuild === b.rebuild && a.writes === b.writes
}

function tableOf<Name, T>(tables: Map<Name, Map<Key, T>>, feed: Name): Map<Key, T> {
  let table = tables.get(feed)
  if (!table) tables.set(feed, (table = new Map()))
  return table
}
