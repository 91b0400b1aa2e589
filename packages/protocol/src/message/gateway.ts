import { type Infer, struct, text, uint } from '../codec.js'
import { key } from '../entry.js'
import { limits } from '../limits.js'

/** Device → relay: a token with which a stock y-websocket provider may read this one doc. `id` is answered by `gatewayToken` or `refused`. */
export const askGateway = struct({ id: uint, feed: uint, key })
export type AskGateway = Infer<typeof askGateway>

/** Relay → device: the token, good for the doc's present epoch until `expires` (ms since 1970). */
export const gatewayToken = struct({ id: uint, token: text(limits.tokenBytes), expires: uint })
export type GatewayToken = Infer<typeof gatewayToken>
