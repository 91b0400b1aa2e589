import { type Infer, struct, uint } from '../codec.js'

/** Relay → device: the relay shuts down in good order, or another copy replaced its store. The device returns after a random part of `retryMs`, so that not all return at once. */
export const leaving = struct({ retryMs: uint })
export type Leaving = Infer<typeof leaving>
