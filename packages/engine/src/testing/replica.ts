import type { Side } from '@entente/protocol'
import type { DisabledRule } from '../replica/index.js'
import { type MemoryDevice, openMemoryDevice } from './device.js'
import type { MemoryNetwork, NetworkDevice } from './network.js'
import { partnerOrg, vendorOrg } from './sample-connection.js'
import { MemoryStore } from './store.js'

export interface MemoryReplicaOptions {
  /** The device's store, empty or of an earlier page load. Default: an empty one. */
  readonly store?: MemoryStore
  /** Rules of the replica that a test disables to show that each is needed. */
  readonly disabledRules?: readonly DisabledRule[]
}

/** A device of one side of the sample connection, without an engine: its rows, its replica and its link. */
export interface MemoryReplica extends MemoryDevice, NetworkDevice {
  readonly store: MemoryStore
  /** What the replica or the link found wrong, in words, in order. */
  readonly problems: readonly string[]
}

/** Opens a device at a network. Its link is not started. @throws StoreError where the store refuses */
export async function openMemoryReplica(network: MemoryNetwork, side: Side, options: MemoryReplicaOptions = {}): Promise<MemoryReplica> {
  const { store = new MemoryStore(), disabledRules = [] } = options
  const problems: string[] = []
  const device = await openMemoryDevice({
    org: side === 'vendor' ? vendorOrg : partnerOrg,
    store,
    openSocket: network.relay.openSocket,
    clock: network.clock,
    random: network.random(),
    disabledRules: new Set(disabledRules),
    problem: (what) => problems.push(what),
  })
  const { link } = device
  const replica: MemoryReplica = {
    ...device,
    store,
    problems,
    get isAtRest() {
      return link.status().cut || link.isSynced
    },
    describe: () => `${side}: ${JSON.stringify(link.status())} ${problems.join(' ')}`,
    close() {
      leave()
      device.close()
    },
  }
  const leave = network.add(replica)
  return replica
}
