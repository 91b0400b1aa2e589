import type { ConnectionId } from '@entente/protocol'
import type { ObjectName } from '../schema/schema.js'

/** What an entry of the audit records. `end`: a connection was ended; `codes differ` and `codes taken back` are of the comparison of codes (rule CN7). */
export type AuditKind =
  | 'invitation'
  | 'connection'
  | 'codes compared'
  | 'codes differ'
  | 'codes taken back'
  | 'proposal'
  | 'consent'
  | 'withdrawal'
  | 'rule'
  | 'people'
  | 'grant'
  | 'revocation'
  | 'grants'
  | 'seats'
  | 'request'
  | 'export'
  | 'import'
  | 'pause'
  | 'resume'
  | 'adoption'
  | 'rotation'
  | 'end'
  | 'refusal'
  | 'other'

/** One thing that this org decided, or that the other org decided and this device took in. It never holds a value of a record. */
export interface AuditEntry {
  /** Its place in this device's list: 1 for the first one. */
  readonly sequence: number
  /** Milliseconds since 1970, by this device's clock, corrected by the relay's. */
  readonly at: number
  readonly kind: AuditKind
  readonly org: 'own' | 'peer'
  /** Id of the person. Undefined where the engine acted by itself. */
  readonly by: string | undefined
  /** Id of the device that signed, or at which it was done. */
  readonly device: string | undefined
  readonly connection: ConnectionId | undefined
  /** Version of the agreement. */
  readonly version: number | undefined
  readonly object: ObjectName | undefined
  /** How many records, grants or seats it is about. */
  readonly count: number | undefined
  /** What it is about: the id of a person or of a job, or why something was refused. */
  readonly about: string | undefined
  /** SHA-256 of the signed message, base64url. Undefined for what is not signed. */
  readonly signed: string | undefined
  /** The hash of the entry before; empty for the first. */
  readonly previous: string
  /** SHA-256 over all of the above, base64url. */
  readonly hash: string
}

/** Which entries to list. */
export interface AuditQuery {
  readonly connection?: ConnectionId
  readonly kind?: AuditKind
  /** The sequence of the last entry of the page before. */
  readonly after?: number
  /** At most 1,000; 100 unless it is said. */
  readonly limit?: number
}

/** Whether the list is as it was written. */
export interface AuditCheck {
  readonly entries: number
  /** The first entry that does not fit: it was `changed`, is `missing`, or stands behind the end that was noted (`added`). Undefined where all fit. */
  readonly broken: { readonly sequence: number; readonly what: 'changed' | 'missing' | 'added' } | undefined
}

/**
 * Whether both orgs hold the same messages of a connection (rule HD9).
 *
 * - `same`: each holds exactly what the other signed, as of `upTo`.
 * - `differs`: one of them holds something else than the other signed, since `upTo` at the latest.
 * - `waiting`: something is on its way, or nothing could be compared yet. `upTo` is when it fitted last.
 */
export interface SharedMessages {
  readonly state: 'same' | 'differs' | 'waiting'
  /** Milliseconds since 1970, by the signers. Undefined if it never fitted. */
  readonly upTo: number | undefined
}

/**
 * What was decided over this org's connections, as this device saw it: a list in which each entry holds the hash of the one before. It stays on the device.
 *
 * @example
 * ```ts
 * const { entries } = await vendor.audit.list({ kind: 'codes compared' })
 * console.log(entries.map(({ org }) => org).toSorted().join(' and ')) // own and peer
 * const { broken } = await vendor.audit.verify()
 * console.log(broken) // undefined
 * ```
 */
export interface AuditApi {
  /**
   * A page of entries, the newest first. `more` says whether there are older ones.
   *
   * @throws EngineError STORE if the store of the device cannot be read
   */
  list(query?: AuditQuery): Promise<{ readonly entries: readonly AuditEntry[]; readonly more: boolean }>

  /**
   * Computes every hash again, and says where the chain breaks. Whoever can write this device's store can write a whole new chain: compare what both orgs signed as well.
   *
   * @throws EngineError STORE if the store of the device cannot be read
   */
  verify(): Promise<AuditCheck>

  /**
   * Whether both orgs hold the same messages of a connection. Answers from memory.
   *
   * @throws EngineError NOT_FOUND if there is no such connection
   */
  compare(connection: ConnectionId): SharedMessages
}
