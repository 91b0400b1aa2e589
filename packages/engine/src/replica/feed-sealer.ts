import { type ConnectionId, type Epoch, type FeedName, type Key, type OrgId, type Side, type Stamp, zeroStamp } from '@entente/protocol'
import type { Register, Row } from '../row/row.js'
import type { Keyring, SendingSecret } from '../seal/keyring.js'
import { connectionKey, generation as firstGeneration, mailboxKey, originKey, teamKey, TeamNames } from '../seal/keys.js'
import {
  controlBinding,
  generationOf,
  messageBinding,
  openContent,
  type OpenedContent,
  Origin,
  registerOfContent,
  type SealBinding,
  sealContent,
} from '../seal/seal-register.js'
import { bringsKeys, type FeedRole, isConfirmed, isMessages, textOf, wasVerified } from './feed-role.js'
import { decodePart, encodePart } from './row-parts.js'
import type { RowsView } from './rows-view.js'

/** What opens and seals the values of one feed in one generation. */
interface FeedKeys {
  readonly cipher: Uint8Array
  /** The generation of the own secret whose origin its seals bear. */
  readonly own: number
}

/**
 * Seals and opens the values of feeds, each with the key of its feed role. Keys are derived once per feed. What opens in an own feed was made by an own
 * device: a nonce of any other origin is as good as a seal that does not open (rule OR1).
 */
export class FeedSealer {
  readonly #org: OrgId
  readonly #rows: RowsView
  readonly #keyring: Keyring
  readonly #checksOrigin: boolean
  readonly #keys = new Map<string, FeedKeys>()
  readonly #origins = new Map<string, Origin>()
  #names: { readonly secret: string; readonly names: TeamNames } | undefined

  /** @param checksOrigin false in a test that disables the rule */
  constructor(org: OrgId, rows: RowsView, keyring: Keyring, checksOrigin = true) {
    this.#org = org
    this.#rows = rows
    this.#keyring = keyring
    this.#checksOrigin = checksOrigin
  }

  /** The names of the team feed; undefined while this device has no org key. */
  get names(): TeamNames | undefined {
    const secret = this.#ownSecret(firstGeneration)
    if (secret === undefined) return undefined
    if (this.#names?.secret !== secret) this.#names = { secret, names: new TeamNames(secret, this.#org) }
    return this.#names.names
  }

  /**
   * The generation of a seal, where this device does not have its key: it is held until the key arrives (rule RT6). Undefined where it has the key, and where
   * nothing is held: in a mailbox, which has no generations, and of a peer whose codes nobody has compared.
   */
  missingGeneration(feedRole: FeedRole, sealed: Uint8Array): number | undefined {
    const generation = generationOf(sealed)
    if (generation === firstGeneration || feedRole.kind === 'mailbox' || this.#keysOf(feedRole, generation)) return undefined
    if (feedRole.kind === 'connection' && !feedRole.own && !wasVerified(this.#rows.get('Connection', feedRole.connection))) return undefined
    return generation
  }

  sealMessage(feedRole: FeedRole, feed: FeedName, key: Key, register: Register): Uint8Array | undefined {
    return this.#sealRegister(feedRole, messageBinding(feed, key), register)
  }

  openMessage(feedRole: FeedRole, feed: FeedName, key: Key, sealed: Uint8Array): Register | undefined {
    return this.#open(feedRole, messageBinding(feed, key), sealed)
  }

  sealControlEntry(feedRole: FeedRole, feed: FeedName, key: Key, register: Register): Uint8Array | undefined {
    return this.#sealRegister(feedRole, controlBinding(feed, key), register)
  }

  /** A control entry's seal holds the text of its public copy. */
  openControlEntry(feedRole: FeedRole, feed: FeedName, key: Key, sealed: Uint8Array): Register | undefined {
    const register = this.#open(feedRole, controlBinding(feed, key), sealed)
    return typeof register?.[1] === 'string' ? register : undefined
  }

  /** @returns undefined where the key for the feed role is not known */
  sealSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, register: Register): Uint8Array | undefined {
    return this.#sealRegister(feedRole, { feed, key, slot, epoch }, register)
  }

  openSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): Register | undefined {
    return this.#open(feedRole, { feed, key, slot, epoch }, sealed)
  }

  /** Seals a part of a row for the team (rule TM2). Its stamps stand with its values. */
  sealPart(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, part: Row): Uint8Array | undefined {
    return this.#seal(feedRole, { feed, key, slot, epoch }, zeroStamp, encodePart(part))
  }

  /** Undefined for a part of another row than that of the key, too. */
  openPart(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): Row | undefined {
    const opened = this.#openContent(feedRole, { feed, key, slot, epoch }, sealed)
    const part = opened && decodePart(opened.content)
    return part && this.names?.key(part.object, part.id) === key ? part : undefined
  }

  /**
   * The generation below which seals of a feed are late: whoever was removed from its org may have made them (rule RT11). After a removal all that are known, until a
   * rotation has followed it.
   */
  lateBelow(feedRole: FeedRole): number {
    const highest = this.generationOf(feedRole)
    const keyring = this.#keyring
    switch (feedRole.kind) {
      case 'mailbox':
        return firstGeneration
      case 'team':
        return keyring.isOwnDue(this.#org) ? highest + 1 : highest
      case 'connection': {
        const { connection, side, own } = feedRole
        const row = this.#rows.get('Connection', connection)
        if (!isConfirmed(row)) return highest
        const peer = own ? undefined : textOf(row, side)
        const isDue = own
          ? keyring.isOwnDue(this.#org) || keyring.isSendingDue(connection, side)
          : keyring.isPeerDue(peer ?? '', connection, side)
        return isDue ? highest + 1 : highest
      }
    }
  }

  /** Whether whoever was removed last from a feed's org may have the keys of a generation: they began before. */
  isBeforeRemoval(feedRole: FeedRole, generation: number): boolean {
    const keyring = this.#keyring
    if (feedRole.kind === 'mailbox') return false
    if (feedRole.kind === 'team') return (keyring.ownOrder(generation)?.roster ?? 0) < keyring.removed(this.#org)
    const { connection, side } = feedRole
    const owner = textOf(this.#rows.get('Connection', connection), side) ?? ''
    const began = keyring.orders(connection, side).find((each) => each.generation === generation)?.order.roster ?? 0
    return began < keyring.removed(owner)
  }

  #sealRegister(feedRole: FeedRole, binding: SealBinding, [stamp, value]: Register): Uint8Array | undefined {
    return this.#seal(feedRole, binding, stamp, JSON.stringify(value))
  }

  #seal(feedRole: FeedRole, binding: SealBinding, stamp: Stamp, content: string): Uint8Array | undefined {
    // What brings keys is sealed under the first ones, which all devices have (rule RT8): one that came by the kit may lack those of a rotation that was drawn without
    // it, and has to read the next. A rotation's own secret is sealed to each device in it.
    const generation = bringsKeys(binding.key) ? firstGeneration : this.generationOf(feedRole)
    const keys = this.#keysOf(feedRole, generation)
    const origin = keys && this.#originOf(keys.own)
    return keys && origin && sealContent({ cipher: keys.cipher, origin, generation }, binding, stamp, content)
  }

  #open(feedRole: FeedRole, binding: SealBinding, sealed: Uint8Array): Register | undefined {
    return registerOfContent(this.#openContent(feedRole, binding, sealed))
  }

  #openContent(feedRole: FeedRole, binding: SealBinding, sealed: Uint8Array): OpenedContent | undefined {
    const keys = this.#keysOf(feedRole, generationOf(sealed))
    if (!keys || !feedRole.own) return keys && openContent(keys.cipher, binding, sealed)
    const origin = this.#originOf(keys.own)
    return origin && openContent(keys.cipher, binding, sealed, this.#checksOrigin ? origin : undefined)
  }

  /** The generation under which an own feed is sealed, and the newest one of a peer's. */
  generationOf(feedRole: FeedRole): number {
    switch (feedRole.kind) {
      case 'team':
        return this.#keyring.highestOwn()
      case 'mailbox':
        return firstGeneration
      case 'connection':
        return this.#keyring.highestSending(feedRole.connection, feedRole.side)
    }
  }

  #keysOf(feedRole: FeedRole, generation: number): FeedKeys | undefined {
    switch (feedRole.kind) {
      case 'team': {
        const secret = this.#ownSecret(generation)
        if (secret === undefined) return undefined
        return this.#derived(`team ${generation} ${secret}`, generation, () => teamKey(secret, this.#org, generation))
      }
      case 'mailbox': {
        const { mailbox, side } = feedRole
        const secret = generation === firstGeneration ? textOf(this.#rows.get('Invitation', mailbox), 'secret') : undefined
        if (secret === undefined) return undefined
        return this.#derived(`mailbox ${side} ${secret}`, firstGeneration, () => mailboxKey(secret, mailbox, side))
      }
      case 'connection': {
        const { connection, side } = feedRole
        const { secret, own } = this.#sendingSecret(connection, side, generation) ?? {}
        if (secret === undefined || own === undefined) return undefined
        const sealed = isMessages(feedRole) ? 'messages' : 'docs'
        const name = `${sealed} ${side} ${generation} ${secret}`
        return this.#derived(name, own, () => connectionKey(secret, connection, side, sealed, generation))
      }
    }
  }

  #sendingSecret(connection: ConnectionId, side: Side, generation: number): SendingSecret | undefined {
    if (generation !== firstGeneration) return this.#keyring.sending(connection, side, generation)
    const secret = textOf(this.#rows.get('Connection', connection), 'secret')
    return secret === undefined ? undefined : { secret, own: firstGeneration }
  }

  #originOf(generation: number): Origin | undefined {
    const secret = this.#ownSecret(generation)
    if (secret === undefined) return undefined
    let origin = this.#origins.get(secret)
    if (!origin) this.#origins.set(secret, (origin = new Origin(originKey(secret, this.#org))))
    return origin
  }

  #ownSecret(generation: number): string | undefined {
    return generation === firstGeneration ? textOf(this.#rows.get('Key', 'team'), 'secret') : this.#keyring.own(generation)
  }

  #derived(name: string, own: number, derive: () => Uint8Array): FeedKeys {
    let keys = this.#keys.get(name)
    if (!keys) this.#keys.set(name, (keys = { cipher: derive(), own }))
    return keys
  }
}
