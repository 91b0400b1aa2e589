import { sha256 } from '@noble/hashes/sha2.js'
import type { Key } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { Leaf } from './leaf.js'

/** The buckets of a feed. After one change a bucket and the root are hashed again, and not every leaf. */
export const bucketCount = 256
const hashBytes = 32

interface Bucket {
  /** In order. */
  readonly keys: Key[]
  /** The leaf of each key. */
  readonly leaves: Leaf[]
  /** Undefined after a change. */
  hash: Uint8Array | undefined
}

/** The leaves of one feed, and the root over them (rule HD3). */
export class LeafTree {
  /** By index; those that are empty do not exist. */
  readonly #buckets = new Map<number, Bucket>()
  #root: string | undefined

  /** Sets the leaf of a key, or takes it away. */
  set(key: Key, leaf: Leaf | undefined): void {
    const index = bucketOf(key)
    let bucket = this.#buckets.get(index)
    if (!bucket) this.#buckets.set(index, (bucket = { keys: [], leaves: [], hash: undefined }))
    const { keys, leaves } = bucket
    const at = placeOf(keys, key)
    if (keys[at] === key) {
      if (leaf) leaves[at] = leaf
      else {
        keys.splice(at, 1)
        leaves.splice(at, 1)
      }
    } else if (leaf) {
      keys.splice(at, 0, key)
      leaves.splice(at, 0, leaf)
    } else return
    bucket.hash = undefined
    this.#root = undefined
  }

  /** The hash over all leaves, base64url. */
  root(): string {
    return (this.#root ??= toBase64UrlEncoded(sha256(this.hashes())))
  }

  /** The hashes of the buckets, one after the other; zeros for one that is empty. */
  hashes(): Uint8Array {
    const all = new Uint8Array(bucketCount * hashBytes)
    for (const [index, bucket] of this.#buckets)
      if (bucket.keys.length > 0) all.set((bucket.hash ??= hashOf(bucket.leaves)), index * hashBytes)
    return all
  }

  /** The keys of a bucket with their leaves, in the order of the keys. */
  *leavesIn(index: number): Iterable<readonly [Key, Leaf]> {
    const bucket = this.#buckets.get(index)
    for (const [at, key] of bucket?.keys.entries() ?? []) {
      const leaf = bucket?.leaves[at]
      if (leaf) yield [key, leaf]
    }
  }
}

/** The bucket of a key: the lowest byte of its 32-bit FNV-1a hash. */
export function bucketOf(key: Key): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return hash & 0xff
}

function hashOf(leaves: readonly Leaf[]): Uint8Array {
  const all = new Uint8Array(leaves.length * hashBytes)
  leaves.forEach((leaf, index) => all.set(leaf, index * hashBytes))
  return sha256(all)
}

/** Where a key stands among keys in order, or would stand. */
function placeOf(keys: readonly Key[], key: Key): number {
  const last = keys.at(-1)
  // Keys come in order from the store.
  if (last === undefined || last < key) return keys.length
  let [from, to] = [0, keys.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((keys[middle] ?? '') < key) from = middle + 1
    else to = middle
  }
  return from
}
