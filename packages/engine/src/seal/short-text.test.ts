import { encodeUtf8 } from 'lib0/string'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeShort, encodeShort } from './short-text.js'

it('a short text is the bytes that any encoder makes of it, and comes back', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ unit: 'grapheme-ascii', maxLength: 600 }))
  fc.assert(
    fc.property(text, (given) => {
      expect(encodeShort(given)).toEqual(encodeUtf8(given))
      expect(decodeShort(encodeShort(given))).toBe(given)
    }),
  )
  for (const long of ['é'.repeat(4_096), '€'.repeat(4_097)]) expect(encodeShort(long)).toEqual(encodeUtf8(long))
  expect(() => decodeShort(new Uint8Array([0x41, 0xff]))).toThrow()
})
