import type { Epoch, FeedName, Key, OrgId } from '@entente/protocol'
import type { RandomBytes } from '../port/random.js'
import type { Register } from '../row/row.js'
import { docKey, mailboxKey, messagesKey, teamKey, TeamNames } from '../seal/keys.js'
import { messageBinding, open, openContent, poolRandom, seal, valueOfContent } from '../seal/seal-register.js'
import { type FeedRole, textOf } from './feed-role.js'
import type { RowsView } from './rows-view.js'
import type { Address } from './stored.js'

/** One register of a team doc. Its seal holds the row and field that it belongs to. */
export interface TeamRegister {
  readonly address: Address
  readonly field: string
  readonly register: Register
}

/** Seals and opens the values of feeds, each with the key of its feed role. Keys are derived once per feed and version. */
export class FeedSealer {
  readonly #org: OrgId
  readonly #rows: RowsView
  readonly #random: RandomBytes
  readonly #keys = new Map<string, Uint8Array>()
  #names: { readonly secret: string; readonly names: TeamNames } | undefined

  constructor(org: OrgId, rows: RowsView, random: RandomBytes) {
    this.#org = org
    this.#rows = rows
    this.#random = poolRandom(random)
  }

  /** The names of the team feed; undefined while this device has no org key. */
  get names(): TeamNames | undefined {
    const secret = this.#teamSecret()
    if (!secret) return undefined
    if (this.#names?.secret !== secret) this.#names = { secret, names: new TeamNames(secret) }
    return this.#names.names
  }

  sealMessage(feedRole: FeedRole, feed: FeedName, key: Key, register: Register): Uint8Array | undefined {
    const cipherKey = this.#keyOf(feedRole, 0)
    return cipherKey && seal(cipherKey, messageBinding(feed, key), register, this.#random)
  }

  openMessage(feedRole: FeedRole, feed: FeedName, key: Key, sealed: Uint8Array): Register | undefined {
    const cipherKey = this.#keyOf(feedRole, 0)
    return cipherKey && open(cipherKey, messageBinding(feed, key), sealed)
  }

  /** @returns undefined where the key for the feed role or version is not known */
  sealSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, register: Register): Uint8Array | undefined {
    const cipherKey = this.#keyOf(feedRole, epoch.version)
    return cipherKey && seal(cipherKey, { feed, key, slot, epoch }, register, this.#random)
  }

  openSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): Register | undefined {
    const cipherKey = this.#keyOf(feedRole, epoch.version)
    return cipherKey && open(cipherKey, { feed, key, slot, epoch }, sealed)
  }

  /** Opens a value of the team's rows feed. */
  openTeamSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): TeamRegister | undefined {
    const cipherKey = this.#keyOf(feedRole, 0)
    const opened = cipherKey && openContent(cipherKey, { feed, key, slot, epoch }, sealed)
    if (!opened || !Array.isArray(opened.content)) return undefined
    const [object, id, field, content] = opened.content as readonly unknown[]
    const value = valueOfContent(content)
    if (typeof object !== 'string' || typeof id !== 'string' || typeof field !== 'string' || value === undefined) return undefined
    return { address: [object, id], field, register: [opened.stamp, value] }
  }

  #keyOf(feedRole: FeedRole, version: number): Uint8Array | undefined {
    switch (feedRole.kind) {
      case 'team': {
        const secret = this.#teamSecret()
        return secret === undefined ? undefined : this.#derived(`team ${secret}`, () => teamKey(secret, this.#org))
      }
      case 'mailbox': {
        const { mailbox, side } = feedRole
        const secret = textOf(this.#rows.get('Invitation', mailbox), 'secret')
        return secret === undefined ? undefined : this.#derived(`mailbox ${side} ${secret}`, () => mailboxKey(secret, mailbox, side))
      }
      case 'connection': {
        const { connection, side, topic } = feedRole
        const secret = textOf(this.#rows.get('Connection', connection), 'secret')
        if (secret === undefined) return undefined
        if (topic === 'messages') return this.#derived(`messages ${side} ${secret}`, () => messagesKey(secret, connection, side))
        return this.#derived(`doc ${side} ${version} ${secret}`, () => docKey(secret, connection, side, version))
      }
    }
  }

  #teamSecret(): string | undefined {
    return textOf(this.#rows.get('Key', 'team'), 'secret')
  }

  #derived(name: string, derive: () => Uint8Array): Uint8Array {
    let key = this.#keys.get(name)
    if (!key) this.#keys.set(name, (key = derive()))
    return key
  }
}

/** A team doc's value names its row and field, because the doc's key and slots are opaque. */
export function nameTeamRegister([object, id]: Address, field: string, [stamp, value]: Register): Register {
  return [stamp, [object, id, field, value]]
}
