import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import type { Pass } from './pass.js'

/** An opened seal: a value, and the time of its edit (ms since 1970). */
export interface Opened {
  readonly value: unknown
  readonly changedAt: number
}

/** The generation of the seal's key; a tab with the engine gives the key of this one. */
const generation = 0
/** The generation and the nonce, before the cipher's bytes. */
const headBytes = 25

/**
 * Opens the seal in a slot (SPEC.md section 12): the generation of its key, a nonce, then XChaCha20-Poly1305 over the padded plaintext, bound to feed, key, slot, epoch and
 * generation. Whether the nonce is of the org's making is its own devices' business (rule OR1).
 *
 * @returns undefined if the seal does not open here, or holds no stamp and value
 */
export function openSeal({ sealKey, feed, key, epoch }: Pass, slot: string, sealed: Uint8Array): Opened | undefined {
  if (sealed.length <= headBytes || sealed[0] !== generation) return undefined
  try {
    const place = new TextEncoder().encode(`${feed}\n${key}\n${slot}\n${epoch.version}.${epoch.number}\n${generation}\n`)
    const padded = xchacha20poly1305(sealKey, sealed.subarray(1, headBytes), place).decrypt(sealed.subarray(headBytes))
    const length = readNumber(padded, 0)
    const plaintext = padded.subarray(length.end, length.end + length.number)
    if (plaintext.length !== length.number) return undefined
    // The stamp: time, counter, session. A reader needs only the time.
    const time = readNumber(plaintext, 0)
    const counter = readNumber(plaintext, time.end)
    const session = readNumber(plaintext, counter.end)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(plaintext.subarray(session.end))
    return { value: JSON.parse(text) as unknown, changedAt: time.number }
  } catch {
    return undefined
  }
}

/** Reads a whole number: seven bits a byte, the lowest first. @throws RangeError if none ends within the bytes */
function readNumber(bytes: Uint8Array, start: number): { readonly number: number; readonly end: number } {
  let number = 0
  let factor = 1
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    number += (byte & 0x7f) * factor
    if (!Number.isSafeInteger(number)) break
    if (byte < 0x80) return { number, end: at + 1 }
    factor *= 128
  }
  throw new RangeError('There is no number here.')
}
