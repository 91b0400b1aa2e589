import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8 } from 'lib0/string'
import { ProtocolError } from './error.js'

/**
 * How one value stands on the wire. A codec is written once and gives the bytes, the check of what arrives and the TypeScript type
 * (`Infer`), so that the three cannot drift apart. `shape` spells the layout; a test holds a hash of all shapes (rule W4).
 */
export interface Codec<T> {
  readonly shape: string
  write(encoder: encoding.Encoder, value: T): void
  /** @throws ProtocolError FRAME or SIZE where the bytes are not of this shape. */
  read(decoder: decoding.Decoder): T
}

export type Infer<C> = C extends Codec<infer T> ? T : never

/** A whole number from 0 to 2^53 - 1, seven bits a byte. */
export const uint: Codec<number> = {
  shape: 'uint',
  write: (encoder, value) => encoding.writeVarUint(encoder, value),
  read: (decoder) => decoding.readVarUint(decoder),
}

export const flag: Codec<boolean> = {
  shape: 'flag',
  write: (encoder, value) => encoding.writeUint8(encoder, value ? 1 : 0),
  read: (decoder) => {
    const byte = decoding.readUint8(decoder)
    if (byte > 1) throw new ProtocolError('FRAME', 'A flag on the wire is neither 0 nor 1.')
    return byte === 1
  },
}

/** Bytes with their length before them. The result is a copy, so that it does not keep a whole frame alive. */
export function bytes(max: number): Codec<Uint8Array> {
  const lent = lentBytes(max)
  return { ...lent, read: (decoder) => lent.read(decoder).slice() }
}

/** The same, but the result is a part of the frame: for what is done with soon, as a copy costs more than all else that is read of a short value. */
export function lentBytes(max: number): Codec<Uint8Array> {
  return {
    shape: `bytes(${max})`,
    write: (encoder, value) => encoding.writeVarUint8Array(encoder, value),
    read: (decoder) => {
      const length = decoding.readVarUint(decoder)
      if (length > max) throw new ProtocolError('SIZE', `A value of ${length} bytes is over its limit of ${max}.`)
      if (decoder.pos + length > decoder.arr.length) throw new ProtocolError('FRAME', 'A value ends beyond its frame.')
      return decoding.readUint8Array(decoder, length)
    },
  }
}

/** UTF-8 text of at most `max` bytes; `accept` narrows it to a branded id or a name. */
export function text<T extends string = string>(max: number, accept?: (value: string) => T): Codec<T> {
  const inner = lentBytes(max)
  return {
    shape: `text(${max})`,
    write: (encoder, value) => encoding.writeVarString(encoder, value),
    read: (decoder) => {
      const value = readUtf8(inner.read(decoder))
      return accept ? accept(value) : (value as T)
    },
  }
}

export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    shape: `list(${item.shape},${max})`,
    write: (encoder, values) => {
      encoding.writeVarUint(encoder, values.length)
      for (const value of values) item.write(encoder, value)
    },
    read: (decoder) => {
      const length = decoding.readVarUint(decoder)
      if (length > max) throw new ProtocolError('SIZE', `A list of ${length} is over its limit of ${max}.`)
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(item.read(decoder))
      return values
    },
  }
}

export function optional<T>(item: Codec<T>): Codec<T | undefined> {
  return {
    shape: `optional(${item.shape})`,
    write: (encoder, value) => {
      flag.write(encoder, value !== undefined)
      if (value !== undefined) item.write(encoder, value)
    },
    read: (decoder) => (flag.read(decoder) ? item.read(decoder) : undefined),
  }
}

/** One of a closed list of names, as its place in the list. */
export function oneOf<const Names extends readonly string[]>(names: Names): Codec<Names[number]> {
  return {
    shape: `oneOf(${names.join('|')})`,
    write: (encoder, value) => encoding.writeUint8(encoder, names.indexOf(value)),
    read: (decoder) => {
      const name = names[decoding.readUint8(decoder)]
      if (name === undefined) throw new ProtocolError('FRAME', 'A choice on the wire is outside its list.')
      return name
    },
  }
}

type Fields = Readonly<Record<string, Codec<unknown>>>
type Struct<F extends Fields> = { readonly [Name in keyof F]: Infer<F[Name]> }

/** Named fields one after the other, in the order in which they are written here. */
export function struct<F extends Fields>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields)
  return {
    shape: `{${entries.map(([name, codec]) => `${name}:${codec.shape}`).join(',')}}`,
    write: (encoder, value) => {
      for (const [name, codec] of entries) codec.write(encoder, value[name])
    },
    read: (decoder) => {
      const value: Record<string, unknown> = {}
      for (const [name, codec] of entries) value[name] = codec.read(decoder)
      return value as Struct<F>
    },
  }
}

/** Bytes of one value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return encoding.encode((encoder) => codec.write(encoder, value))
}

/** The value of all of the bytes. @throws ProtocolError FRAME or SIZE, also for bytes that are left over. */
export function decode<T>(codec: Codec<T>, input: Uint8Array): T {
  return readAll(input, (decoder) => codec.read(decoder))
}

/** Runs a reader over bytes and turns whatever lib0 throws on a short input into a typed FRAME error. */
export function readAll<T>(input: Uint8Array, read: (decoder: decoding.Decoder) => T): T {
  const decoder = decoding.createDecoder(input)
  let value: T
  try {
    value = read(decoder)
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    throw new ProtocolError('FRAME', 'A frame ends early or holds a number out of range.')
  }
  if (decoding.hasContent(decoder)) throw new ProtocolError('FRAME', 'A frame has bytes after its end.')
  return value
}

function readUtf8(input: Uint8Array): string {
  try {
    return decodeUtf8(input)
  } catch {
    throw new ProtocolError('FRAME', 'A text on the wire is not UTF-8.')
  }
}
