import { loadDoc, readSlots, type SealedSlots } from '@entente/protocol'

// A doc's bytes never change, and most of a run looks at the same docs again.
const known = new WeakMap<Uint8Array, SealedSlots>()

/** The sealed bytes of each slot of a doc. */
export function docSlots(bytes: Uint8Array): SealedSlots {
  let slots = known.get(bytes)
  if (!slots) {
    slots = readSlots(loadDoc([bytes]))
    known.set(bytes, slots)
  }
  return slots
}
