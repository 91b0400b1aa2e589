import { bytes, type Infer, struct, text } from '../codec.js'
import { limits } from '../limits.js'

/** HMAC-SHA-256. */
const macBytes = 32

/**
 * Device → relay, in the place of a hello: the ticket of a `resumption`, and the proof that the device has the secret that came with it, over this
 * socket's nonce (rule ID6); see `resumptionInput`.
 */
export const resume = struct({ ticket: text(limits.ticketBytes), proof: bytes(macBytes) })
export type Resume = Infer<typeof resume>
