import type { Epoch, FeedName, Key, OrgId } from '@entente/protocol'
import type { Register } from '../row/row.js'
import { connectionKey, mailboxKey, originKey, teamKey, TeamNames } from '../seal/keys.js'
import { controlBinding, messageBinding, open, openContent, Origin, seal, type SealBinding, valueOfContent } from '../seal/seal-register.js'
import { type FeedRole, isMessages, textOf } from './feed-role.js'
import type { RowsView } from './rows-view.js'
import type { Address } from './stored.js'

/** One register of a team doc. Its seal holds the row and field that it belongs to. */
export interface TeamRegister {
  readonly address: Address
  readonly field: string
  readonly register: Register
}

/** What comes from the org's own secret. */
interface OwnKeys {
  readonly secret: string
  readonly names: TeamNames
  readonly origin: Origin
}

/**
 * Seals and opens the values of feeds, each with the key of its feed role. Keys are derived once per feed. What opens in an own feed was made by an own
 * device: a nonce of any other origin is as good as a seal that does not open (rule OR1).
 */
export class FeedSealer {
  readonly #org: OrgId
  readonly #rows: RowsView
  readonly #checksOrigin: boolean
  readonly #keys = new Map<string, Uint8Array>()
  #own: OwnKeys | undefined

  /** @param checksOrigin false in a test that disables the rule */
  constructor(org: OrgId, rows: RowsView, checksOrigin = true) {
    this.#org = org
    this.#rows = rows
    this.#checksOrigin = checksOrigin
  }

  /** The names of the team feed; undefined while this device has no org key. */
  get names(): TeamNames | undefined {
    return this.#ownKeys()?.names
  }

  sealMessage(feedRole: FeedRole, feed: FeedName, key: Key, register: Register): Uint8Array | undefined {
    return this.#seal(feedRole, messageBinding(feed, key), register)
  }

  openMessage(feedRole: FeedRole, feed: FeedName, key: Key, sealed: Uint8Array): Register | undefined {
    return this.#open(feedRole, messageBinding(feed, key), sealed)
  }

  sealControlEntry(feedRole: FeedRole, feed: FeedName, key: Key, register: Register): Uint8Array | undefined {
    return this.#seal(feedRole, controlBinding(feed, key), register)
  }

  /** A control entry's seal holds the text of its public copy. */
  openControlEntry(feedRole: FeedRole, feed: FeedName, key: Key, sealed: Uint8Array): Register | undefined {
    const register = this.#open(feedRole, controlBinding(feed, key), sealed)
    return typeof register?.[1] === 'string' ? register : undefined
  }

  /** @returns undefined where the key for the feed role is not known */
  sealSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, register: Register): Uint8Array | undefined {
    return this.#seal(feedRole, { feed, key, slot, epoch }, register)
  }

  openSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): Register | undefined {
    return this.#open(feedRole, { feed, key, slot, epoch }, sealed)
  }

  /** Opens a value of the team's rows feed. */
  openTeamSlot(feedRole: FeedRole, feed: FeedName, key: Key, slot: string, epoch: Epoch, sealed: Uint8Array): TeamRegister | undefined {
    const [cipher, own] = [this.#keyOf(feedRole), this.#ownKeys()]
    const opened = cipher && own && openContent(cipher, { feed, key, slot, epoch }, sealed, this.#checksOrigin ? own.origin : undefined)
    if (!opened || !Array.isArray(opened.content)) return undefined
    const [object, id, field, content] = opened.content as readonly unknown[]
    const value = valueOfContent(content)
    if (typeof object !== 'string' || typeof id !== 'string' || typeof field !== 'string' || value === undefined) return undefined
    return { address: [object, id], field, register: [opened.stamp, value] }
  }

  #seal(feedRole: FeedRole, binding: SealBinding, register: Register): Uint8Array | undefined {
    const [cipher, own] = [this.#keyOf(feedRole), this.#ownKeys()]
    return cipher && own && seal({ cipher, origin: own.origin }, binding, register)
  }

  #open(feedRole: FeedRole, binding: SealBinding, sealed: Uint8Array): Register | undefined {
    const cipher = this.#keyOf(feedRole)
    if (!cipher || !feedRole.own) return cipher && open(cipher, binding, sealed)
    const own = this.#ownKeys()
    return own && open(cipher, binding, sealed, this.#checksOrigin ? own.origin : undefined)
  }

  #keyOf(feedRole: FeedRole): Uint8Array | undefined {
    switch (feedRole.kind) {
      case 'team': {
        const secret = this.#ownSecret()
        return secret === undefined ? undefined : this.#derived(`team ${secret}`, () => teamKey(secret, this.#org))
      }
      case 'mailbox': {
        const { mailbox, side } = feedRole
        const secret = textOf(this.#rows.get('Invitation', mailbox), 'secret')
        return secret === undefined ? undefined : this.#derived(`mailbox ${side} ${secret}`, () => mailboxKey(secret, mailbox, side))
      }
      case 'connection': {
        const { connection, side } = feedRole
        const secret = textOf(this.#rows.get('Connection', connection), 'secret')
        if (secret === undefined) return undefined
        const sealed = isMessages(feedRole) ? 'messages' : 'docs'
        return this.#derived(`${sealed} ${side} ${secret}`, () => connectionKey(secret, connection, side, sealed))
      }
    }
  }

  #ownKeys(): OwnKeys | undefined {
    const secret = this.#ownSecret()
    if (secret === undefined) return undefined
    if (this.#own?.secret !== secret)
      this.#own = { secret, names: new TeamNames(secret, this.#org), origin: new Origin(originKey(secret, this.#org)) }
    return this.#own
  }

  #ownSecret(): string | undefined {
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
