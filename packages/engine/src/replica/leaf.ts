import { sha256 } from '@noble/hashes/sha2.js'
import type { EntryKind, Key } from '@entente/protocol'
import * as encoding from 'lib0/encoding'

/** The hash over what a key of a feed holds: 32 bytes. */
export type Leaf = Uint8Array

/**
 * The leaf of a key (rule HD3).
 *
 * @param slots a doc's sealed bytes by slot
 */
export function leafOfDoc(key: Key, slots: ReadonlyMap<string, Uint8Array>): Leaf {
  const encoder = begin(key, 'doc')
  for (const slot of [...slots.keys()].sort()) {
    encoding.writeVarString(encoder, slot)
    encoding.writeVarUint8Array(encoder, slots.get(slot) ?? nothing)
  }
  return sha256(encoding.toUint8Array(encoder))
}

/** The leaf of a key that holds no doc, over the bytes of its entry (rule HD3). */
export function leafOfBytes(key: Key, kind: Exclude<EntryKind, 'doc' | 'head'>, bytes: Uint8Array): Leaf {
  const encoder = begin(key, kind)
  encoding.writeUint8Array(encoder, bytes)
  return sha256(encoding.toUint8Array(encoder))
}

const nothing = new Uint8Array()

function begin(key: Key, kind: EntryKind): encoding.Encoder {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, key)
  encoding.writeVarString(encoder, kind)
  return encoder
}
