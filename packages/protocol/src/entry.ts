import { bytes, flag, type Infer, lentBytes, oneOf, struct, text, uint } from './codec.js'
import { epoch } from './epoch.js'
import { type Key, parseKey } from './id.js'
import { limits } from './limits.js'

/**
 * The kinds of entries:
 * - `doc`: a Yjs update (V1). With `whole` it is a full doc, which replaces what the key held.
 * - `message`: sealed bytes. The latest one of a key replaces the one before.
 * - `control`: like a message, but in clear for the relay to read: a policy or a revocation.
 * - `erased`: the tombstone of an erased key. It has no bytes.
 */
export const entryKinds = ['doc', 'message', 'control', 'erased'] as const
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

/**
 * An entry as a device offers it (rule PB1). `id` is the session's own number for the offer. `seen` is the sequence of the key's last entry that the
 * device has absorbed, 0 for none. A decoded offer's bytes are a view of its frame: copy them to keep them longer than the frame.
 */
export const offer = struct({ id: uint, seen: uint, ...head, bytes: lentBytes(limits.entryBytes) })
export type Offer = Infer<typeof offer>
