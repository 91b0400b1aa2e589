import { bytes, type Infer, struct, text, uint } from '../codec.js'
import { parseConnectionId } from '../id.js'

/**
 * Vendor's device → relay: opens a mailbox under an id for whoever shows a claim with this SHA-256 hash, until `expires` (ms since 1970).
 * The mailbox's two `messages` feeds carry the handshake. Repeating it with the same hash changes nothing. Answered by `mailbox`.
 */
export const invite = struct({ mailbox: text(22, parseConnectionId), claimHash: bytes(32), expires: uint })
export type Invite = Infer<typeof invite>
