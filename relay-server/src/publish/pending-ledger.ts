import type { ConnectionId, FeedName, OrgId } from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { noUsage, type Usage } from '../store/account.js'
import type { KeyState, Write } from '../store/store.js'
import { isPolicy } from './judge-offer.js'
import { growthOf } from './quota.js'

/** An offer that was judged, and the last entry of its key by which it was. */
export interface Pending {
  /** The key's id, as everything about the key is looked up by it. */
  readonly id: string
  readonly publisher: { readonly org: OrgId }
  readonly access: Access
  readonly last: KeyState | undefined
}

/**
 * What judged offers will add to accounts and mailboxes once they are on disk, and the keys, feeds and policies that they change. No reading of the
 * store knows of these.
 */
export class PendingLedger {
  readonly #keys = new Set<string>()
  /** The number of writes to each feed. */
  readonly #feeds = new Map<FeedName, number>()
  readonly #policies = new Set<ConnectionId>()
  /** The growth of each org's usage. */
  readonly #growth = new Map<OrgId, Usage>()
  /** The number of keys that each mailbox feed gains. */
  readonly #mailboxKeys = new Map<FeedName, number>()

  /** Adds a judged write, which goes to the disk. */
  add({ id, publisher: { org }, access, last }: Pending, write: Write): void {
    this.#keys.add(id)
    this.#feeds.set(access.name, (this.#feeds.get(access.name) ?? 0) + 1)
    const connection = policyIn(access, write)
    if (connection) this.#policies.add(connection)
    this.#growth.set(org, sum(this.#growth.get(org) ?? noUsage, growthOf(write, write.connects, last)))
    if (addsToMailbox(access, last)) this.#mailboxKeys.set(access.name, this.mailboxKeys(access.name) + 1)
  }

  /** Removes a write that is on disk, or that another relay preceded. */
  remove({ id, publisher: { org }, access, last }: Pending, write: Write): void {
    this.#keys.delete(id)
    takeOne(this.#feeds, access.name)
    const connection = policyIn(access, write)
    if (connection) this.#policies.delete(connection)
    const growth = difference(this.#growth.get(org) ?? noUsage, growthOf(write, write.connects, last))
    if (isNone(growth)) this.#growth.delete(org)
    else this.#growth.set(org, growth)
    if (addsToMailbox(access, last)) takeOne(this.#mailboxKeys, access.name)
  }

  clear(): void {
    this.#keys.clear()
    this.#feeds.clear()
    this.#policies.clear()
    this.#growth.clear()
    this.#mailboxKeys.clear()
  }

  hasKey(id: string): boolean {
    return this.#keys.has(id)
  }

  hasFeed(feed: FeedName): boolean {
    return this.#feeds.has(feed)
  }

  /** Whether a policy of the connection is pending; later offers for the connection are judged once it is on disk. */
  hasPolicy(connection: ConnectionId | undefined): boolean {
    return connection !== undefined && this.#policies.has(connection)
  }

  /** An org's usage once every pending write is on disk. */
  usage(org: OrgId, stored: Usage): Usage {
    const growth = this.#growth.get(org)
    return growth ? sum(stored, growth) : stored
  }

  mailboxKeys(feed: FeedName): number {
    return this.#mailboxKeys.get(feed) ?? 0
  }
}

/** Whether a write to a key without an entry adds one to a mailbox's feed. */
export function addsToMailbox({ mailboxUntil }: Access, last: KeyState | undefined): boolean {
  return mailboxUntil !== undefined && !last
}

/** The connection of which this write is a policy, if it is one. */
export function policyIn({ feed }: Access, write: Write): ConnectionId | undefined {
  return feed.kind === 'connection' && isPolicy(write) ? feed.connection : undefined
}

function takeOne(counts: Map<FeedName, number>, feed: FeedName): void {
  const left = (counts.get(feed) ?? 0) - 1
  if (left > 0) counts.set(feed, left)
  else counts.delete(feed)
}

function sum(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, docs: a.docs + b.docs, connections: a.connections + b.connections }
}

function difference(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes - b.bytes, docs: a.docs - b.docs, connections: a.connections - b.connections }
}

function isNone({ bytes, docs, connections }: Usage): boolean {
  return bytes === 0 && docs === 0 && connections === 0
}
