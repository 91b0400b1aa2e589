import type { ConnectionId } from '@entente/protocol'
import type { ListingView, ObjectName } from '../api/index.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { jobsOf, type ListingStatuses, textsOf } from '../export/job.js'
import { isDeleted } from '../records/records.js'
import type { Row } from '../row/row.js'
import { isListingKey, type Listing, listingPrefix, readListing, readListings } from '../share/listing.js'
import { copyOfMap } from '../share/listing-id.js'

/** A view with what it was made of. */
interface Made {
  readonly listing: Listing
  readonly copy: string
  readonly row: Row | undefined
  readonly status: ListingView['status']
  readonly view: ListingView
}

/** All listings of an object over a connection, as they were when they were last looked at. */
interface Site {
  readonly object: ObjectName
  readonly connection: ConnectionFacts
  readonly agreement: Row | undefined
  readonly made: Map<string, Made>
  /** The listings of copies and of record maps, by the ids of these. */
  readonly listingsByRow: Map<string, string>
  /** The ids of those that may have changed since. */
  readonly stale: Set<string>
  /** In the order of their ids. */
  readonly views: readonly ListingView[]
}

/**
 * The listings of partner sites as pages show them. A page asks several times each time it draws, and while an export runs it draws with each word about it: only what
 * may have changed since is looked at again.
 */
export class ListedRecords {
  readonly #context: EngineContext
  readonly #statuses: ListingStatuses
  readonly #sites = new Map<string, Site>()
  /** Listings that were here and are not on their site any more: people may have chosen one of them just then. */
  readonly #gone = new Map<string, Listing>()

  constructor(context: EngineContext, statuses: ListingStatuses) {
    this.#context = context
    this.#statuses = statuses
    context.rows.watch((changes) => {
      for (const change of changes) this.#rowChanged(change)
    })
    context.replica.watchFeeds((changes) => {
      for (const { feed, key } of changes)
        if (isListingKey(key))
          for (const { connection, stale } of this.#sites.values())
            if (connection.peerMessages === feed) stale.add(key.slice(listingPrefix.length))
    })
  }

  #rowChanged({ object, id }: Pick<Row, 'object' | 'id'>): void {
    const { rows } = this.#context
    if (object === 'Export') for (const request of jobsOf(rows).requests(id)) this.#rowChanged(request)
    const request = object === 'ExportRequest' ? rows.get(object, id) : undefined
    for (const site of this.#sites.values()) {
      for (const listing of request ? textsOf(request, 'listings') : []) site.stale.add(listing)
      const listing = object === 'RecordMap' || object === site.object ? site.listingsByRow.get(id) : undefined
      if (listing !== undefined) site.stale.add(listing)
    }
  }

  /** The views of all listings, in the order of their ids. The same array while none has changed. */
  views(connection: ConnectionFacts, object: ObjectName): readonly ListingView[] {
    return this.#site(connection, object).views
  }

  /** A listing as it is, or was last while this device looked. */
  last(connection: ConnectionFacts, object: ObjectName, id: string): Listing | undefined {
    return this.#site(connection, object).made.get(id)?.listing ?? this.#gone.get(id)
  }

  #site(connection: ConnectionFacts, object: ObjectName): Site {
    const name = `${connection.id} ${object}`
    const before = this.#sites.get(name)
    const agreement = this.#context.rows.get('Agreement', connection.id)
    const isSame = before?.connection === connection && before.agreement === agreement
    if (isSame && before.stale.size === 0) return before
    const made = before?.made ?? new Map<string, Made>()
    const looked = new Map<string, Listing | undefined>()
    for (const id of isSame ? before.stale : made.keys())
      looked.set(id, isSame ? readListing(this.#context, connection, object, id) : undefined)
    if (!isSame) for (const listing of readListings(this.#context, connection, object)) looked.set(listing.id, listing)
    const listingsByRow = before?.listingsByRow ?? new Map<string, string>()
    let [isChanged, isOrdered] = [false, before !== undefined]
    for (const [id, listing] of looked) {
      const known = made.get(id)
      const now = listing && this.#make(connection.id, listing, known)
      if (now === known) continue
      isChanged = true
      isOrdered &&= known !== undefined && now !== undefined
      if (known && !now) this.#gone.set(id, known.listing)
      if (!now) {
        made.delete(id)
        continue
      }
      made.set(id, now)
      listingsByRow.set(now.copy, id).set(now.listing.map, id)
    }
    // A site keeps its records for long: sorting them is most of the work.
    const ids = before && isOrdered ? before.views.map(({ id }) => id) : [...made.keys()].sort()
    const views = before && !isChanged ? before.views : ids.flatMap((id) => made.get(id)?.view ?? [])
    const site = { object, connection, agreement, made, listingsByRow, stale: new Set<string>(), views }
    this.#sites.set(name, site)
    return site
  }

  #make(connection: ConnectionId, listing: Listing, before: Made | undefined): Made {
    const { rows } = this.#context
    const { id, object, values, at, map } = listing
    const copy = copyOfMap(rows, { id: connection }, map)
    const row = rows.get(object, copy)
    const status = this.#statuses.of(id)?.status
    if (before?.listing === listing && before.copy === copy && before.row === row && before.status === status) return before
    const isThere = row !== undefined && !isDeleted(row)
    return { listing, copy, row, status, view: { id, connection, object, values, changedAt: at, copy: isThere ? copy : undefined, status } }
  }
}
