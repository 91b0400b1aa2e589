/** Plaintexts are padded to multiples of this, so that a length tells little about a value (rule SE3). */
export const padStep = 32

/**
 * A plaintext of numbers and text: its length, the numbers seven bits a byte, the text, then zero bytes up to a multiple of `padStep`. Written into
 * one buffer, because a doc is many small values and allocating is most of what a small one costs.
 *
 * @param numbers whole, from 0 to 2^53 - 1
 */
export function padPlaintext(numbers: readonly number[], text: Uint8Array): Uint8Array {
  const length = numbers.reduce((sum, number) => sum + varuintLength(number), text.length)
  const padded = new Uint8Array(Math.ceil((varuintLength(length) + length) / padStep) * padStep)
  let at = writeVaruint(padded, 0, length)
  for (const number of numbers) at = writeVaruint(padded, at, number)
  padded.set(text, at)
  return padded
}

/** The plaintext without its padding, or undefined where the bytes are not such a padding. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  let length = 0
  let factor = 1
  for (let at = 0; at < Math.min(padded.length, 8); at++) {
    const byte = padded[at] ?? 0
    length += (byte & 0x7f) * factor
    factor *= 128
    if (byte < 0x80) return at + 1 + length <= padded.length ? padded.subarray(at + 1, at + 1 + length) : undefined
  }
  return undefined
}

function varuintLength(number: number): number {
  let length = 1
  for (let rest = number; rest > 0x7f; rest = Math.floor(rest / 128)) length++
  return length
}

function writeVaruint(bytes: Uint8Array, start: number, number: number): number {
  let at = start
  let rest = number
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[at++] = 0x80 | (rest % 128)
  bytes[at++] = rest
  return at
}
