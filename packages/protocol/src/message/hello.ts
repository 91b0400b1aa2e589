import { type Infer, struct, text } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Device → relay: a JWT by the device key over nonce, relay and protocol version, and the device's certificate, a JWT by the org's root.
 * The claims are in `token.ts`.
 */
export const hello = struct({ token: text(limits.tokenBytes), certificate: text(limits.tokenBytes) })
export type Hello = Infer<typeof hello>
