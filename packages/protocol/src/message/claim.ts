import { bytes, type Infer, struct, text } from '../codec.js'
import { parseMailboxId } from '../id.js'

/** Partner's device → relay: the claim of a mailbox (rule MB1). The relay answers with `mailbox`. The fifth wrong claim makes the mailbox void (rule MB3). */
export const claim = struct({ mailbox: text(22, parseMailboxId), claim: bytes(32) })
export type Claim = Infer<typeof claim>
