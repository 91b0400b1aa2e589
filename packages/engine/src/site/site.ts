import { toBase64UrlEncoded } from 'lib0/buffer'
import type { ConnectionId } from '@entente/protocol'
import type { JobView, ObjectName, SiteApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { contentToValue } from '../agree/canonical.js'
import { type ConnectionFacts, connectionFacts, requireConnection, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { SerialQueue } from '../flow/serial-queue.js'
import { type RecordError, refuse } from '../schema/error.js'
import type { Field } from '../schema/field.js'
import { isPlain, queryRecords, validateQuery } from '../query/query.js'
import type { ObjectSchema } from '../schema/schema.js'
import { isValueMap, type Value } from '../schema/value.js'
import { hasRecord } from '../records/records.js'
import type { Attached } from '../row/attached.js'
import { type Row, valueOf } from '../row/row.js'
import type { Condition, RowEdit, RowReader, Rows } from '../row/rows.js'
import { findListing, mapOfListing } from '../share/listing.js'
import { copyOfMap } from '../share/listing-id.js'
import { exportError, listingsPerRequest, type RecordedOutcome } from '../export/export-messages.js'
import { exportObstacle } from '../export/permission.js'
import { nextTurn } from '../port/clock.js'
import { validateField } from '../schema/validate.js'
import { findField } from '../schema/schema.js'
import { mayRecall } from '../export/recall-copies.js'
import { textOf } from '../replica/feed-role.js'
import { errorFile, jobErrors, jobRecalls, nameOfRecord } from './job-errors.js'
import { ListedRecords } from './listed.js'
import {
  isFailed,
  isOwnJob,
  type JobFacts,
  jobFacts,
  jobsOf,
  ListingStatuses,
  requestListings,
  requestOutcomes,
  requestRowId,
  textsOf,
} from '../export/job.js'

/** Requests that one transaction notes. */
const sliceRequests = 40
/** Records that one transaction recalls. */
const sliceRecalls = 200

/** The vendor's partner site as the partner's people use it: its listings, and the export jobs that they start. */
export function createSite(context: EngineContext): SiteApi {
  const { rows, clock, random } = context
  const jobs = jobsOf(rows)
  const statuses = new ListingStatuses(rows, jobs)
  const listed = new ListedRecords(context, statuses)
  // Two clicks in one moment would both find nothing under way: the second waits for the first.
  const clicks = new SerialQueue()

  const api: SiteApi = {
    listings(id, object, query = {}) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (connection?.side !== 'partner') return { listings: [], total: 0 }
      const schema: ObjectSchema = { ...context.schema(object), fields: vendorFields(id, object) }
      const checked = validateQuery(schema, query)
      if (!checked.ok) throw new EngineError('INVALID', checked.error.message, [checked.error])
      const all = listed.views(connection, object)
      return { listings: isPlain(query) ? all : queryRecords(schema, all, query), total: all.length }
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
    copies(id) {
      const job = jobFacts(rows.get('Export', id))
      const connection = connectionFacts(rows.get('Connection', job?.connection ?? ''))
      if (!job || !connection || !isOwnJob(job)) return []
      const copies = jobs.requests(id).flatMap((request) =>
        requestOutcomes(request).flatMap(({ listing, status, map }) => {
          if (isFailed({ listing, status, errors: [] })) return []
          return copyOfMap(rows, connection, map ?? mapOfListing(context, connection, listing))
        }),
      )
      return [...new Set(copies)].filter((copy) => hasRecord(rows, job.object, copy))
    },
    jobs() {
      const views = [...rows.list('Export').keys()].flatMap((id) => viewOf(id) ?? [])
      return views.sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? -1 : 1))
    },
    errors: (id) => jobErrors(context, id),
    errorFile: (id) => errorFile(jobErrors(context, id)),
    pause: (id) => turn(id, { paused: true }),
    resume: (id) => turn(id, { paused: false }),
    cancel: (id) => turn(id, { paused: false }, true),
    recall: (id, records) => clicks.run(() => recall(id, records)),
    recalls: (id) => jobRecalls(context, id),
    retry: (id, corrections) => clicks.run(() => retry(id, corrections)),
  }
  return api

  function viewOf(id: string): JobView | undefined {
    const view = jobs.view(id)
    if (!view) return undefined
    const connection =
      view.side === 'partner' && view.state === 'running' ? connectionFacts(rows.get('Connection', view.connection)) : undefined
    return { ...view, waits: connection && exportObstacle(context, connection, view.by, view.object) }
  }

  function vendorFields(id: ConnectionId, object: ObjectName): readonly Field[] {
    const { effective } = agreementFacts(rows.get('Agreement', id))
    return (effective?.objects[object]?.fields ?? []).map(({ vendor }) => vendor)
  }

  function requireMayExport(id: ConnectionId, object: ObjectName): ConnectionFacts {
    const connection = requireConnection(rows, id, 'partner')
    const obstacle = exportObstacle(context, connection, context.user.id, object)
    if (obstacle) throw obstacle
    return connection
  }

  function isListed(connection: ConnectionFacts, object: ObjectName, listing: string): boolean {
    const body = findListing(context, connection, listing)
    return isValueMap(body) && body['object'] === object
  }

  function namer(connection: ConnectionFacts, object: ObjectName): (listing: string) => string {
    return (listing) => nameOfRecord(object, listed.last(connection, object, listing)?.values ?? {})
  }

  async function ask(id: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string> {
    const connection = requireMayExport(id, object)
    if (listings.length === 0) throw new EngineError('NOT_FOUND', 'There is no record to export. Choose at least one.')
    const there = new Set<string>()
    const gone = new Set<string>()
    for (const listing of listings) (isListed(connection, object, listing) ? there : gone).add(listing)
    if (there.size === 0) throw new EngineError('NOT_FOUND', 'No chosen record is on the site any more. Choose again.')
    // Listings that are on their way are left out. A second click that asks for nothing else gets the same export.
    const underWay = [...there].map((listing) => statuses.of(listing)).find((known) => known?.status === 'ExportInProgress')
    const fresh = [...there].filter((listing) => statuses.of(listing)?.status !== 'ExportInProgress')
    if (fresh.length === 0 && underWay) return underWay.job
    const job = toBase64UrlEncoded(random(16))
    const version = agreedVersion(rows, id)
    const named = namer(connection, object)
    const requests = requestEdits(job, 0, fresh, named)
    requests.push(...requestEdits(job, requests.length, [...gone], named, goneOutcome))
    const values = { connection: id, object, by: context.user.id, startedAt: clock.now(), requests: requests.length }
    await note(requests, [{ object: 'Export', id: job, values }], connection, {
      reads: [{ object: 'Agreement', id }],
      holds(stored) {
        if (agreedVersion(stored, id) === version) return true
        throw new EngineError('CHANGED', 'Another agreement came into force meanwhile. Export again.')
      },
    })
    return job
  }

  async function retry(id: string, corrections?: Corrections): Promise<string> {
    const job = requireJob(rows, id)
    const connection = requireMayExport(job.connection, job.object)
    const corrected = corrections && checkedCorrections(job.object, corrections)
    const failed = new Map<string, string[]>()
    for (const request of jobs.requests(id)) {
      for (const outcome of requestOutcomes(request)) {
        const { listing } = outcome
        if (!isFailed(outcome) || (corrected && !corrected.has(listing)) || !isListed(connection, job.object, listing)) continue
        failed.set(request.id, [...(failed.get(request.id) ?? []), listing])
      }
    }
    const listings = [...failed.values()].flat()
    if (listings.length === 0)
      throw new EngineError('NOT_FOUND', 'Nothing that failed in this export is on the site. The vendor has to share it again.')
    const known = job.requests ?? 0
    const named = namer(connection, job.object)
    const requests = requestEdits(id, known, listings, named, undefined, corrected)
    const marked = [...failed].map(([request, some]): RowEdit => {
      const before = rows.get('ExportRequest', request)
      return { object: 'ExportRequest', id: request, values: { retried: [...(before ? textsOf(before, 'retried') : []), ...some] } }
    })
    // A paused export goes on with what is asked for now.
    const values = { requests: known + requests.length, paused: false }
    await note(requests, [{ object: 'Export', id, values }, ...marked], connection, {
      // Another tab may have asked for the same just now.
      holds: (stored) => jobFacts(stored.get('Export', id))?.requests === known,
    })
    return id
  }

  function checkedCorrections(object: ObjectName, corrections: Corrections): ReadonlyMap<string, Readonly<Record<string, Value>>> {
    const schema = context.schema(object)
    const problems: RecordError[] = []
    const checked = Object.entries(corrections).map(([listing, values]) => {
      const own = Object.entries(values).flatMap(([name, value]): [string, Value][] => {
        const field = findField(schema, name)
        const result = field
          ? validateField(field, value)
          : refuse('FIELD', name, 'known field', `${object} has no field ${name}.`, 'Choose a field of the object.')
        if (result.ok) return [[name, result.value]]
        problems.push(result.error)
        return []
      })
      return [listing, Object.fromEntries(own)] as const
    })
    if (problems.length > 0) throw new EngineError('INVALID', `Nothing was retried. ${problems[0]?.message ?? ''}`, problems)
    return new Map(checked)
  }

  /** The rows of requests for these listings, the first of which has the number `from`. */
  function requestEdits(
    job: string,
    from: number,
    listings: readonly string[],
    named: (listing: string) => string,
    ended?: (listing: string) => RecordedOutcome,
    corrected?: ReadonlyMap<string, Readonly<Record<string, Value>>>,
  ): RowEdit[] {
    const edits: RowEdit[] = []
    for (let start = 0; start < listings.length; start += listingsPerRequest) {
      const some = listings.slice(start, start + listingsPerRequest)
      const corrections = Object.fromEntries(
        some.flatMap((listing) => (corrected?.has(listing) ? [[listing, corrected.get(listing) ?? {}]] : [])),
      )
      edits.push({
        object: 'ExportRequest',
        id: requestRowId(job, from + edits.length),
        values: {
          by: context.user.id,
          listings: some,
          names: some.map(named),
          ...(ended && { outcomes: contentToValue(some.map(ended)) }),
          ...(corrected && { corrections }),
        },
      })
    }
    return edits
  }

  /** Notes requests slice by slice, and with the last ones the job that they belong to: before that, none of them counts. */
  async function note(
    requests: readonly RowEdit[],
    last: readonly RowEdit[],
    connection: ConnectionFacts,
    more: Partial<Condition>,
  ): Promise<void> {
    const rest = [...requests]
    while (rest.length > sliceRequests) {
      const some = rest.splice(0, sliceRequests)
      await rows.save(some, undefined, () => askedHere(some))
      await nextTurn(clock)
    }
    await rows.save([...rest, ...last], whileConnected(connection, more), () => askedHere(rest))
  }

  /** That the person of this device asked for these listings here. A colleague's device may write another's name into the rows of an export, and must not ask by it. */
  function askedHere(requests: readonly RowEdit[]): Attached {
    return context.asked.attach(requests.map(({ id, values }) => [id, values['listings'] as readonly string[]]))
  }

  async function recall(id: string, records?: readonly string[]): Promise<void> {
    if (context.user.role !== 'admin')
      throw new EngineError('NOT_ALLOWED', 'Only an admin recalls what was exported. Ask an admin of your org.')
    const job = jobFacts(rows.get('Export', id))
    if (!job) throw new EngineError('NOT_FOUND', 'This export does not exist. Choose another one.')
    if (isOwnJob(job)) throw new EngineError('NOT_ALLOWED', 'Only the vendor recalls what it has exported. Delete the copies instead.')
    const connection = requireConnection(rows, job.connection, 'vendor')
    const wanted = records && new Set(records)
    const maps = jobs.requests(id).flatMap((request) =>
      requestOutcomes(request).flatMap(({ map: name }) => {
        const map = rows.get('RecordMap', name ?? '')
        return map && mayRecall(map) && id.endsWith(textOf(map, 'exportId') ?? ' ') && wanted?.has(textOf(map, 'record') ?? '') !== false
          ? map.id
          : []
      }),
    )
    if (maps.length === 0) throw new EngineError('NOT_FOUND', 'There is nothing to recall: no record of this export is at the partner.')
    for (let start = 0; start < maps.length; start += sliceRecalls) {
      const edits = maps
        .slice(start, start + sliceRecalls)
        .map((map): RowEdit => ({ object: 'RecordMap', id: map, values: { recall: 'asked', recalledBy: context.user.id } }))
      await rows.save([...edits, { object: 'Export', id, values: { recalled: true } }], whileConnected(connection))
      if (start + sliceRecalls < maps.length) await nextTurn(clock)
    }
  }

  async function turn(id: string, values: RowEdit['values'], cancels = false): Promise<void> {
    const { requests = 0 } = requireJob(rows, id)
    if (jobs.view(id)?.done === true) return
    // Whoever resumes an export of its own at another device asks for it there. What was asked for here is known here, whatever the row says by now.
    const isOwn = (row: Row): boolean => valueOf(row, 'by') === context.user.id && !context.asked.get(row.id)
    const own = values['paused'] === false && !cancels ? jobs.requests(id).filter(isOwn) : []
    await rows.save([{ object: 'Export', id, values: { ...values, ...(cancels && { cancelled: requests }) } }], undefined, () =>
      context.asked.attach(own.map((row) => [row.id, requestListings(row)])),
    )
  }
}

type Corrections = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** @throws EngineError NOT_FOUND for a job that nobody of this org has begun */
function requireJob(rows: Rows, id: string): JobFacts {
  const job = jobFacts(rows.get('Export', id))
  if (!job) throw new EngineError('NOT_FOUND', 'This export does not exist. Choose the records again.')
  if (!isOwnJob(job)) throw new EngineError('NOT_ALLOWED', 'The partner started this export. Only a person of the partner may change it.')
  return job
}

function goneOutcome(listing: string): RecordedOutcome {
  const error = exportError(listing, 'sharing', 'The record is not on the site any more.', 'The vendor has to share it again.')
  return { listing, status: 'ExportPublishUnknownError', errors: [error] }
}

function agreedVersion(rows: RowReader, connection: ConnectionId): number {
  return agreementFacts(rows.get('Agreement', connection)).effective?.version ?? 0
}
