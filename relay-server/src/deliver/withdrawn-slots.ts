import {
  compactDoc,
  connectionOfDocs,
  type Entry,
  entryOf,
  type FeedName,
  parseFeed,
  withdrawnSlots,
  withoutSlots,
} from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import type { PolicyCache } from '../publish/policy-cache.js'
import type { KeyName, PageEntry, Store, StoredDoc } from '../store/store.js'

/** Hides from readers what either org of a connection has withdrawn, until the owner of each doc has begun it anew (rule PO10). */
export class WithdrawnSlots {
  readonly #store: Pick<Store, 'doc'>
  readonly #policies: Pick<PolicyCache, 'current'>

  constructor(store: Pick<Store, 'doc'>, policies: Pick<PolicyCache, 'current'>) {
    this.#store = store
    this.#policies = policies
  }

  /** The entries of a page as whoever has this access may read them. The owner of a feed reads all of it. */
  async hide({ name, feed, writes }: Access, entries: readonly PageEntry[]): Promise<readonly PageEntry[]> {
    const connection = connectionOfDocs(feed)
    if (writes || feed.kind !== 'connection' || connection === undefined || entries.length === 0) return entries
    const { vendor, partner } = await this.#policies.current(connection)
    if (!vendor?.withdrawn && !partner?.withdrawn) return entries
    const shown: PageEntry[] = []
    for (const stored of entries) {
      const entry = entryOf(stored)
      const gone = withdrawnSlots([vendor, partner], entry.epoch.version, feed.topic)
      if (entry.kind !== 'doc' || gone.size === 0) {
        shown.push(stored)
        continue
      }
      const bytes = await this.#without(name, entry, gone)
      if (bytes) shown.push(bytes === entry.bytes ? stored : { ...entry, bytes })
    }
    return shown
  }

  /** The states of a doc as the gateway may show it. */
  async hideIn({ feed: name }: KeyName, { states, epoch }: StoredDoc): Promise<readonly Uint8Array[]> {
    const feed = parseFeed(name)
    if (feed.kind !== 'connection') return states
    const { vendor, partner } = await this.#policies.current(feed.connection)
    const gone = withdrawnSlots([vendor, partner], epoch.version, feed.topic)
    return gone.size === 0 ? states : [withoutSlots([], compactDoc(states), gone)]
  }

  /** @returns undefined for an update that was merged or replaced since the page was read: what took its place comes later in the feed */
  async #without(feed: FeedName, { key, whole, bytes }: Entry, gone: ReadonlySet<string>): Promise<Uint8Array | undefined> {
    if (whole) return withoutSlots([], bytes, gone)
    const states = (await this.#store.doc({ feed, key }))?.states ?? []
    const index = states.findIndex((state) => Buffer.compare(state, bytes) === 0)
    return index < 0 ? undefined : withoutSlots(states.slice(0, index), bytes, gone)
  }
}
