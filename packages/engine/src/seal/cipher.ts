import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { chacha20, hchacha } from '@noble/ciphers/chacha.js'
import { encodeUtf8 } from 'lib0/string'

// XChaCha20-Poly1305 as its draft defines it, made of the library's ChaCha20, HChaCha20 and Poly1305. The library's own takes small seals apart into many
// calls, and each of them copies and allocates: it takes twice as long. A doc is many small seals.

const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer)

// Scratch, filled anew by each call.
const constants = wordsOf(encodeUtf8('expand 32-byte k').slice())
const [key, keyNonce, subkey, subnonce] = [new Uint8Array(32), new Uint8Array(16), new Uint8Array(32), new Uint8Array(12)]
const [keyWords, keyNonceWords, subkeyWords] = [wordsOf(key), wordsOf(keyNonce), wordsOf(subkey)]

/** The first block of the key stream makes the key of the tag, and the others are for the text. */
const blockBytes = 64
const tagKeyBytes = 32
const tagBytes = 16
let stream = new Uint8Array(blockBytes + 1_024)
let tagged = new Uint8Array(2_048)

/**
 * Encrypts, and appends the tag.
 *
 * @param cipherKey 32 bytes
 * @param nonce 24 bytes
 * @param place what the seal is bound to, its associated data
 */
export function encrypt(cipherKey: Uint8Array, nonce: Uint8Array, place: Uint8Array, text: Uint8Array): Uint8Array {
  const blocks = streamOver(cipherKey, nonce, text)
  const box = new Uint8Array(text.length + tagBytes)
  box.set(blocks.subarray(blockBytes))
  box.set(tagOf(blocks, place, box.subarray(0, text.length)), text.length)
  return box
}

/** The text of what `encrypt` gave for the same key, nonce and place. Undefined for all else. */
export function decrypt(cipherKey: Uint8Array, nonce: Uint8Array, place: Uint8Array, box: Uint8Array): Uint8Array | undefined {
  if (box.length < tagBytes) return undefined
  const encrypted = box.subarray(0, box.length - tagBytes)
  const blocks = streamOver(cipherKey, nonce, encrypted)
  const tag = tagOf(blocks, place, encrypted)
  let difference = 0
  for (let index = 0; index < tagBytes; index++) difference |= (tag[index] ?? 0) ^ (box[encrypted.length + index] ?? 0)
  return difference === 0 ? blocks.slice(blockBytes) : undefined
}

/** The first block of the key stream, and then the text with the others. It serves until the next call. */
function streamOver(cipherKey: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  key.set(cipherKey)
  keyNonce.set(nonce.subarray(0, 16))
  hchacha(constants, keyWords, keyNonceWords, subkeyWords)
  subnonce.set(nonce.subarray(16), 4)
  const length = blockBytes + text.length
  if (stream.length < length) stream = new Uint8Array(2 * length)
  const blocks = stream.subarray(0, length).fill(0, 0, blockBytes)
  blocks.set(text, blockBytes)
  return chacha20(subkey, subnonce, blocks, blocks)
}

/** Poly1305 over the place and the encrypted text, each filled up with zeros, and their lengths. */
function tagOf(blocks: Uint8Array, place: Uint8Array, encrypted: Uint8Array): Uint8Array {
  const end = padded(place.length) + padded(encrypted.length)
  if (tagged.length < end + tagBytes) tagged = new Uint8Array(2 * (end + tagBytes))
  const bytes = tagged.subarray(0, end + tagBytes).fill(0)
  bytes.set(place)
  bytes.set(encrypted, padded(place.length))
  putLength(bytes, end, place.length)
  putLength(bytes, end + 8, encrypted.length)
  return poly1305(bytes, blocks.subarray(0, tagKeyBytes))
}

const padded = (length: number): number => Math.ceil(length / tagBytes) * tagBytes

/** A length of 64 bits, the lowest byte first. None is above 2^32. */
function putLength(bytes: Uint8Array, at: number, length: number): void {
  for (let index = 0; index < 4; index++) bytes[at + index] = length >>> (8 * index)
}
