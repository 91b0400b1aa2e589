import { bytes, type Infer, struct, uint } from '../codec.js'

/**
 * Relay → device, first: the protocol versions it speaks, a nonce for the device to sign, and the relay's clock (ms since 1970), by which the device
 * dates what it signs: a device whose own clock is years off can still be believed.
 */
export const challenge = struct({ oldest: uint, newest: uint, nonce: bytes(16), time: uint })
export type Challenge = Infer<typeof challenge>
