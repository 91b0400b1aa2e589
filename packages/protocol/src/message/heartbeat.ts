import { type Infer, struct } from '../codec.js'

/** In both directions: asks a silent line for a sign of life (rule HB1). The other end answers with `pong` at once. */
export const ping = struct({})
export type Ping = Infer<typeof ping>
/** In both directions: the answer to `ping`. */
export const pong = struct({})
export type Pong = Infer<typeof pong>
