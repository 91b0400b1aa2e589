import { bytes, type Infer, struct, text, uint } from '../codec.js'
import { parseMailboxId } from '../id.js'

/**
 * Vendor's device → relay: opens a mailbox for the org that shows a claim with this SHA-256 (rule MB1), until `expires`, in milliseconds since 1970.
 * The id follows from the hash (rule MB9).
 * Repeating it changes nothing (rule MB2). The relay answers with `mailbox`. The mailbox's two feeds then carry the handshake.
 */
export const invite = struct({ mailbox: text(22, parseMailboxId), claimHash: bytes(32), expires: uint })
export type Invite = Infer<typeof invite>
