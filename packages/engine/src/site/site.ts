import { toBase64UrlEncoded } from 'lib0/buffer'
import type { ConnectionId } from '@entente/protocol'
import type { ListingView, ObjectName, SiteApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { connectionFacts, type ConnectionFacts, messageEdit, requireConnection, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { SerialQueue } from '../flow/serial-queue.js'
import type { Field } from '../schema/field.js'
import { queryRecords, validateQuery } from '../query/query.js'
import type { ObjectSchema } from '../schema/schema.js'
import { isValueMap, type Value } from '../schema/value.js'
import { isDeleted } from '../records/records.js'
import type { RowEdit, RowReader } from '../row/rows.js'
import { findListing, readListings } from '../share/listing.js'
import { copyOfMap, mapIdOfListing } from '../share/listing-id.js'
import { textOf } from '../replica/feed-role.js'
import { isFailed, jobView, ListingStatuses, requestListings, requestOutcomes, requestRowId, requestRows } from './job.js'
import { exportObstacle } from '../export/permission.js'
import { listingsPerRequest, requestKey } from '../export/export-messages.js'

/** The vendor's partner site as the partner's people use it: its listings, and the export jobs that they start. */
export function createSite(context: EngineContext): SiteApi {
  const { rows, identity, clock, random } = context
  const statuses = new ListingStatuses(rows)
  // Two clicks in one moment would both find nothing under way: the second waits for the first.
  const clicks = new SerialQueue()

  const api: SiteApi = {
    listings(id, object, query = {}) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (connection?.side !== 'partner') return { listings: [], total: 0 }
      const schema: ObjectSchema = { ...context.schema(object), fields: vendorFields(id, object) }
      const checked = validateQuery(schema, query)
      if (!checked.ok) throw new EngineError('INVALID', checked.error.message, [checked.error])
      const all: ListingView[] = []
      for (const listing of readListings(context, connection, object)) {
        const copy = copyOfMap(rows, connection, listing.map)
        const row = rows.get(object, copy)
        const { id: listed, values, at } = listing
        all.push({
          id: listed,
          connection: id,
          object,
          values,
          changedAt: at,
          copy: row && !isDeleted(row) ? copy : undefined,
          status: statuses.of(listed)?.status,
        })
      }
      return { listings: queryRecords(schema, all, query), total: all.length }
    },
    fields: vendorFields,
    obstacle(id, object) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (!connection) return new EngineError('NOT_CONNECTED', 'The connection is not complete. Wait until both orgs have connected.')
      if (connection.side !== 'partner')
        return new EngineError('NOT_ALLOWED', 'Only the partner exports from the vendor’s site. Ask a person of the partner.')
      return exportObstacle(context, connection, context.user.id, object)
    },
    export: (id, object, listings) => clicks.run(() => ask(id, object, listings)),
    copies(job) {
      const row = rows.get('Export', job)
      const connection = connectionFacts(rows.get('Connection', textOf(row, 'connection') ?? ''))
      const object = textOf(row, 'object')
      if (!row || !connection || object === undefined) return []
      const wanted = requestRows(rows, row).flatMap((request) => requestListings(request))
      const copies = new Set(wanted.map((listing) => copyOf(connection, listing)))
      return [...copies].filter((copy) => hasCopy(object, copy))
    },
    jobs() {
      const views = [...rows.list('Export').values()].map((row) => jobView(rows, row)).filter((view) => view !== undefined)
      return views.sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? -1 : 1))
    },
    retry(job) {
      const row = rows.get('Export', job)
      const view = row && jobView(rows, row)
      if (!view) return Promise.reject(new EngineError('NOT_FOUND', 'This export does not exist. Choose the records again.'))
      const failed = requestRows(rows, row).flatMap((request) => requestOutcomes(request).filter(({ status }) => isFailed(status)))
      return api.export(
        view.connection,
        view.object,
        failed.map(({ listing }) => listing),
      )
    },
  }
  return api

  /** The copy of a listed record, there or not. */
  function copyOf(connection: ConnectionFacts, listing: string): string {
    const body = findListing(context, connection, listing)
    const map = isValueMap(body) && typeof body['map'] === 'string' ? body['map'] : mapIdOfListing(connection, listing)
    return copyOfMap(rows, connection, map)
  }

  function hasCopy(object: string, copy: string): boolean {
    const record = rows.get(object, copy)
    return record !== undefined && !isDeleted(record)
  }

  function vendorFields(id: ConnectionId, object: ObjectName): readonly Field[] {
    const { effective } = agreementFacts(rows.get('Agreement', id))
    return (effective?.objects[object]?.fields ?? []).map(({ vendor }) => vendor)
  }

  async function ask(id: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string> {
    const connection = requireConnection(rows, id, 'partner')
    const obstacle = exportObstacle(context, connection, context.user.id, object)
    if (obstacle) throw obstacle
    if (listings.length === 0) throw new EngineError('NOT_FOUND', 'There is no record to export. Choose at least one.')
    const isOfObject = (body: Value | undefined): boolean => isValueMap(body) && body['object'] === object
    const unknown = listings.find((listing) => !isOfObject(findListing(context, connection, listing)))
    if (unknown !== undefined) throw new EngineError('NOT_FOUND', 'A chosen record is not on the site any more. Choose again.')
    // Listings that are on their way are left out. A second click that asks for nothing else gets the same export.
    const underWay = listings.map((listing) => statuses.of(listing)).find((known) => known?.status === 'ExportInProgress')
    const fresh = [...new Set(listings)].filter((listing) => statuses.of(listing)?.status !== 'ExportInProgress')
    if (fresh.length === 0 && underWay) return underWay.job
    return start(id, object, fresh)
  }

  async function start(id: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string> {
    const connection = requireConnection(rows, id, 'partner')
    const version = agreedVersion(rows, id)
    const job = toBase64UrlEncoded(random(16))
    const startedAt = clock.now()
    const edits: RowEdit[] = []
    for (let request = 0; request * listingsPerRequest < listings.length; request++) {
      const some = listings.slice(request * listingsPerRequest, (request + 1) * listingsPerRequest)
      const have = some.filter((listing) => hasCopy(object, copyOf(connection, listing)))
      const terms = { job, request, object, version, listings: some, ...(have.length > 0 && { have }) }
      const jws = await identity.signDecision('request', { connection: id, ...terms })
      edits.push({
        object: 'ExportRequest',
        id: requestRowId(job, request),
        values: { job, request, connection: id, object, startedAt, listings: some },
      })
      edits.push(messageEdit(connection.ownMessages, requestKey(job, request), jws))
    }
    const values = { connection: id, object, by: context.user.id, startedAt, requests: edits.length / 2, total: listings.length }
    const condition = whileConnected(connection, {
      reads: [{ object: 'Agreement', id }],
      holds(stored) {
        if (agreedVersion(stored, id) === version) return true
        throw new EngineError('CHANGED', 'Another agreement came into force meanwhile. Export again.')
      },
    })
    await rows.save([{ object: 'Export', id: job, values }, ...edits], condition)
    return job
  }
}

function agreedVersion(rows: RowReader, connection: ConnectionId): number {
  return agreementFacts(rows.get('Agreement', connection)).effective?.version ?? 0
}
