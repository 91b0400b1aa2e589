import { type Infer, oneOf, struct, text, uint } from '../codec.js'
import { parseMailboxId } from '../id.js'

/** The states of a mailbox, and the two answers to a claim that fails. */
export const mailboxStates = ['open', 'claimed', 'wrong', 'taken', 'void', 'expired'] as const

/**
 * Relay → device: the state of a mailbox, sent to both orgs on each change (rules MB1 to MB5). `wrong` answers a wrong claim and `taken` a second org's
 * claim; both go only to the device that claimed. `triesLeft` counts the wrong claims that are left.
 */
export const mailbox = struct({ mailbox: text(22, parseMailboxId), state: oneOf(mailboxStates), triesLeft: uint })
export type Mailbox = Infer<typeof mailbox>
