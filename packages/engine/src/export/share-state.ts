import type { Side } from '@entente/protocol'
import type { InboundStatus, MirrorView, OutboundStatus, ShareView, Why } from '../api/index.js'

/**
 * What decides the status of a share, each as one of a few words. `share-facts.ts` reads them from rows and feeds; a property test goes through every combination.
 */
export interface ShareFacts {
  readonly side: Side
  /** The export's own status: at the vendor as the record map keeps it, at the partner that of its copy. */
  readonly exported: OutboundStatus | undefined
  /** Whether the partner has its copy, so that something may flow. */
  readonly begun: boolean
  /** Why nothing flows. */
  readonly why: Why | undefined
  /** The own edits of fields that flow: `none` travels, because no copy or no value was edited; none was made since the `export`; or some `since`. */
  readonly edit: 'none' | 'export' | 'since'
  /** Where the latest of them is. Where nothing flows: on this `device` if it came after the end. */
  readonly reached: 'device' | 'relay' | 'peer'
  /**
   * What hinders it: the value does not fit the agreed field (`unfit`); the relay `refused` it, or does not show the own feed as this org signed it (`hidden`);
   * the peer reads nothing more of this org (`unread`), or says that what it received does not open (`closed there`) or differs (`differs there`).
   */
  readonly hindrance: 'unfit' | 'refused' | 'hidden' | 'unread' | 'closed there' | 'differs there' | undefined
  /** What has come of the peer's record: nothing; no edit since the `export`; or some `since`. */
  readonly theirs: 'none' | 'export' | 'since'
  /** What is wrong with it: a value that does not open or fit; something that came and cannot be read yet; or it is not what its owner signed (`differs`). */
  readonly trouble: 'unreadable' | 'unread' | 'differs' | undefined
}

export interface ShareStatus {
  readonly state: ShareView['state']
  readonly why: Why | undefined
  readonly outbound: OutboundStatus | undefined
  readonly inbound: InboundStatus | undefined
  /** How far the latest own edit has come. Undefined where none is to travel. */
  readonly reached: ShareFacts['reached'] | undefined
  /** Undefined where there is no mirror. */
  readonly mirror: MirrorView['state'] | undefined
}

/** Ends that nobody meant for this record alone: an edit that waits behind one has failed, and has not merely stopped. */
const ofConnection: ReadonlySet<Why['what']> = new Set(['paused', 'switchedOff', 'disconnected', 'mismatch', 'disagreement'])

const errorsOfPublishing: Readonly<Record<NonNullable<ShareFacts['hindrance']>, OutboundStatus>> = {
  unfit: 'UpdatePublishFieldMapError',
  refused: 'UpdatePublishEventError',
  hidden: 'UpdatePublishUnknownError',
  unread: 'UpdatePublishConnectionError',
  'closed there': 'UpdateSubscribeFieldMapError',
  'differs there': 'UpdateSubscribeUnknownError',
}

/** The one status of a share, and of the mirror beside its record: `docs/statuses.md` has the table. */
export function shareStatus(facts: ShareFacts): ShareStatus {
  const { exported, begun, side, theirs } = facts
  const why = begun ? facts.why : undefined
  const [outbound, inbound] = [outboundOf(facts, why), inboundOf(facts, why)]
  const reached = !begun || (why && !waits(facts)) ? undefined : why ? 'device' : editReached(facts)
  const hasMirror = begun && (theirs !== 'none' || (side === 'partner' && why === undefined))
  return {
    state: !begun ? (isError(exported) ? 'failed' : 'exporting') : why ? 'ended' : stateOf(outbound, inbound, reached),
    why,
    outbound,
    inbound,
    reached,
    mirror: !hasMirror ? undefined : why ? 'frozen' : theirs === 'none' ? 'waiting' : 'live',
  }
}

/** Whether an edit was made that the end kept from leaving. */
const waits = ({ edit, reached }: ShareFacts): boolean => edit === 'since' && reached === 'device'

function outboundOf(facts: ShareFacts, why: Why | undefined): OutboundStatus | undefined {
  const { exported, begun, edit, reached, hindrance } = facts
  if (!begun) return exported
  if (why) {
    if (why.what === 'deleted' && why.by === 'peer') return 'UpdateSubscribeRecordNotFound'
    return ofConnection.has(why.what) && waits(facts) ? 'UpdatePublishConnectionError' : exported
  }
  if (edit === 'none') return exported
  if (hindrance && hinders(hindrance, reached)) return errorsOfPublishing[hindrance]
  if (edit === 'export') return exported
  return reached === 'peer' ? 'UpdateSuccess' : 'UpdateInProgress'
}

/** A value that does not fit is no use wherever it is. What the relay or the peer refuse is overtaken once it has come further. */
function hinders(hindrance: NonNullable<ShareFacts['hindrance']>, reached: ShareFacts['reached']): boolean {
  if (hindrance === 'refused') return reached === 'device'
  return hindrance === 'unread' || hindrance === 'hidden' ? reached !== 'peer' : true
}

function inboundOf({ side, begun, theirs, trouble }: ShareFacts, why: Why | undefined): InboundStatus | undefined {
  if (!begun) return undefined
  const imported = side === 'partner' ? 'ImportSuccess' : undefined
  if (why) return imported
  if (theirs === 'none') return side === 'vendor' ? undefined : trouble ? 'ImportConctExtlRecError' : imported
  if (trouble === 'unreadable') return 'UpdateFieldMapError'
  if (trouble === 'unread') return 'UpdateUnknownError'
  if (trouble === 'differs') return 'UpdateConctExtlRecError'
  return theirs === 'export' ? imported : 'UpdateSuccess'
}

/** How far the latest own edit has come. What was not edited since the export is in the copy: none of it is on its way, also where its doc is begun anew. */
function editReached({ edit, reached }: ShareFacts): ShareFacts['reached'] | undefined {
  return edit === 'since' || (edit === 'export' && reached === 'peer') ? reached : undefined
}

function stateOf(
  outbound: OutboundStatus | undefined,
  inbound: InboundStatus | undefined,
  reached: ShareStatus['reached'],
): ShareView['state'] {
  if (isError(outbound) || isError(inbound)) return 'stuck'
  return reached === undefined || reached === 'peer' ? 'current' : 'sending'
}

function isError(status: OutboundStatus | InboundStatus | undefined): boolean {
  return status?.endsWith('Error') === true
}
