import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entries, pack, unpack } from './packed.js'

const bytes = fc.uint8Array({ maxLength: 40 })
const text = fc.string({ unit: 'binary', maxLength: 20 })
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    text,
    bytes,
    fc.array(tie('value')),
    fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('value'), { noNullPrototype: true }),
  ),
}))
const entries: fc.Arbitrary<Entries> = fc.array(fc.tuple(fc.tuple(text, text), value))

describe('entries in one piece of memory', () => {
  it('come out as they went in, bytes too, whatever they hold', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(out(list)).toEqual(list)
      }),
    )
  })

  it('give each its own memory: a database writes all of the memory in which some bytes lie', () => {
    const [[, first], [, second]] = out([
      [['doc', 'a'], { state: new Uint8Array([1, 2]) }],
      [['doc', 'b'], { state: new Uint8Array([3]) }],
    ]) as [StoredBytes, StoredBytes]
    expect(first.state.buffer.byteLength).toBe(2)
    expect(second.state.buffer.byteLength).toBe(1)
  })

  it.each<[string, unknown]>([
    ['nothing where something belongs', { exists: undefined }],
    ['a hole in a list', [1, undefined, 2]],
    ['a number that JSON has not', { at: Number.NaN }],
    ['a zero below zero', -0],
    ['a key of the browser', { key: Object.create(CryptoKey.prototype) }],
    ['a date', [new Date(0)]],
    ['a map', new Map()],
  ])('are left alone where one holds %s', (_, each) => {
    expect(pack([[['row', 'a'], each]])).toBeUndefined()
  })
})

type StoredBytes = [unknown, { readonly state: Uint8Array }]

function out(list: Entries): Entries | undefined {
  const packed = pack(list)
  return packed && unpack(structuredClone(packed, { transfer: [packed.buffer] }))
}
