import { _HMAC as Hmac } from '@noble/hashes/hmac.js'
import { type _SHA256 as Sha256, sha256 } from '@noble/hashes/sha2.js'
import { type Epoch, type FeedName, isStamp, type Key, type Stamp, zeroEpoch } from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import { parseValue, type Value } from '../schema/value.js'
import type { Register } from '../row/row.js'
import { decrypt, encrypt } from './cipher.js'
import { generation as firstGeneration } from './keys.js'
import { padPlaintext, unpad } from './pad.js'
import { decodeShort, encodeShort } from './short-text.js'

/** What a seal is bound to: moved to another feed, key, slot or epoch it does not open (rule SE2). */
export interface SealBinding {
  readonly feed: FeedName
  readonly key: Key
  /** A doc's slot, `message` or `control`. */
  readonly slot: string
  readonly epoch: Epoch
}

/** The binding of a message, which has no epochs. */
export function messageBinding(feed: FeedName, key: Key): SealBinding {
  return { feed, key, slot: 'message', epoch: zeroEpoch }
}

/** The binding of a control entry. It is another, so that a relay cannot show a message as a control entry. */
export function controlBinding(feed: FeedName, key: Key): SealBinding {
  return { feed, key, slot: 'control', epoch: zeroEpoch }
}

const nonceBytes = 24
/** The generation byte and the nonce come before the cipher's bytes. */
const headBytes = 1 + nonceBytes

/** What an org seals with. */
export interface SealKeys {
  /** 32 bytes, from `keys.ts`. */
  readonly cipher: Uint8Array
  readonly origin: Origin
  /** Of the cipher's key; 0 where not said. */
  readonly generation?: number
}

/**
 * Makes and checks the nonces of one org's seals (rule OR1). It remembers the state of HMAC-SHA-256 after the key, which is half of what a short text costs.
 */
export class Origin {
  readonly #keyed: Hmac<Sha256>
  readonly #used: Hmac<Sha256>

  /** @param key 32 bytes, from `originKey` */
  constructor(key: Uint8Array) {
    this.#keyed = new Hmac<Sha256>(sha256, key)
    this.#used = this.#keyed.clone()
  }

  /** The first 24 bytes of HMAC-SHA-256 over the binding and the padded plaintext. */
  nonce(binding: Uint8Array, padded: Uint8Array): Uint8Array {
    return this.#keyed._cloneInto(this.#used).update(binding).update(padded).digest().subarray(0, nonceBytes)
  }
}

/**
 * Seals a stamp and a value: the generation, a nonce that only an own device can make, then XChaCha20-Poly1305 over the padded plaintext, with the
 * binding as associated data (rules SE1 to SE3, OR1). The same register at the same place gives the same bytes.
 */
export function seal(keys: SealKeys, binding: SealBinding, [stamp, value]: Register): Uint8Array {
  return sealContent(keys, binding, stamp, JSON.stringify(value))
}

/** The same, of content that is JSON already. */
export function sealContent(keys: SealKeys, binding: SealBinding, stamp: Stamp, content: string): Uint8Array {
  const { generation = firstGeneration } = keys
  const padded = padPlaintext(stamp, encodeShort(content))
  const place = bindingToBytes(binding, generation)
  const nonce = keys.origin.nonce(place, padded)
  const box = encrypt(keys.cipher, nonce, place, padded)
  const sealed = new Uint8Array(headBytes + box.length)
  sealed[0] = generation
  sealed.set(nonce, 1)
  sealed.set(box, headBytes)
  return sealed
}

/** The generation of the key that opens a seal (rule RT1). Bytes that are no seal have the first. */
export function generationOf(sealed: Uint8Array): number {
  return sealed.length > headBytes ? (sealed[0] ?? firstGeneration) : firstGeneration
}

/**
 * The content of a seal. Undefined where it does not open with this key and binding, or holds no stamp and value (rule SE4).
 *
 * @param key of the generation that the seal names
 * @param origin given where only the own org's devices may have made the seal (rule OR1)
 */
export function open(key: Uint8Array, binding: SealBinding, sealed: Uint8Array, origin?: Origin): Register | undefined {
  return registerOfContent(openContent(key, binding, sealed, origin))
}

/** What a seal held, with the content as it was parsed. */
export interface OpenedContent {
  readonly stamp: Stamp
  readonly content: unknown
}

/** The register that a seal held; undefined where its content is no value. */
export function registerOfContent(opened: OpenedContent | undefined): Register | undefined {
  if (!opened) return undefined
  const value = valueOfContent(opened.content)
  return value === undefined ? undefined : [opened.stamp, value]
}

/** The same, with the content as it was parsed: a seal of a team's rows holds more than a value. */
export function openContent(key: Uint8Array, binding: SealBinding, sealed: Uint8Array, origin?: Origin): OpenedContent | undefined {
  if (sealed.length <= headBytes) return undefined
  try {
    const place = bindingToBytes(binding, generationOf(sealed))
    const nonce = sealed.subarray(1, headBytes)
    const padded = decrypt(key, nonce, place, sealed.subarray(headBytes))
    if (!padded || (origin && !isSameNonce(nonce, origin.nonce(place, padded)))) return undefined
    const plaintext = unpad(padded)
    if (!plaintext) return undefined
    const decoder = decoding.createDecoder(plaintext)
    const stamp: Stamp = [decoding.readVarUint(decoder), decoding.readVarUint(decoder), decoding.readVarUint(decoder)]
    return isStamp(stamp) ? { stamp, content: JSON.parse(decodeShort(plaintext.subarray(decoder.pos))) } : undefined
  } catch {
    // A number out of range, broken UTF-8 or JSON: the caller treats them alike.
    return undefined
  }
}

/** Whoever tries nonces here has no way to measure how long a comparison takes, but none is given either. */
function isSameNonce(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (let index = 0; index < nonceBytes; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0)
  return difference === 0
}

/** Checks a peer's value like any from outside: plain, finite, well-formed, not too deep. */
export function valueOfContent(content: unknown): Value | undefined {
  const result = parseValue(content)
  return result.ok ? result.value : undefined
}

/** The text that a seal is bound to, a line for each part. */
export function bindingToBytes({ feed, key, slot, epoch }: SealBinding, generation = firstGeneration): Uint8Array {
  return encodeShort(`${feed}\n${key}\n${slot}\n${epoch.version}.${epoch.number}\n${generation}\n`)
}
