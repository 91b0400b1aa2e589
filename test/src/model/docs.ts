import { admitUpdate, compactDoc, emptyVector, loadDoc, readSlots, type SealedSlots, vectorOfDoc } from '@entente/protocol'

// A doc's bytes never change, and every device of a run joins the same bytes: what was worked out once is kept with them.
const slotsKnown = new WeakMap<Uint8Array, SealedSlots>()
const joinsKnown = new WeakMap<Uint8Array, WeakMap<Uint8Array, Uint8Array | typeof refused>>()
const refused = Symbol('refused')
const nothing = new Uint8Array()

/** The sealed bytes of each slot of a doc. */
export function docSlots(bytes: Uint8Array): SealedSlots {
  let slots = slotsKnown.get(bytes)
  if (!slots) {
    slots = readSlots(loadDoc([bytes]))
    slotsKnown.set(bytes, slots)
  }
  return slots
}

/** The doc with an update, or a whole doc without a base. @returns undefined where admission refuses the update */
export function joinDoc(base: Uint8Array | undefined, update: Uint8Array): Uint8Array | undefined {
  const joins = joinsKnown.get(base ?? nothing) ?? new WeakMap<Uint8Array, Uint8Array | typeof refused>()
  joinsKnown.set(base ?? nothing, joins)
  let state = joins.get(update)
  if (!state) {
    state = admits(base, update) ? (base ? compactDoc([base, update]) : update) : refused
    joins.set(update, state)
  }
  return state === refused ? undefined : state
}

/** What the relay keeps of a doc: its entries' bytes, the first of which is whole. All of them were admitted. */
export function stateOf([first = nothing, ...updates]: readonly Uint8Array[]): Uint8Array {
  return updates.reduce((state, update) => joinDoc(state, update) ?? state, first)
}

function admits(base: Uint8Array | undefined, update: Uint8Array): boolean {
  try {
    admitUpdate(update, base ? vectorOfDoc(base) : emptyVector, undefined)
    return true
  } catch {
    return false
  }
}
