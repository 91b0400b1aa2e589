import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import type { Update } from './update-reader.js'

// Every update follows everything before it, so the items of a slot are one chain. Where several begin a slot, or follow the same item, Yjs compares each with all others: one
// entry of such items would keep whoever loads it busy for seconds.

/**
 * Refuses updates whose items do not form one chain in each slot (rule AD11).
 *
 * @param updates of one doc, in their order, from its beginning
 * @throws ProtocolError FRAME; SIZE for more items than an honest history has, whose owner begins a doc anew at half of the limit
 */
export function refuseForks(updates: readonly Pick<Update, 'items'>[]): void {
  const items = updates.flatMap((update) => update.items)
  if (items.length > 2 * limits.itemsPerDoc) throw new ProtocolError('SIZE', 'A doc has too many items.')
  // In a run of deleted values, each but the last is followed by the next.
  const runs = items.filter(({ length }) => length > 1)
  const places = new Set<string>()
  for (const { origin, slot } of items) {
    places.add(origin ? `${origin.client} ${origin.clock}` : `/${slot}`)
    for (const { client, clock, length } of origin ? runs : []) {
      if (origin?.client === client && origin.clock >= clock && origin.clock < clock + length - 1) refuseFork()
    }
  }
  if (places.size < items.length) refuseFork()
}

function refuseFork(): never {
  throw new ProtocolError('FRAME', 'Two items begin the same slot, or follow the same item.')
}
