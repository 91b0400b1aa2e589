import { bytes, type Infer, struct, text, uint } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Relay → device, behind the welcome that answers a hello: by what the device may open its next sessions until `expires` (ms since 1970, by the relay's
 * clock) without a signature. `ticket` is the relay's own business; `secret` is to be kept in memory only (rule ID6).
 */
export const resumption = struct({ ticket: text(limits.ticketBytes), secret: bytes(32), expires: uint })
export type Resumption = Infer<typeof resumption>
