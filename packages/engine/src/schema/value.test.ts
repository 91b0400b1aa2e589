import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSameValue, maxValueDepth, parseValue } from './value.js'

function nest(levels: number): unknown {
  let value: unknown = 'x'
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

function codeOf(input: unknown): string {
  const parsed = parseValue(input, 'Amount')
  return parsed.ok ? 'ok' : parsed.error.code
}

describe('a value', () => {
  it.each([
    ['NaN', Number.NaN],
    ['1e999', Number('1e999')],
    ['a lone surrogate', 'a\ud800b'],
    ['a lone surrogate as a name', { 'a\udc00': 1 }],
    ['undefined', undefined],
    ['undefined in a map', { a: undefined }],
    ['a hole in a list', Array(2)],
    ['a function', () => 1],
    ['a date object', new Date(0)],
    ['a Map', new Map()],
    ['a big integer', 1n],
    ['a symbol', Symbol('x')],
  ])('is refused as TYPE when it is %s (row 45)', (_name, input) => {
    expect(codeOf(input)).toBe('TYPE')
    expect(codeOf([{ deep: input }])).toBe('TYPE')
  })

  it('may be nested eight levels deep and no deeper (row 47)', () => {
    expect(maxValueDepth).toBe(8)
    expect(codeOf(nest(8))).toBe('ok')
    expect(codeOf(nest(9))).toBe('DEPTH')
  })

  it('that contains itself is refused quickly, however often', () => {
    const loop: unknown[] = []
    for (let copy = 0; copy < 1000; copy++) loop.push(loop)
    expect(['DEPTH', 'SIZE']).toContain(codeOf(loop))
    expect(codeOf(Array(10_001).fill(0))).toBe('SIZE')
  })

  it('takes __proto__ and constructor as plain names (row 46)', () => {
    const parsed = parseValue(JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'))
    if (!parsed.ok) throw new Error(parsed.error.message)
    expect(JSON.stringify(parsed.value)).toBe('{"__proto__":{"polluted":true},"constructor":1}')
    expect(Object.getPrototypeOf(parsed.value)).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
    expect(Reflect.get(Object(parsed.value), 'polluted')).toBeUndefined()
  })

  it('comes out as JSON would bring it, and fresh', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 7 }), (input) => {
        const parsed = parseValue(input)
        // jsonValue may make names and texts that are not well formed only where asked; all others must pass.
        if (!parsed.ok) throw new Error(parsed.error.message)
        expect(JSON.stringify(parsed.value)).toBe(JSON.stringify(input))
        expect(isSameValue(parsed.value, JSON.parse(JSON.stringify(input)))).toBe(true)
        if (typeof input === 'object' && input !== null) expect(parsed.value).not.toBe(input)
      }),
    )
  })

  it('compares by content, not by the order of names', () => {
    expect(isSameValue({ a: 1, b: [null] }, { b: [null], a: 1 })).toBe(true)
    expect(isSameValue({ a: 1 }, { a: 1, b: null })).toBe(false)
    expect(isSameValue({ a: null }, { b: null })).toBe(false)
    expect(isSameValue([1, 2], [1])).toBe(false)
    expect(isSameValue([], {})).toBe(false)
  })

  it('names the field and never tells the value', () => {
    const parsed = parseValue(['secret\ud800'], 'Amount')
    if (parsed.ok) throw new Error('should be refused')
    expect(parsed.error.field).toBe('Amount')
    expect(JSON.stringify(parsed.error)).not.toContain('secret')
  })
})
