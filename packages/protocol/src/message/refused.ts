import { type Infer, oneOf, struct, text, uint } from '../codec.js'
import { errorCodes } from '../error.js'

/**
 * Relay → device: one request was not done. `subject` says which: the offer's id (`offer`), the feed's number (`feed`), or 0.
 * `version` is the agreement version that both orgs have registered, for STALE_EPOCH and WAIT, else 0. `retryMs` is a delay for RATE, QUOTA and
 * UNAVAILABLE, else 0.
 */
export const refused = struct({
  what: oneOf(['offer', 'feed', 'attach', 'mailbox', 'gateway']),
  subject: uint,
  code: oneOf(errorCodes),
  version: uint,
  retryMs: uint,
  detail: text(512),
})
export type Refused = Infer<typeof refused>
