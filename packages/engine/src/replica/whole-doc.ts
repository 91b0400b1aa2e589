import { loadDoc, readSlots, type SealedSlots } from '@entente/protocol'
import * as Y from 'yjs'

/**
 * What the slots of an admitted whole doc hold, read from its items where they alone tell it: loading a doc costs more than all else that is done
 * with it when thousands arrive. Each slot of an honest doc is one chain of items whose last is the value; where a slot has two beginnings (only
 * a writer that ignores its own doc makes that) Yjs itself decides.
 *
 * @param bytes admitted by `admitUpdate` against the empty vector
 */
export function readWholeDoc(bytes: Uint8Array): SealedSlots {
  const { structs, ds } = Y.decodeUpdate(bytes)
  const slots = new Map<string, Uint8Array>()
  if (ds.clients.size > 0) return readSlots(loadDoc([bytes]))
  for (const item of structs) {
    const slot = item instanceof Y.Item ? item.parentSub : null
    const content: unknown = item instanceof Y.Item ? item.content : undefined
    if (slot === null || !(content instanceof Y.ContentBinary) || slots.has(slot)) return readSlots(loadDoc([bytes]))
    slots.set(slot, content.content)
  }
  return slots
}
