import {
  decodeControlEntry,
  type Epoch,
  existenceSlot,
  type FeedName,
  holdsMessages,
  type Key,
  messagesTopic,
  type Offer,
  otherSide,
  parseFeed,
} from '@entente/protocol'
import { decodeUpdate } from 'yjs'
import { textOf } from '../replica/feed-role.js'
import { connectionKey, highestGeneration, sendingSecret, teamKey } from '../seal/keys.js'
import { controlBinding, generationOf, messageBinding, openContent, type SealBinding } from '../seal/seal-register.js'
import type { MemoryOrg } from './org.js'

/** One sealed value, at the place for which it was sealed. */
export interface HeardSeal {
  readonly binding: SealBinding
  readonly sealed: Uint8Array
}

/** One that was opened. Of a team's rows the content begins with object and id. */
export interface OpenedSeal {
  readonly feed: FeedName
  readonly key: Key
  readonly content: unknown
}

/**
 * Every sealed value that a relay was ever offered, in the order in which they came: those too that were overwritten, erased or refused. Give `hear` to the
 * relay's option `onOffer`.
 */
export class HeardSeals {
  readonly all: HeardSeal[] = []
  /** The slot that an item of a doc belongs to, which a later item names only by its place after that one. */
  readonly #slots = new Map<string, string>()

  readonly hear = ({ feed, offer }: { readonly feed: FeedName; readonly offer: Omit<Offer, 'id'> }): void => {
    const { key, kind, bytes, epoch } = offer
    if (kind === 'message') this.all.push({ binding: messageBinding(feed, key), sealed: bytes })
    else if (kind === 'control') this.all.push({ binding: controlBinding(feed, key), sealed: decodeControlEntry(bytes).seal })
    else if (kind === 'erased') {
      const isMessage = holdsMessages(parseFeed(feed))
      this.all.push({ binding: isMessage ? messageBinding(feed, key) : { feed, key, slot: existenceSlot, epoch }, sealed: bytes })
    } else if (kind === 'doc') this.#hearDoc(feed, key, epoch, bytes)
  }

  #hearDoc(feed: FeedName, key: Key, epoch: Epoch, bytes: Uint8Array): void {
    const nameOf = (client: number, clock: number): string => `${feed} ${key} ${client} ${clock}`
    let left = decodeUpdate(bytes).structs.flatMap((struct) => ('origin' in struct ? [struct] : []))
    // One may follow another that stands behind it.
    for (let before = left.length + 1; left.length < before;) {
      before = left.length
      left = left.filter(({ id, origin, parentSub, content, length }) => {
        const slot = parentSub ?? (origin ? this.#slots.get(nameOf(origin.client, origin.clock)) : undefined)
        if (slot === undefined) return true
        for (let clock = id.clock; clock < id.clock + length; clock++) this.#slots.set(nameOf(id.client, clock), slot)
        for (const sealed of content.getContent() as readonly unknown[])
          if (sealed instanceof Uint8Array) this.all.push({ binding: { feed, key, slot, epoch }, sealed })
        return false
      })
    }
    if (left.length > 0) throw new Error(`A relay was offered what follows nothing: ${feed} ${key}.`)
  }
}

/**
 * What of these opens to somebody who has all that a device has: its rows, its keyring, and whatever follows from those. The device's own exchange key is no part of it: what
 * it opens is in the keyring of a device that was there when it came.
 */
export function openedBy({ rows, replica: { keyring } }: MemoryOrg, seals: readonly HeardSeal[]): readonly OpenedSeal[] {
  const own = new Map<number, string>()
  const first = textOf(rows.get('Key', 'team'), 'secret')
  if (first !== undefined) own.set(0, first)
  for (let of = 1; of <= highestGeneration; of++) {
    const secret = keyring.own(of)
    if (secret !== undefined) own.set(of, secret)
  }
  const known = new Map<string, readonly Uint8Array[]>()
  const keysFor = ({ feed }: SealBinding, generation: number): readonly Uint8Array[] => {
    const parsed = parseFeed(feed)
    const name = `${feed} ${generation}`
    const present = known.get(name)
    if (present) return present
    const keys: Uint8Array[] = []
    if (parsed.kind === 'team') for (const secret of own.values()) keys.push(teamKey(secret, parsed.org, generation))
    if (parsed.kind === 'connection') {
      const { connection, side } = parsed
      const sealed = parsed.topic === messagesTopic ? 'messages' : 'docs'
      const shared = textOf(rows.get('Connection', connection), 'secret')
      const secrets = [
        shared,
        ...[side, otherSide(side)].flatMap((each) => keyring.orders(connection, each).map(({ secret }) => secret)),
        // What an org would send with, if its own secret were one of those.
        ...[...own.values()].map((secret) => sendingSecret(secret, connection, generation)),
      ]
      for (const secret of secrets) if (secret !== undefined) keys.push(connectionKey(secret, connection, side, sealed, generation))
    }
    known.set(name, keys)
    return keys
  }
  return seals.flatMap(({ binding, sealed }) => {
    const opened = keysFor(binding, generationOf(sealed)).flatMap((key) => openContent(key, binding, sealed) ?? [])[0]
    return opened ? [{ feed: binding.feed, key: binding.key, content: opened.content }] : []
  })
}
