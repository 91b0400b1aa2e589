import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { refuseForks } from './chains.js'
import { readUpdate, rootName } from './update-reader.js'

/**
 * The content of a doc: sealed bytes by slot (rule DC1). A Y.Doc is loaded only while one function runs. The relay and the devices keep the doc's
 * bytes alone.
 */
export type SealedSlots = ReadonlyMap<string, Uint8Array>

/** The reserved slot of a doc's existence: whether its record is shared. The relay admits it beside the agreed slots (rule ER1). */
export const existenceSlot = 'e'

// Without it Y.Doc draws a random guid, which costs more than everything else in creating a doc. Nothing here uses guids.
const guid = 'entente'

/** Below so many bytes no history of a doc takes long to load, not even one that is no chain. */
const harmlessBytes = 4 * 1024

/**
 * Loads a doc from its state and updates. The bytes must have been admitted.
 *
 * @param states the doc's state and the updates after it, in Yjs format V1
 * @param session the client id for edits of this page load. It is set after loading, because Yjs replaces an id that it finds in use (rule DC2).
 * @throws ProtocolError FRAME for updates that are no chain together, which admission alone does not see (rule AD11)
 */
export function loadDoc(states: readonly Uint8Array[], session?: number): Y.Doc {
  if (states.reduce((sum, { length }) => sum + length, 0) > harmlessBytes) refuseForks(states.map(readUpdate))
  const doc = new Y.Doc({ guid })
  // One transaction for all: what Yjs does at the end of each costs as much as an update itself.
  doc.transact(() => {
    for (const state of states) Y.applyUpdate(doc, state)
  })
  if (session !== undefined) doc.clientID = session
  return doc
}

/** Reads the sealed bytes of each slot. */
export function readSlots(doc: Y.Doc): SealedSlots {
  const slots = new Map<string, Uint8Array>()
  doc.getMap(rootName).forEach((value, slot) => {
    if (value instanceof Uint8Array) slots.set(slot, value)
  })
  return slots
}

/** Sets slots in one transaction. @returns that transaction's own update, in format V1: the few bytes to publish (rule DC3) */
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

/** What Yjs writes before an item that sets a key of a map for the first time: bytes as its content, and a key. */
const firstOfSlot = 0x23

/**
 * Creates the bytes of a new doc with these slots, written under the client id `session`. They are what Yjs makes of a doc in which each slot is set once. It would
 * take longer for that than all seals do, and an import creates thousands.
 */
export function createDoc(slots: SealedSlots, session: number): Uint8Array {
  if (slots.size === 0) return emptyDoc
  const encoder = encoding.createEncoder()
  // One client, with so many items from its clock 0 on.
  for (const number of [1, slots.size, session, 0]) encoding.writeVarUint(encoder, number)
  for (const [slot, value] of slots) {
    encoding.writeUint8(encoder, firstOfSlot)
    // The item's parent is a root.
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, rootName)
    encoding.writeVarString(encoder, slot)
    encoding.writeVarUint8Array(encoder, value)
  }
  // Nothing was deleted.
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

/** Merges a doc's state and updates by loading and encoding, which drops overwritten values. `Y.mergeUpdates` would keep them. */
export function compactDoc(states: readonly Uint8Array[]): Uint8Array {
  return Y.encodeStateAsUpdate(loadDoc(states))
}

/** Whether any of the slots of a doc holds a value. */
export function hasSlot(states: readonly Uint8Array[], slots: ReadonlySet<string>): boolean {
  const map = loadDoc(states).getMap(rootName)
  return [...slots].some((slot) => map.has(slot))
}

/**
 * An update as it would be if some slots of its doc had been emptied: the same items, without those slots' bytes. It follows what comes before it as the update
 * itself does.
 *
 * @param before the doc's state and updates before this one; none for a whole doc
 * @returns `update` itself where the doc has none of these slots
 */
export function withoutSlots(before: readonly Uint8Array[], update: Uint8Array, slots: ReadonlySet<string>): Uint8Array {
  const doc = loadDoc([...before, update])
  const map = doc.getMap(rootName)
  const present = [...slots].filter((slot) => map.has(slot))
  if (present.length === 0) return update
  doc.transact(() => {
    for (const slot of present) map.delete(slot)
  })
  return before.length === 0 ? Y.encodeStateAsUpdate(doc) : Y.encodeStateAsUpdate(doc, Y.encodeStateVector(loadDoc(before)))
}

/** The bytes of an empty doc. */
export const emptyDoc: Uint8Array = new Uint8Array([0, 0])

/** The state vector of a doc's admitted bytes. */
export function vectorOfDoc(state: Uint8Array): ReadonlyMap<number, number> {
  return Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state))
}
