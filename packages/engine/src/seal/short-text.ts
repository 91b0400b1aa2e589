import { decodeUtf8, encodeUtf8 } from 'lib0/string'

// A seal holds a short text, nearly always of ASCII. A browser's own encoder and decoder take longer for their call than for such a text.

/** Longer texts are the browser's. */
const short = 256

export function encodeShort(text: string): Uint8Array {
  const { length } = text
  if (length > short) return encodeUtf8(text)
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return encodeUtf8(text)
    bytes[index] = code
  }
  return bytes
}

/** @throws TypeError for bytes that are no UTF-8 */
export function decodeShort(bytes: Uint8Array): string {
  if (bytes.length > short) return decodeUtf8(bytes)
  for (const byte of bytes) if (byte > 0x7f) return decodeUtf8(bytes)
  return String.fromCharCode(...bytes)
}
