import type { OrgId } from '@entente/protocol'
import type { ReplicaState } from './replica-state.js'
import type { AllRows } from './rows-view.js'
import type { FeedSealer } from './feed-sealer.js'

/** Rules that a test leaves out to see that they are needed. Nothing else ever does. */
export type LeftOut = 'hold' | 'tombstones' | 'project-all' | 'team-first' | 'seen-before'

/** What the parts of one replica share. */
export interface ReplicaContext {
  readonly org: OrgId
  /** Whether rows go to the team feed. */
  readonly team: boolean
  readonly sealer: FeedSealer
  readonly replicaState: ReplicaState
  readonly allRows: AllRows
  readonly leftOut: ReadonlySet<LeftOut>
}
