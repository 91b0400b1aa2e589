import { type Infer, oneOf, struct, text, uint, uintWithin } from '../codec.js'
import { errorCodes } from '../error.js'
import { limits } from '../limits.js'

/**
 * Relay → device: the refusal of one request.
 *
 * - `subject` is the offer's id (`offer`), the feed's number (`feed`), the request's id (`gateway`), or 0.
 * - `version` is, with STALE_EPOCH and WAIT, the agreement version that the relay goes by, else 0.
 * - `retryMs` is, with RATE and UNAVAILABLE, the delay before the next try, else 0.
 * - `detail` is for logs.
 */
export const refused = struct({
  what: oneOf(['offer', 'feed', 'attach', 'mailbox', 'gateway']),
  subject: uint,
  code: oneOf(errorCodes),
  version: uint,
  retryMs: uintWithin(0, limits.retryMs),
  detail: text(512),
})
export type Refused = Infer<typeof refused>
