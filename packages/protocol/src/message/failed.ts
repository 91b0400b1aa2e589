import { type Infer, oneOf, struct, text, uint, uintWithin } from '../codec.js'
import { errorCodes } from '../error.js'
import { limits } from '../limits.js'

/**
 * Relay → device: why the session ends. With VERSION, `oldest` and `newest` are the protocol versions that the relay speaks, else 0. `retryMs` is the
 * delay before the device may return, 0 for none. `detail` is for logs.
 */
export const failed = struct({
  code: oneOf(errorCodes),
  oldest: uint,
  newest: uint,
  retryMs: uintWithin(0, limits.retryMs),
  detail: text(512),
})
export type Failed = Infer<typeof failed>
