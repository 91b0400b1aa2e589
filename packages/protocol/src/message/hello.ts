import { type Infer, struct, text } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Device → relay: proves who the device is (rules ID1 to ID3). `token` is a JWS by the device key over nonce, relay, protocol version, and the org's roster as the
 * device knows it. `token.ts` defines its claims.
 */
export const hello = struct({ token: text(limits.tokenBytes) })
export type Hello = Infer<typeof hello>
