import { decodeRelayFrame, wireShapes } from '@entente/protocol'

// The least of each wire that a load generator needs. Every reader here only counts, whatever it is that it counts, so that the servers are
// measured and not their clients.

/** Reads and writes whole numbers, seven bits a byte, as all of these protocols have them. */
export class Cursor {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get left(): boolean {
    return this.at < this.bytes.length
  }

  number(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new Error('A frame ended within a number.')
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }

  /** Passes over bytes or a text with their length before them. */
  passOver(): void {
    const length = this.number()
    this.at += length
  }
}

export function numberBytes(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return bytes
}

/** Bytes with their length before them. */
export function withLength(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from(numberBytes(bytes.length)), bytes])
}

export const publishNumber = 6
const welcomeNumber = 34
const entriesNumber = 35
const acceptedNumber = 36
const offerShape =
  '{id:uint,seen:uint,key:text(64),kind:oneOf(doc|message|control|erased|head),whole:flag,epoch:{version:uint,number:uint},bytes:bytes(258048)}'
const shapes = [
  `${publishNumber} publish {feed:uint,offers:list(${offerShape},2000)}`,
  `${welcomeNumber} welcome {time:uint(0..35184372088832),incarnation:uint,heartbeatMs:uint(5000..300000)}`,
  `${entriesNumber} entries {feed:uint,position:uint,live:flag,entries:list({sequence:uint,key:text(64),kind:oneOf(doc|message|control|erased|head),whole:flag,epoch:{version:uint,number:uint},bytes:bytes(258048)},2000)}`,
  `${acceptedNumber} accepted {ids:list(uint,2000)}`,
]

/** @throws Error where the relay's frames are no longer of the shape that the bench writes and counts by */
export function checkWire(): void {
  for (const shape of shapes)
    if (!wireShapes.includes(shape)) throw new Error(`The bench knows frames by another shape of the wire: ${shape}`)
}

/** What a frame of the relay brings. */
export interface Heard {
  readonly entries: number
  /** The ids of the offers that were taken. */
  readonly accepted: readonly number[]
  /** Whether an answer to a subscription is complete. */
  readonly live: boolean
  /** The feed's position as last told, 0 where the frame held no entries message. */
  readonly position: number
}

/** Counts a frame of the relay that holds entries and acknowledgements only, beside the welcome. @throws Error for any other message, a refusal above all */
export function hear(frame: Uint8Array): Heard {
  const cursor = new Cursor(frame)
  const accepted: number[] = []
  let entries = 0
  let live = false
  let position = 0
  while (cursor.left) {
    const message = cursor.number()
    if (message === entriesNumber) {
      cursor.number()
      position = cursor.number()
      live = cursor.number() === 1
      const count = cursor.number()
      for (let index = 0; index < count; index++) skipEntry(cursor)
      entries += count
    } else if (message === acceptedNumber) {
      for (let count = cursor.number(); count > 0; count--) accepted.push(cursor.number())
    } else if (message === welcomeNumber) {
      for (let field = 0; field < 3; field++) cursor.number()
    } else throw new Error(`The relay said something else than entries and acknowledgements: ${otherWords(frame)}`)
  }
  return { entries, accepted, live, position }
}

function otherWords(frame: Uint8Array): string {
  const words = decodeRelayFrame(frame).map((message) =>
    'code' in message ? `${message.type} ${message.code} ${message.detail}` : message.type,
  )
  return [...new Set(words)].join(', ')
}

/** Sequence, key, kind, whole, epoch of two numbers, bytes. */
function skipEntry(cursor: Cursor): void {
  cursor.number()
  cursor.passOver()
  cursor.at += 2
  cursor.number()
  cursor.number()
  cursor.passOver()
}
