import { existenceSlot, loadDoc, readSlots } from '@entente/protocol'
import { isAbove, type Register } from '../row/row.js'
import type { Told } from './known.js'
import { type Above, type Head, type Known, registersOf, type Seal, type StoredDoc, type StoredErasure } from './stored.js'

// A peer's doc may be known here with more than the relay has: the relay and the doc's owner both came back from a backup. For that the reader keeps the seals of
// what stands above the relay's copy. There are none as long as nobody goes back.

export const nothingAbove: Above = {}
const noSlots: readonly string[] = []

/**
 * The slots whose known register stands above the relay's copy after an entry.
 *
 * @param present what was stored before it
 * @param by a whole doc or an erasure says all that the relay has, and an erasure leaves no value; an update leaves the rest as it was
 */
export function slotsAbove(
  present: Known & Above,
  known: Known,
  { version, registers, exists }: Told,
  by: 'whole' | 'update' | 'erased',
): readonly string[] {
  // A version begins with nothing, unless what came first is an erasure below what is known.
  if ((version > present.floor && version === known.floor) || !present.exists) return noSlots
  // An entry of an earlier version tells nothing of this one.
  const isTold = version === known.floor
  let above: string[] | undefined
  const look = (slot: string, seen: Register | undefined, told: Register | undefined): void => {
    if (!seen || (isTold && told ? !isAbove(seen, told) : by === 'update' && !present.above?.includes(slot))) return
    above ??= []
    above.push(slot)
  }
  look(existenceSlot, known.exists, exists)
  if (!isTold || known.version === version)
    for (const [slot, register] of Object.entries(registersOf(known))) look(slot, register, registers[slot])
  return above ?? noSlots
}

/** The seals of slots, as far as they are stored. @param stored with its bytes */
export function sealsOf(stored: StoredDoc | StoredErasure, slots: readonly string[]): Readonly<Record<string, Seal>> {
  const { epoch, seals } = stored
  const state = stored.kind === 'doc' && stored.state.length > 0 ? readSlots(loadDoc([stored.state])) : undefined
  const found: Record<string, Seal> = {}
  for (const slot of slots) {
    const [kept, bytes] = [seals?.[slot], state?.get(slot)]
    if (kept) found[slot] = kept
    else if (bytes) found[slot] = { epoch, bytes }
  }
  return found
}

/** The slots of a key of a peer's feed that its owner may have lost: those above the relay's copy, and all where the relay has no copy any more. */
export function slotsToHandBack(head: Head): readonly string[] {
  if ((head.kind !== 'doc' && head.kind !== 'erased') || !head.exists) return noSlots
  const isGone = head.lost && !head.leaf
  // Of a record that the owner says is not shared, first whether it is.
  if (head.kind === 'erased') return isGone || head.above?.includes(existenceSlot) ? [existenceSlot] : noSlots
  if (head.deferred) return noSlots
  return isGone ? [existenceSlot, ...Object.keys(registersOf(head))] : (head.above ?? noSlots)
}
