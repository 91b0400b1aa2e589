import { type Infer, struct, text, uint } from '../codec.js'
import { parseFeedName } from '../feed.js'

/**
 * Device → relay: send me this feed after a sequence, then live. `feed` is the session's own small number for it, used from here on by both
 * ends. `incarnation` and `position` are the last pair that the device absorbed from this feed, both 0 for none (rules CU1, IN2).
 */
export const subscribe = struct({ feed: uint, name: text(96, parseFeedName), after: uint, incarnation: uint, position: uint })
export type Subscribe = Infer<typeof subscribe>
