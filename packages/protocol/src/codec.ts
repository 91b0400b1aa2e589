import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8 } from 'lib0/string'
import { ProtocolError } from './error.js'

/**
 * The wire format of one type of value. A codec gives the encoder, the validating decoder and the TypeScript type (`Infer`). One definition gives all
 * three, so they cannot drift apart.
 */
export interface Codec<T> {
  /** The layout in words. A test pins a hash of all shapes (rule W4). */
  readonly shape: string
  /** Writes a value, which the caller guarantees to be within the limits. */
  write(encoder: encoding.Encoder, value: T): void
  /**
   * Reads a value.
   *
   * @throws ProtocolError FRAME for bytes of another shape, SIZE for a value over its limit
   * @throws an error of lib0 for a number out of range, or where the bytes end early; `readAll` turns it into FRAME
   */
  read(decoder: decoding.Decoder): T
}

/** The type of value that a codec writes and reads. */
export type Infer<C> = C extends Codec<infer T> ? T : never

/** A whole number from 0 to 2^53 - 1: seven bits a byte, lowest bits first. */
export const uint: Codec<number> = {
  shape: 'uint',
  write: (encoder, value) => encoding.writeVarUint(encoder, value),
  // lib0 gives up only after a byte too many, at 2^56.
  read: (decoder) => {
    const value = decoding.readVarUint(decoder)
    if (value > Number.MAX_SAFE_INTEGER) throw new ProtocolError('FRAME', 'A number on the wire is 2^53 or more.')
    return value
  },
}

/** A uint that is read as the nearest number from `least` to `most`: a relay's word on how long to wait must neither stop nor rush a device (rule W6). */
export function uintWithin(least: number, most: number): Codec<number> {
  return { ...uint, shape: `uint(${least}..${most})`, read: (decoder) => Math.min(Math.max(uint.read(decoder), least), most) }
}

/** A boolean, as one byte: 0 or 1. */
export const flag: Codec<boolean> = {
  shape: 'flag',
  write: (encoder, value) => encoding.writeUint8(encoder, value ? 1 : 0),
  read: (decoder) => {
    const byte = decoding.readUint8(decoder)
    if (byte > 1) throw new ProtocolError('FRAME', 'A flag is neither 0 nor 1.')
    return byte === 1
  },
}

/** Up to `max` bytes after their length. `read` returns a copy, so that a value does not keep its whole frame in memory. */
export function bytes(max: number): Codec<Uint8Array> {
  const lent = lentBytes(max)
  return { ...lent, read: (decoder) => lent.read(decoder).slice() }
}

/**
 * Like `bytes`, but `read` returns a view of the frame. It is for values that are used at once: a copy costs more than everything else about reading a
 * short value.
 */
export function lentBytes(max: number): Codec<Uint8Array> {
  return {
    shape: `bytes(${max})`,
    write: (encoder, value) => encoding.writeVarUint8Array(encoder, value),
    read: (decoder) => {
      const length = decoding.readVarUint(decoder)
      if (length > max) throw new ProtocolError('SIZE', `A value has ${length} bytes; its limit is ${max}.`)
      if (decoder.pos + length > decoder.arr.length) throw new ProtocolError('FRAME', 'A value ends after the end of its frame.')
      return decoding.readUint8Array(decoder, length)
    },
  }
}

/**
 * UTF-8 text after its length.
 *
 * @param max the limit in bytes
 * @param accept parses the text into a branded id or name, and throws a ProtocolError for any other text
 */
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

/** Up to `max` values of one codec, after their count. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    shape: `list(${item.shape},${max})`,
    write: (encoder, values) => {
      encoding.writeVarUint(encoder, values.length)
      for (const value of values) item.write(encoder, value)
    },
    read: (decoder) => {
      const length = decoding.readVarUint(decoder)
      if (length > max) throw new ProtocolError('SIZE', `A list has ${length} items; its limit is ${max}.`)
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(item.read(decoder))
      return values
    },
  }
}

/** A value that may be absent: a flag, then the value where the flag is true. */
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

/** One of a closed list of names, as one byte: its index in the list. */
export function oneOf<const Names extends readonly string[]>(names: Names): Codec<Names[number]> {
  return {
    shape: `oneOf(${names.join('|')})`,
    write: (encoder, value) => encoding.writeUint8(encoder, names.indexOf(value)),
    read: (decoder) => {
      const name = names[decoding.readUint8(decoder)]
      if (name === undefined) throw new ProtocolError('FRAME', 'A choice is outside its list.')
      return name
    },
  }
}

type Fields = Readonly<Record<string, Codec<unknown>>>
type Struct<F extends Fields> = { readonly [Name in keyof F]: Infer<F[Name]> }

/** Named fields, one after another in the order of `fields`. */
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

/** Encodes one value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return encoding.encode((encoder) => codec.write(encoder, value))
}

/**
 * Decodes one value that takes up all of the bytes.
 *
 * @throws ProtocolError FRAME or SIZE for bytes of another shape; FRAME for bytes after the value
 */
export function decode<T>(codec: Codec<T>, input: Uint8Array): T {
  return readAll(input, (decoder) => codec.read(decoder))
}

/**
 * Runs a reader over all of the bytes.
 *
 * @throws ProtocolError as `read` does; FRAME for any other error that `read` throws, and for bytes after the value
 */
export function readAll<T>(input: Uint8Array, read: (decoder: decoding.Decoder) => T): T {
  return readSome(input, (decoder) => {
    const value = read(decoder)
    if (decoding.hasContent(decoder)) throw new ProtocolError('FRAME', 'A frame has bytes after its end.')
    return value
  })
}

/**
 * Runs a reader over the first of the bytes.
 *
 * @throws ProtocolError as `read` does; FRAME for any other error that `read` throws
 */
export function readSome<T>(input: Uint8Array, read: (decoder: decoding.Decoder) => T): T {
  try {
    return read(decoding.createDecoder(input))
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    throw new ProtocolError('FRAME', 'A frame ends early or holds a number out of range.')
  }
}

function readUtf8(input: Uint8Array): string {
  try {
    return decodeUtf8(input)
  } catch {
    throw new ProtocolError('FRAME', 'A text on the wire is not UTF-8.')
  }
}
