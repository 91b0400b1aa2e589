import { type Infer, struct, text, uint } from '../codec.js'
import { parseFeedName } from '../feed.js'

/**
 * Device → relay: asks for a feed's entries after the sequence `after`, then for live entries (rule CU1). `feed` is the session's own number for the feed,
 * which both ends use from then on. `incarnation` and `position` are the last pair that the device absorbed of this feed, 0 for none (rule IN2).
 */
export const subscribe = struct({ feed: uint, name: text(96, parseFeedName), after: uint, incarnation: uint, position: uint })
export type Subscribe = Infer<typeof subscribe>
