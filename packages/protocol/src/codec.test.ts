import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes, decode, encode, flag, list, oneOf, optional, struct, text, uint } from './codec.js'
import { ProtocolError } from './error.js'

const sample = struct({
  number: uint,
  yes: flag,
  blob: bytes(64),
  name: text(64),
  side: oneOf(['vendor', 'partner']),
  list: list(uint, 8),
  maybe: optional(text(16)),
})

describe('a codec', () => {
  it('[W1] reads again what it wrote', () => {
    const value = fc.record({
      number: fc.maxSafeNat(),
      yes: fc.boolean(),
      blob: fc.uint8Array({ maxLength: 64 }),
      name: fc.string({ unit: 'grapheme', maxLength: 8 }),
      side: fc.constantFrom('vendor' as const, 'partner' as const),
      list: fc.array(fc.maxSafeNat(), { maxLength: 8 }),
      maybe: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(value, (given) => {
        expect(decode(sample, encode(sample, given))).toEqual(given)
      }),
    )
  })

  it('[W1] answers any bytes with a value or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          decode(sample, input)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['a length beyond its limit', bytes(4), [5, 1, 2, 3, 4, 5], 'SIZE'],
    ['a length beyond its frame', bytes(1_000_000), [0x80, 0x80, 0x10], 'FRAME'],
    ['a list beyond its limit', list(uint, 2), [3, 1, 1, 1], 'SIZE'],
    ['a flag that is neither 0 nor 1', flag, [2], 'FRAME'],
    ['a choice outside its list', oneOf(['a']), [1], 'FRAME'],
    ['broken UTF-8', text(8), [2, 0xc3, 0x28], 'FRAME'],
    ['the number 2^53', uint, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], 'FRAME'],
    ['a number of 2^56 - 1', uint, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'FRAME'],
    ['a number above 2^56', uint, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'FRAME'],
    ['bytes that are left over', uint, [1, 1], 'FRAME'],
    ['nothing at all', uint, [], 'FRAME'],
  ] as const)('[W1] refuses %s', (_, codec, input, code) => {
    expect(() => decode<unknown>(codec, new Uint8Array(input))).toThrow(expect.objectContaining({ code }))
  })
})
