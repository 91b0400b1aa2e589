import type { ConnectionId, OrgId } from '@entente/protocol'
import type { Topic } from './api.js'
import type { Identity } from './identity/identity.js'
import type { Link } from './link/link.js'
import type { Clock } from './port/clock.js'
import type { RandomBytes } from './port/random.js'
import type { ObjectName } from './api.js'
import type { ObjectSchema } from './schema/schema.js'
import type { Replica } from './replica/replica.js'
import type { Rows } from './row/rows.js'

/** What every part of the engine stands on. A part reads rows, inbox and peer docs, and writes rows; it has no state of its own that matters. */
export interface EngineContext {
  readonly org: { readonly id: OrgId; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly rows: Rows
  readonly replica: Replica
  readonly link: Link
  readonly identity: Identity
  readonly clock: Clock
  readonly random: RandomBytes
  /** The org's schema of an object, custom fields included. */
  schema(object: ObjectName): ObjectSchema
  /** Notes a failure of the engine's own work for the sync view; never with a value or a secret. */
  problem(what: string, connection?: ConnectionId): void
  /** Tells watchers that these may read differently now; rows and feeds tell by themselves. */
  changed(...topics: readonly Topic[]): void
}
