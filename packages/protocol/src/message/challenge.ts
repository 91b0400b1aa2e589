import { bytes, type Infer, struct, uint } from '../codec.js'

/** Relay → device, first: the protocol versions it speaks and a nonce for the device to sign. */
export const challenge = struct({ oldest: uint, newest: uint, nonce: bytes(16) })
export type Challenge = Infer<typeof challenge>
