import { type Admitted, loadDoc, readSlots, type SealedSlots } from '@entente/protocol'

/**
 * What the slots of a whole doc hold, read from its items where they alone tell it: loading a doc costs more than all else that is done with it when
 * thousands arrive. A doc that never overwrote anything is one item per slot; of any other Yjs itself says what it holds.
 *
 * @param admitted by `admitUpdate` against the empty vector
 */
export function readWholeDoc({ bytes, items, deletes }: Admitted): SealedSlots {
  const slots = new Map<string, Uint8Array>()
  for (const { slot, value } of items) {
    if (deletes || slot === undefined || value === undefined || slots.has(slot)) return readSlots(loadDoc([bytes]))
    slots.set(slot, value)
  }
  return slots
}
