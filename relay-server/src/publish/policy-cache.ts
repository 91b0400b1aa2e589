import {
  type ConnectionId,
  connectionOfDocs,
  decodeControlEntry,
  decodePolicy,
  existenceSlot,
  type FeedName,
  joinPolicies,
  messageFeedsOf,
  parseFeed,
  type Policy,
  policyKey,
} from '@entente/protocol'
import { LruMap } from '../flow/lru.js'
import type { KeyPosition, Store } from '../store/store.js'

/** The policies that both sides of a connection have registered. */
export interface Policies {
  readonly vendor: Policy | undefined
  readonly partner: Policy | undefined
  /** The slots that both allow, once both have registered the same version (rule PO2). */
  readonly joined: Policy | undefined
  /** Whether either side has ended the connection, for good (rule PO5). */
  readonly isEnded: boolean
  /** The same slots as sets by topic, for the admission check. */
  readonly slots: ReadonlyMap<string, ReadonlySet<string>> | undefined
  /** The positions of both in the store. A write judged by them commits only while they are the last. */
  readonly given: readonly KeyPosition[]
}

/** Capacity, in connections. Evicted policies are read again when they are needed. */
const keptConnections = 4_096

/**
 * Caches the policies of connections. A policy that this relay commits evicts the cached ones; a policy from another relay shows only in a read of the
 * current ones.
 */
export class PolicyCache {
  readonly #store: Store
  /** Each in a slot. Evicting the slot also discards a load in flight. */
  readonly #known = new LruMap<ConnectionId, { policies: Policies | undefined }>(keptConnections)

  constructor(store: Store) {
    this.#store = store
  }

  get(connection: ConnectionId): Policies | undefined {
    return this.#known.get(connection)?.policies
  }

  async load(connection: ConnectionId): Promise<Policies> {
    const slot = this.#known.get(connection) ?? { policies: undefined }
    this.#known.set(connection, slot)
    // A read that overlapped a write may hold the old policy; by then the slot has been replaced.
    return (slot.policies = await readPolicies(connection, this.#store))
  }

  /** The policies as the store holds them now. A store with one writer answers from the cache. */
  async current(connection: ConnectionId): Promise<Policies> {
    return (this.#store.isShared ? undefined : this.get(connection)) ?? this.load(connection)
  }

  /** Whether either org has ended the connection of a feed of docs (rule PO5). Team feeds and messages do not end. */
  async hasConnectionEnded(name: FeedName): Promise<boolean> {
    const connection = connectionOfDocs(parseFeed(name))
    return connection !== undefined && (await this.current(connection)).isEnded
  }

  evict(connection: ConnectionId): void {
    this.#known.delete(connection)
  }

  clear(): void {
    this.#known.clear()
  }
}

async function readPolicies(connection: ConnectionId, store: Store): Promise<Policies> {
  const names = messageFeedsOf(connection).map((feed) => ({ feed, key: policyKey }))
  const found = await Promise.all(names.map((name) => store.controlEntry(name)))
  const [vendor, partner] = found.map((message) => message && decodePolicy(decodeControlEntry(message.bytes).copy))
  const given = names.map((name, index) => ({ ...name, sequence: found[index]?.sequence ?? 0 }))
  return join(vendor, partner, given)
}

/** The highest version that either side has registered, 0 for none. */
export function highestVersion(policies: Policies): number {
  return Math.max(policies.vendor?.version ?? 0, policies.partner?.version ?? 0)
}

/** The slots that docs may have: the agreed ones, and the one of their existence (rule ER1). */
function admitted(agreed: readonly string[]): ReadonlySet<string> {
  return new Set([...agreed, existenceSlot])
}

function join(vendor: Policy | undefined, partner: Policy | undefined, given: readonly KeyPosition[]): Policies {
  const joined = joinPolicies(vendor, partner)
  const slots = joined && new Map(Object.entries(joined.slots).map(([topic, names]) => [topic, admitted(names)]))
  return { vendor, partner, joined, isEnded: vendor?.ended === true || partner?.ended === true, slots, given }
}
