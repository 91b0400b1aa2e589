import type { ConnectionId } from '@entente/protocol'
import type { ListingView, ObjectName } from '../api/index.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import type { ListingStatuses } from '../export/job.js'
import { isDeleted } from '../records/records.js'
import type { Row } from '../row/row.js'
import { type Listing, readListings } from '../share/listing.js'
import { copyOfMap } from '../share/listing-id.js'

/** A view with what it was made of. */
interface Made {
  readonly listing: Listing
  readonly copy: string
  readonly row: Row | undefined
  readonly status: ListingView['status']
  readonly view: ListingView
}

/** All listings of an object over a connection, by id, as of one moment. */
interface Site {
  readonly at: number
  readonly made: ReadonlyMap<string, Made>
  readonly views: readonly ListingView[]
}

/**
 * The listings of partner sites as pages show them. A page asks several times each time it draws, and while an export runs it draws with each word about it: what has
 * not changed since is not made again, neither the list nor a view.
 */
export class ListedRecords {
  readonly #context: EngineContext
  readonly #statuses: ListingStatuses
  readonly #sites = new Map<string, Site>()
  /** Listings that were here and are not on their site any more: people may have chosen one of them just then. */
  readonly #gone = new Map<string, Listing>()
  /** How often anything has changed. */
  #changes = 0

  constructor(context: EngineContext, statuses: ListingStatuses) {
    this.#context = context
    this.#statuses = statuses
    const changed = (): void => void this.#changes++
    context.rows.watch(changed)
    context.replica.watchFeeds(changed)
  }

  /** The views of all listings, in the order of their ids. The same array while nothing has changed. */
  views(connection: ConnectionFacts, object: ObjectName): readonly ListingView[] {
    const name = siteName(connection, object)
    const before = this.#sites.get(name)
    if (before?.at === this.#changes) return before.views
    const made = new Map<string, Made>()
    for (const listing of readListings(this.#context, connection, object))
      made.set(listing.id, this.#make(connection.id, listing, before?.made.get(listing.id)))
    for (const [id, { listing }] of before?.made ?? []) if (!made.has(id)) this.#gone.set(id, listing)
    // A site keeps its records for long: sorting them is most of the work.
    const isSame = before?.made.size === made.size && before.views.every(({ id }) => made.has(id))
    const ids = isSame ? before.views.map(({ id }) => id) : [...made.keys()].sort()
    const views = ids.flatMap((id) => made.get(id)?.view ?? [])
    this.#sites.set(name, { at: this.#changes, made, views })
    return views
  }

  /** A listing as it is, or was last while this device looked. */
  last(connection: ConnectionFacts, object: ObjectName, id: string): Listing | undefined {
    this.views(connection, object)
    return this.#sites.get(siteName(connection, object))?.made.get(id)?.listing ?? this.#gone.get(id)
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

const siteName = ({ id }: ConnectionFacts, object: ObjectName): string => `${id} ${object}`
