import type { ConnectionId, OrgId, Roster } from '@entente/protocol'
import type { ObjectName } from './api/index.js'
import type { Identity } from './identity/identity.js'
import type { DeviceChange } from './identity/next-roster.js'
import type { Rosters } from './identity/rosters.js'
import type { Link } from './link/link.js'
import type { Clock } from './port/clock.js'
import type { RandomBytes } from './port/random.js'
import type { ReplicaView } from './replica/replica.js'
import type { Rows } from './row/rows.js'
import type { ObjectSchema } from './schema/schema.js'
import type { DeviceTable } from './device/device-table.js'
import type { Drafts } from './device/drafts.js'
import type { UndoLog } from './device/undo-log.js'

/** What every part of the engine gets. A part reads rows, inboxes and peers' docs, and writes rows. It keeps no state that a crash may not lose. */
export interface EngineContext {
  readonly org: { readonly id: OrgId; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly rows: Rows
  readonly replica: ReplicaView
  readonly link: Link
  readonly identity: Identity
  /** Who the devices of this org and of its peers are. */
  readonly rosters: Rosters
  /** Signs the next roster of the org: see `RosterChanges`. */
  readonly changeRoster: (change: DeviceChange) => Promise<Roster>
  /** What people did at this device and may take back. */
  readonly undoLog: UndoLog
  /** What people typed at this device and have not saved. */
  readonly drafts: Drafts
  /** The listings that the person of this device asked for here, by the id of the ExportRequest row. */
  readonly asked: DeviceTable<readonly string[]>
  /** Writes down that something of a peer was refused, and when (milliseconds since 1970); never a value. */
  readonly noteRefusal: (connection: ConnectionId, about: string, at: number) => Promise<void>
  readonly clock: Clock
  readonly random: RandomBytes
  /** The org's schema of an object, custom fields included. */
  schema(object: ObjectName): ObjectSchema
  /** Notes a failure of the engine's own work for the sync view; never with a value or a secret. */
  problem(what: string, connection?: ConnectionId): void
  /** Why the engine's own work on a connection fails at present, in words. */
  failureOf(connection: string): string | undefined
}

/** What a part works with that only the tab that leads may do: once another one leads, its saves are refused. */
export function asLeader(context: EngineContext): EngineContext {
  return { ...context, rows: context.replica.leadersRows }
}
