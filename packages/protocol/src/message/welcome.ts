import { type Infer, struct, uint } from '../codec.js'

/**
 * Relay → device: the session is open. `time` is the relay's clock (ms since 1970), by which the device corrects its stamps. `opening` is
 * the random id of the store's present opening and `position` the number of entries that it ever committed (rule OP1).
 */
export const welcome = struct({ time: uint, opening: uint, position: uint, heartbeatMs: uint })
export type Welcome = Infer<typeof welcome>
