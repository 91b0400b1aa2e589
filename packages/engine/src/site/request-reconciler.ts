import { agreementFacts } from '../agree/agreement-row.js'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { requestKey } from '../export/export-messages.js'
import { exportObstacle } from '../export/permission.js'
import { nextTurn } from '../port/clock.js'
import type { Reconciler } from '../reconcilers.js'
import { type Row, valueOf } from '../row/row.js'
import { type RowEdit, whileUnchanged } from '../row/rows.js'
import { mapOfListing } from '../share/listing.js'
import { copyOfMap } from '../share/listing-id.js'
import { hasRecord } from '../records/records.js'
import { isCancelled, isOwnJob, type JobFacts, jobFacts, jobsOf, requestListings, requestNumber, tallyOf } from '../export/job.js'

/** Requests that one transaction publishes or takes back. */
const sliceRequests = 20

/**
 * Publishes the requests of the partner's exports, a slice at a time, and takes back those that were paused or cancelled before the vendor has answered them. So what
 * stands in the feed is what the partner still wants, and no message says more (rule EX6).
 */
export function requestReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, identity, clock } = context
  const jobs = jobsOf(rows)
  /** Jobs of which a request may have to be published or taken back. */
  const open = new Set<string>(rows.list('Export').keys())
  rows.watch((changes) => {
    for (const { object, id } of changes) {
      if (object === 'Export') open.add(id)
      if (object === 'ExportRequest') open.add(id.slice(0, id.lastIndexOf('.')))
    }
  })

  return {
    name: 'export requests',
    subjects: () => enabledConnections(rows, 'partner'),
    async react(connection) {
      for (const id of Array.from(open)) {
        const job = jobFacts(rows.get('Export', id))
        if (!job || !isOwnJob(job)) open.delete(id)
        else if (job.connection === connection.id && (await settle(connection, id, job))) open.delete(id)
      }
    },
  }

  /** @returns whether there is nothing left to do until the job changes */
  async function settle(connection: ConnectionFacts, id: string, job: JobFacts): Promise<boolean> {
    // Taken out before, so that a change meanwhile puts it back in.
    open.delete(id)
    let isHeldUp = false
    const basis = whileUnchanged(rows, [
      { object: 'Export', id },
      { object: 'Agreement', id: connection.id },
    ])
    const obstacle = exportObstacle(context, connection, context.user.id, job.object)
    const due: Row[] = []
    for (const request of jobs.requests(id)) {
      const present = (valueOf(messageOf(connection, id, request), 'body') ?? null) !== null
      const wanted = job.paused !== true && !isCancelled(job, request) && tallyOf(request).ended < tallyOf(request).asked
      if (wanted === present) continue
      // A device asks for what its own person asked for there, whatever the team's rows say of that.
      if (wanted && (obstacle || !context.asked.get(request.id))) isHeldUp = true
      else due.push(request)
    }
    due.sort((a, b) => requestNumber(a) - requestNumber(b))
    for (let start = 0; start < due.length; start += sliceRequests) {
      const edits = await Promise.all(due.slice(start, start + sliceRequests).map((request) => edit(connection, id, job, request)))
      if (!(await rows.save(edits, basis))) {
        open.add(id)
        return false
      }
      if (start + sliceRequests < due.length) await nextTurn(clock)
    }
    if (isHeldUp) open.add(id)
    return !isHeldUp && !open.has(id)
  }

  function messageOf(connection: ConnectionFacts, id: string, request: Row): Row | undefined {
    return rows.get('Message', messageId(connection.ownMessages, requestKey(id, requestNumber(request))))
  }

  async function edit(connection: ConnectionFacts, id: string, { object }: JobFacts, row: Row): Promise<RowEdit> {
    const request = requestNumber(row)
    const key = requestKey(id, request)
    if ((valueOf(messageOf(connection, id, row), 'body') ?? null) !== null) return messageEdit(connection.ownMessages, key, null)
    const version = agreementFacts(rows.get('Agreement', connection.id)).effective?.version ?? 0
    const asked = new Set(context.asked.get(row.id))
    const listings = requestListings(row).filter((listing) => asked.has(listing))
    const have = listings.filter((listing) =>
      hasRecord(rows, object, copyOfMap(rows, connection, mapOfListing(context, connection, listing))),
    )
    const terms = { job: id, request, object, version, listings, ...(have.length > 0 && { have }) }
    return messageEdit(connection.ownMessages, key, await identity.signDecision('request', { connection: connection.id, ...terms }))
  }
}
