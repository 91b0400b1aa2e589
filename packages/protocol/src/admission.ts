import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import type { StateVector } from './state-vector.js'
import { refuseForks } from './chains.js'
import { readUpdate, type UpdateItem } from './update-reader.js'

/** An update that may enter a doc. */
export interface Admitted {
  /** The update itself, which is its own re-encoding (rule AD9). */
  readonly bytes: Uint8Array
  /** The doc's state vector after the update. */
  readonly vector: StateVector
  /** The update's items, in its own order. */
  readonly items: readonly UpdateItem[]
  /** Whether the update deletes anything, as every overwrite does. */
  readonly deletes: boolean
}

/** The same, with what the doc has then. */
export interface AdmittedAfter extends Admitted {
  /** The items that the doc had, and those of the update. */
  readonly itemsOfDoc: number
}

/**
 * Decides whether a Yjs update (V1) may enter a doc, without loading the doc (rules AD1 to AD11). Yjs trusts its input: a few bytes can make it
 * allocate hundreds of megabytes, nest types, or wait forever for a missing struct. So the check is by induction. Everything in the doc was
 * admitted before, and every struct of the update must continue exactly there.
 *
 * @param update the bytes of the update, in format V1
 * @param known the doc's state vector; empty for a new doc
 * @param slots the allowed slot names; undefined where every name is allowed, as in team feeds
 * @throws ProtocolError SIZE for an update, its items or a value over their limit
 * @throws ProtocolError FRAME for malformed bytes, gaps, a wrong order, two items in one place, or deletions outside the doc
 * @throws ProtocolError TYPE for content other than sealed bytes
 * @throws ProtocolError FIELD for another root, or a slot that is not allowed
 */
export function admitUpdate(update: Uint8Array, known: StateVector, slots: ReadonlySet<string> | undefined): Admitted {
  if (update.length > limits.entryBytes) refuse('SIZE', `An update has more than ${limits.entryBytes} bytes.`)
  const { items, deleted } = readUpdate(update)
  if (slots) {
    for (const { slot } of items) {
      if (slot !== undefined && !slots.has(slot)) refuse('FIELD', 'An item names a slot that the policy does not allow.')
    }
  }
  const vector = new Map(known)
  const [only] = items
  // Most updates hold one value, after the last one of its slot.
  if (only && items.length === 1) append(only, vector)
  else {
    refuseForks([{ items }])
    appendInOrder(items, vector)
  }
  for (const { client, clock, length } of deleted) {
    if (clock + length > (vector.get(client) ?? 0)) refuse('FRAME', 'An update deletes items that its doc does not have.')
  }
  return { bytes: update, vector, items, deletes: deleted.length > 0 }
}

/**
 * The same for whoever has the doc and not only its state vector: also what the update and the doc make together is one chain in each slot (rule AD11).
 *
 * @param state the doc's admitted bytes
 * @throws ProtocolError as `admitUpdate` does
 */
export function admitAfter(state: Uint8Array, update: Uint8Array, slots: ReadonlySet<string> | undefined): AdmittedAfter {
  const before = readUpdate(state)
  const known = new Map(before.items.map(({ client, clock, length }) => [client, clock + length]))
  const admitted = admitUpdate(update, known, slots)
  refuseForks([before, admitted])
  return { ...admitted, itemsOfDoc: before.items.length + admitted.items.length }
}

/** Appends an item whose possible origins are all in `vector` already. */
function append({ client, clock, length, origin }: UpdateItem, vector: Map<number, number>): void {
  if (clock !== (vector.get(client) ?? 0)) refuse('FRAME', 'An item does not follow the last item of its client.')
  if (origin && origin.clock >= (vector.get(origin.client) ?? 0)) refuse('FRAME', 'An item refers to an item that its doc does not have.')
  vector.set(client, clock + length)
}

/**
 * Appends the items client by client, each exactly at its client's clock. An item may follow an item of another client in the same update. That client
 * then goes first, as far as needed. So the work is proportional to the number of items, whatever order they refer to each other in.
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
    // Each client waits for the client above it, until that one's clock has passed `until`.
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
      if (!queue || !item) return refuse('FRAME', 'An item refers to an item that its doc does not have.')
      if (item.clock !== clockOf(client)) refuse('FRAME', 'An item does not follow the last item of its client.')
      const { origin } = item
      if (origin && origin.clock >= clockOf(origin.client)) {
        if (waiting.has(origin.client)) refuse('FRAME', 'Items refer to each other in a cycle.')
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
