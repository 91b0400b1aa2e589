import { type Infer, struct } from '../codec.js'

/** Either way: are you there? Answered at once by `pong`. */
export const ping = struct({})
export type Ping = Infer<typeof ping>
export const pong = struct({})
export type Pong = Infer<typeof pong>
