import { bytes, type Infer, struct, text } from '../codec.js'
import { parseConnectionId } from '../id.js'

/** Partner's device → relay: shows the claim of a mailbox. Answered by `mailbox`; the fifth wrong try makes it void. */
export const claim = struct({ mailbox: text(22, parseConnectionId), claim: bytes(32) })
export type Claim = Infer<typeof claim>
