import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { ConnectionId, OrgId, Side } from '@entente/protocol'
import type { Store, StoreKey } from '../port/store.js'
import { generation } from './keys.js'

/** What one side of a connection sends with in a generation, and the generation of its org's own secret whose origin its seals bear. */
export interface SendingSecret {
  readonly secret: string
  /** Of the own side's rotation; 0 of the peer's, whose origin nobody here checks. */
  readonly own: number
  /** What the rotation said that brought it (rule RT4). */
  readonly order?: SendingOrder
}

/** What a connection's rotation says beside its secret. */
export interface SendingOrder {
  /** The generation whose rotation brought the receiving key to which the secret is sealed. */
  readonly to: number
  /** The public half of the receiving key that it brought, base64url. */
  readonly receiving?: string | undefined
  /** The number of the roster on which its org's own secret began. */
  readonly roster: number
  /** The secret as it is sealed: what tells two rotations of one generation apart. */
  readonly sealed: string
}

/** The rotation that brought an own secret. */
export interface OwnOrder {
  /** The number of the roster that it names. */
  readonly roster: number
  /** The compact JWS. Undefined on a device that joined later and has not read it yet. */
  readonly token?: string
  /** What names it there: its SHA-256, base64url. */
  readonly hash?: string
}

/** As the store keeps it, by generation. */
export interface StoredKeys {
  readonly own: Readonly<Record<number, string>>
  readonly orders?: Readonly<Record<number, OwnOrder>>
  readonly sending: Readonly<Record<string, Readonly<Record<number, SendingSecret>>>>
  /** By org the number of the last roster that removed somebody. */
  readonly removed?: Readonly<Record<string, number>>
}

export const keyringKey: StoreKey = ['meta', 'keyring']
const noKeys: StoredKeys = { own: {}, sending: {} }

/**
 * The secrets of later generations that this device has opened (rules RT2 and RT4). Those of generation 0 are in rows; these never are, because a removed device
 * reads rows.
 */
export class Keyring {
  readonly #store: Store
  readonly #listeners = new Set<() => void>()
  #keys: StoredKeys = noKeys
  #takenRoster = 0

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    const [stored] = await this.#store.get([keyringKey])
    this.#keys = asStoredKeys(stored)
  }

  /** All of them, for a device that joins. A rotation is sealed to each device of its roster, so it is named alone: the device reads it in its team's messages. */
  toShare(): StoredKeys {
    const orders: Record<number, OwnOrder> = {}
    for (const [of, { token, ...order }] of Object.entries(this.#keys.orders ?? {}))
      orders[Number(of)] = token === undefined ? order : { ...order, hash: hashOfRotation(token) }
    return { ...this.#keys, orders }
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

  /** The rotation by which an own secret came; undefined where this device has not seen it. */
  ownOrder(of: number): OwnOrder | undefined {
    return this.#keys.orders?.[of]
  }

  /** Whether another has taken the place of the own secret that a connection's rotation rests on: the org came back by its kit, or an admin went on, on a later roster (rule RT4). */
  isReplaced({ own, roster }: { readonly own: number; readonly roster: number }): boolean {
    return (this.ownOrder(own)?.roster ?? 0) > roster && roster > 0
  }

  /** The highest number of a roster on which an own secret began. */
  ownRoster(): number {
    return Math.max(0, ...Object.values(this.#keys.orders ?? {}).map(({ roster }) => roster))
  }

  /** What rotations brought of a side of a connection, by generation. */
  orders(connection: ConnectionId, side: Side): readonly (SendingSecret & { readonly generation: number; readonly order: SendingOrder })[] {
    return Object.entries(this.#keys.sending[`${connection}/${side}`] ?? {}).flatMap(([of, secret]) =>
      secret.order ? [{ ...secret, generation: Number(of), order: secret.order }] : [],
    )
  }

  /** Whether somebody was removed from the org, and no own secret has begun since (rule RT9). */
  isOwnDue(org: OrgId): boolean {
    const removed = this.removed(org)
    return removed > 0 && removed > this.ownRoster()
  }

  /** Whether an org that rotated has yet to say what it sends with: the own side of a connection (rule RT9). */
  isSendingDue(connection: ConnectionId, side: Side): boolean {
    const highest = this.highestOwn()
    const present = this.orders(connection, side).filter(({ own, order: { roster } }) => !this.isReplaced({ own, roster }))
    return highest > generation && highest > Math.max(0, ...present.map(({ own }) => own))
  }

  /** Whether somebody was removed from a peer, and it has not said yet what it sends with since. */
  isPeerDue(peer: string, connection: ConnectionId, side: Side): boolean {
    const removed = this.removed(peer)
    return removed > 0 && removed > Math.max(0, ...this.orders(connection, side).map(({ order }) => order.roster))
  }

  /** The number of the last roster of an org that removed somebody, 0 for none. */
  removed(org: string): number {
    return this.#keys.removed?.[org] ?? 0
  }

  /** The highest of the own org's rosters at the relay that this page load has taken in, with whom it removes. */
  get takenRoster(): number {
    return this.#takenRoster
  }

  tookRoster(number: number): void {
    if (number <= this.#takenRoster) return
    this.#takenRoster = number
    for (const listener of this.#listeners) listener()
  }

  noteRemoved(org: OrgId, roster: number): Promise<void> {
    return this.#add((keys) => ({ ...keys, removed: { ...keys.removed, [org]: Math.max(roster, keys.removed?.[org] ?? 0) } }))
  }

  /** @param order the rotation that brought it; absent where it came with the device's joining */
  addOwn(of: number, secret: string, order?: OwnOrder): Promise<void> {
    return this.#add((keys) => ({
      ...keys,
      own: { ...keys.own, [of]: secret },
      ...(order && { orders: { ...keys.orders, [of]: order } }),
    }))
  }

  addSending(connection: ConnectionId, side: Side, of: number, secret: SendingSecret): Promise<void> {
    const name = `${connection}/${side}`
    return this.#add((keys) => ({ ...keys, sending: { ...keys.sending, [name]: { ...keys.sending[name], [of]: secret } } }))
  }

  /** Calls back when keys have arrived: what was held for them can be read. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #add(change: (keys: StoredKeys) => StoredKeys): Promise<void> {
    this.#keys = await this.#store.update([keyringKey], ([stored]) => {
      const keys = change(asStoredKeys(stored))
      return { writes: [{ put: keyringKey, value: keys }], result: keys }
    })
    for (const listener of this.#listeners) listener()
  }
}

/** What names an own rotation: SHA-256 of its text, base64url. */
export function hashOfRotation(token: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(token)))
}

const highestOf = (byGeneration: Readonly<Record<number, unknown>>): number =>
  Math.max(generation, ...Object.keys(byGeneration).map(Number))

// Written by this library, so its shape is known.
const asStoredKeys = (value: unknown): StoredKeys => (value as StoredKeys | undefined) ?? noKeys
