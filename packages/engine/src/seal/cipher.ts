import { chacha20poly1305, hchacha } from '@noble/ciphers/chacha.js'
import { encodeUtf8 } from 'lib0/string'

const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer)

// Scratch, filled anew by each call: a doc is many small seals, and most of what a small one costs is allocating.
const constants = wordsOf(encodeUtf8('expand 32-byte k').slice())
const [key, keyNonce, subkey, subnonce] = [new Uint8Array(32), new Uint8Array(16), new Uint8Array(32), new Uint8Array(12)]
const [keyWords, keyNonceWords, subkeyWords] = [wordsOf(key), wordsOf(keyNonce), wordsOf(subkey)]

/**
 * XChaCha20-Poly1305, made as the draft defines it: ChaCha20-Poly1305 under the key that HChaCha20 derives from the key and the nonce's first 16 bytes. The
 * library's own derives that key twice for each seal.
 *
 * @param cipherKey 32 bytes
 * @param nonce 24 bytes
 * @param place what the seal is bound to, its associated data
 * @returns one that serves only until the next call
 */
export function cipher(cipherKey: Uint8Array, nonce: Uint8Array, place: Uint8Array): ReturnType<typeof chacha20poly1305> {
  key.set(cipherKey)
  keyNonce.set(nonce.subarray(0, 16))
  hchacha(constants, keyWords, keyNonceWords, subkeyWords)
  subnonce.set(nonce.subarray(16), 4)
  return chacha20poly1305(subkey, subnonce, place)
}
