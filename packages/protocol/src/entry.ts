import * as decoding from 'lib0/decoding'
import { bytes, decode, flag, type Infer, lentBytes, oneOf, struct, text, uint } from './codec.js'
import { epoch } from './epoch.js'
import { type Key, parseKey } from './id.js'
import { limits } from './limits.js'

/**
 * The kinds of entries:
 * - `doc`: a Yjs update (V1). With `whole` it is a full doc, which replaces what the key held.
 * - `message`: sealed bytes. The latest one of a key replaces the one before.
 * - `control`: a message with a public copy for the relay to read: a policy or a roster.
 * - `erased`: the tombstone of an erased key. Its bytes are a seal: of the existence register in a feed of docs, of null in a feed of messages.
 * - `head`: what a device of the owner signs about all that stands before it in the feed (rule HD1).
 */
export const entryKinds = ['doc', 'message', 'control', 'erased', 'head'] as const
export type EntryKind = (typeof entryKinds)[number]

/** The wire format of a key. */
export const key = text<Key>(limits.keyBytes, parseKey)

const head = {
  key,
  kind: oneOf(entryKinds),
  /** True for a doc that replaces its predecessor: a new epoch, or a merged state in a catch-up. Always true for the other kinds. */
  whole: flag,
  epoch,
}

/** An entry of a feed as readers receive it. `sequence` counts the feed's entries, from 1. */
export const entry = struct({ sequence: uint, ...head, bytes: bytes(limits.entryBytes) })
export type Entry = Infer<typeof entry>

/** An entry as it stands on the wire. A store may keep it so, and readers get it without anybody taking it apart. */
export interface WireEntry {
  readonly sequence: number
  readonly wire: Uint8Array
}

type EntryHead = Omit<Entry, 'bytes'>

/** Writes the part of an entry's wire format that stands before its bytes, their length included. */
export function encodeEntryHead(one: EntryHead, length: number): Uint8Array {
  const head = new Uint8Array(mostOfHead(one))
  return head.subarray(0, putHead(head, 0, one, length))
}

/** Writes entries one after the other. By hand, like their heads: a relay does it for each update. */
export function encodeAll(some: readonly (Entry | WireEntry)[]): Uint8Array {
  let most = 0
  for (const one of some) most += 'wire' in one ? one.wire.length : mostOfHead(one) + one.bytes.length
  const all = new Uint8Array(most)
  let at = 0
  for (const one of some) {
    if (!('wire' in one)) at = putHead(all, at, one, one.bytes.length)
    const bytes = 'wire' in one ? one.wire : one.bytes
    all.set(bytes, at)
    at += bytes.length
  }
  return all.subarray(0, at)
}

const mostOfHead = ({ key: name }: EntryHead): number => mostOfNumber * 5 + name.length + 2

/** @returns where the next begins */
function putHead(bytes: Uint8Array, start: number, { sequence, key: name, kind, whole, epoch: at }: EntryHead, length: number): number {
  let end = putNumber(bytes, putNumber(bytes, start, sequence), name.length)
  // A key is ASCII.
  for (let index = 0; index < name.length; index++) bytes[end++] = name.charCodeAt(index)
  bytes[end++] = entryKinds.indexOf(kind)
  bytes[end++] = whole ? 1 : 0
  return putNumber(bytes, putNumber(bytes, putNumber(bytes, end, at.version), at.number), length)
}

/** The bytes of the largest number: seven bits in each. */
const mostOfNumber = 8

function putNumber(bytes: Uint8Array, start: number, value: number): number {
  let [at, left] = [start, value]
  while (left > 0x7f) {
    bytes[at++] = 0x80 | (left & 0x7f)
    left = Math.floor(left / 0x80)
  }
  bytes[at++] = left
  return at
}

/** Steps over the part of an entry that `encodeEntryHead` wrote. @returns the entry's sequence, and the length of the bytes that follow */
export function skipEntryHead(decoder: decoding.Decoder): readonly [sequence: number, length: number] {
  const sequence = decoding.readVarUint(decoder)
  const keyLength = decoding.readVarUint(decoder)
  // The key, the kind and the flag, of a byte each.
  decoder.pos += keyLength + 2
  decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  return [sequence, decoding.readVarUint(decoder)]
}

/** An entry in parts. @throws ProtocolError as `decode` does */
export function entryOf(one: Entry | WireEntry): Entry {
  return 'wire' in one ? decode(entry, one.wire) : one
}

/**
 * An entry as a device offers it (rule PB1). `id` is the session's own number for the offer. `seen` is the sequence of the key's last entry that the
 * device has absorbed, 0 for none. A decoded offer's bytes are a view of its frame: copy them to keep them longer than the frame.
 */
export const offer = struct({ id: uint, seen: uint, ...head, bytes: lentBytes(limits.entryBytes) })
export type Offer = Infer<typeof offer>
