import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { toBase64 } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { decrypt, encrypt } from './cipher.js'

const bytes = (length: number, start: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (start + index * 7) & 0xff)
const [key, nonce] = [bytes(32, 1), bytes(24, 2)]
/** Typed arrays are slow to compare. */
const textOf = (some: Uint8Array | undefined): string | undefined => some && toBase64(some)
const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 128, 5_000]

describe('the cipher', () => {
  it('gives what XChaCha20-Poly1305 gives, and opens it, whatever was sealed before', () => {
    for (const placeLength of lengths)
      for (const length of lengths) {
        const [place, text] = [bytes(placeLength, 3), bytes(length, 4)]
        const box = encrypt(key, nonce, place, text)
        expect(textOf(box)).toBe(textOf(xchacha20poly1305(key, nonce, place).encrypt(text)))
        expect(textOf(decrypt(key, nonce, place, box))).toBe(textOf(text))
      }
  })

  it('opens nothing under another key, nonce or place, and nothing with a bit changed or a byte missing', () => {
    const [place, text] = [bytes(50, 3), bytes(64, 4)]
    const box = encrypt(key, nonce, place, text)
    const others = [
      decrypt(bytes(32, 9), nonce, place, box),
      decrypt(key, bytes(24, 9), place, box),
      decrypt(key, nonce, bytes(50, 9), box),
      decrypt(key, nonce, bytes(51, 3), box),
      decrypt(key, nonce, place, box.subarray(1)),
      decrypt(key, nonce, place, box.subarray(0, 15)),
      ...Array.from(box.keys(), (at) => decrypt(key, nonce, place, box.with(at, (box[at] ?? 0) ^ 1))),
    ]
    expect(others.filter((opened) => opened !== undefined)).toEqual([])
  })
})
