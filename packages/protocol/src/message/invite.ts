import { bytes, type Infer, struct, text, uint } from '../codec.js'
import { parseConnectionId } from '../id.js'

/**
 * Vendor's device → relay: opens a mailbox for the org that shows a claim with this SHA-256 (rule MB1), until `expires`, in milliseconds since 1970.
 * Repeating it changes nothing (rule MB2). The relay answers with `mailbox`. The mailbox's two `messages` feeds then carry the handshake.
 */
export const invite = struct({ mailbox: text(22, parseConnectionId), claimHash: bytes(32), expires: uint })
export type Invite = Infer<typeof invite>
