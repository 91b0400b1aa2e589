import { StoreError } from './port/store.js'
import type { RecordError } from './schema/error.js'

/** Why the engine refuses. The set is closed, and `docs/errors.md` has a heading for each code. */
export type EngineErrorCode =
  /** A value, field, query, rule or mapping is not acceptable. `details` names each problem where one field or rule is to blame. */
  | 'INVALID'
  /** The record, connection, share, export, mirror or org does not exist, or exists no longer. */
  | 'NOT_FOUND'
  /** This person, or this side of the connection, may not do it. */
  | 'NOT_ALLOWED'
  /** The connection, the invitation or the export is not in a state for it. */
  | 'NOT_CONNECTED'
  /** The two orgs are connected already. `connection` is the id of that connection. */
  | 'CONNECTED'
  /** Somebody else decided on the same thing meanwhile: in another tab, or at another device. */
  | 'CHANGED'
  /** Nobody has compared the codes of the connection (rule CN4). */
  | 'NOT_VERIFIED'
  /** An eleventh update field (rule AG2), or no free seat (rule PE2). */
  | 'TOO_MANY'
  /** A text that is no invitation link (rule CN1), or the link of the own org. */
  | 'LINK'
  /** The store of this device refused. `cause` is its StoreError. */
  | 'STORE'
  /** A field or a record is too large to travel (rule ST5). */
  | 'SIZE'
  /** The relay is out of reach, or has not brought everything yet. Asking again later helps. */
  | 'OFFLINE'
  /** The engine was closed. */
  | 'CLOSED'
  /** A defect of the engine. `cause` is what it met. */
  | 'INTERNAL'

/**
 * What every method of an engine throws or rejects with, and nothing else. The message says what happened, to what, and what to do. It never holds a
 * secret or a field's value. A `cause` is for the developer and may hold what the failing part knew.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  /** Each single problem of an INVALID value, field, rule or mapping. Empty for other codes. */
  readonly details: readonly RecordError[]
  /** The connection that stands in the way. Set for CONNECTED only. */
  readonly connection: string | undefined

  constructor(code: EngineErrorCode, message: string, details: readonly RecordError[] = [], cause?: unknown, connection?: string) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.connection = connection
  }
}

/**
 * Any failure as an EngineError. An EngineError stays itself, a StoreError becomes STORE, and anything else is a defect: INTERNAL.
 *
 * @param call what failed, as the caller named it: `records.create`
 */
export function toEngineError(error: unknown, call: string): EngineError {
  if (error instanceof EngineError) return error
  if (error instanceof StoreError) return new EngineError('STORE', error.message, [], error)
  return new EngineError(
    'INTERNAL',
    `${call} failed inside the engine. Reload the page and try again. If it fails again, report it.`,
    [],
    error,
  )
}
