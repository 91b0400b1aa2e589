import { type Infer, list, struct, uint } from '../codec.js'
import { offer } from '../entry.js'
import { limits } from '../limits.js'

/** Device → relay: offers entries for one feed. Each is taken or refused on its own; what was taken comes back as an entry. */
export const publish = struct({ feed: uint, offers: list(offer, limits.entriesPerFrame) })
export type Publish = Infer<typeof publish>
