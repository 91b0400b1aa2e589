import type { InputForm } from '@entente/engine/testing'
import type { Chance } from './chance.js'

// Changes to an input. Those that know its form keep it a frame, a JSON text or a JWS, so that they reach what stands behind the first check.

/** No input is longer: what the wire carries at most, and a little more; of texts, what one sealed value holds. */
const mostBytes = 300 * 1024
const mostOfText = 64 * 1024

/** Numbers at which decoders change their mind. */
const numbers = [0, 1, 2, 127, 128, 255, 256, 2_047, 4_096, 4_097, 16_383, 65_536, 2 ** 21, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32]
const bigNumbers = [2 ** 45, 2 ** 46, 2 ** 53 - 1, 2 ** 53, 2 ** 56, 2 ** 63]
/** Inputs of many KB are rare: they take the time of a hundred others. */
const giants = 40
const hostileValues: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  -0,
  ...numbers,
  ...bigNumbers,
  '',
  ' ',
  '\u0000',
  '\u202e',
  '\ud800',
  '__proto__',
  'constructor',
  'A'.repeat(43),
  [],
  {},
  [[[[[[[[[[[]]]]]]]]]]],
  { constructor: { prototype: {} } },
]
const names = ['__proto__', 'constructor', 'toString', 'length', '', 'then', 'iss', 'org', 'version', 'feed']
const csvPieces = [
  '"',
  '""',
  ',',
  ';',
  '\t',
  '\n',
  '\r\n',
  '\r',
  '\ufeff',
  'sep=;\n',
  '# ',
  '=1+1',
  '(',
  ')',
  '€',
  '1.054,00',
  '01/02/2030',
  ' ',
  '\u00a0',
  '@',
  '.',
  '-',
  '12:30',
  'a@b.c',
]

/** One to four changes. @param others further inputs of the same decoder, to take parts from */
export function mutate(input: Uint8Array, form: InputForm, chance: Chance, others: readonly Uint8Array[]): Uint8Array {
  let bytes = input
  for (let left = 1 + chance.below(4); left > 0; left--) bytes = changeOne(bytes, form, chance, others)
  return bytes.slice(0, form === 'bytes' ? mostBytes : mostOfText)
}

function changeOne(bytes: Uint8Array, form: InputForm, chance: Chance, others: readonly Uint8Array[]): Uint8Array {
  // Each form is also changed as bytes, now and then.
  if (form !== 'bytes' && !chance.once(8)) {
    if (form === 'json') return changeJson(bytes, chance)
    if (form === 'jws') return changeJws(bytes, chance)
    if (form === 'csv') return insert(bytes, chance.below(bytes.length + 1), pieces(chance))
  }
  return chance.one(byteChanges)(bytes, chance, others)
}

type Change = (bytes: Uint8Array, chance: Chance, others: readonly Uint8Array[]) => Uint8Array

const byteChanges: readonly Change[] = [
  // A bit.
  (bytes, chance) => replaced(bytes, chance, (byte) => byte ^ (1 << chance.below(8))),
  // A byte.
  (bytes, chance) => replaced(bytes, chance, () => chance.one([0, 1, 0x20, 0x7f, 0x80, 0xff, chance.below(256)])),
  // A number of seven bits a byte, which stands where any byte is.
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1)
    let end = at
    while (end < bytes.length && (bytes[end] ?? 0) > 0x7f) end++
    return splice(bytes, at, end + 1, varuint(chance.one(chance.once(3) ? bigNumbers : numbers)))
  },
  // A piece is left out, or stands again.
  (bytes, chance) => splice(bytes, ...range(bytes, chance), new Uint8Array()),
  (bytes, chance) => {
    const [from, to] = range(bytes, chance)
    return splice(bytes, to, to, bytes.subarray(from, to))
  },
  // Many times, and the number before it says so.
  (bytes, chance) => {
    const [from, to] = range(bytes, chance, 24)
    const times = chance.one(chance.once(giants) ? [200, 4_096, 20_000] : [2, 3, 8, 16])
    const piece = bytes.subarray(from, to)
    const many = new Uint8Array(Math.min(piece.length * times, mostBytes))
    for (let at = 0; at < many.length; at += piece.length) many.set(piece.subarray(0, many.length - at), at)
    const counted = chance.once(2) ? splice(bytes, Math.max(0, from - 1 - chance.below(3)), from, varuint(times)) : bytes
    return insert(counted, Math.min(to, counted.length), many)
  },
  // A longer piece, and the length before it.
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1)
    const size = chance.one([1, 2, 30, 63, 64, 65])
    const longer = insert(bytes, at, new Uint8Array(size).fill(chance.one([0, 0x41, 0xff])))
    const lengthAt = at - 1 - chance.below(Math.max(1, Math.min(at, 48)))
    if (lengthAt >= 0) longer[lengthAt] = ((longer[lengthAt] ?? 0) + size) & 0x7f
    return longer
  },
  // The end is missing.
  (bytes, chance) => bytes.slice(0, chance.below(bytes.length + 1)),
  // The beginning of this and the end of another, or a piece of another.
  (bytes, chance, others) => {
    const other = chance.one(others)
    return splice(bytes, chance.below(bytes.length + 1), bytes.length, other.subarray(chance.below(other.length + 1)))
  },
  (bytes, chance, others) => {
    const other = chance.one(others)
    return splice(bytes, ...range(bytes, chance), other.subarray(...range(other, chance)))
  },
]

function changeJson(bytes: Uint8Array, chance: Chance): Uint8Array {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return bytes
  }
  return Buffer.from(JSON.stringify(changeValue(value, chance, 6)) ?? 'null')
}

/** Walks down at random and changes what is there. */
function changeValue(value: unknown, chance: Chance, depth: number): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || chance.once(depth + 1)) return changeList(value, chance)
    const at = chance.below(value.length)
    return value.with(at, changeValue(value[at], chance, depth - 1))
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const at = chance.below(entries.length + 1)
    const [name, part] = entries[at] ?? [chance.one(names), chance.one(hostileValues)]
    if (at < entries.length && chance.once(8)) return withEntry(entries.toSpliced(at, 1))
    if (chance.once(12)) return withEntry([...entries, ...manyNames(chance, part)])
    return withEntry([...entries, [name, at < entries.length ? changeValue(part, chance, depth - 1) : part]])
  }
  if (typeof value === 'string' && value.length > 0 && chance.once(2)) return changeText(value, chance)
  return chance.one(hostileValues)
}

/** As JSON.parse would make it, `__proto__` included. */
function withEntry(entries: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(entries)
}

function manyNames(chance: Chance, part: unknown): (readonly [string, unknown])[] {
  return Array.from({ length: chance.one(chance.once(giants) ? [300, 3_000] : [2, 11, 20]) }, (_, index) => [`n${index}`, part] as const)
}

function changeList(list: readonly unknown[], chance: Chance): readonly unknown[] {
  const part = list.length === 0 || chance.once(2) ? chance.one(hostileValues) : list[chance.below(list.length)]
  return [
    ...list,
    ...Array.from({ length: chance.one(chance.once(giants) ? [101, 1_001, 5_000] : [1, 2, 17]) }, () =>
      typeof part === 'string' ? part.slice(0, 60) : part,
    ),
  ]
}

function changeText(text: string, chance: Chance): string {
  const at = chance.below(text.length)
  return chance.one([
    text.slice(0, at),
    text + text,
    text.slice(0, at) + chance.one(['\u0000', '/', '.', 'ß', '\ud83d\ude00', '\u202e']) + text.slice(at + 1),
    text.repeat(chance.once(giants) ? 2_000 : 3).slice(0, 64_000),
  ])
}

function changeJws(bytes: Uint8Array, chance: Chance): Uint8Array {
  const parts = Buffer.from(bytes).toString('latin1').split('.')
  const at = chance.below(Math.min(parts.length, 2))
  const part = Buffer.from(parts[at] ?? '', 'base64url')
  if (chance.once(6)) return Buffer.from(chance.one([parts.toReversed(), [...parts, 'AA'], parts.slice(1), parts.with(at, '')]).join('.'))
  return Buffer.from(parts.with(at, Buffer.from(changeJson(part, chance)).toString('base64url')).join('.'))
}

function pieces(chance: Chance): Uint8Array {
  const piece = chance.one(csvPieces) + (chance.once(2) ? chance.one(csvPieces) : '')
  return Buffer.from(piece.repeat(chance.one(chance.once(giants) ? [255, 1_000, 20_000] : [1, 2, 60])).slice(0, 40_000))
}

function replaced(bytes: Uint8Array, chance: Chance, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const at = chance.below(bytes.length)
  return Uint8Array.from(bytes).fill(change(bytes[at] ?? 0), at, at + 1)
}

function range(bytes: Uint8Array, chance: Chance, most = 64): [from: number, to: number] {
  const from = chance.below(bytes.length + 1)
  return [from, Math.min(bytes.length, from + 1 + chance.below(most))]
}

function insert(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  return splice(bytes, at, at, piece)
}

function splice(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(to, bytes.length))
  const joined = new Uint8Array(from + piece.length + rest.length)
  joined.set(bytes.subarray(0, from))
  joined.set(piece, from)
  joined.set(rest, from + piece.length)
  return joined
}

function varuint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push(0x80 | (rest % 128))
  return Uint8Array.from([...bytes, rest])
}
