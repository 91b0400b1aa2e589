import { compareStamps, existenceSlot } from '@entente/protocol'
import { isAbove } from '../row/row.js'
import { type DesiredState, desiredStateAt } from './desired-state.js'
import type { FeedKey } from './feed-key.js'
import { bringsKeys, type FeedRole, feedRoleOf } from './feed-role.js'
import type { DisabledRule, ReplicaContext } from './replica-context.js'
import type { RowsView } from './rows-view.js'
import { type DocHead, type Head, heldOf, registersOf } from './stored.js'

/**
 * What must be published so that the relay has the desired state. `begin` publishes a doc as a whole under a new epoch, `update` adds to the doc that is
 * there; `project` carries out what is decided here. `wait` means that the relay's copy has not been read.
 */
export type Need = 'none' | 'wait' | 'message' | 'erase' | 'begin' | 'update'

/** The desired state under a feed key, and what the relay's copy lacks of it. */
export interface Comparison {
  readonly feedRole: FeedRole
  readonly desired: DesiredState
  readonly need: Need
}

/** Compares the desired state under a feed key of an own feed, by these rows, with the relay's copy. */
export function compareAt(context: ReplicaContext, feedKey: FeedKey, rows: RowsView, head: Head | undefined): Comparison | undefined {
  const feedRole = feedRoleOf(feedKey.feed, context.org, rows)
  if (!feedRole?.own) return undefined
  const desired = desiredStateAt(feedRole, feedKey.address, rows, context.deciding)
  const need = needOf(desired, head, context.disabledRules, isOutdated(context, feedRole, feedKey, head))
  // What is held may be above the row's (rule RT6).
  return { feedRole, desired, need: heldOf(head) && need !== 'none' ? 'wait' : need }
}

/** Whether the relay's copy is sealed under earlier keys than the org has now: it is published again (rule RT12). */
function isOutdated({ sealer }: ReplicaContext, feedRole: FeedRole, { key }: FeedKey, head: Head | undefined): boolean {
  const present = sealer.generationOf(feedRole)
  if (present === 0 || !head || head.kind === 'head' || !head.leaf || bringsKeys(key)) return false
  return (head.generation ?? 0) < present
}

/**
 * Compares the desired state with the relay's copy (rules DF1 to DF4).
 *
 * @param disabledRules rules that a test disables
 * @param outdated whether the relay's copy is sealed under earlier keys
 */
export function needOf(
  desired: DesiredState,
  head: Head | undefined,
  disabledRules: ReadonlySet<DisabledRule> = new Set(),
  outdated = false,
): Need {
  switch (desired.kind) {
    case 'nothing':
      return 'none'
    case 'erased':
      if (!head && disabledRules.has('tombstones')) return 'none'
      // One below is another device's: it would not keep what comes later than it, and before this one, from being said.
      return head?.kind === 'erased' && !head.lost && !outdated && !isAbove(desired.register, head.exists) ? 'none' : 'erase'
    case 'message':
    case 'control':
      return head && 'stamp' in head && !head.lost && !outdated && compareStamps(desired.register[0], head.stamp) <= 0 ? 'none' : 'message'
    case 'doc':
      return needOfDoc(desired, head, !disabledRules.has('defer'), outdated)
  }
}

function needOfDoc(desired: Extract<DesiredState, { kind: 'doc' }>, head: Head | undefined, defer: boolean, outdated: boolean): Need {
  const isEmpty = Object.keys(desired.registers).length === 0
  // Where the relay says that it is not shared, the other org is to hear that it is again, also of a copy that nobody has edited.
  if (head?.kind === 'erased' && isAbove(desired.exists, head.exists)) return 'begin'
  if (head?.kind !== 'doc') return desired.begun && !isEmpty ? 'begin' : 'none'
  // A version that this device does not know yet is left alone. An earlier one is replaced, by an empty doc where nothing is left.
  if (head.epoch.version > desired.version) return 'none'
  if (head.epoch.version < desired.version) return 'begin'
  // Its registers are not known yet, so any of them may be above the row's.
  if (head.deferred && defer) return 'wait'
  // A slot that was withdrawn leaves the relay only with a doc that never had it (rule WD3).
  if (head.lost || outdated || hasWithdrawn(desired, head)) return 'begin'
  if (slotsAbove(desired, head).length === 0) return 'none'
  return head.mostlyDead ? 'begin' : 'update'
}

function hasWithdrawn({ slots }: Extract<DesiredState, { kind: 'doc' }>, head: DocHead): boolean {
  return slots !== undefined && Object.keys(registersOf(head)).some((slot) => !slots.has(slot))
}

/** The slots, or the fields of a team's doc, whose register is above that of the doc, the one of its existence among them. */
export function slotsAbove(
  { registers, exists }: Pick<Extract<DesiredState, { kind: 'doc' }>, 'registers' | 'exists'>,
  head: Pick<DocHead, 'registers' | 'exists'>,
): readonly string[] {
  const known = registersOf(head)
  const slots = Object.keys(registers).filter((slot) => {
    const register = registers[slot]
    return register !== undefined && isAbove(register, Object.hasOwn(known, slot) ? known[slot] : undefined)
  })
  return isAbove(exists, head.exists) ? [...slots, existenceSlot] : slots
}
