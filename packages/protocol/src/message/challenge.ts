import { bytes, type Infer, struct, uint, uintWithin } from '../codec.js'
import { latestClock } from '../stamp.js'

/**
 * Relay → device, first on a socket. `oldest` and `newest` are the protocol versions that the relay speaks, and `nonce` is to be signed. `time` is the
 * relay's clock in milliseconds since 1970. The device dates what it signs by it, so its own clock may be years off (rule ID4).
 */
export const challenge = struct({ oldest: uint, newest: uint, nonce: bytes(16), time: uintWithin(0, latestClock) })
export type Challenge = Infer<typeof challenge>
