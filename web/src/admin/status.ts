/** The parts of the relay's answer under `/admin/status` that this page shows. Sizes in bytes, spans in ms, moments in ms since 1970. */
export interface RelayStatus {
  readonly at: number
  readonly upMs: number
  readonly sockets: number
  readonly load: Load
  readonly store: StoreReport
  readonly sessions: Totals & { readonly listed: readonly SessionReport[] }
  readonly orgs?: { readonly total: number; readonly listed: readonly OrgReport[] }
}

export interface Load {
  readonly overSeconds: number
  readonly entriesInPerSecond: number
  readonly entriesOutPerSecond: number
  readonly acknowledgeMs?: { readonly p50: number; readonly p99: number }
  readonly eventLoopMs: { readonly mean: number; readonly max: number }
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number }
}

export interface StoreReport {
  readonly writable: boolean
  readonly compactionWaiting: number
  readonly held?: {
    readonly diskBytes: number
    readonly feeds: number
    readonly docs: number
    readonly tombstones: number
    readonly tailUpdates: number
    readonly invitations: number
    readonly incarnations: number
  }
}

export interface Totals {
  readonly total: number
  readonly queuedBytes: number
  readonly oldestMs: number
  readonly behind: number
}

export interface SessionReport {
  readonly org?: string
  readonly device?: string
  readonly role?: string
  readonly openedMs: number
  readonly feeds: number
  readonly queuedBytes: number
  readonly oldestMs: number
  readonly behind: number
}

export interface Amounts {
  readonly bytes: number
  readonly docs: number
  readonly connections: number
}

export interface OrgReport extends Amounts {
  readonly id: string
  /** 0 is no bound. */
  readonly quota: Amounts
  readonly admitted: boolean
}

/** The result of one request. */
export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: RelayStatus }
  /** The relay wants the operator's token, or another one. */
  | { readonly kind: 'token' }
  | { readonly kind: 'wait'; readonly retryMs: number }
  | { readonly kind: 'silent' }

/** A relay that takes longer than this, in ms, counts as silent. */
const patienceMs = 5_000

/** Asks the relay that served this page for its status. The token goes in a header only, so that no address or log holds it. */
export async function askStatus(token: string | undefined): Promise<StatusAnswer> {
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch('admin/status', { headers, cache: 'no-store', signal: AbortSignal.timeout(patienceMs) })
    if (response.status === 401) return { kind: 'token' }
    if (response.status === 429) return { kind: 'wait', retryMs: 1_000 * (Number(response.headers.get('retry-after')) || 60) }
    // The relay that served this page also answers here, so the shape is the one above.
    return response.ok ? { kind: 'status', status: (await response.json()) as RelayStatus } : { kind: 'silent' }
  } catch {
    return { kind: 'silent' }
  }
}
