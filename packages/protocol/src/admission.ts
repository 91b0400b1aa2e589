import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import type { StateVector } from './state-vector.js'
import { readUpdate, type UpdateItem } from './update-reader.js'

/** An update that may enter a doc, and the doc's state vector after it. */
export interface Admitted {
  /** The update itself, which is its own re-encoding. */
  readonly bytes: Uint8Array
  readonly vector: StateVector
  readonly items: readonly UpdateItem[]
  /** Whether it deletes anything, as every overwriting does. */
  readonly deletes: boolean
}

/**
 * Decides whether a Yjs update (V1) may enter a doc, without loading the doc (rules AD1 to AD9). Yjs trusts its input: a few bytes can make it
 * allocate hundreds of megabytes, nest types, or wait for ever for a struct that never comes. So the check is by induction: everything in the
 * doc was admitted before, and every struct of the update must continue exactly there.
 *
 * @param update V1 bytes
 * @param known the doc's state vector; empty for a doc that begins
 * @param slots the allowed slot names, or undefined where any name is allowed (team feeds)
 * @throws ProtocolError SIZE, FRAME (malformed, out of order, gaps, deletions outside the doc), TYPE (other content), FIELD (root or slot)
 */
export function admitUpdate(update: Uint8Array, known: StateVector, slots: ReadonlySet<string> | undefined): Admitted {
  if (update.length > limits.entryBytes) refuse('SIZE', 'An update is larger than a frame carries.')
  const { items, deleted } = readUpdate(update)
  if (slots) {
    for (const { slot } of items) {
      if (slot !== undefined && !slots.has(slot)) refuse('FIELD', 'An item is set under a slot that the policy does not allow.')
    }
  }
  const vector = new Map(known)
  const [only] = items
  // What most updates are: one value after the last of its slot.
  if (only && items.length === 1) append(only, vector)
  else appendInOrder(items, vector)
  for (const { client, clock, length } of deleted) {
    if (clock + length > (vector.get(client) ?? 0)) refuse('FRAME', 'An update deletes what its doc does not have.')
  }
  return { bytes: update, vector, items, deletes: deleted.length > 0 }
}

/** Takes an item that every other it may refer to has gone before. */
function append({ client, clock, length, origin }: UpdateItem, vector: Map<number, number>): void {
  if (clock !== (vector.get(client) ?? 0)) refuse('FRAME', 'An item does not follow its client’s last one.')
  if (origin && origin.clock >= (vector.get(origin.client) ?? 0)) refuse('FRAME', 'An item refers to one that its doc does not have.')
  vector.set(client, clock + length)
}

/**
 * Takes the items client by client, each exactly at its client's clock. Where one follows an item that another client of the update brings, that client
 * goes first, as far as is needed; so the work is in proportion to the items, in whatever order they refer to each other.
 */
function appendInOrder(items: readonly UpdateItem[], vector: Map<number, number>): void {
  const queues = new Map<number, { readonly items: UpdateItem[]; next: number }>()
  for (const item of items) {
    const queue = queues.get(item.client)
    if (queue) queue.items.push(item)
    else queues.set(item.client, { items: [item], next: 0 })
  }
  const clockOf = (client: number): number => vector.get(client) ?? 0
  for (const first of queues.keys()) {
    // Each waits for the one above it, until that one's clock has passed what it waits for.
    const stack: { readonly client: number; readonly until: number }[] = [{ client: first, until: Number.POSITIVE_INFINITY }]
    const waiting = new Set([first])
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { client, until } = top
      const queue = queues.get(client)
      const item = queue?.items[queue.next]
      if (clockOf(client) > until || (until === Number.POSITIVE_INFINITY && !item)) {
        stack.pop()
        waiting.delete(client)
        continue
      }
      if (!queue || !item) return refuse('FRAME', 'An item refers to one that its doc does not have.')
      if (item.clock !== clockOf(client)) refuse('FRAME', 'An item does not follow its client’s last one.')
      const { origin } = item
      if (origin && origin.clock >= clockOf(origin.client)) {
        if (waiting.has(origin.client)) refuse('FRAME', 'Items refer to each other in a circle.')
        waiting.add(origin.client)
        stack.push({ client: origin.client, until: origin.clock })
      } else {
        vector.set(client, item.clock + item.length)
        queue.next++
      }
    }
  }
}

function refuse(code: 'FRAME' | 'FIELD' | 'SIZE', message: string): never {
  throw new ProtocolError(code, message)
}
