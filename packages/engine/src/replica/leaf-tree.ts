import { sha256 } from '@noble/hashes/sha2.js'
import type { Key } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { type Leaf, leafBytes } from './leaf.js'

/** The buckets of a feed. After one change a bucket, its group and the root are hashed again, and not every leaf. */
export const bucketCount = 256
/** The buckets of a group, and the groups. */
const groupSize = 16
const hashBytes = 32
/** How many buckets are hashed ahead in one go: some milliseconds' work for a feed of tens of thousands. */
const bucketsAhead = 16

interface Bucket {
  /** In order. */
  readonly keys: Key[]
  /** The leaf of each key, one after the other, and room for more. */
  leaves: Uint8Array
}

/** The leaves of one feed, and the root over them (rule HD3). */
export class LeafTree {
  /** By index; those that are empty do not exist. */
  readonly #buckets = new Map<number, Bucket>()
  readonly #hashes = new Uint8Array(bucketCount * hashBytes)
  readonly #hashesOfGroups = new Uint8Array(groupSize * hashBytes)
  /** Buckets whose hash is of earlier leaves. */
  readonly #changed = new Set(Array.from({ length: bucketCount }, (_, index) => index))
  /** Groups whose hash is of earlier buckets. */
  readonly #changedGroups = new Set<number>()
  #root = ''

  /** Sets the leaf of a key, or takes it away. */
  set(key: Key, leaf: Leaf | undefined): void {
    const index = bucketOf(key)
    let bucket = this.#buckets.get(index)
    if (!bucket) this.#buckets.set(index, (bucket = { keys: [], leaves: new Uint8Array(fewest) }))
    const at = placeOf(bucket.keys, key)
    const isThere = bucket.keys[at] === key
    if (!leaf && !isThere) return
    if (!leaf) remove(bucket, at)
    else if (isThere) bucket.leaves.set(leaf, at * leafBytes)
    else insert(bucket, at, key, leaf)
    this.#changed.add(index)
  }

  /** The hash over all leaves, base64url. */
  root(): string {
    this.#hashAgain()
    return this.#root
  }

  /** The hashes of the buckets, one after the other; zeros for one that is empty. They are only to be read. */
  hashes(): Uint8Array {
    this.#hashAgain()
    return this.#hashes
  }

  /** The keys of a bucket with their leaves, in the order of the keys. */
  *leavesIn(index: number): Iterable<readonly [Key, Leaf]> {
    const bucket = this.#buckets.get(index)
    if (!bucket) return
    for (const [at, key] of bucket.keys.entries()) yield [key, bucket.leaves.slice(at * leafBytes, (at + 1) * leafBytes)]
  }

  /** Hashes some buckets ahead, so that the root of a large feed is soon there when it is asked for. @returns whether any are left */
  hashAhead(): boolean {
    let left = bucketsAhead
    for (const index of this.#changed) {
      if (left === 0) return true
      if (this.#buckets.has(index)) left--
      this.#hashBucket(index)
    }
    return false
  }

  #hashBucket(index: number): void {
    const bucket = this.#buckets.get(index)
    this.#hashes.set(bucket && bucket.keys.length > 0 ? sha256(leavesOf(bucket)) : emptyBucket, index * hashBytes)
    this.#changed.delete(index)
    this.#changedGroups.add(Math.floor(index / groupSize))
  }

  #hashAgain(): void {
    for (const index of this.#changed) this.#hashBucket(index)
    if (this.#changedGroups.size === 0) return
    const groupBytes = groupSize * hashBytes
    for (const group of this.#changedGroups)
      this.#hashesOfGroups.set(sha256(this.#hashes.subarray(group * groupBytes, (group + 1) * groupBytes)), group * hashBytes)
    this.#root = toBase64UrlEncoded(sha256(this.#hashesOfGroups))
    this.#changedGroups.clear()
  }
}

const emptyBucket = new Uint8Array(hashBytes)
/** The room of a new bucket, in bytes. */
const fewest = 8 * leafBytes

function insert(bucket: Bucket, at: number, key: Key, leaf: Leaf): void {
  const end = bucket.keys.length * leafBytes
  if (end === bucket.leaves.length) {
    const larger = new Uint8Array(2 * end)
    larger.set(bucket.leaves)
    bucket.leaves = larger
  }
  bucket.leaves.copyWithin((at + 1) * leafBytes, at * leafBytes, end)
  bucket.leaves.set(leaf, at * leafBytes)
  bucket.keys.splice(at, 0, key)
}

function remove(bucket: Bucket, at: number): void {
  bucket.leaves.copyWithin(at * leafBytes, (at + 1) * leafBytes, bucket.keys.length * leafBytes)
  bucket.keys.splice(at, 1)
}

const leavesOf = ({ keys, leaves }: Bucket): Uint8Array => leaves.subarray(0, keys.length * leafBytes)

/** The bucket of a key: the lowest byte of its 32-bit FNV-1a hash. */
export function bucketOf(key: Key): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return hash & 0xff
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
