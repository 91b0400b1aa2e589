import { type Infer, struct, uintWithin } from '../codec.js'
import { limits } from '../limits.js'

/** Relay → device: the relay shuts down in good order, or another copy replaced its store. The device returns after a random part of `retryMs`, so that not all return at once. */
export const leaving = struct({ retryMs: uintWithin(0, limits.retryMs) })
export type Leaving = Infer<typeof leaving>
