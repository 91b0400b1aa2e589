import { type Infer, struct, uint } from '../codec.js'

/** Relay → device: the relay shuts down in good order; come back after a random part of `retryMs`. */
export const leaving = struct({ retryMs: uint })
export type Leaving = Infer<typeof leaving>
