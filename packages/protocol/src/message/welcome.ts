import { type Infer, struct, uint } from '../codec.js'

/**
 * Relay → device: the session is open. `time` is the relay's clock (ms since 1970), by which the device corrects its stamps. `incarnation` is
 * the random id of the store's present incarnation (rule IN1); the position within it comes with each feed's entries.
 */
export const welcome = struct({ time: uint, incarnation: uint, heartbeatMs: uint })
export type Welcome = Infer<typeof welcome>
