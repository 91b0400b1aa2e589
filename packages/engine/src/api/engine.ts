import type { OrgId } from '@entente/protocol'
import type { AgreementsApi } from './agreements.js'
import type { AuditApi } from './audit.js'
import type { ChangesApi } from './changes.js'
import type { ConnectionsApi } from './connections.js'
import type { DevicesApi } from './devices.js'
import type { DifferencesApi } from './differences.js'
import type { DraftsApi } from './drafts.js'
import type { HistoryApi } from './history.js'
import type { ImportsApi } from './imports.js'
import type { MirrorsApi } from './mirrors.js'
import type { PeopleApi } from './people.js'
import type { RecordsApi } from './records.js'
import type { RecoveryApi } from './recovery.js'
import type { SettingsApi } from './settings.js'
import type { SharingApi } from './sharing.js'
import type { SiteApi } from './site.js'
import type { SyncApi } from './sync.js'
import type { UndoApi } from './undo.js'

/**
 * One org on one device, as a page uses it.
 *
 * - **Reads** answer at once, from memory. What they return never changes; `watch` tells when to read again.
 * - **Changes** give a promise. It resolves when the change is durable on this device, also offline. If it rejects, nothing was changed, unless the method
 *   says otherwise.
 * - **Errors** are always an `EngineError`. Its codes are a closed set; each method names those that it adds to the three below.
 *
 * Every method may fail with CLOSED after `close`, and with INTERNAL for a defect or for an argument of a wrong type. Every method that gives a promise may
 * also reject with STORE, if the store of the device refuses.
 */
export interface Engine {
  /** The own org. `id` is the RFC 7638 thumbprint of its root key, base64url. */
  readonly org: { readonly id: OrgId; readonly name: string }
  /** The person at this device, who acts in everything that is done here. `id`: 128 random bits, base64url. */
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly records: RecordsApi
  readonly connections: ConnectionsApi
  readonly agreements: AgreementsApi
  readonly sharing: SharingApi
  readonly people: PeopleApi
  readonly devices: DevicesApi
  readonly site: SiteApi
  readonly mirrors: MirrorsApi
  readonly changes: ChangesApi
  readonly differences: DifferencesApi
  readonly sync: SyncApi
  readonly recovery: RecoveryApi
  readonly settings: SettingsApi
  readonly undo: UndoApi
  readonly drafts: DraftsApi
  readonly imports: ImportsApi
  readonly audit: AuditApi
  readonly history: HistoryApi

  /**
   * Calls the listener after anything that the reads show differently, at most once per turn of the event loop. The cause may be this page, another tab,
   * another device or the other org. After `close` nobody is called any more.
   *
   * @returns the function that ends it. Calling it twice, or after `close`, does nothing.
   * @throws EngineError CLOSED; INVALID for what is no function
   *
   * @example
   * ```ts
   * import type { Engine } from '@entente/engine'
   *
   * // Waits until a read shows what is awaited. The other examples use it.
   * export function until(engine: Engine, holds: () => boolean): Promise<void> {
   *   return new Promise((resolve) => {
   *     const look = () => {
   *       if (!holds()) return
   *       stop()
   *       resolve()
   *     }
   *     const stop = engine.watch(look)
   *     look()
   *   })
   * }
   * ```
   */
  watch(listener: (changed: ReadonlySet<Topic>) => void): () => void

  /**
   * Ends the line to the relay and closes the store. What was saved stays and is sent when the org is opened again. A call under way either ends well or
   * rejects with CLOSED; look at what was saved. Closing again does nothing and gives the same promise.
   *
   * @throws EngineError STORE if the store cannot be closed
   *
   * @example
   * ```ts
   * import { EngineError } from '@entente/engine'
   *
   * await vendor.close()
   * try {
   *   vendor.records.list('Lead')
   * } catch (error) {
   *   if (error instanceof EngineError) console.log(error.code) // CLOSED
   * }
   * ```
   */
  close(): Promise<void>
}

/** A group of reads that may show something else: the engine's groups by name. Coarse, so that watching costs little. */
export type Topic =
  | 'records'
  | 'connections'
  | 'agreements'
  | 'sharing'
  | 'people'
  | 'devices'
  | 'site'
  | 'mirrors'
  | 'changes'
  | 'differences'
  | 'sync'
  | 'recovery'
  | 'settings'
  | 'undo'
  | 'drafts'
  | 'imports'
