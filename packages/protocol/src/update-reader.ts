import { decodeUtf8 } from 'lib0/string'
import { ProtocolError } from './error.js'
import { limits } from './limits.js'

// A strict reader of the part of Yjs's update format (V1) that docs here are made of. Yjs's own reader trusts its input and accepts many spellings of
// the same update; this one takes exactly the one that Yjs writes, allocates nothing that the input has not paid for in bytes, and so makes sure that
// bytes which pass are their own re-encoding (rules AD1 to AD3, AD6, AD7).

/** One item: a sealed value, or a run of deleted ones. */
export interface UpdateItem {
  readonly client: number
  readonly clock: number
  /** How many clocks it takes: 1 for a value. */
  readonly length: number
  /** The item that it follows, which it overwrites; the first of a slot has none. */
  readonly origin: { readonly client: number; readonly clock: number } | undefined
  /** Named by items without origin alone. */
  readonly slot: string | undefined
  /** A view of the update's bytes; undefined for deleted ones. */
  readonly value: Uint8Array | undefined
}

export interface DeletedRange {
  readonly client: number
  readonly clock: number
  readonly length: number
}

export interface Update {
  readonly items: readonly UpdateItem[]
  readonly deleted: readonly DeletedRange[]
}

/** The one root of every doc: a Y.Map from slot to sealed bytes. */
export const rootName = 'v'

// The first byte of a struct: what it holds, and which of its parts follow.
const contentBits = 0x1f
const hasOrigin = 0x80
const hasRightOrigin = 0x40
const hasSlot = 0x20
const garbage = 0
const deletedContent = 1
const binaryContent = 3
const skip = 10

/**
 * Reads an update of version 1.
 *
 * @throws ProtocolError FRAME for anything but the one spelling that Yjs writes, TYPE for other content, FIELD for another root, SIZE for a value over its limit
 */
export function readUpdate(bytes: Uint8Array): Update {
  const reader = new Reader(bytes)
  const items: UpdateItem[] = []
  let last = Number.POSITIVE_INFINITY
  for (let clients = reader.uint(); clients > 0; clients--) {
    let structs = reader.uint()
    const client = reader.uint()
    let clock = reader.uint()
    if (structs === 0 || client >= last) refuse('FRAME', 'An update lists its clients out of order or without items.')
    last = client
    for (; structs > 0; structs--) {
      const item = readItem(reader, client, clock)
      items.push(item)
      clock += item.length
    }
  }
  const deleted = readDeleted(reader)
  if (!reader.atEnd) refuse('FRAME', 'An update has bytes after its end.')
  return { items, deleted }
}

function readItem(reader: Reader, client: number, clock: number): UpdateItem {
  const info = reader.byte()
  const content = info & contentBits
  if (content === garbage || content === skip) refuse('FRAME', 'An update holds a struct that is no item.')
  if (content !== binaryContent && content !== deletedContent) refuse('TYPE', 'An update holds content other than sealed bytes.')
  if ((info & hasRightOrigin) !== 0) refuse('FRAME', 'An item names a right neighbour; values of a map have none.')
  if ((info & hasSlot) === 0) refuse('FIELD', 'An item lies under no slot.')
  const origin = (info & hasOrigin) === 0 ? undefined : { client: reader.uint(), clock: reader.uint() }
  if (!origin && (reader.uint() !== 1 || reader.text(limits.keyBytes) !== rootName))
    refuse('FIELD', 'An item lies outside the doc’s one root.')
  const slot = origin ? undefined : reader.text(limits.keyBytes)
  const value = content === binaryContent ? reader.bytes(limits.valueBytes) : undefined
  const length = value ? 1 : reader.uint()
  if (length < 1 || clock + length > 0x7fffffff) refuse('FRAME', 'An item is longer than a clock counts.')
  return { client, clock, length, origin, slot, value }
}

function readDeleted(reader: Reader): DeletedRange[] {
  const deleted: DeletedRange[] = []
  let last = Number.POSITIVE_INFINITY
  for (let clients = reader.uint(); clients > 0; clients--) {
    const client = reader.uint()
    let ranges = reader.uint()
    if (ranges === 0 || client >= last) refuse('FRAME', 'An update lists its deletions out of order or without ranges.')
    last = client
    for (let end = 0; ranges > 0; ranges--) {
      const clock = reader.uint()
      const length = reader.uint()
      if (length < 1 || clock < end) refuse('FRAME', 'An update lists its deletions out of order or twice.')
      end = clock + length
      deleted.push({ client, clock, length })
    }
  }
  return deleted
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    return byte === undefined ? refuse('FRAME', 'An update ends early.') : byte
  }

  /** A number of seven bits a byte, in as few bytes as it needs. */
  uint(): number {
    // Nearly all are one byte.
    const first = this.byte()
    if (first < 0x80) return first
    let number = first & 0x7f
    for (let place = 0x80; ; place *= 0x80) {
      const byte = this.byte()
      number += (byte & 0x7f) * place
      if (number > Number.MAX_SAFE_INTEGER) refuse('FRAME', 'An update holds a number out of range.')
      if (byte < 0x80) return byte === 0 ? refuse('FRAME', 'An update spells a number longer than it is.') : number
    }
  }

  bytes(max: number): Uint8Array {
    const length = this.uint()
    const end = this.#at + length
    if (end > this.#bytes.length) refuse('FRAME', 'An update ends early.')
    if (length > max) refuse('SIZE', 'A sealed value is over its limit.')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  text(max: number): string {
    const length = this.uint()
    const end = this.#at + length
    if (length > max) refuse('FIELD', 'A slot’s name is longer than names are.')
    if (end > this.#bytes.length) refuse('FRAME', 'An update ends early.')
    // Names are short and nearly always plain: a decoder's call would cost more than all the rest.
    let text = ''
    for (let at = this.#at; at < end; at++) {
      const byte = this.#bytes[at] ?? 0
      if (byte > 0x7f) return this.#decode(end)
      text += String.fromCharCode(byte)
    }
    this.#at = end
    return text
  }

  #decode(end: number): string {
    try {
      const text = decodeUtf8(this.#bytes.subarray(this.#at, end))
      this.#at = end
      return text
    } catch {
      return refuse('FRAME', 'A text in an update is not UTF-8.')
    }
  }
}

function refuse(code: 'FRAME' | 'TYPE' | 'FIELD' | 'SIZE', message: string): never {
  throw new ProtocolError(code, message)
}
