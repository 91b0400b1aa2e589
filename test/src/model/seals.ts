import type { Epoch } from '@entente/protocol'
import { type Feed, isMessages, type Org, ownerOf, type Register } from './names.js'

/** The place that a seal is bound to. */
export interface Place {
  readonly feed: Feed
  readonly key: string
  readonly slot: string
  readonly epoch: Epoch
}

/** What a device or an attacker can seal, open and claim as its origin: names of keys. */
export type Keys = Set<string>

interface Sealed {
  readonly key: string
  readonly place: Place
  readonly generation: number
  readonly register: Register
  readonly origin: Org | undefined
}

/** A value that opened. `own` says whether the owner's origin key made it, which only the owner's devices can tell. */
export interface Opened {
  readonly register: Register
  readonly generation: number
  readonly own: boolean
}

/** The name of the key that seals a feed's values in a generation. The messages of a connection have the key of their direction. */
export function sealingKey(feed: Feed, generation: number): string {
  return `${isMessages(feed) ? `${ownerOf(feed)} messages` : feed} ${generation}`
}

export function originKey(org: Org, generation: number): string {
  return `origin ${org} ${generation}`
}

/**
 * Seals as an ideal functionality: bytes are a number of a list that only this class reads, and it asks for the key by name. Equal place, plaintext and
 * origin give equal bytes, as the nonce of a real seal does.
 */
export class Seals {
  readonly #made: Sealed[] = []
  readonly #numbers = new Map<string, number>()

  /** @param origin whose origin key the maker claims; it has to hold it */
  make(keys: Keys, generation: number, place: Place, register: Register, origin?: Org): Uint8Array {
    const key = sealingKey(place.feed, generation)
    if (!keys.has(key) || (origin !== undefined && !keys.has(originKey(origin, generation))))
      throw new Error(`The maker of a seal does not hold ${key} or its origin key.`)
    const { feed, slot, epoch } = place
    const text = [
      feed,
      place.key,
      slot,
      epoch.version,
      epoch.number,
      generation,
      origin,
      ...register.stamp,
      typeof register.value,
      register.value,
    ].join(' ')
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#made.push({ key, place, generation, register, origin }) - 1
      this.#numbers.set(text, number)
    }
    return new Uint8Array([generation, number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255])
  }

  /** The generation that a seal names, readable without a key. */
  generationOf(bytes: Uint8Array): number {
    return bytes[0] ?? 0
  }

  /** @returns undefined where the bytes do not open at this place with these keys */
  open(keys: Keys, place: Place, bytes: Uint8Array): Opened | undefined {
    if (bytes.length !== 5) return undefined
    const [generation = 0, a = 0, b = 0, c = 0, d = 0] = bytes
    const sealed = this.#made[a * 2 ** 24 + (b << 16) + (c << 8) + d]
    if (!sealed || sealed.generation !== generation || !isSame(sealed.place, place) || !keys.has(sealed.key)) return undefined
    return { register: sealed.register, generation, own: sealed.origin === ownerOf(place.feed) }
  }
}

function isSame(one: Place, other: Place): boolean {
  return (
    one.feed === other.feed &&
    one.key === other.key &&
    one.slot === other.slot &&
    one.epoch.version === other.epoch.version &&
    one.epoch.number === other.epoch.number
  )
}
