import { refuse, type Refused } from './error.js'

/** What a register holds: plain JSON, at most eight levels deep, with finite numbers and well-formed texts. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }

/** A plain value, or why there is none. */
export type ValueResult = { readonly ok: true; readonly value: Value } | Refused

/** The most levels of a value. A text is depth 0, a list of texts depth 1. */
export const maxValueDepth = 8

/** The most parts of a value. It bounds the work on one that refers to itself again and again, and is far above what any field type makes. */
export const maxValueParts = 10_000

/**
 * Makes a fresh, plain value of anything. `__proto__` and `constructor` are names like any other and come out as own properties. -0 becomes 0, as in JSON.
 *
 * Refuses with TYPE, DEPTH or SIZE, under the name of `field`.
 */
export function parseValue(input: unknown, field = ''): ValueResult {
  const walk = { parts: 0 }
  const outcome = parsePart(input, 0, walk)
  if (typeof outcome === 'object' && outcome !== null && outcome instanceof Problem) {
    return refuse(outcome.code, field, outcome.rule, outcome.message, outcome.fix)
  }
  return { ok: true, value: outcome }
}

/** True for an object that is a map of values, not a list and not null. */
export function isValueMap(value: Value | undefined): value is { readonly [name: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a map holds under a name; null for nothing. A name like `constructor` holds nothing unless somebody set it. */
export function valueIn(values: { readonly [name: string]: Value }, name: string): Value {
  return Object.hasOwn(values, name) ? (values[name] ?? null) : null
}

/** A scalar as a text. Null becomes an empty text; a list or a map becomes its JSON. */
export function scalarToText(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** True unless the text holds half of a surrogate pair, which UTF-8 cannot carry. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** True if two values are the same JSON, in any order of names. */
export function isSameValue(left: Value, right: Value): boolean {
  if (left === right) return true
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((part: Value, index) => isSameValue(part, right[index] ?? null))
    )
  }
  if (!isValueMap(left) || !isValueMap(right)) return false
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isSameValue(left[name] ?? null, right[name] ?? null))
  )
}

class Problem {
  readonly code: 'TYPE' | 'DEPTH' | 'SIZE'
  readonly rule: string
  readonly message: string
  readonly fix: string
  constructor(code: 'TYPE' | 'DEPTH' | 'SIZE', rule: string, message: string, fix: string) {
    this.code = code
    this.rule = rule
    this.message = message
    this.fix = fix
  }
}

const notFinite = new Problem('TYPE', 'finite number', 'The number is not finite.', 'Give a finite number.')
const notWellFormed = new Problem(
  'TYPE',
  'well-formed text',
  'The text holds half of a character (a lone surrogate).',
  'Remove the broken character.',
)
const notPlain = new Problem(
  'TYPE',
  'plain data',
  'The value is not plain data.',
  'Give a text, number, true, false, null, list or plain object.',
)
const tooDeep = new Problem('DEPTH', 'depth', `The value is nested deeper than ${maxValueDepth} levels.`, 'Flatten the value.')
const tooMany = new Problem('SIZE', 'parts', `The value has more than ${maxValueParts} parts.`, 'Split the value over several fields.')

function parsePart(input: unknown, depth: number, walk: { parts: number }): Value | Problem {
  if (++walk.parts > maxValueParts) return tooMany
  switch (typeof input) {
    case 'boolean':
      return input
    case 'number':
      return Number.isFinite(input) ? input + 0 : notFinite
    case 'string':
      return isWellFormed(input) ? input : notWellFormed
    case 'object':
      break
    default:
      return notPlain
  }
  if (input === null) return null
  if (depth >= maxValueDepth) return tooDeep
  return Array.isArray(input) ? parseList(input, depth, walk) : parseMap(input, depth, walk)
}

function parseList(input: readonly unknown[], depth: number, walk: { parts: number }): Value | Problem {
  const list: Value[] = []
  for (const part of input) {
    const value = parsePart(part, depth + 1, walk)
    if (value instanceof Problem) return value
    list.push(value)
  }
  return list
}

function parseMap(input: object, depth: number, walk: { parts: number }): Value | Problem {
  const prototype: unknown = Object.getPrototypeOf(input)
  if (prototype !== null && prototype !== Object.prototype && !isForeignPlain(prototype)) return notPlain
  const entries: [string, Value][] = []
  for (const [name, part] of Object.entries(input)) {
    if (!isWellFormed(name)) return notWellFormed
    const value = parsePart(part, depth + 1, walk)
    if (value instanceof Problem) return value
    entries.push([name, value])
  }
  // fromEntries defines properties instead of assigning them, so that `__proto__` sets no prototype.
  return Object.fromEntries(entries)
}

/** A plain object of another realm (a frame, a worker's message) has that realm's Object.prototype, whose own prototype is null. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  )
}
