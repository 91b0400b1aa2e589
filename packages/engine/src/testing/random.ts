import type { RandomBytes } from '../port/random.js'

/** Bytes that look random, and that the same seed gives again. They protect nothing. @param seed a whole number */
export function seededRandom(seed: number): RandomBytes {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let index = 0; index < length; index++) {
      // xorshift32: short, and good enough where nothing is at stake.
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      bytes[index] = (state >>> 11) & 0xff
    }
    return bytes
  }
}
