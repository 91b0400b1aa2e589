import type { OrgId } from '@entente/protocol'
import type { Keyring } from '../seal/keyring.js'
import type { ReplicaState } from './replica-state.js'
import type { AllRows } from './rows-view.js'
import type { FeedSealer } from './feed-sealer.js'
import type { DecidingRows } from './deciding-rows.js'

/** Rules that a test disables to show that each is needed. Nothing else ever does. */
export type DisabledRule =
  | 'defer'
  | 'tombstones'
  | 'project-all'
  | 'team-first'
  | 'origin'
  | 'existence'
  | 'all-or-nothing'
  | 'never-back'
  | 'rotation'

/** What the parts of one replica share. */
export interface ReplicaContext {
  readonly org: OrgId
  readonly sealer: FeedSealer
  readonly keyring: Keyring
  readonly replicaState: ReplicaState
  readonly allRows: AllRows
  readonly disabledRules: ReadonlySet<DisabledRule>
  /** Undefined where nothing decides: every row counts then. */
  deciding?: DecidingRows
}
