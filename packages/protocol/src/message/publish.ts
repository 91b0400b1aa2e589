import { type Infer, list, struct, uint } from '../codec.js'
import { offer } from '../entry.js'
import { limits } from '../limits.js'

/**
 * Device → relay: offers entries for one feed (rule PB1). The relay accepts or refuses each on its own, by `accepted` or `refused`. An accepted offer
 * returns to the device as an entry.
 */
export const publish = struct({ feed: uint, offers: list(offer, limits.entriesPerFrame) })
export type Publish = Infer<typeof publish>
