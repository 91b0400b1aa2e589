import * as Y from 'yjs'
import { rootName } from './update-reader.js'

/**
 * A doc is one flat Y.Map from slot to sealed bytes. It is loaded only for as long as one function runs: what is kept, at the relay as at a
 * device, are its bytes.
 */
export type SealedSlots = ReadonlyMap<string, Uint8Array>

// Y.Doc draws a random guid (and its options object) for each doc, which costs more than everything else in it; nothing here uses guids.
const guid = 'entente'

/** A loaded doc. `session` becomes its client id after loading, because Yjs redraws an id that it finds in use (rule DC2). */
export function loadDoc(states: readonly Uint8Array[], session?: number): Y.Doc {
  const doc = new Y.Doc({ guid })
  // In one transaction, as what Yjs does at the end of each costs as much as the update itself.
  doc.transact(() => {
    for (const state of states) Y.applyUpdate(doc, state)
  })
  if (session !== undefined) doc.clientID = session
  return doc
}

/** What a doc's slots hold. */
export function readSlots(doc: Y.Doc): SealedSlots {
  const slots = new Map<string, Uint8Array>()
  doc.getMap(rootName).forEach((value, slot) => {
    if (value instanceof Uint8Array) slots.set(slot, value)
  })
  return slots
}

/** Sets slots in one transaction and gives that transaction's own update: the few bytes to publish (rule DC3). */
export function writeSlots(doc: Y.Doc, changes: SealedSlots): Uint8Array {
  let update: Uint8Array | undefined
  const keep = (bytes: Uint8Array): void => {
    update = bytes
  }
  doc.on('update', keep)
  doc.transact(() => {
    const map = doc.getMap(rootName)
    for (const [slot, value] of changes) map.set(slot, value)
  })
  doc.off('update', keep)
  return update ?? emptyDoc
}

/** The bytes of a doc that begins with these slots. */
export function createDoc(slots: SealedSlots, session: number): Uint8Array {
  return slots.size === 0 ? emptyDoc : writeSlots(loadDoc([], session), slots)
}

/** One doc out of a state and the updates after it, as load and encode: dead values go, which merging would keep. */
export function compactDoc(states: readonly Uint8Array[]): Uint8Array {
  return Y.encodeStateAsUpdate(loadDoc(states))
}

/** A doc with nothing in it. */
export const emptyDoc: Uint8Array = new Uint8Array([0, 0])

/** The state vector of admitted bytes. */
export function vectorOfDoc(state: Uint8Array): ReadonlyMap<number, number> {
  return Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state))
}
