import { bytes, flag, type Infer, lentBytes, oneOf, struct, text, uint } from './codec.js'
import { epoch } from './epoch.js'
import { type Key, parseKey } from './id.js'
import { limits } from './limits.js'

/**
 * What a key of a feed can hold.
 * - `doc`: a Yjs update (V1); with `whole` the doc anew, which replaces what the key held.
 * - `message`: sealed bytes; the latest per key replaces.
 * - `control`: like a message, but for the relay to read: a policy or a revocation.
 * - `erased`: the key is gone; this small tombstone stays.
 */
export const entryKinds = ['doc', 'message', 'control', 'erased'] as const
export type EntryKind = (typeof entryKinds)[number]

export const key = text<Key>(limits.keyBytes, parseKey)

const head = {
  key,
  kind: oneOf(entryKinds),
  /** True for a doc that replaces its predecessor (new epoch, or merged state on catching up); always true for other kinds. */
  whole: flag,
  epoch,
}

/** One entry of a feed as readers get it. */
export const entry = struct({ sequence: uint, ...head, bytes: bytes(limits.entryBytes) })
export type Entry = Infer<typeof entry>

/**
 * One entry as its owner offers it: `id` is the session's own number for this offer, `seen` the sequence of the key's last entry that the
 * device has absorbed, 0 for none (compare and set, rule PB1). Its bytes are a part of the frame that it came in: a relay has done with them once they
 * are on the disk, and copies what is to outlive that.
 */
export const offer = struct({ id: uint, seen: uint, ...head, bytes: lentBytes(limits.entryBytes) })
export type Offer = Infer<typeof offer>
