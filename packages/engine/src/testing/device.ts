import type { OrgId } from '@entente/protocol'
import { Link } from '../link/link.js'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { OpenSocket } from '../port/socket.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { DisabledRule } from '../replica/replica-context.js'
import { Replica } from '../replica/replica.js'
import type { Rows } from '../row/rows.js'
import { Stamper } from '../row/stamper.js'
import { memoryHello } from './hello.js'
import { memoryRelayHost } from './relay.js'
import { MemoryBrowser } from './tabs.js'

export interface MemoryDeviceOptions {
  readonly org: OrgId
  readonly store: Store
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: RandomBytes
  readonly tabs?: Tabs
  readonly disabledRules?: ReadonlySet<DisabledRule>
  readonly problem?: (what: string) => void
}

/** One page load of one device of an org: its rows, its replica and its link, without an engine above them. */
export interface MemoryDevice {
  readonly rows: Rows
  readonly replica: Replica
  readonly link: Link
  close(): void
}

/**
 * Opens a device on a store. To open the same store again is the next page load. The link is not started.
 *
 * For most tests, `setup({ level: 'replica' })` opens two of them on one network.
 *
 * @throws StoreError where the store refuses
 */
export async function openMemoryDevice(options: MemoryDeviceOptions): Promise<MemoryDevice> {
  const { org, store, openSocket, clock, random, tabs = new MemoryBrowser().open(), disabledRules, problem } = options
  const stamper = new Stamper(clock, random)
  const replica = await Replica.open({
    store,
    tabs,
    random,
    stamper,
    org,
    ...(disabledRules && { disabledRules }),
    ...(problem && { problem }),
  })
  const hello = memoryHello(org)
  const link = new Link({
    replica,
    url: `ws://${memoryRelayHost}/socket`,
    openSocket,
    clock,
    random,
    tabs,
    stamper,
    hello,
    ...(problem && { problem }),
  })
  return {
    rows: replica.rows,
    replica,
    link,
    close: () => {
      link.stop()
      replica.close()
    },
  }
}
