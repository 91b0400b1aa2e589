import { type Infer, oneOf, struct, text, uint } from '../codec.js'
import { errorCodes } from '../error.js'

/** Relay → device: the session ends, and why. For VERSION `oldest` and `newest` tell the range that the relay speaks, else 0. */
export const failed = struct({ code: oneOf(errorCodes), oldest: uint, newest: uint, retryMs: uint, detail: text(512) })
export type Failed = Infer<typeof failed>
