import { decodeUtf8, encodeUtf8 } from 'lib0/string'

// Seals and the texts that are hashed for names are short, and nearly always of ASCII. A browser's own encoder and decoder take longer for their call than for such
// a text. And what Chromium's encoder gives is an object of its document: 20,000 of them keep the page for 80 ms when memory is collected, where bytes that a script
// makes take 5.

/** Longer texts are the browser's. */
const short = 256

export function encodeShort(text: string): Uint8Array {
  if (text.length > short) return encodeUtf8(text)
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return encodeUtf8(text)
    bytes[index] = code
  }
  return bytes
}

/** @throws TypeError for bytes that are no UTF-8 */
export function decodeShort(bytes: Uint8Array): string {
  return bytes.length > short || bytes.some((byte) => byte > 0x7f) ? decodeUtf8(bytes) : String.fromCharCode(...bytes)
}
