import {
  admitAfter,
  type Admitted,
  admitUpdate,
  emptyVector,
  limits,
  loadDoc,
  ProtocolError,
  readSlots,
  type SealedSlots,
} from '@entente/protocol'
import * as Y from 'yjs'
import type { StoredDoc } from './stored.js'

/** A doc's bytes with an update in them. */
export interface Joined {
  readonly state: Uint8Array
  /** All slots of the doc. */
  readonly slots: SealedSlots
  /** The slots that the update set. */
  readonly changed: SealedSlots
  /** Whether the dead bytes outweigh the live ones (rule EP5). */
  readonly mostlyDead: boolean
}

/**
 * Checks an update as the relay does (rule AB4), and joins it to the doc's bytes.
 *
 * @param base undefined where the update is a whole doc
 * @param slots the names that slots may have, where they are limited
 */
export function joinUpdate(
  base: Pick<StoredDoc, 'state' | 'deferred'> | undefined,
  bytes: Uint8Array,
  slots: ReadonlySet<string> | undefined,
): Joined | ProtocolError {
  try {
    if (!base) {
      const admitted = admitUpdate(bytes, emptyVector, slots)
      return wholeDoc(admitted.bytes, readWholeDoc(admitted), admitted.items.length)
    }
    const admitted = admitAfter(base.state, bytes, slots)
    const doc = loadDoc([])
    // One transaction for both, as in `loadDoc`.
    const before = doc.transact(() => {
      Y.applyUpdate(doc, base.state)
      const slotsBefore = readSlots(doc)
      Y.applyUpdate(doc, admitted.bytes)
      return slotsBefore
    })
    const after = readSlots(doc)
    // Yjs gives the same bytes as long as nobody sets a slot. Of a deferred doc no slot has been read yet.
    const changed = new Map([...after].filter(([slot, value]) => base.deferred || before.get(slot) !== value))
    const state = Y.encodeStateAsUpdate(doc)
    return { state, slots: after, changed, mostlyDead: isMostlyDead(state.length, after, admitted.itemsOfDoc) }
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

/** A doc that nothing came before. @param items how many it has: one for each slot where nothing in it was overwritten */
export function wholeDoc(state: Uint8Array, slots: SealedSlots, items: number = slots.size): Joined {
  return { state, slots, changed: slots, mostlyDead: isMostlyDead(state.length, slots, items) }
}

/**
 * Reads the slots of a whole doc from its items, where these alone tell them: loading a doc costs more than all other work on it when thousands arrive.
 * A doc that never overwrote anything is one item per slot. Any other doc is loaded.
 *
 * @param admitted by `admitUpdate` against the empty vector
 */
function readWholeDoc({ bytes, items, deletes }: Admitted): SealedSlots {
  const slots = new Map<string, Uint8Array>()
  for (const { slot, value } of items) {
    if (deletes || slot === undefined || value === undefined || slots.has(slot)) return readSlots(loadDoc([bytes]))
    slots.set(slot, value)
  }
  return slots
}

/** Bytes that a doc may have beside its live values before a new epoch is worth it: those of some 20 page loads. */
const deadAllowance = 640

/** A doc grows by 32 bytes with every page load that writes, and by 8 with every overwrite. At some point a new epoch is smaller (rule EP5). */
function isMostlyDead(length: number, slots: SealedSlots, items: number): boolean {
  if (items > limits.itemsPerDoc / 2) return true
  let live = 0
  for (const [slot, value] of slots) live += value.length + slot.length + 24
  return length - live > Math.max(live, deadAllowance)
}
