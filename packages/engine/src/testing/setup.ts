import type { ConnectionId, Side } from '@entente/protocol'
import type { ManualClock } from './clock.js'
import { MemoryNetwork, type MemoryNetworkOptions, type NetworkDevice } from './network.js'
import { type AnotherDeviceOptions, type MemoryOrg, type MemoryOrgOptions, openAnotherDevice, openMemoryOrg } from './org.js'
import type { MemoryRelay } from './relay.js'
import { type MemoryReplica, type MemoryReplicaOptions, openMemoryReplica } from './replica.js'
import { agreementEdits, connectionEdits } from './sample-connection.js'
import { agree, compareCodes, connect, type Connected, enabledConnection, exportListed, grant, lead, type Pair, share } from './steps.js'

/**
 * How far two orgs have come, each stage after the one before it:
 *
 * - `opened`: both are online and know nothing of each other
 * - `connected`: an invitation has led to one connection
 * - `verified`: both have compared the codes, and Paul has a seat for exports
 * - `agreed`: an agreement on six fields of leads is in force, three of them update fields
 * - `shared`: Vera's rule shows all leads of Acme
 * - `exported`: Paul has a copy of the one lead that Vera has, Ada of Acme
 */
export const stages = ['opened', 'connected', 'verified', 'agreed', 'shared', 'exported'] as const
export type Stage = (typeof stages)[number]

export interface SetupOptions<S extends Stage = Stage> extends MemoryNetworkOptions {
  readonly level?: 'org'
  /** Default: `opened`. */
  readonly upTo?: S
  /** False leaves the codes uncompared; Paul has his seat all the same. Default true. */
  readonly verified?: boolean
  readonly vera?: MemoryOrgOptions
  readonly paul?: MemoryOrgOptions
}

/** What both levels of a setup have. Every function may be taken out of it. */
interface Ground<Device extends NetworkDevice> {
  readonly vera: Device
  readonly paul: Device
  readonly relay: MemoryRelay
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  /** See `MemoryNetwork`. */
  readonly settle: MemoryNetwork['settle']
  readonly until: MemoryNetwork['until']
  readonly pass: MemoryNetwork['pass']
  readonly finish: MemoryNetwork['finish']
}

export interface Setup<S extends Stage = Stage> extends Ground<MemoryOrg> {
  /** Undefined at the stage `opened`. */
  readonly connection: S extends 'opened' ? undefined : ConnectionId
  /** The ids of Vera's lead and of Paul's copy of it. Undefined before the stage `exported`. */
  readonly record: S extends 'exported' ? string : undefined
  readonly copy: S extends 'exported' ? string : undefined
  /** One more org at the same relay, or an org of a store that a test has. */
  open(options?: MemoryOrgOptions): Promise<MemoryOrg>
  /** Closes a device and opens it again on what its store holds: the next page load. */
  reload(org: MemoryOrg): Promise<MemoryOrg>
  /** See `openAnotherDevice`. */
  openAnotherDevice(first: MemoryOrg, options?: AnotherDeviceOptions): Promise<MemoryOrg>
  /** Vera proposes fields of leads, Paul accepts them as suggested. Default: the fields of the stage `agreed`. */
  agree(names?: readonly string[], updates?: readonly string[]): Promise<void>
  /** Paul exports every listed lead. Resolves with the job's id before anything has left. */
  exportListed(): Promise<string>
}

/**
 * Vera at a vendor and Paul at a partner, over one relay in memory, in one line.
 *
 * @example
 * ```ts
 * const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
 * await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
 * await settle()
 * const [mirror] = vera.mirrors.of('Lead', record)
 * const status = mirror?.fields.find(({ name }) => name === 'Status')?.value
 * expect(status).toBe('Working - Contacted')
 * ```
 *
 * Engines, rows, seals and signatures are the real ones. Nothing moves between the orgs unless the test turns the clock (see `MemoryNetwork`), and no
 * timer of the platform is left behind: a test need not close what it opened.
 *
 * With `level: 'replica'` each org is a device's rows, replica and link alone, for tests of what stands below the engine. The sample connection and its
 * agreement are saved as rows on both sides, and the links are not started.
 *
 * @throws Error where the orgs do not reach the stage, with what each of them shows
 */
export async function setup(options: ReplicaSetupOptions): Promise<ReplicaSetup>
export async function setup<S extends Stage = 'opened'>(options?: SetupOptions<S>): Promise<Setup<S>>
export async function setup(options: SetupOptions | ReplicaSetupOptions = {}): Promise<Setup | ReplicaSetup> {
  const network = new MemoryNetwork(options)
  return options.level === 'replica' ? setupReplicas(network, options) : setupOrgs(network, options)
}

async function setupOrgs(network: MemoryNetwork, options: SetupOptions): Promise<Setup> {
  const { upTo = 'opened', verified = true } = options
  const vera = await openMemoryOrg(network, { orgName: 'Vista', userName: 'Vera', ...options.vera })
  const paul = await openMemoryOrg(network, { orgName: 'Pine', userName: 'Paul', ...options.paul })
  const pair: Pair = { network, vendor: vera, partner: paul }
  const steps: Readonly<Record<Exclude<Stage, 'opened' | 'connected'>, (connected: Connected) => Promise<void>>> = {
    async verified(connected) {
      if (verified) await compareCodes(connected)
      await grant(connected)
    },
    agreed: agree,
    shared: share,
    async exported(connected) {
      await vera.records.create('Lead', lead('Ada'))
      await network.settle()
      await exportListed(connected)
      await network.settle()
    },
  }
  await network.settle()
  const connection = upTo === 'opened' ? undefined : await connect(pair)
  const connected = (): Connected => {
    const id = connection ?? enabledConnection(vera)?.id
    if (!id) throw new Error('The orgs are not connected yet. Set them up to "connected" or a later stage.')
    return { ...pair, connection: id }
  }
  for (const stage of stages.slice(2, stages.indexOf(upTo) + 1)) await steps[stage as keyof typeof steps](connected())
  const firstLead = (org: MemoryOrg): string | undefined => org.records.list('Lead').records[0]?.id
  return {
    ...groundOf(network, vera, paul),
    connection,
    record: upTo === 'exported' ? firstLead(vera) : undefined,
    copy: upTo === 'exported' ? firstLead(paul) : undefined,
    open: (more) => openMemoryOrg(network, more),
    async reload(org) {
      await org.close()
      return openMemoryOrg(network, { ...org.options, store: org.store.reopen() })
    },
    openAnotherDevice: (first, more) => openAnotherDevice(network, first, more),
    agree: (names, updates) => agree(connected(), names, updates),
    exportListed: () => exportListed(connected()),
  }
}

export interface ReplicaSetupOptions extends MemoryNetworkOptions {
  readonly level: 'replica'
  /** False leaves the rows of the sample connection to the test. */
  readonly connected?: boolean
  /** Which of `sampleFields` the agreement gives slots. Default: the first three. */
  readonly slots?: readonly number[]
  readonly vera?: MemoryReplicaOptions
  readonly paul?: MemoryReplicaOptions
}

export interface ReplicaSetup extends Ground<MemoryReplica> {
  /** One more device of an org, with the rows of the sample connection. */
  open(side: Side, options?: MemoryReplicaOptions): Promise<MemoryReplica>
}

async function setupReplicas(network: MemoryNetwork, options: ReplicaSetupOptions): Promise<ReplicaSetup> {
  const { connected = true, slots = [0, 1, 2] } = options
  const open = async (side: Side, more: MemoryReplicaOptions = {}): Promise<MemoryReplica> => {
    const replica = await openMemoryReplica(network, side, more)
    if (connected) await replica.rows.save([...connectionEdits(side), ...agreementEdits(side, 1, slots)])
    return replica
  }
  return { ...groundOf(network, await open('vendor', options.vera), await open('partner', options.paul)), open }
}

function groundOf<Device extends NetworkDevice>(network: MemoryNetwork, vera: Device, paul: Device): Ground<Device> {
  return {
    vera,
    paul,
    relay: network.relay,
    clock: network.clock,
    network,
    settle: (...devices) => network.settle(...devices),
    until: (what, holds, ms) => network.until(what, holds, ms),
    pass: (ms) => network.pass(ms),
    finish: (work) => network.finish(work),
  }
}
