import { decodeUtf8 } from 'lib0/string'
import { ProtocolError } from './error.js'
import { limits } from './limits.js'

// A strict reader of the part of Yjs's update format (V1) that docs here consist of. Yjs's own reader trusts its input and accepts many spellings of
// one update. This reader accepts only the spelling that Yjs writes, and allocates no more than the input's own bytes justify. Bytes that pass are
// therefore their own re-encoding (rules AD1 to AD3, AD5 to AD7, AD9).

/** One item of an update: a sealed value, or a run of deleted values. */
export interface UpdateItem {
  readonly client: number
  readonly clock: number
  /** The number of clocks that the item spans: 1 for a value. */
  readonly length: number
  /** The item that this one follows and overwrites. The first item of a slot has none. */
  readonly origin: { readonly client: number; readonly clock: number } | undefined
  /** The slot, named only by items without an origin. */
  readonly slot: string | undefined
  /** The sealed value, as a view of the update's bytes; undefined for deleted values. */
  readonly value: Uint8Array | undefined
}

/** A range of clocks whose items an update deletes. */
export interface DeletedRange {
  readonly client: number
  readonly clock: number
  readonly length: number
}

/** An update in its parts, in the order of its bytes. */
export interface Update {
  readonly items: readonly UpdateItem[]
  readonly deleted: readonly DeletedRange[]
}

/** The name of every doc's only root, a Y.Map from slot to sealed bytes (rule DC1). */
export const rootName = 'v'

// The first byte of a struct tells its content and which of its parts follow.
const contentBits = 0x1f
const hasOrigin = 0x80
const hasRightOrigin = 0x40
const hasSlot = 0x20
const garbage = 0
const deletedContent = 1
const binaryContent = 3
const skip = 10

const tooMany = 'An update has too many items or deletions.'

/**
 * Reads an update of format V1.
 *
 * @throws ProtocolError FRAME for bytes in any spelling but that of Yjs, TYPE for content other than sealed bytes
 * @throws ProtocolError FIELD for another root or a malformed slot, SIZE for a value over its limit, or too many items or deletions
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
      if (items.length >= limits.itemsPerDoc) refuse('SIZE', tooMany)
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
  if (content === garbage || content === skip) refuse('FRAME', 'An update holds a struct that is not an item.')
  if (content !== binaryContent && content !== deletedContent) refuse('TYPE', 'An update holds content other than sealed bytes.')
  if ((info & hasRightOrigin) !== 0) refuse('FRAME', 'An item names a right origin, which values of a map do not have.')
  if ((info & hasSlot) === 0) refuse('FIELD', 'An item has no slot.')
  const origin = (info & hasOrigin) === 0 ? undefined : { client: reader.uint(), clock: reader.uint() }
  if (!origin && (reader.uint() !== 1 || reader.text(limits.keyBytes) !== rootName))
    refuse('FIELD', 'An item is outside the doc’s only root.')
  const slot = origin ? undefined : reader.text(limits.keyBytes)
  const value = content === binaryContent ? reader.bytes(limits.valueBytes) : undefined
  const length = value ? 1 : reader.uint()
  if (length < 1 || clock + length > 0x7fffffff) refuse('FRAME', 'An item is empty, or ends beyond the highest clock.')
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
      if (deleted.length >= limits.itemsPerDoc) refuse('SIZE', tooMany)
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

  /** Reads a number of seven bits a byte, in as few bytes as it needs. */
  uint(): number {
    // Nearly all numbers are one byte.
    const first = this.byte()
    if (first < 0x80) return first
    let number = first & 0x7f
    for (let place = 0x80; ; place *= 0x80) {
      const byte = this.byte()
      number += (byte & 0x7f) * place
      if (number > Number.MAX_SAFE_INTEGER) refuse('FRAME', 'An update holds a number out of range.')
      if (byte < 0x80) return byte === 0 ? refuse('FRAME', 'An update spells a number in more bytes than it needs.') : number
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
    if (length > max) refuse('FIELD', `A slot’s name has more than ${max} bytes.`)
    if (end > this.#bytes.length) refuse('FRAME', 'An update ends early.')
    // Names are short and nearly always ASCII: the call of a decoder would cost more than everything else here.
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
