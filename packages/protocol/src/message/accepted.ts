import { type Infer, list, struct, uint } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Relay → device: the offers with these ids are on disk (rule AK1). Where the device subscribes to the feed, the message follows the offers' entries
 * (rule PB3).
 */
export const accepted = struct({ ids: list(uint, limits.entriesPerFrame) })
export type Accepted = Infer<typeof accepted>
