import { decodePolicy, type Key, otherSide, policyKey, type Side, type Stamp } from '@entente/protocol'
import { encodeUtf8 } from 'lib0/string'
import type { OpenSocket } from '../port/socket.js'
import type { DisabledRule } from '../replica/replica-context.js'
import { effectiveVersion } from '../replica/desired-state.js'
import { messageRowId } from '../replica/feed-key.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { connectionFeed } from '../replica/feed-role.js'
import { isAbove, type Row, valueOf } from '../row/row.js'
import { type MemoryDevice, openMemoryDevice } from './device.js'
import { type Lie, lyingSocket } from './lying-socket.js'
import { MemoryStore } from './store.js'
import { agreementEdits, connectionEdits, partnerOrg, sampleConnection, vendorOrg } from './sample-connection.js'
import { type ManualClock, SkewedClock } from './clock.js'
import type { Chance } from './chance.js'
import type { SimulatedSocket } from './simulated-socket.js'

/** Highest stamps by `side object id field`. */
export type Stamps = Map<string, Stamp>

export interface SimulationPorts {
  readonly clock: ManualClock
  readonly chance: Chance
  readonly openSocket: (opened: (socket: SimulatedSocket) => void) => OpenSocket
  /** What the relay says to a device in place of entries, where it lies. */
  readonly lieTo: ((device: string) => Lie) | undefined
  /** Told of each register of the own org's rows. */
  readonly heldOwn: (side: Side, row: Row, field: string) => void
  readonly disabledRules: ReadonlySet<DisabledRule>
  readonly slotsOf: (version: number) => readonly number[]
  readonly problem: (what: string) => void
}

/** A device of the simulation: its store outlives its page loads, unless a fault takes it. */
export class SimulatedDevice {
  readonly side: Side
  readonly name: string
  readonly #ports: SimulationPorts
  readonly clock: SkewedClock
  #store: MemoryStore = new MemoryStore({ history: 5 })
  #page: MemoryDevice | undefined
  socket: SimulatedSocket | undefined
  isGone = false
  /** What it holds for certain: only faults lower it. */
  held: Stamps = new Map()
  /** What it has seen of the peer's records, by record map. */
  seen = new Map<Key, SeenStamps>()
  /** The rows that `held` has. */
  #noted = new WeakSet<Row>()

  constructor(side: Side, name: string, ports: SimulationPorts) {
    this.side = side
    this.name = name
    this.#ports = ports
    this.clock = new SkewedClock(ports.clock)
  }

  get page(): MemoryDevice | undefined {
    return this.#page
  }

  get isOnline(): boolean {
    return this.socket?.isOpen === true
  }

  /** The next page load. A device that knows nothing is told of its connection first, as a joining device is. */
  async load(): Promise<void> {
    const { chance, disabledRules, problem, lieTo } = this.#ports
    const openSocket = this.#ports.openSocket((socket) => (this.socket = socket))
    this.#page = await openMemoryDevice({
      org: this.side === 'vendor' ? vendorOrg : partnerOrg,
      store: this.#store,
      openSocket: lieTo ? lyingSocket(openSocket, lieTo(this.name)) : openSocket,
      clock: this.clock,
      random: (length) => chance.bytes(length),
      disabledRules,
      problem: (what) => problem(`${this.name}: ${what}`),
    })
    await this.#page.rows.save([
      ...connectionEdits(this.side).map((edit) => ({ ...edit, stamp: [1, 0, 0] as const })),
      ...agreementEdits(this.side, 1, this.#ports.slotsOf(1), 1),
    ])
    this.#page.link.start()
  }

  /** The page goes away, at whatever point it is. */
  unload(): void {
    this.#page?.close()
    this.#page = undefined
    this.socket = undefined
  }

  /** The device loses its last transactions, as by a power cut, or all of them. */
  lose(transactions: number | 'all'): void {
    this.unload()
    this.#store = transactions === 'all' ? new MemoryStore({ history: 5 }) : this.#store.loseTail(transactions)
    this.held = new Map()
    this.seen = new Map()
    this.#noted = new WeakSet()
  }

  /** What an agreement reconciler does: takes over a version that the peer has registered, and registers the own org's where that is missing. */
  async followAgreement(): Promise<void> {
    if (!this.#page) return
    const latest = Math.max(this.agreedVersion, this.#registered(otherSide(this.side)))
    if (latest > this.agreedVersion || latest > this.#registered(this.side)) await this.agree(latest)
  }

  /** The version of a side's policy: of the own one the row, of the peer's what came. */
  #registered(side: Side): number {
    const feed = connectionFeed(sampleConnection, side, 'messages')
    const own = valueOf(this.#page?.rows.get('ControlEntry', messageRowId(feed, policyKey)), 'body')
    const body = side === this.side ? own : this.#page?.replica.inbox(feed).get(policyKey)?.body
    return typeof body === 'string' ? versionOf(body) : 0
  }

  get agreedVersion(): number {
    return effectiveVersion(this.#page?.rows.get('Agreement', sampleConnection)) ?? 0
  }

  async agree(version: number): Promise<void> {
    await this.#page?.rows.save(agreementEdits(this.side, version, this.#ports.slotsOf(version), 1))
  }

  /** Notes what the device holds now. */
  note(): void {
    const rows = this.#page?.rows
    if (!rows) return
    for (const object of rows.objects()) {
      for (const row of rows.list(object).values()) {
        // A row that changes is another one.
        if (this.#noted.has(row)) continue
        this.#noted.add(row)
        for (const [field, register] of Object.entries(row.registers)) {
          this.#ports.heldOwn(this.side, row, field)
          noteStamp(this.held, `${this.side} ${object} ${row.id} ${field}`, register[0])
        }
      }
    }
    // What an agreement withdrew is not seen any more, also where a later one gives its slot again.
    const { agreedVersion } = this
    for (const seen of this.seen.values()) {
      for (let version = seen.version; version <= agreedVersion && seen.stamps.size > 0; version++) {
        const agreed = this.#ports.slotsOf(version)
        for (const slot of seen.stamps.keys()) if (!agreed.includes(Number(slot))) seen.stamps.delete(slot)
      }
    }
    for (const doc of this.peerDocs()) this.#noteSeen(doc)
  }

  /** What it shows of the peer's leads. */
  peerDocs(): Iterable<PeerDoc> {
    return this.#page?.replica.peerDocs(connectionFeed(sampleConnection, otherSide(this.side), 'lead')).values() ?? []
  }

  #noteSeen({ key, version, registers }: PeerDoc): void {
    const known = this.seen.get(key)
    if (known && version < known.version) return this.#ports.problem(`${this.name} goes BACK to version ${version} of ${key}`)
    for (const [slot, stamp] of known?.version === version ? known.stamps : [])
      if (isBelow(registers[slot]?.[0], stamp)) this.#ports.problem(`${this.name} goes BACK in slot ${slot} of ${key}`)
    const stamps: Stamps = new Map(known?.version === version ? known.stamps : [])
    for (const [slot, [stamp]] of Object.entries(registers)) noteStamp(stamps, slot, stamp)
    this.seen.set(key, { version, stamps })
  }
}

/** The highest stamps that were seen of a record, by slot, and the version under which. */
export interface SeenStamps {
  readonly version: number
  readonly stamps: Stamps
}

export function noteStamp(stamps: Stamps, name: string, stamp: Stamp): void {
  const present = stamps.get(name)
  if (isAbove([stamp, null], present && [present, null])) stamps.set(name, stamp)
}

export function isBelow(stamp: Stamp | undefined, other: Stamp): boolean {
  return !stamp || isAbove([other, null], [stamp, null])
}

const versions = new Map<string, number>()

/** The version of a policy in words. The same few are read again and again. */
function versionOf(policy: string): number {
  let version = versions.get(policy)
  if (version === undefined) versions.set(policy, (version = decodePolicy(encodeUtf8(policy)).version))
  return version
}

/** The id of the record map of a record, on both sides. */
export const mapOf = (record: string): string => `map-of-${record}`
