export { ManualClock, SkewedClock } from './clock.js'
export { type DecodersContext, type EngineDecoder, engineDecoders, type InputForm } from './decoders.js'
export { type MemoryDevice, type MemoryDeviceOptions, openMemoryDevice } from './device.js'
export { guessAt } from './guess.js'
export { type HeardSeal, HeardSeals, openedBy } from './heard-seals.js'
export { memoryHello } from './hello.js'
export { MemoryNetwork, type MemoryNetworkOptions, type NetworkDevice } from './network.js'
export {
  type AnotherDeviceOptions,
  changeRoster,
  joinMemoryOrg,
  type MemoryJoining,
  type MemoryOrg,
  type MemoryOrgOptions,
  openAnotherDevice,
  openMemoryOrg,
} from './org.js'
export { type ManyOrgs, type Neighbour, setupMany } from './many.js'
export { seededRandom } from './random.js'
export { MemoryRelay, type MemoryRelayOptions, type RelayEnd, type DisabledRelayRule } from './relay.js'
export { entriesAfter, feedOf, type Kept, type RelayState, wholeOf } from './relay-state.js'
export { type MemoryReplica, type MemoryReplicaOptions, openMemoryReplica } from './replica.js'
export * from './sample-connection.js'
export { connectionKey, open as openSeal } from '../seal/index.js'
export { type ReplicaSetup, type ReplicaSetupOptions, setup, type Setup, type SetupOptions, type Stage, stages } from './setup.js'
export { type Fault, faultNames, Simulation, type SimulationOptions } from './simulation.js'
export {
  type Connected,
  connect,
  enabledConnection,
  exportListed,
  invitationPage,
  lead,
  leadFields,
  type Pair,
  updateFields,
} from './steps.js'
export { type StorePromise, storePromises } from './store-contract.js'
export { MemoryStore, type MemoryStoreFaults } from './store.js'
export { MemoryBrowser, type MemoryTab } from './tabs.js'
export { leafBytes, leafOfDoc } from '../replica/leaf.js'
export { LeafTree } from '../replica/leaf-tree.js'
