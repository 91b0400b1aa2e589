import { type Infer, struct, text, uint } from '../codec.js'
import { key } from '../entry.js'
import { limits } from '../limits.js'

/** Device → relay: a token with which a stock y-websocket provider may read this one doc. `id` is answered by `door` or `refused`. */
export const askDoor = struct({ id: uint, feed: uint, key })
export type AskDoor = Infer<typeof askDoor>

/** Relay → device: the token, good for the doc's present epoch until `expires` (ms since 1970). */
export const door = struct({ id: uint, token: text(limits.tokenBytes), expires: uint })
export type Door = Infer<typeof door>
