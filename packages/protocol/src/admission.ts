import * as Y from 'yjs'
import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import { encodeStateVector, type StateVector } from './state-vector.js'

/** An update that may enter a doc, as re-encoded here (never the sender's bytes), and the doc's state vector after it. */
export interface Admitted {
  readonly bytes: Uint8Array
  readonly vector: StateVector
  /** Sealed values that the update sets, with their slot where the update itself names it. */
  readonly values: number
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
  if (update.length > limits.entryBytes) throw new ProtocolError('SIZE', 'An update is larger than a frame carries.')
  const { bytes, structs, deletions } = decodeUpdate(update, known)
  const vector = new Map(known)
  checkStructs(structs, slots)
  appendInOrder(structs, vector)
  for (const [client, ranges] of deletions) {
    const end = vector.get(client) ?? 0
    for (const range of ranges) {
      if (range.len < 1 || range.clock + range.len > end) refuse('FRAME', 'An update deletes what its doc does not have.')
    }
  }
  return { bytes, vector, values: structs.filter((item) => item.content instanceof Y.ContentBinary).length }
}

interface Decoded {
  readonly bytes: Uint8Array
  readonly structs: readonly Y.Item[]
  readonly deletions: ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>
}

function decodeUpdate(update: Uint8Array, known: StateVector): Decoded {
  let bytes: Uint8Array
  let decoded: ReturnType<typeof Y.decodeUpdate>
  try {
    bytes = Y.diffUpdate(update, encodeStateVector(known))
    decoded = Y.decodeUpdate(bytes)
  } catch {
    return refuse('FRAME', 'An update is not a Yjs update of version 1.')
  }
  // An honest update says nothing that the doc has, so that its re-encoding is as long as itself. Trailing bytes, numbers spelled longer than
  // needed and structs that the doc has already all show as a difference in length.
  if (bytes.length !== update.length) refuse('FRAME', 'An update has trailing bytes or repeats what its doc has.')
  const structs: Y.Item[] = []
  for (const struct of decoded.structs) {
    if (!(struct instanceof Y.Item)) return refuse('FRAME', 'An update holds a struct that is no item.')
    structs.push(struct)
  }
  return { bytes, structs, deletions: decoded.ds.clients }
}

function checkStructs(structs: readonly Y.Item[], slots: ReadonlySet<string> | undefined): void {
  let last = Number.POSITIVE_INFINITY
  for (const item of structs) {
    const { client, clock } = item.id
    if (client > last) refuse('FRAME', 'An update lists its clients out of order.')
    last = client
    if (!(item.content instanceof Y.ContentBinary) && !(item.content instanceof Y.ContentDeleted)) {
      refuse('TYPE', 'An update holds content other than sealed bytes.')
    }
    if (item.content instanceof Y.ContentBinary && item.content.content.length > limits.valueBytes) {
      refuse('SIZE', 'A sealed value is over its limit.')
    }
    if (item.length < 1 || clock + item.length > 0x7fffffff) refuse('FRAME', 'An item is longer than a clock counts.')
    if (item.rightOrigin !== null) refuse('FRAME', 'An item names a right neighbour; values of a map have none.')
    if (item.origin === null) checkName(item, slots)
  }
}

function checkName(item: Y.Item, slots: ReadonlySet<string> | undefined): void {
  const parent: unknown = item.parent
  if (parent !== rootName) refuse('FIELD', 'An item lies outside the doc’s one root.')
  const slot = item.parentSub
  if (slot === null || slot.length > limits.keyBytes || (slots && !slots.has(slot))) {
    refuse('FIELD', 'An item is set under a slot that the policy does not allow.')
  }
}

/** Takes the structs client by client, each exactly at its client's clock, waiting for an origin that another client of the update brings. */
function appendInOrder(structs: readonly Y.Item[], vector: Map<number, number>): void {
  const waiting = new Map<number, Y.Item[]>()
  for (const item of structs) {
    const list = waiting.get(item.id.client)
    if (list) list.push(item)
    else waiting.set(item.id.client, [item])
  }
  for (let progress = true; progress && waiting.size > 0;) {
    progress = false
    for (const [client, items] of waiting) {
      let taken = 0
      for (const item of items) {
        const clock = vector.get(client) ?? 0
        if (item.id.clock !== clock) refuse('FRAME', 'An item does not follow its client’s last one.')
        if (item.origin && item.origin.clock >= (vector.get(item.origin.client) ?? 0)) break
        vector.set(client, clock + item.length)
        taken++
      }
      if (taken > 0) progress = true
      if (taken === items.length) waiting.delete(client)
      else if (taken > 0) waiting.set(client, items.slice(taken))
    }
  }
  if (waiting.size > 0) refuse('FRAME', 'An item refers to one that its doc does not have.')
}

/** The one root of every doc: a Y.Map from slot to sealed bytes. */
export const rootName = 'v'

function refuse(code: 'FRAME' | 'TYPE' | 'FIELD' | 'SIZE', message: string): never {
  throw new ProtocolError(code, message)
}
