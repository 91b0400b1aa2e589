import type { FeedName, Key } from '@entente/protocol'
import type { Store, StoreKey, Write } from '../port/store.js'
import { mergeRows, type Row } from '../row/row.js'
import { rowKey, type RowStep, stepBetween, storedRow } from '../row/rows.js'
import type { Place } from './carriage.js'
import { addressesOf, compareAt, type Comparing, placeName, placesOfFeed, placesOfSteps } from './compare.js'
import { type Holdings, isSameFeed, type Outcome } from './holdings.js'
import { type MapIndex, Overlay } from './map-index.js'
import type { Meaning } from './meaning.js'
import type { LeftOut } from './project.js'
import {
  type Address,
  asFeedState,
  asStored,
  docStoreKey,
  type FeedState,
  feedStoreKey,
  freshFeed,
  type Head,
  headOf,
  markStoreKey,
  type Stored,
  type StoredDoc,
} from './stored.js'

/** What absorbing or opening left, before it is written. */
export interface Result {
  readonly docs: ReadonlyMap<Key, Stored>
  /** The row that each key of an own team feed turned out to be about. */
  readonly addresses: ReadonlyMap<Key, Address>
  readonly rows: readonly Row[]
  readonly feedState: FeedState
}

export const noOutcome: Outcome = { heads: [], marks: [], feeds: [] }

/** The store's transactions of a replica. Each gives what it did; taking that into memory is the replica's business. */
export class Transactions {
  readonly #store: Store
  readonly #index: MapIndex
  readonly #holdings: Holdings
  readonly #comparing: Comparing

  constructor(store: Store, index: MapIndex, holdings: Holdings, comparing: Comparing) {
    this.#store = store
    this.#index = index
    this.#holdings = holdings
    this.#comparing = comparing
  }

  /** Everything that is stored under keys of a feed. */
  async readAll(feed: FeedName, keys: readonly Key[]): Promise<ReadonlyMap<Key, Stored>> {
    const values = await this.#store.get(keys.map((key) => docStoreKey(feed, key)))
    const found = new Map<Key, Stored>()
    keys.forEach((key, index) => {
      const stored = asStored(values[index])
      if (stored) found.set(key, stored)
    })
    return found
  }

  /** Docs with their bytes, by `placeName`. */
  async readDocs(places: readonly Pick<Place, 'feed' | 'key'>[]): Promise<ReadonlyMap<string, StoredDoc>> {
    const docs = new Map<string, StoredDoc>()
    if (places.length === 0) return docs
    const values = await this.#store.get(places.map(({ feed, key }) => docStoreKey(feed, key)))
    places.forEach(({ feed, key }, index) => {
      const stored = asStored(values[index])
      if (stored?.kind === 'doc') docs.set(placeName(feed, key), stored)
    })
    return docs
  }

  /**
   * Writes docs, the rows they changed, the marks that follow and the feed's state: one transaction, computed on the rows as stored (rule AB3).
   *
   * @returns undefined, with nothing written, where another tab has read on in this feed
   */
  async commit(
    feed: FeedName,
    meaning: Meaning,
    { docs, addresses: addressByKey, rows, feedState }: Result,
  ): Promise<{ readonly rows: readonly Row[]; readonly outcome: Outcome } | undefined> {
    const before = this.#holdings.feed(feed)
    const entryPlaces = meaning.own ? [...docs.keys()].flatMap((key) => this.#placeOfEntry(feed, meaning, key, addressByKey)) : []
    const addresses = uniqueAddresses([
      ...rows.map(({ object, id }): Address => [object, id]),
      ...entryPlaces.flatMap((place) => addressesOf(place, this.#index)),
    ])
    const reads: StoreKey[] = [feedStoreKey(feed), ...addresses.map(([object, id]) => rowKey(object, id))]
    return this.#store.update(reads, ([storedFeed, ...storedRows]) => {
      if (!isSameFeed(asFeedState(storedFeed) ?? freshFeed, before)) return { writes: [], result: undefined }
      const view = this.#viewOf(storedRows)
      const steps: RowStep[] = []
      for (const row of rows) {
        const present = view.get(row.object, row.id)
        const after = mergeRows(present, row)
        const step = stepBetween(present, after)
        if (step) steps.push(step)
        view.set(after)
      }
      const marks = this.#marksAfter(feed, meaning, docs, entryPlaces, steps, view, before.rebuild && !feedState.rebuild)
      const outcome: Outcome = {
        heads: [...docs].map(([key, stored]) => [feed, key, headOf(stored)] as const),
        marks,
        feeds: [[feed, feedState]],
      }
      const writes: Write[] = [
        ...[...docs].map(([key, stored]) => ({ put: docStoreKey(feed, key), value: stored })),
        ...steps.map(({ after }) => ({ put: rowKey(after.object, after.id), value: after })),
        ...marks.map(markWrite),
        { put: feedStoreKey(feed), value: feedState },
      ]
      return { writes, result: { rows: steps.map(({ after }) => after), outcome } }
    })
  }

  /** The place that an entry of an own feed was about: its mark is set or cleared by comparing all that is carried there. */
  #placeOfEntry(feed: FeedName, meaning: Meaning, key: Key, addresses: ReadonlyMap<Key, Address>): Place[] {
    const known = this.#holdings.mark(feed, key) ?? addresses.get(key)
    if (known) return [{ feed, key, address: known }]
    return meaning.kind === 'connection' && meaning.topic !== 'messages' ? [{ feed, key, address: ['RecordMap', key] }] : []
  }

  #marksAfter(
    feed: FeedName,
    meaning: Meaning,
    docs: ReadonlyMap<Key, Stored>,
    entryPlaces: readonly Place[],
    steps: readonly RowStep[],
    view: Overlay,
    rebuilt: boolean,
  ): Outcome['marks'] {
    const marks = new Map<string, Outcome['marks'][number]>()
    const headAt = (place: Place): Head | undefined =>
      (place.feed === feed ? docs.get(place.key) : undefined) ?? this.#holdings.head(place.feed, place.key)
    const compare = (place: Place, mayClear: boolean): void => {
      const name = placeName(place.feed, place.key)
      const isMarked = this.#holdings.mark(place.feed, place.key) !== undefined
      const need = compareAt(this.#comparing, place, view, headAt(place))?.need ?? 'none'
      if (need !== 'none' && !isMarked) marks.set(name, [place.feed, place.key, place.address])
      if (need === 'none' && isMarked && mayClear) marks.set(name, [place.feed, place.key, undefined])
    }
    for (const place of entryPlaces) compare(place, true)
    const touched = placesOfSteps(this.#comparing, steps, view)
    for (const place of touched) if (place.feed === feed || !this.#comparing.leftOut.has('project-all')) compare(place, false)
    if (rebuilt && meaning.own) for (const place of placesOfFeed(this.#comparing, feed, meaning, view)) compare(place, false)
    return [...marks.values()]
  }

  /** The marks that changed rows leave: of each place that carries what changed, unless the relay has it already. */
  marksOf(steps: readonly RowStep[]): Outcome {
    const view = new Overlay(this.#index)
    for (const { after } of steps) view.set(after)
    const marks = placesOfSteps(this.#comparing, steps, view)
      .filter((place) => {
        const need = compareAt(this.#comparing, place, view, this.#holdings.head(place.feed, place.key))?.need
        return need !== undefined && need !== 'none'
      })
      .map(({ feed, key, address }) => [feed, key, address] as const)
    return { ...noOutcome, marks }
  }

  /** Clears marks for which nothing is left to do by the rows as stored: another tab may just have saved. */
  async clearMarks(places: readonly Place[]): Promise<Outcome> {
    const addresses = uniqueAddresses(places.flatMap((place) => addressesOf(place, this.#index)))
    const marks = await this.#store.update(
      addresses.map(([object, id]) => rowKey(object, id)),
      (stored) => {
        const view = this.#viewOf(stored)
        const cleared = places
          .filter(
            (place) => (compareAt(this.#comparing, place, view, this.#holdings.head(place.feed, place.key))?.need ?? 'none') === 'none',
          )
          .map(({ feed, key }) => [feed, key, undefined] as const)
        return { writes: cleared.map(markWrite), result: cleared }
      },
    )
    return { ...noOutcome, marks }
  }

  /** Forgets what the relay may have lost of a feed, so that the feed is read from its beginning and an own one published again (rule OP3). */
  async forget(feed: FeedName, own: boolean): Promise<Outcome> {
    const docs = [...this.#holdings.heads(feed)].map(([key, head]) => [key, afterLoss(head, own, this.#comparing.leftOut)] as const)
    const writes = docs.map(([key, stored]): Write =>
      stored ? { put: docStoreKey(feed, key), value: stored } : { delete: docStoreKey(feed, key) },
    )
    await this.#store.update([], () => ({ writes: [...writes, { put: feedStoreKey(feed), value: freshFeed }], result: undefined }))
    return { heads: docs.map(([key, stored]) => [feed, key, stored && headOf(stored)] as const), marks: [], feeds: [[feed, freshFeed]] }
  }

  /** The rows as stored, over those in memory. */
  #viewOf(stored: readonly unknown[]): Overlay {
    const view = new Overlay(this.#index)
    for (const value of stored) {
      const row = storedRow(value)
      if (row) view.set(row)
    }
    return view
  }
}

function afterLoss(head: Head, own: boolean, leftOut: ReadonlySet<LeftOut>): Stored | undefined {
  if (head.kind === 'erased') {
    if (own && leftOut.has('tombstones')) return undefined
    return { ...head, sequence: 0, unsent: own }
  }
  if (own) return undefined
  return head.kind === 'doc' ? { ...head, sequence: 0, state: new Uint8Array(), lost: true } : { ...head, sequence: 0, lost: true }
}

export function markWrite([feed, key, address]: Outcome['marks'][number]): Write {
  return address ? { put: markStoreKey(feed, key), value: address } : { delete: markStoreKey(feed, key) }
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

function uniqueAddresses(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [address.join('\n'), address])).values()]
}
