import { sha256 } from '@noble/hashes/sha2.js'
import type { ConnectionId } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { AuditCheck, AuditEntry, AuditQuery } from '../api/index.js'
import type { Store, StoreKey, Write } from '../port/store.js'
import type { Journal, RowReader, RowStep } from '../row/rows.js'
import { type Actor, isAudited, type Noted, notedOf } from './entries.js'

const headKey: StoreKey = ['audit end', 'end']
const keyOf = (sequence: number): StoreKey => ['audit', String(sequence).padStart(12, '0')]

/** Entries that one look into the store reads. */
const pageSize = 200
const mostListed = 1_000

/** Refusals that are written down of one connection in an hour: a peer makes as many as it likes. */
const refusalsAnHour = 60
const hourMs = 3_600_000

/** Where the chain ends. */
interface End {
  readonly count: number
  readonly hash: string
}

const noEntries: End = { count: 0, hash: '' }
// This library wrote both, so their shapes are known; `verify` looks whether they still are as they were written.
const endOf = (value: unknown): End => (value as End | undefined) ?? noEntries
const entryOf = (value: unknown): AuditEntry | undefined => value as AuditEntry | undefined

/**
 * The audit of this device: a list in which each entry holds the hash of the one before. An entry is written in the transaction of what it records. It is no row: no
 * other device gets it, and none can change it by a merge.
 */
export class AuditTrail implements Omit<Journal, 'changed'> {
  readonly reads = headKey
  readonly #store: Store
  readonly #actor: Actor
  readonly #rows: () => RowReader
  readonly #refusals = new Map<string, { since: number; count: number }>()

  /** @param rows gives the rows as they are known; asked within saves only */
  constructor(store: Store, actor: Actor, rows: () => RowReader) {
    this.#store = store
    this.#actor = actor
    this.#rows = rows
  }

  concerns(object: string): boolean {
    return isAudited(object)
  }

  record(steps: readonly RowStep[], end: unknown, now: number): readonly Write[] {
    const rows = this.#rows()
    return chain(
      endOf(end),
      steps.flatMap((step) => notedOf(step, rows, this.#actor)),
      now,
    )
  }

  /** Writes down that something was refused. @param connection undefined where it stood in the org's own team @param about such as "A proposal: it is not signed"; never a value */
  async refused(connection: ConnectionId | undefined, about: string, now: number): Promise<void> {
    const name = connection ?? ''
    const known = this.#refusals.get(name)
    const counted = known && now - known.since < hourMs ? known : { since: now, count: 0 }
    this.#refusals.set(name, counted)
    if (++counted.count > refusalsAnHour) return
    await this.#store.update([headKey], ([end]) => ({
      writes: chain(endOf(end), [{ kind: 'refusal', org: 'own', device: this.#actor.device, connection, about: about.slice(0, 200) }], now),
      result: undefined,
    }))
  }

  async list({ connection, kind, after, limit = 100 }: AuditQuery = {}): Promise<{ entries: readonly AuditEntry[]; more: boolean }> {
    const { count } = endOf((await this.#store.get([headKey]))[0])
    const most = Math.max(1, Math.min(limit, mostListed))
    const entries: AuditEntry[] = []
    let next = Math.min(count, after === undefined ? count : after - 1)
    while (next > 0 && entries.length <= most) {
      const keys = Array.from({ length: Math.min(pageSize, next) }, (_, index) => keyOf(next - index))
      for (const value of await this.#store.get(keys)) {
        const entry = entryOf(value)
        if (entry && (connection === undefined || entry.connection === connection) && (kind === undefined || entry.kind === kind))
          entries.push(entry)
      }
      next -= keys.length
    }
    return { entries: entries.slice(0, most), more: entries.length > most }
  }

  async verify(): Promise<AuditCheck> {
    const { count, hash } = endOf((await this.#store.get([headKey]))[0])
    let previous = ''
    // One place more than there are: nothing may stand behind the end.
    for (let first = 1; first <= count + 1; first += pageSize) {
      const keys = Array.from({ length: Math.min(pageSize, count + 2 - first) }, (_, index) => keyOf(first + index))
      for (const [index, value] of (await this.#store.get(keys)).entries()) {
        const [sequence, entry] = [first + index, entryOf(value)]
        const broken = (what: 'changed' | 'missing' | 'added'): AuditCheck => ({ entries: count, broken: { sequence, what } })
        if (sequence > count) return entry === undefined ? { entries: count, broken: undefined } : broken('added')
        if (entry === undefined) return broken('missing')
        const fits = entry.sequence === sequence && entry.previous === previous && entry.hash === hashOf(entry)
        if (!fits || (sequence === count && entry.hash !== hash)) return broken('changed')
        previous = entry.hash
      }
    }
    return { entries: count, broken: undefined }
  }
}

function chain({ count, hash }: End, noted: readonly Noted[], at: number): readonly Write[] {
  if (noted.length === 0) return []
  let [sequence, previous] = [count, hash]
  const writes: Write[] = noted.map((each) => {
    const { by, device, connection, version, object, count: number, about, signed } = each
    const entry = {
      ...each,
      by,
      device,
      connection,
      version,
      object,
      count: number,
      about,
      signed,
      sequence: ++sequence,
      at,
      previous,
      hash: '',
    }
    const value: AuditEntry = { ...entry, hash: (previous = hashOf(entry)) }
    return { put: keyOf(sequence), value }
  })
  return [...writes, { put: headKey, value: { count: sequence, hash: previous } satisfies End }]
}

/** SHA-256 over all fields of an entry but its hash, in one order. */
function hashOf(entry: AuditEntry): string {
  const { sequence, at, kind, org, by, device, connection, version, object, count, about, signed, previous } = entry
  const fields = [previous, sequence, at, kind, org, by, device, connection, version, object, count, about, signed]
  return toBase64UrlEncoded(sha256(encodeUtf8(JSON.stringify(fields.map((field) => field ?? null)))))
}
