import { type Infer, struct, uint, uintWithin } from '../codec.js'
import { limits } from '../limits.js'
import { latestClock } from '../stamp.js'

/**
 * Relay → device: the session is open (rule ID1). `time` is the relay's clock in milliseconds since 1970, by which the device corrects its stamps.
 * `incarnation` is the id of the store's present incarnation (rule IN1); `entries` carries the position in it. `heartbeatMs` is the silence before a ping.
 */
export const welcome = struct({
  time: uintWithin(0, latestClock),
  incarnation: uint,
  heartbeatMs: uintWithin(limits.leastHeartbeatMs, limits.mostHeartbeatMs),
})
export type Welcome = Infer<typeof welcome>
