import type { Device } from './device.js'
import { docSlots } from './docs.js'
import type { Feed } from './names.js'
import type { Stored } from './store.js'

const known = new WeakMap<Uint8Array, string>()

/** The leaf of a key: over the live seals of its doc, over its tombstone's seal, or over its message. */
export function leafOf(stored: Stored): string {
  let leaf = known.get(stored.bytes)
  if (leaf === undefined) {
    const slots = stored.kind === 'doc' ? docSlots(stored.bytes) : new Map([[stored.kind, stored.bytes]])
    leaf = [...slots]
      .map(([slot, bytes]) => `${slot}=${bytes.join('.')}`)
      .sort()
      .join(' ')
    known.set(stored.bytes, leaf)
  }
  return leaf
}

/** The leaves of a feed as this device holds it. */
export function leavesOf(device: Device, feed: Feed): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>()
  for (const [key, stored] of device.docs(feed)) if (stored.kind !== 'none' && isCovered(key)) leaves.set(key, leafOf(stored))
  return leaves
}

/** A head covers all but the messages by which feeds are repaired. */
export function isCovered(key: string): boolean {
  return !key.startsWith('leaves') && !key.startsWith('back')
}

export function rootOf(device: Device, feed: Feed): string {
  return [...leavesOf(device, feed)]
    .map((leaf) => leaf.join(' '))
    .sort()
    .join('\n')
}
