import * as v from 'valibot'
import { parseConnectionId } from '@entente/protocol'
import type { JobView, OutboundStatus, RecallOutcome } from '../api/index.js'
import { recallOutcome } from './recall-copies.js'
import { textOf } from '../replica/feed-role.js'
import { type Row, registerOf, valueOf } from '../row/row.js'
import type { RowEdit, Rows } from '../row/rows.js'
import { contentToValue } from '../agree/canonical.js'
import { cancelledRule, type RecordedOutcome, recordedOutcomes } from './export-messages.js'
import { isValueMap, type Value } from '../schema/value.js'

// An export is kept alike on both sides: an Export row for what a person asked for at once, and an ExportRequest row for each request of at most 50 listings.
// The id of a request's row is the job's, a dot, and the request's number. A vendor puts the connection in front, for the partner chose the job's id.

/** The id of the row of one request of a job. */
export const requestRowId = (job: string, request: number): string => `${job}.${request}`
/** The id under which a vendor keeps a partner's job. */
export const askedJobId = (connection: string, job: string): string => `${connection}.${job}`

const splitAt = (id: string): number => id.lastIndexOf('.')
const jobOf = (id: string): string => id.slice(0, splitAt(id))
export const requestNumber = (row: Row): number => Number(row.id.slice(splitAt(row.id) + 1))

const jobSchema = v.object({
  connection: v.pipe(v.string(), v.transform(parseConnectionId)),
  object: v.picklist(['Lead', 'Opportunity']),
  by: v.string(),
  startedAt: v.number(),
  /** How many requests the partner's job has. Rows beyond it are what a crash left of an export that was never started. */
  requests: v.optional(v.number()),
  /** Requests below this number were cancelled. */
  cancelled: v.optional(v.number()),
  paused: v.optional(v.boolean()),
  /** Whether records of it were recalled. */
  recalled: v.optional(v.boolean()),
})
export type JobFacts = v.InferOutput<typeof jobSchema>

const factsByRow = new WeakMap<Row, JobFacts | undefined>()

/** What an Export row says; undefined for a row that is none. */
export function jobFacts(row: Row | undefined): JobFacts | undefined {
  if (!row) return undefined
  if (!factsByRow.has(row)) {
    const parsed = v.safeParse(jobSchema, Object.fromEntries(Object.entries(row.registers).map(([name, [, value]]) => [name, value])))
    factsByRow.set(row, parsed.success ? parsed.output : undefined)
  }
  return factsByRow.get(row)
}

export const isOwnJob = (job: JobFacts): boolean => job.requests !== undefined

const outcomesByRow = new WeakMap<Row, readonly RecordedOutcome[]>()

/** How the listings of a request ended, as far as they did. What was asked for once more is left out. */
export function requestOutcomes(row: Row): readonly RecordedOutcome[] {
  let known = outcomesByRow.get(row)
  if (!known) {
    const parsed = v.safeParse(recordedOutcomes, valueOf(row, 'outcomes') ?? [])
    const again = new Set(textsOf(row, 'retried'))
    outcomesByRow.set(row, (known = parsed.success ? parsed.output.filter(({ listing }) => !again.has(listing)) : []))
  }
  return known
}

/** The listings that a request asks for, without those that a later one of its job asks for once more. */
export function requestListings(row: Row): readonly string[] {
  const again = new Set(textsOf(row, 'retried'))
  return textsOf(row, 'listings').filter((listing) => !again.has(listing))
}

/** What the partner called a listing when it asked for it. A name that is no text stands as '', so that the others keep their places. */
export function requestedName(row: Row, listing: string): string {
  const names = valueOf(row, 'names')
  const name = Array.isArray(names) ? names[textsOf(row, 'listings').indexOf(listing)] : undefined
  return typeof name === 'string' ? name : ''
}

export function textsOf(row: Row, register: string): readonly string[] {
  const texts = valueOf(row, register)
  return Array.isArray(texts) ? texts.filter((text) => typeof text === 'string') : []
}

/** The edit by which some listings of a request have ended otherwise than it says. */
export function outcomesEdit(row: Row, ended: ReadonlyMap<string, RecordedOutcome>): RowEdit {
  const outcomes = requestOutcomes(row).map((outcome) => ended.get(outcome.listing) ?? outcome)
  return { object: 'ExportRequest', id: row.id, values: { outcomes: contentToValue(outcomes) } }
}

/** The values that a person gave in place of those that the own org could not take, by listing and field. */
export function requestCorrections(row: Row, listing: string): Readonly<Record<string, Value>> {
  const all = valueOf(row, 'corrections')
  const own = isValueMap(all) && Object.hasOwn(all, listing) ? all[listing] : undefined
  return isValueMap(own) ? own : {}
}

const isGivenUp = ({ errors }: RecordedOutcome): boolean => errors[0]?.rule === cancelledRule

export const isFailed = (outcome: RecordedOutcome): boolean => outcome.status.endsWith('Error') && !isGivenUp(outcome)

/** Whether a request is to be answered no more. */
export const isCancelled = (job: JobFacts, row: Row): boolean => requestNumber(row) < (job.cancelled ?? 0)

/** Counts of listings of one request. */
export interface Tally {
  readonly asked: number
  readonly exported: number
  readonly imported: number
  readonly partial: number
  readonly skipped: number
  readonly failed: number
  /** Given up by the partner after they had left the vendor. */
  readonly cancelled: number
  /** Ended in any way. */
  readonly ended: number
  /** When the last one of them did: milliseconds since 1970, by the corrected clock. */
  readonly at: number
}

const talliesByRow = new WeakMap<Row, Tally>()

export function tallyOf(row: Row): Tally {
  let tally = talliesByRow.get(row)
  if (tally) return tally
  const outcomes = requestOutcomes(row)
  const count = (holds: (status: OutboundStatus, outcome: RecordedOutcome) => boolean): number =>
    outcomes.filter((outcome) => holds(outcome.status, outcome)).length
  const [imported, partial] = [count((status) => status === 'ExportSuccess'), count((status) => status === 'ExportSuccessPartial')]
  const under = count((status) => status === 'ExportInProgress')
  tally = {
    asked: requestListings(row).length,
    exported: imported + partial + under + count((status) => status.startsWith('ExportSubscribe')),
    imported,
    partial,
    skipped: count((status) => status === 'ExportSuccessSkipped'),
    failed: count((_status, outcome) => isFailed(outcome)),
    cancelled: count((_status, outcome) => isGivenUp(outcome)),
    ended: outcomes.length - under,
    at: registerOf(row, 'outcomes')?.[0][0] ?? 0,
  }
  talliesByRow.set(row, tally)
  return tally
}

/** The pace of an export is that of its last seconds. In milliseconds. */
const paceMs = 10_000

/** The requests of all jobs, found by their job, and the views of jobs. Kept by what changes. */
export class Jobs {
  readonly #rows: Rows
  readonly #requests = new Map<string, Set<string>>()

  constructor(rows: Rows) {
    this.#rows = rows
    for (const id of rows.list('ExportRequest').keys()) this.#add(id)
    rows.watch((changes) => {
      for (const { object, id } of changes) if (object === 'ExportRequest') this.#add(id)
    })
  }

  #add(id: string): void {
    const job = jobOf(id)
    const known = this.#requests.get(job)
    if (known) known.add(id)
    else this.#requests.set(job, new Set([id]))
  }

  /** The requests of a job, in any order. */
  requests(job: string): readonly Row[] {
    const facts = jobFacts(this.#rows.get('Export', job))
    if (!facts) return []
    const found = [...(this.#requests.get(job) ?? [])].flatMap((id) => this.#rows.get('ExportRequest', id) ?? [])
    const { requests } = facts
    return requests === undefined ? found : found.filter((row) => requestNumber(row) < requests)
  }

  /** The records of a job that were recalled, with their record maps. */
  recalled(id: string): readonly { readonly map: Row; readonly outcome: RecallOutcome }[] {
    return this.requests(id).flatMap((request) =>
      requestOutcomes(request).flatMap(({ map: name }) => {
        const map = this.#rows.get('RecordMap', name ?? '')
        const outcome = recallOutcome(map)
        // Exported once more since then: that is another job's.
        return map && outcome && id.endsWith(textOf(map, 'exportId') ?? ' ') ? [{ map, outcome }] : []
      }),
    )
  }

  #recall(id: string): NonNullable<JobView['recall']> {
    const counts = { asked: 0, deleted: 0, kept: 0 }
    for (const { outcome } of this.recalled(id))
      counts[outcome === 'asked' ? 'asked' : outcome === 'edited' || outcome === 'shared on' ? 'kept' : 'deleted']++
    return counts
  }

  /** A job as a page shows it, without why it waits; undefined for a row that is none. */
  view(id: string): Omit<JobView, 'waits'> | undefined {
    const row = this.#rows.get('Export', id)
    const facts = jobFacts(row)
    if (!row || !facts) return undefined
    const sum = { total: 0, exported: 0, imported: 0, partial: 0, skipped: 0, failed: 0, cancelled: 0 }
    const ends: [at: number, ended: number][] = []
    for (const request of this.requests(id)) {
      const tally = tallyOf(request)
      sum.total += tally.asked
      sum.exported += tally.exported
      sum.imported += tally.imported
      sum.partial += tally.partial
      sum.skipped += tally.skipped
      sum.failed += tally.failed
      sum.cancelled += tally.cancelled + (isCancelled(facts, request) ? tally.asked - tally.ended : 0)
      if (tally.ended > 0) ends.push([tally.at, tally.ended])
    }
    const settled = sum.imported + sum.partial + sum.skipped + sum.failed + sum.cancelled
    const done = settled >= sum.total
    const { connection, object, by, startedAt, paused = false } = facts
    return {
      id,
      connection,
      object,
      by,
      startedAt,
      side: isOwnJob(facts) ? 'partner' : 'vendor',
      state: done ? 'done' : paused ? 'paused' : 'running',
      ...sum,
      recall: facts.recalled === true ? this.#recall(id) : undefined,
      done,
      perSecond: paceOf(registerOf(row, 'startedAt')?.[0][0] ?? startedAt, ends),
    }
  }
}

function paceOf(startedAt: number, ends: readonly (readonly [at: number, ended: number])[]): number {
  const last = ends.reduce((latest, [at]) => Math.max(latest, at), 0)
  const from = Math.max(startedAt, last - paceMs)
  const ended = ends.reduce((sum, [at, count]) => (at >= from ? sum + count : sum), 0)
  return ended === 0 ? 0 : (ended * 1_000) / Math.max(1_000, last - from)
}

/** The status of each listing's last export, over all jobs of the partner: kept up to date request by request. */
export class ListingStatuses {
  readonly #rows: Rows
  readonly #jobs: Jobs
  readonly #statuses = new Map<string, { readonly status: OutboundStatus | undefined; readonly job: string; readonly startedAt: number }>()
  readonly #stale = new Set<string>()

  constructor(rows: Rows, jobs: Jobs) {
    this.#rows = rows
    this.#jobs = jobs
    for (const id of rows.list('ExportRequest').keys()) this.#stale.add(id)
    rows.watch((changes) => {
      for (const { object, id } of changes) {
        if (object === 'ExportRequest') this.#stale.add(id)
        if (object === 'Export') for (const request of this.#jobs.requests(id)) this.#stale.add(request.id)
      }
    })
  }

  of(listing: string): { readonly status: OutboundStatus | undefined; readonly job: string } | undefined {
    if (this.#stale.size > 0) {
      for (const id of this.#stale) this.#read(this.#rows.get('ExportRequest', id))
      this.#stale.clear()
    }
    return this.#statuses.get(listing)
  }

  #read(row: Row | undefined): void {
    const job = row && jobOf(row.id)
    const facts = job === undefined ? undefined : jobFacts(this.#rows.get('Export', job))
    if (!row || job === undefined || facts?.requests === undefined || requestNumber(row) >= facts.requests) return
    const { startedAt } = facts
    const unanswered = isCancelled(facts, row) ? undefined : 'ExportInProgress'
    const ended = new Map(requestOutcomes(row).map((outcome) => [outcome.listing, isGivenUp(outcome) ? undefined : outcome.status]))
    for (const listing of requestListings(row)) {
      const known = this.#statuses.get(listing)
      if (known && known.startedAt > startedAt) continue
      this.#statuses.set(listing, { status: ended.has(listing) ? ended.get(listing) : unanswered, job, startedAt })
    }
  }
}

const jobsByRows = new WeakMap<Rows, Jobs>()

/** The jobs of an engine. */
export function jobsOf(rows: Rows): Jobs {
  let jobs = jobsByRows.get(rows.origin)
  if (!jobs) jobsByRows.set(rows.origin, (jobs = new Jobs(rows.origin)))
  return jobs
}
