import * as v from 'valibot'
import { parseConnectionId } from '@entente/protocol'
import type { ExportError, JobView, OutboundStatus } from '../api/index.js'
import { type Row, valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import { type ListingOutcome, outcomes as outcomesSchema } from '../export/export-messages.js'

/** The id of the row of one request of a job: at most 50 listings, and how each ended. */
export const requestRowId = (job: string, request: number): string => `${job}.${request}`

const jobSchema = v.object({
  connection: v.pipe(v.string(), v.transform(parseConnectionId)),
  object: v.picklist(['Lead', 'Opportunity']),
  by: v.string(),
  startedAt: v.number(),
  requests: v.number(),
  total: v.number(),
})

const outcomesByRow = new WeakMap<Row, readonly ListingOutcome[]>()
const talliesByRow = new WeakMap<Row, Tally>()

/** How the listings of a request ended, as far as they did. */
export function requestOutcomes(row: Row): readonly ListingOutcome[] {
  let known = outcomesByRow.get(row)
  if (!known) {
    const parsed = v.safeParse(outcomesSchema, valueOf(row, 'outcomes') ?? [])
    outcomesByRow.set(row, (known = parsed.success ? parsed.output : []))
  }
  return known
}

/** The listings that a request asks for. */
export function requestListings(row: Row): readonly string[] {
  const listings = valueOf(row, 'listings')
  return Array.isArray(listings) ? listings.filter((listing) => typeof listing === 'string') : []
}

/** The requests of a job, in order. */
export function requestRows(rows: Rows, job: Row): readonly Row[] {
  const count = valueOf(job, 'requests')
  const found = Array.from({ length: typeof count === 'number' ? count : 0 }, (_, index) =>
    rows.get('ExportRequest', requestRowId(job.id, index)),
  )
  return found.filter((row) => row !== undefined)
}

/** A job as a page shows it; undefined for a row that is none. */
export function jobView(rows: Rows, row: Row): JobView | undefined {
  const values = Object.fromEntries(Object.entries(row.registers).map(([name, [, value]]) => [name, value]))
  const parsed = v.safeParse(jobSchema, values)
  if (!parsed.success) return undefined
  const { connection, object, by, startedAt, total } = parsed.output
  const sum = { exported: 0, imported: 0, skipped: 0, failed: 0 }
  const errors: ExportError[] = []
  for (const request of requestRows(rows, row)) {
    const tally = tallyOf(request)
    sum.exported += tally.exported
    sum.imported += tally.imported
    sum.skipped += tally.skipped
    sum.failed += tally.failed
    errors.push(...tally.errors)
  }
  return { id: row.id, connection, object, by, startedAt, total, ...sum, done: sum.imported + sum.skipped + sum.failed >= total, errors }
}

export function isFailed(status: OutboundStatus): boolean {
  return status.endsWith('Error')
}

interface Tally {
  readonly exported: number
  readonly imported: number
  readonly skipped: number
  readonly failed: number
  readonly errors: readonly ExportError[]
}

function tallyOf(row: Row): Tally {
  let tally = talliesByRow.get(row)
  if (tally) return tally
  const outcomes = requestOutcomes(row)
  const count = (holds: (status: OutboundStatus) => boolean): number => outcomes.filter(({ status }) => holds(status)).length
  tally = {
    exported: count((status) => status === 'ExportSuccess' || status === 'ExportSuccessPartial' || status.startsWith('ExportSubscribe')),
    imported: count((status) => status === 'ExportSuccess' || status === 'ExportSuccessPartial'),
    skipped: count((status) => status === 'ExportSuccessSkipped'),
    failed: count(isFailed),
    errors: outcomes.flatMap(({ errors }) => errors),
  }
  talliesByRow.set(row, tally)
  return tally
}

/** The status of each listing's last export, over all jobs: kept up to date request by request. */
export class ListingStatuses {
  readonly #rows: Rows
  readonly #statuses = new Map<string, { readonly status: OutboundStatus; readonly job: string; readonly startedAt: number }>()
  readonly #stale = new Set<string>()

  constructor(rows: Rows) {
    this.#rows = rows
    for (const id of rows.list('ExportRequest').keys()) this.#stale.add(id)
    rows.watch((changes) => {
      for (const { object, id } of changes) if (object === 'ExportRequest') this.#stale.add(id)
    })
  }

  of(listing: string): { readonly status: OutboundStatus; readonly job: string } | undefined {
    for (const id of this.#stale) this.#read(this.#rows.get('ExportRequest', id))
    this.#stale.clear()
    return this.#statuses.get(listing)
  }

  #read(row: Row | undefined): void {
    const [job, startedAt] = [valueOf(row, 'job'), valueOf(row, 'startedAt')]
    if (!row || typeof job !== 'string' || typeof startedAt !== 'number') return
    const ended = new Map(requestOutcomes(row).map(({ listing, status }) => [listing, status]))
    for (const listing of requestListings(row)) {
      const known = this.#statuses.get(listing)
      if (known && known.startedAt > startedAt) continue
      this.#statuses.set(listing, { status: ended.get(listing) ?? 'ExportInProgress', job, startedAt })
    }
  }
}
