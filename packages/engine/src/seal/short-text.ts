import { decodeUtf8, encodeUtf8, utf8TextEncoder } from 'lib0/string'

// Seals and the texts that are hashed for names are short, and nearly always of ASCII. A browser's own encoder and decoder take longer for their call than for such
// a text. And the bytes that Chromium's encoder gives are an object of the document: 20,000 of them keep the page for 80 ms when memory is collected, where bytes
// that a script makes take 5. So the encoder writes into one place, from which its bytes are copied.

/** Longer texts are the browser's. */
const short = 256
const written = new Uint8Array(12_288)

export function encodeShort(text: string): Uint8Array {
  // A character takes at most three bytes.
  if (text.length > short) return text.length * 3 > written.length ? encodeUtf8(text) : encodeCopied(text)
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return encodeCopied(text)
    bytes[index] = code
  }
  return bytes
}

function encodeCopied(text: string): Uint8Array {
  return written.slice(0, utf8TextEncoder.encodeInto(text, written).written)
}

/** @throws TypeError for bytes that are no UTF-8 */
export function decodeShort(bytes: Uint8Array): string {
  return bytes.length > short || bytes.some((byte) => byte > 0x7f) ? decodeUtf8(bytes) : String.fromCharCode(...bytes)
}
