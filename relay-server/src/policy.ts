import {
  type ConnectionId,
  decodePolicy,
  feedName,
  joinPolicies,
  type ObjectTopic,
  type Policy,
  policyKey,
  type Side,
  sides,
} from '@entente/protocol'
import { LruMap } from './lru.js'
import type { Store } from './store/store.js'

/** What both sides of a connection have registered. */
export interface Policies {
  readonly vendor: Policy | undefined
  readonly partner: Policy | undefined
  /** What both allow together, once both have registered the same version (rule PO2). */
  readonly joined: Policy | undefined
  /** The same as sets, for the admission check. */
  readonly slots: Readonly<Record<ObjectTopic, ReadonlySet<string>>> | undefined
}

/** Connections whose policies are at hand; the others are read again when they are needed. */
const keptConnections = 4_096

/** The policies of connections, as of the last offer judged (which may not be on disk yet; `forget` goes back to what is). */
export class PolicyBook {
  readonly #store: Store
  readonly #known = new LruMap<ConnectionId, Policies>(keptConnections)

  constructor(store: Store) {
    this.#store = store
  }

  get(connection: ConnectionId): Policies | undefined {
    return this.#known.get(connection)
  }

  async load(connection: ConnectionId): Promise<void> {
    const [vendor, partner] = await Promise.all(
      sides.map(async (side) => {
        const feed = feedName({ kind: 'connection', connection, side, topic: 'messages' })
        const bytes = await this.#store.message({ feed, key: policyKey })
        return bytes && decodePolicy(bytes)
      }),
    )
    if (!this.#known.get(connection)) this.#known.set(connection, join(vendor, partner))
  }

  register(connection: ConnectionId, side: Side, policy: Policy): void {
    const known = this.#known.get(connection)
    this.#known.set(connection, side === 'vendor' ? join(policy, known?.partner) : join(known?.vendor, policy))
  }

  forget(): void {
    this.#known.clear()
  }
}

/** The highest version that either side has registered, 0 for none. */
export function highestVersion(policies: Policies): number {
  return Math.max(policies.vendor?.version ?? 0, policies.partner?.version ?? 0)
}

function join(vendor: Policy | undefined, partner: Policy | undefined): Policies {
  const joined = joinPolicies(vendor, partner)
  const slots = joined && { lead: new Set(joined.slots.lead), opportunity: new Set(joined.slots.opportunity) }
  return { vendor, partner, joined, slots }
}
