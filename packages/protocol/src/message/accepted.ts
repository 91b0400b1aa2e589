import { type Infer, list, struct, uint } from '../codec.js'
import { limits } from '../limits.js'

/** Relay → device: these offers are on disk. Follows the entries themselves where the device subscribes to the feed (rule AK1). */
export const accepted = struct({ ids: list(uint, limits.entriesPerFrame) })
export type Accepted = Infer<typeof accepted>
