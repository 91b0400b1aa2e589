import { type Infer, oneOf, struct, text, uint } from '../codec.js'
import { parseConnectionId } from '../id.js'

export const mailboxStates = ['open', 'claimed', 'wrong', 'taken', 'void', 'expired'] as const

/**
 * Relay → both orgs of a mailbox: what has become of it. `wrong` answers a wrong claim and `taken` a claim of a second org; both go to the
 * one who tried. `triesLeft` counts the wrong claims still allowed.
 */
export const mailbox = struct({ mailbox: text(22, parseConnectionId), state: oneOf(mailboxStates), triesLeft: uint })
export type Mailbox = Infer<typeof mailbox>
