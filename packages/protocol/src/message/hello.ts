import { type Infer, struct, text } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Device → relay: proves who the device is (rules ID1 to ID3). `token` is a JWT by the device key over nonce, relay and protocol version. `certificate` is
 * a JWT by the org's root key. `token.ts` defines their claims.
 */
export const hello = struct({ token: text(limits.tokenBytes), certificate: text(limits.tokenBytes) })
export type Hello = Infer<typeof hello>
