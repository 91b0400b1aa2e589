import { type Infer, struct, text } from '../codec.js'
import { limits } from '../limits.js'

/**
 * Device → relay, before the hello: a roster of the device's org, for a relay that may not know it yet (rule RO4). The rosters of a chain come in their order,
 * one a message: the first is one that the org's root key signed.
 */
export const roster = struct({ roster: text(limits.rosterBytes) })
export type RosterMessage = Infer<typeof roster>
