import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { compareEpochs, type Epoch, type FeedName, isStamp, type Key, type Stamp, zeroEpoch } from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import type { RandomBytes } from '../port/random.js'
import { parseValue, type Value } from '../schema/value.js'
import type { Register } from '../row/row.js'
import { padPlaintext, unpad } from './pad.js'

/** What a seal is bound to: moved to another feed, key, slot or epoch it does not open (rule SE2). */
export interface SealBinding {
  readonly feed: FeedName
  readonly key: Key
  /** A doc's slot, or `message`. */
  readonly slot: string
  readonly epoch: Epoch
}

export const messageSlot = 'message'

/** The binding of a message, which has no epochs. */
export function messageBinding(feed: FeedName, key: Key): SealBinding {
  return { feed, key, slot: messageSlot, epoch: zeroEpoch }
}

const nonceBytes = 24

/**
 * Seals a stamp and a value: nonce (24 random bytes), then XChaCha20-Poly1305 over the padded plaintext, with the binding as associated data
 * (rules SE1 to SE3).
 *
 * @param key 32 bytes, from `keys.ts`
 */
export function seal(key: Uint8Array, binding: SealBinding, [stamp, value]: Register, random: RandomBytes): Uint8Array {
  const nonce = random(nonceBytes)
  const plaintext = padPlaintext(stamp, encodeUtf8(JSON.stringify(value)))
  const box = xchacha20poly1305(key, nonce, bindingToBytes(binding)).encrypt(plaintext)
  const sealed = new Uint8Array(nonceBytes + box.length)
  sealed.set(nonce)
  sealed.set(box, nonceBytes)
  return sealed
}

/** The content of a seal. Undefined where it does not open with this key and binding, or holds no stamp and value (rule SE4). */
export function open(key: Uint8Array, binding: SealBinding, sealed: Uint8Array): Register | undefined {
  const opened = openContent(key, binding, sealed)
  if (!opened) return undefined
  const value = valueOfContent(opened.content)
  return value === undefined ? undefined : [opened.stamp, value]
}

/** The same, with the content as it was parsed: a team's seals hold more than a value. */
export function openContent(
  key: Uint8Array,
  binding: SealBinding,
  sealed: Uint8Array,
): { readonly stamp: Stamp; readonly content: unknown } | undefined {
  if (sealed.length <= nonceBytes) return undefined
  try {
    const cipher = xchacha20poly1305(key, sealed.subarray(0, nonceBytes), bindingToBytes(binding))
    const plaintext = unpad(cipher.decrypt(sealed.subarray(nonceBytes)))
    if (!plaintext) return undefined
    const decoder = decoding.createDecoder(plaintext)
    const stamp: Stamp = [decoding.readVarUint(decoder), decoding.readVarUint(decoder), decoding.readVarUint(decoder)]
    return isStamp(stamp) ? { stamp, content: JSON.parse(decodeUtf8(plaintext.subarray(decoder.pos))) } : undefined
  } catch {
    // A wrong tag, a number out of range, broken UTF-8 or JSON: the caller treats them alike.
    return undefined
  }
}

/** Checks a peer's value like any from outside: plain, finite, well-formed, not too deep. */
export function valueOfContent(content: unknown): Value | undefined {
  const result = parseValue(content)
  return result.ok ? result.value : undefined
}

let lastBinding: Omit<SealBinding, 'slot'> | undefined
let lastPrefix = ''

/** The text that a seal is bound to. Slots of one doc follow each other, so all but the slot is remembered. */
function bindingToBytes({ feed, key, slot, epoch }: SealBinding): Uint8Array {
  if (!lastBinding || lastBinding.feed !== feed || lastBinding.key !== key || compareEpochs(lastBinding.epoch, epoch) !== 0) {
    lastBinding = { feed, key, epoch }
    lastPrefix = `${feed}\n${key}\n`
  }
  return encodeUtf8(`${lastPrefix}${slot}\n${epoch.version}.${epoch.number}`)
}

const poolBytes = 4_096

/** The same randomness drawn in larger pieces: asking the system costs as much for one nonce as for a hundred. No byte is given out twice. */
export function poolRandom(random: RandomBytes): RandomBytes {
  let pool = new Uint8Array()
  let used = 0
  return (length) => {
    if (used + length > pool.length) {
      pool = new Uint8Array(random(Math.max(poolBytes, length)))
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}
