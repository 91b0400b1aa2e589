import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import type { Update, UpdateItem } from './update-reader.js'

// Every update follows everything before it, so the items of a slot are one chain. Where several begin a slot, or follow the same item, Yjs compares each with all others: one
// entry of such items would keep whoever loads it busy for seconds.

/**
 * Refuses updates whose items do not form one chain in each slot (rule AD11).
 *
 * @param updates of one doc, in their order, from its beginning
 * @throws ProtocolError FRAME; SIZE for more items than an honest history has
 */
export function refuseForks(updates: readonly Pick<Update, 'items'>[]): void {
  // The owner begins a doc anew at half of the limit.
  const count = updates.reduce((sum, { items }) => sum + items.length, 0)
  if (count > 2 * limits.itemsPerDoc) throw new ProtocolError('SIZE', `A doc has more than ${2 * limits.itemsPerDoc} items.`)
  const begun = new Set<string>()
  const followed = new Map<number, Set<number>>()
  const runs = new Map<number, UpdateItem[]>()
  for (const { items } of updates) {
    for (const item of items) {
      const { client, length, origin, slot } = item
      if (length > 1) put(runs, client, () => []).push(item)
      if (origin) {
        const clocks = put(followed, origin.client, () => new Set<number>())
        if (clocks.has(origin.clock)) refuseFork()
        clocks.add(origin.clock)
      } else if (slot !== undefined) {
        if (begun.has(slot)) refuseFork()
        begun.add(slot)
      }
    }
  }
  // In a run of deleted values, each but the last is followed by the next.
  for (const [client, ofClient] of runs) {
    const inside = [...(followed.get(client) ?? [])].toSorted((one, other) => one - other)
    let at = 0
    for (const { clock, length } of ofClient.toSorted((one, other) => one.clock - other.clock)) {
      while (at < inside.length && (inside[at] ?? 0) < clock) at++
      if (at < inside.length && (inside[at] ?? 0) < clock + length - 1) refuseFork()
    }
  }
}

function put<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function refuseFork(): never {
  throw new ProtocolError('FRAME', 'Two items begin the same slot, or follow the same item.')
}
