import { type Infer, struct, text, uint } from '../codec.js'
import { key } from '../entry.js'
import { limits } from '../limits.js'

/**
 * Device → relay: asks for a token with which a stock y-websocket provider may read one doc (rule GW4). `gatewayToken` or `refused` answers, with the
 * same `id`.
 */
export const askGateway = struct({ id: uint, feed: uint, key })
export type AskGateway = Infer<typeof askGateway>

/** Relay → device: the token, valid for the doc's present epoch until `expires`, in milliseconds since 1970. */
export const gatewayToken = struct({ id: uint, token: text(limits.tokenBytes), expires: uint })
export type GatewayToken = Infer<typeof gatewayToken>
