import { sha256 } from '@noble/hashes/sha2.js'
import type { EntryKind, Key } from '@entente/protocol'

/** The hash over what a key of a feed holds. */
export type Leaf = Uint8Array

/** The bytes of a leaf. */
export const leafBytes = 16
/**
 * The bytes of a seal that stand for all of it: its generation and most of its nonce, which follows from the place and the value (rule OR1). A seal is always
 * longer.
 */
const mostOfSeal = 17
/** Keys and slots are shorter. */
const most = 255

/**
 * The leaf of a key (rule HD3).
 *
 * @param slots a doc's sealed bytes by slot
 */
export function leafOfDoc(key: Key, slots: ReadonlyMap<string, Uint8Array>): Leaf {
  const names = [...slots.keys()].sort()
  let length = key.length + 2 + docKind.length
  for (const name of names) length += name.length + 1 + mostOfSeal
  if (length > room.length) room = new Uint8Array(2 * length)
  const bytes = room
  let at = putText(bytes, putText(bytes, 0, key), docKind)
  for (const name of names) {
    at = putText(bytes, at, name)
    const seal = slots.get(name) ?? nothing
    for (let index = 0; index < mostOfSeal; index++) bytes[at++] = seal[index] ?? 0
  }
  return hashOfLeaf(bytes.subarray(0, at))
}

/** The leaf of a key that holds no doc, over the bytes of its entry (rule HD3). */
export function leafOfBytes(key: Key, kind: Exclude<EntryKind, 'doc' | 'head'>, content: Uint8Array): Leaf {
  const bytes = new Uint8Array(key.length + kind.length + 2 + content.length)
  const at = putText(bytes, putText(bytes, 0, key), kind)
  bytes.set(content, at)
  return hashOfLeaf(bytes)
}

/** The first bytes of SHA-256: all leaves of a feed are hashed once more, by buckets, and that takes as long as they are. */
function hashOfLeaf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).slice(0, leafBytes)
}

const docKind: EntryKind = 'doc'
const nothing = new Uint8Array()
/** Where what a leaf hashes is put together. It is used again, because every entry needs it. */
let room = new Uint8Array(1_024)

/** Writes a text of ASCII with its length before it: keys and names of slots are nothing else. @returns where the next begins */
function putText(bytes: Uint8Array, start: number, text: string): number {
  let at = start
  bytes[at++] = Math.min(text.length, most)
  for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index)
  return at
}
