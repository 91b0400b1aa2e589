import type { Entry } from './idb-entries.js'

/** What a scan gives, in key order. */
export type Entries = readonly Entry[]

/**
 * Entries of a store as one piece of memory, which a worker hands over to a page without a copy: JSON as UTF-8, and after it all bytes that the entries hold.
 *
 * A browser keeps what it has read of a database, or been sent as objects, as objects of its own, and frees those of a whole reading in one task of the page. Such a piece
 * goes back to the worker once it is read, and is freed there.
 */
export interface Packed {
  readonly buffer: ArrayBuffer
  /** How many bytes the JSON takes. */
  readonly text: number
  /** Where bytes belong in the JSON, which has null there, and how many they are. In the order in which they lie in the buffer. */
  readonly bytes: readonly (readonly [path: readonly string[], length: number])[]
}

/** @returns undefined where the entries hold what neither JSON nor bytes can say, such as a CryptoKey */
export function pack(entries: Entries): Packed | undefined {
  const found: [readonly string[], Uint8Array][] = []
  const plain = toPlain(entries, [], found)
  if (plain === undefined) return undefined
  const text = new TextEncoder().encode(JSON.stringify(plain))
  const packed = new Uint8Array(found.reduce((length, [, bytes]) => length + bytes.length, text.length))
  packed.set(text)
  let at = text.length
  for (const [, bytes] of found) {
    packed.set(bytes, at)
    at += bytes.length
  }
  return { buffer: packed.buffer, text: text.length, bytes: found.map(([path, { length }]) => [path, length]) }
}

export function unpack({ buffer, text, bytes }: Packed): Entries {
  const packed = new Uint8Array(buffer)
  const entries = JSON.parse(new TextDecoder().decode(packed.subarray(0, text))) as Entries
  let at = text
  for (const [path, length] of bytes) {
    let place: unknown = entries
    for (const name of path.slice(0, -1)) place = (place as Record<string, unknown>)[name]
    // A copy: a database would write all of the memory in which a part of it lies.
    ;(place as Record<string, unknown>)[path.at(-1) ?? ''] = packed.slice(at, (at += length))
  }
  return entries
}

/** The value as JSON can say it, with null for bytes, which go to `found`. Undefined where there is more in it. */
function toPlain(value: unknown, path: readonly string[], found: [readonly string[], Uint8Array][]): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || (Number.isFinite(value) && !Object.is(value, -0)))
    return value
  if (value instanceof Uint8Array) {
    found.push([path, value])
    return null
  }
  const isList = Array.isArray(value)
  if (typeof value !== 'object' || (!isList && Object.getPrototypeOf(value) !== Object.prototype)) return undefined
  const plain: [string, unknown][] = []
  for (const [name, part] of Object.entries(value)) {
    const each = toPlain(part, [...path, name], found)
    if (each === undefined) return undefined
    plain.push([name, each])
  }
  if (isList) return plain.length === value.length ? plain.map(([, part]) => part) : undefined
  return Object.fromEntries(plain)
}
