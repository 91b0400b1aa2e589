import type { RecordError } from './schema/error.js'

/** Closed set of reasons. `docs/errors.md` has a heading for each. */
export type EngineErrorCode =
  | 'INVALID' // a value or a field is not acceptable; `details` names each
  | 'NOT_FOUND'
  | 'NOT_ALLOWED' // role, grant, seat, or a side that may not do this
  | 'NOT_CONNECTED' // the connection is not in a state for this
  | 'NOT_VERIFIED' // the codes have not been compared
  | 'TOO_MANY' // an eleventh update field, no seat left
  | 'LINK' // an invitation link that is malformed, expired, used or void
  | 'STORE' // the device's store said no: full, closed, written by a newer version
  | 'SIZE'
  | 'OFFLINE'

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  readonly details: readonly RecordError[]

  constructor(code: EngineErrorCode, message: string, details: readonly RecordError[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}
