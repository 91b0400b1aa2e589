import type { ConnectionId, Side } from '@entente/protocol'
import type { Store, StoreKey } from '../port/store.js'
import { generation } from './keys.js'

/** What one side of a connection sends with in a generation, and the generation of its org's own secret whose origin its seals bear. */
export interface SendingSecret {
  readonly secret: string
  /** Of the own side's rotation; 0 of the peer's, whose origin nobody here checks. */
  readonly own: number
}

/** As the store keeps it, by generation. */
interface StoredKeys {
  readonly own: Readonly<Record<number, string>>
  readonly sending: Readonly<Record<string, Readonly<Record<number, SendingSecret>>>>
}

const keyringKey: StoreKey = ['meta', 'keyring']
const noKeys: StoredKeys = { own: {}, sending: {} }

/**
 * The secrets of later generations that this device has opened (rules RT2 and RT4). Those of generation 0 are in rows; these never are, because a removed device
 * reads rows.
 */
export class Keyring {
  readonly #store: Store
  readonly #listeners = new Set<() => void>()
  #keys: StoredKeys = noKeys

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    const [stored] = await this.#store.get([keyringKey])
    this.#keys = asStoredKeys(stored)
  }

  /** The org's own secret of a later generation, base64url. */
  own(of: number): string | undefined {
    return this.#keys.own[of]
  }

  /** What a side of a connection sends with in a later generation. */
  sending(connection: ConnectionId, side: Side, of: number): SendingSecret | undefined {
    return this.#keys.sending[`${connection}/${side}`]?.[of]
  }

  /** The highest generation of the org's own secret. */
  highestOwn(): number {
    return highestOf(this.#keys.own)
  }

  /** The highest generation of what a side of a connection sends with. */
  highestSending(connection: ConnectionId, side: Side): number {
    // Asked for each value that is sealed, and most orgs have never rotated.
    return this.#keys === noKeys ? generation : highestOf(this.#keys.sending[`${connection}/${side}`] ?? {})
  }

  addOwn(of: number, secret: string): Promise<void> {
    return this.#add((keys) => ({ ...keys, own: { ...keys.own, [of]: secret } }))
  }

  addSending(connection: ConnectionId, side: Side, of: number, secret: SendingSecret): Promise<void> {
    const name = `${connection}/${side}`
    return this.#add((keys) => ({ ...keys, sending: { ...keys.sending, [name]: { ...keys.sending[name], [of]: secret } } }))
  }

  /** Calls back when keys have arrived: what was held for them can be read. */
  watch(listener: () => void): void {
    this.#listeners.add(listener)
  }

  async #add(change: (keys: StoredKeys) => StoredKeys): Promise<void> {
    this.#keys = await this.#store.update([keyringKey], ([stored]) => {
      const keys = change(asStoredKeys(stored))
      return { writes: [{ put: keyringKey, value: keys }], result: keys }
    })
    for (const listener of this.#listeners) listener()
  }
}

const highestOf = (byGeneration: Readonly<Record<number, unknown>>): number =>
  Math.max(generation, ...Object.keys(byGeneration).map(Number))

// Written by this library, so its shape is known.
const asStoredKeys = (value: unknown): StoredKeys => (value as StoredKeys | undefined) ?? noKeys
