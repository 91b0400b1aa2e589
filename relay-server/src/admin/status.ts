import type { ServerResponse } from 'node:http'
import type { AdminVerdict } from './admin-access.js'
import { isServed } from '../auth/org-admission.js'
import type { RelayConfig } from '../config/config.js'
import type { Load } from '../observe/load.js'
import type { Account, Standing, Usage } from '../store/account.js'
import type { SessionReport } from '../session/session.js'
import type { StoreStats } from '../store/store.js'
import { rememberFor } from '../flow/remember.js'

/** Items listed one by one; the rest shows in totals, so that no answer grows with the sockets or orgs. */
const listed = 200
/** Sessions read in one turn of the event loop. */
const atOnce = 5_000
/** How long a status stays valid, and how long the store's figures do, which cost more to read. In ms. */
const statusMs = 900
const storeMs = 10_000

/** What `/admin/status` answers. Sizes in bytes, spans in ms, moments in ms since 1970. Ids and figures: no key, token or value. */
export interface RelayStatus {
  readonly at: number
  readonly upMs: number
  readonly sockets: number
  readonly load: Load
  readonly store: StoreReport
  readonly sessions: {
    readonly total: number
    readonly queuedBytes: number
    readonly oldestMs: number
    readonly behind: number
    /** The sessions with most bytes waiting, at most 200. */
    readonly listed: readonly SessionReport[]
  }
  /** The fullest orgs first, at most 200; undefined while the store cannot be read. */
  readonly orgs?: { readonly total: number; readonly listed: readonly OrgReport[] }
}

export interface StoreReport {
  readonly writable: boolean
  readonly compactionWaiting: number
  /** Undefined while the store cannot be read. */
  readonly held?: StoreStats
}

export interface OrgReport extends Usage {
  readonly id: string
  /** The quota that applies to this org; 0 is no bound. */
  readonly quota: Usage
  readonly standing: Standing
  /** Whether its devices get a session now. With the relay's join token they can put it on the list. */
  readonly admitted: boolean
}

/** The sources of a status. */
export interface StatusSource {
  readonly config: Pick<RelayConfig, 'admission' | 'quota'>
  readonly sessions: Iterable<Reporting>
  sockets(): number
  load(): Load
  compactionWaiting(): number
  isWritable(): Promise<boolean>
  stats(): Promise<StoreStats>
  /** The orgs that have used most of their quota. */
  fullest(limit: number): Promise<readonly Account[]>
}

export interface Reporting {
  /** @param now on the clock of `performance.now()` */
  report(now: number): SessionReport
}

/** @returns a function that reads the relay's status, at most about once a second however many requests come */
export function createStatus(source: StatusSource): () => Promise<RelayStatus> {
  const startedAt = performance.now()
  const held = rememberFor(storeMs, () => source.stats().catch(() => undefined))
  const orgs = rememberFor(storeMs, () => reportOrgs(source).catch(() => undefined))
  return rememberFor(statusMs, async () => {
    const now = performance.now()
    const [writable, stats, accounts, sessions] = await Promise.all([source.isWritable(), held(), orgs(), reportSessions(source, now)])
    return {
      at: Date.now(),
      upMs: Math.round(now - startedAt),
      sockets: source.sockets(),
      load: source.load(),
      store: { writable, compactionWaiting: source.compactionWaiting(), ...(stats ? { held: stats } : {}) },
      sessions,
      ...(accounts ? { orgs: { total: stats?.orgs ?? accounts.length, listed: accounts } } : {}),
    }
  })
}

async function reportOrgs(source: StatusSource): Promise<readonly OrgReport[]> {
  const accounts = await source.fullest(listed)
  return accounts.map(({ org, standing, quota, usage }) => ({
    id: org,
    ...usage,
    quota: { ...source.config.quota, ...quota },
    standing,
    admitted: isServed({ standing }, source.config),
  }))
}

async function reportSessions(source: StatusSource, now: number): Promise<RelayStatus['sessions']> {
  const most: SessionReport[] = []
  const all = { total: 0, queuedBytes: 0, oldestMs: 0, behind: 0 }
  for (const session of source.sessions) {
    const report = session.report(now)
    all.total++
    all.queuedBytes += report.queuedBytes
    all.oldestMs = Math.max(all.oldestMs, report.oldestMs)
    all.behind += report.behind
    most.push(report)
    if (most.length >= atOnce) {
      keepMost(most)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  keepMost(most)
  return { ...all, listed: most }
}

function keepMost(reports: SessionReport[]): void {
  reports.sort((one, other) => other.queuedBytes - one.queuedBytes || other.behind - one.behind)
  reports.length = Math.min(reports.length, listed)
}

/** Answers `/admin/status` in JSON: the status to permitted requests, the verdict to others. */
export async function answerStatus(response: ServerResponse, verdict: AdminVerdict, status: () => Promise<RelayStatus>): Promise<void> {
  if (verdict.status === 200) return respond(response, 200, await status())
  if (verdict.status === 429) response.setHeader('retry-after', Math.ceil(verdict.retryMs / 1000))
  else response.setHeader('www-authenticate', 'Bearer')
  respond(response, verdict.status, { error: verdict.status === 429 ? 'TOO_MANY_TRIES' : 'TOKEN' })
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.setHeader('cache-control', 'no-store')
  response.writeHead(status).end(`${JSON.stringify(body)}\n`)
}
