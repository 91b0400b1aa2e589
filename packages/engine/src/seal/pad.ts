import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Plaintexts are padded to multiples of this, so that a length tells little about a value (rule SE3). */
export const padStep = 32

/** The plaintext with its length before it and zero bytes after it, up to a multiple of `padStep`. */
export function pad(plaintext: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint8Array(encoder, plaintext)
  const padded = new Uint8Array(Math.ceil(encoding.length(encoder) / padStep) * padStep)
  padded.set(encoding.toUint8Array(encoder))
  return padded
}

/** The plaintext again, or undefined where the bytes are not such a padding. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  const decoder = decoding.createDecoder(padded)
  const length = decoding.readVarUint(decoder)
  return decoder.pos + length <= padded.length ? padded.subarray(decoder.pos, decoder.pos + length) : undefined
}
