import type { Engine, RestoreOptions } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { writesOfOrg } from '../join/become.js'
import { type Joining, joinOrg } from '../join/join-org.js'
import { assemble } from '../engine.js'
import { createIdentity, identityKey, type Identity, type StoredIdentity } from '../identity/identity.js'
import type { DeviceChange } from '../identity/next-roster.js'
import { pathOf } from '../identity/roster.js'
import type { Rosters } from '../identity/rosters.js'
import type { Link } from '../link/index.js'
import type { WatchNetwork } from '../port/network.js'
import type { OpenSocket } from '../port/socket.js'
import type { Reconcilers } from '../reconcilers.js'
import type { Replica } from '../replica/index.js'
import type { Rows } from '../row/rows.js'
import { SkewedClock } from './clock.js'
import type { MemoryNetwork, NetworkDevice } from './network.js'
import { type Lie, lyingSocket } from './lying-socket.js'
import { memoryRelayHost } from './relay.js'
import { MemoryStore } from './store.js'
import { MemoryBrowser, type MemoryTab } from './tabs.js'

export interface MemoryOrgOptions {
  readonly orgName?: string
  readonly userName?: string
  /** The device's store, with an org in it or empty. Default: an empty one. */
  readonly store?: MemoryStore
  /** Milliseconds by which the device's clock is ahead of the network's. */
  readonly skew?: number
  /** The browser of whose tabs this is one. Give two orgs the same one and the same store, and they are two tabs of one device. Default: one of its own. */
  readonly browser?: MemoryBrowser
  /** What the device calls itself. */
  readonly deviceName?: string
  /** Brings the org back from its kit, into an empty store. */
  readonly restore?: RestoreOptions
  /** Whether the device begins with its wire cut, until `sync.mend()`. */
  readonly cut?: boolean
  /** Tells the device that its network went or came. */
  readonly watchNetwork?: WatchNetwork
  /** Hears every frame that the device sends. */
  readonly onSend?: (frame: Uint8Array) => void
  /** What a lying relay gives this device in place of the entries that it has. */
  readonly lie?: Lie
}

/** One page load of an org's device: the whole engine, and what it is made of. */
export interface MemoryOrg extends Engine, NetworkDevice {
  readonly options: MemoryOrgOptions
  readonly store: MemoryStore
  /** The tab in which it is open. */
  readonly tab: MemoryTab
  readonly clock: SkewedClock
  readonly identity: Identity
  readonly context: EngineContext
  readonly rosters: Rosters
  readonly rows: Rows
  readonly replica: Replica
  readonly link: Link
  readonly reconcilers: Reconcilers
  /** What went wrong inside the engine, in words, the latest first. */
  readonly problems: readonly string[]
}

/** Opens an org at a network, or makes it where its store is empty. @throws EngineError as `openEngine` does */
export async function openMemoryOrg(network: MemoryNetwork, options: MemoryOrgOptions = {}): Promise<MemoryOrg> {
  const { orgName = 'Vista', userName = 'Vera', store = new MemoryStore(), skew = 0, cut = false, onSend, lie } = options
  const tab = (options.browser ?? new MemoryBrowser()).open()
  const clock = new SkewedClock(network.clock, skew)
  const heard = onSend ? heardSocket(network.relay.openSocket, onSend) : network.relay.openSocket
  const { engine, context, replica, reconcilers } = await assemble({
    store,
    openSocket: lie ? lyingSocket(heard, lie) : heard,
    clock,
    random: network.random(),
    tabs: tab,
    ...(options.deviceName !== undefined && { deviceName: options.deviceName }),
    ...(options.watchNetwork && { watchNetwork: options.watchNetwork }),
    relay: `ws://${memoryRelayHost}/socket`,
    ...(options.restore ? { restore: options.restore } : { create: { orgName, userName } }),
  })
  if (cut) engine.sync.cut()
  const { rows, link, identity, rosters } = context
  const org: MemoryOrg = {
    ...engine,
    options,
    store,
    tab,
    clock,
    identity,
    context,
    rosters,
    rows,
    replica,
    link,
    reconcilers,
    get problems() {
      return engine.sync.status().problems.map(({ what }) => what)
    },
    get isAtRest() {
      const { leader, cut: isCut, stoodDown } = link.status()
      // One that may lead does soon. A tab that follows sends nothing itself.
      if (tab.leads && !leader && !stoodDown) return false
      // One that was removed keeps what it has not sent for good.
      const isGone = rosters.verified(identity.org.id).at(-1)?.devices.has(identity.device) === false
      return !reconcilers.isBusy && (!leader || isCut || isGone || link.isSynced)
    },
    describe: () => `${engine.user.name} of ${engine.org.name}: ${JSON.stringify(engine.sync.status())}`,
    async close() {
      leave()
      await engine.close()
    },
  }
  const leave = network.add(org)
  return org
}

/** A new device at a network that opens the link of an admin's device, with its store. `open` opens the org once it has joined. */
export interface MemoryJoining extends Joining {
  readonly store: MemoryStore
  open(): Promise<MemoryOrg>
}

/** Opens the link with which a device joins an org, or goes on after a reload of the page that did. */
export async function joinMemoryOrg(
  network: MemoryNetwork,
  {
    link,
    store = new MemoryStore(),
    deviceName = 'Laptop',
  }: { readonly link?: string; readonly store?: MemoryStore; readonly deviceName?: string },
): Promise<MemoryJoining> {
  const clock = new SkewedClock(network.clock, 0)
  const joining = await joinOrg({
    store,
    openSocket: network.relay.openSocket,
    clock,
    random: network.random(),
    tabs: new MemoryBrowser().open(),
    relay: `ws://${memoryRelayHost}/socket`,
    deviceName,
    ...(link !== undefined && { link }),
  })
  if (!joining) throw new Error('No device is about to join from this store.')
  const device: MemoryJoining = {
    store,
    status: () => joining.status(),
    watch: (listener) => joining.watch(listener),
    stop: () => joining.stop(),
    close: () => joining.close(),
    async open() {
      await joining.close()
      return openMemoryOrg(network, { store: store.reopen(), deviceName })
    },
  }
  return device
}

export interface AnotherDeviceOptions extends Pick<MemoryOrgOptions, 'cut'> {
  /** Default: the person at the first device. */
  readonly userName?: string
  /** Default: the role of the person at the first device. */
  readonly role?: 'admin' | 'member'
  /** A person whom the device claims to speak for, though the roster names another. */
  readonly claims?: string
}

/**
 * Opens one more device of an org: it has keys of its own, is on the next roster, which the first device signs, and knows every row that the first device knows
 * at this moment. It becomes one of the org as a device that joins does; what is left out is the link and the code.
 */
export async function openAnotherDevice(network: MemoryNetwork, first: MemoryOrg, options: AnotherDeviceOptions = {}): Promise<MemoryOrg> {
  const { userName = first.user.name, role = first.user.role, claims, cut = false } = options
  const person = userName === first.user.name ? first.user.id : userName.toLowerCase()
  const store = new MemoryStore()
  await createIdentity({ orgName: 'A device', userName, store, clock: network.clock, random: network.random(), isJoining: true })
  const [before] = (await store.get([identityKey])) as readonly [StoredIdentity]
  const listed = { key: before.device.publicJwk.x, exchange: before.exchange.public, person, role }
  await changeRoster(first, (devices) => [...devices, listed])
  const chain = await first.rosters.chain(first.org.id)
  const writes = await writesOfOrg(first.org.id, before, {
    orgName: first.org.name,
    user: { id: claims ?? person, name: userName, role },
    founding: first.identity.founding,
    rosters: pathOf(chain).map(({ token }) => token),
    keys: first.replica.keyring.toShare(),
    rows: [...first.rows.objects()].flatMap((object) => [...first.rows.list(object).values()]),
  })
  await store.update([], () => ({ writes, result: undefined }))
  // The relay lies to one device.
  const { lie: _, browser: __, ...honest } = first.options
  return openMemoryOrg(network, { ...honest, store, cut })
}

/** Has an admin's device sign the next roster of its org, as the page of its devices does. */
export async function changeRoster(admin: MemoryOrg, change: DeviceChange): Promise<void> {
  await admin.context.changeRoster(change)
}

function heardSocket(openSocket: OpenSocket, hear: (frame: Uint8Array) => void): OpenSocket {
  return (url, events) => {
    const socket = openSocket(url, events)
    return {
      close: () => socket.close(),
      send(frame) {
        hear(frame)
        socket.send(frame)
      },
    }
  }
}
