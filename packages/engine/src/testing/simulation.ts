import type { DisabledRule } from '../replica/replica-context.js'
import { ManualClock } from './clock.js'
import { MemoryRelay, type DisabledRelayRule } from './relay.js'
import { emptyRelay, feedOf, type RelayState } from './relay-state.js'
import { mapEdit, sampleFields } from './sample-connection.js'
import { turn } from './turn.js'
import { Chance } from './chance.js'
import { mapOf, noteStamp, SimulatedDevice, type Stamps } from './simulated-device.js'
import { type SimulatedSocket, simulatedSockets } from './simulated-socket.js'
import { checkWorld } from './oracles.js'
import { noteRelay } from './relay-contents.js'

/** What may go wrong in a run. */
export const faultNames = [
  'crash',
  'lostTail',
  'eviction',
  'lostDevice',
  'relayCrash',
  'relayLoss',
  'relayBackup',
  'twiceUp',
  'twiceDown',
  'halfOpen',
  'narrow',
  'widen',
  'erase',
  'skew',
  'years',
  'relayClock',
  'compact',
  'longOffline',
  'frozenClock',
] as const
export type Fault = (typeof faultNames)[number]

export interface SimulationOptions {
  /** Of every choice. The same seed and faults make the same run. */
  readonly seed: number
  readonly faults: ReadonlySet<Fault>
  /** How much happens before the network heals. Default 200. */
  readonly steps?: number
  /** Rules that a test disables to show that each is needed. */
  readonly disabledRules?: ReadonlySet<DisabledRule | DisabledRelayRule>
}

const year = 365 * 24 * 60 * 60 * 1000
const day = 24 * 60 * 60 * 1000
const records = ['lead-0', 'lead-1'] as const
const mostRounds = 80

/**
 * Two orgs of several devices each, and a relay, under faults. Every choice comes from the seed. After its steps the network heals. Then everything must
 * come to rest, and the oracles compare what the devices and the relay hold.
 *
 * `run` resolves with what is wrong, in words, and with an empty list where nothing is. It throws only for a defect of the simulation itself.
 */
export class Simulation {
  readonly violations: string[] = []
  readonly devices: SimulatedDevice[] = []
  readonly relay: MemoryRelay
  readonly slotsByVersion: (readonly number[])[] = [[], [0, 1, 2]]
  rounds = 0
  edits = 0
  readonly #options: SimulationOptions
  readonly #chance: Chance
  readonly #clock = new ManualClock()
  readonly #sockets: SimulatedSocket[] = []
  #faults: Set<Fault>
  #backups: { readonly state: RelayState; readonly held: Stamps }[] = []
  #relayHeld: Stamps = new Map()
  #relayKnown = new Map<string, number>()
  #relayFaulted = false
  #value = 0

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#faults = new Set(options.faults)
    const chance = (this.#chance = new Chance(options.seed))
    const disabledRules = options.disabledRules ?? new Set()
    this.relay = new MemoryRelay({
      clock: this.#clock,
      random: (length) => chance.bytes(length),
      manualCommit: true,
      entriesPerChunk: 3,
      disabledRules: new Set([...disabledRules].filter((rule) => rule === 'compare-and-set' || rule === 'incarnations')),
      onRefused: ({ feed, offer, code }) => {
        if (code === 'BEHIND' || code === 'STALE_EPOCH' || (code === 'WAIT' && this.#relayFaulted)) return
        this.violations.push(`REFUSED ${code} ${feed} ${offer.key} ${offer.kind}`)
      },
    })
    const ports = {
      clock: this.#clock,
      chance,
      openSocket: (opened: (socket: SimulatedSocket) => void) =>
        simulatedSockets(
          () => this.relay,
          chance,
          () => this.#faults.has('halfOpen'),
          (socket) => {
            this.#sockets.push(socket)
            opened(socket)
          },
        ),
      disabledRules: new Set([...disabledRules].filter((rule) => rule !== 'compare-and-set' && rule !== 'incarnations')),
      slotsOf: (version: number) => this.slotsByVersion[version] ?? [],
      problem: (what: string) => {
        // Clocks that are years off are among the faults.
        if (!what.includes('The relay’s time moved')) this.violations.push(`PROBLEM ${what}`)
      },
    }
    for (const side of ['vendor', 'partner'] as const) {
      const count = 2 + chance.below(2)
      for (let index = 0; index < count; index++) {
        const device = new SimulatedDevice(side, `${side}${index}`, ports)
        if (this.#faults.has('skew')) device.clock.skew = chance.below(20_000) - 10_000
        if (this.#faults.has('years') && chance.is(0.4)) device.clock.skew = (chance.below(9) - 4) * year
        this.devices.push(device)
      }
    }
  }

  /** The slots of the agreement as it stands. A version that only a lost device knew of never came to be. */
  get slots(): readonly number[] {
    return this.slotsByVersion[Math.max(...this.present.map(({ agreedVersion }) => agreedVersion))] ?? []
  }

  /** The devices that are still there. */
  get present(): readonly SimulatedDevice[] {
    return this.devices.filter((device) => !device.isGone)
  }

  async run(): Promise<readonly string[]> {
    for (const device of this.devices) await device.load()
    await this.#after()
    for (let step = 0; step < (this.#options.steps ?? 200); step++) {
      await this.#step()
      await this.#after()
    }
    await this.#heal()
    return this.violations
  }

  async #after(): Promise<void> {
    await turn()
    for (const device of this.present) await device.followAgreement()
    await turn()
    for (const device of this.present) device.note()
  }

  async #step(): Promise<void> {
    const chance = this.#chance
    this.#clock.advance(this.#faults.has('frozenClock') ? (chance.is(0.1) ? 1 : 0) : chance.below(40))
    const actions = this.#actions()
    let left = chance.next() * actions.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, act] of actions) {
      left -= weight
      if (left <= 0) return void (await act())
    }
  }

  #actions(): readonly (readonly [weight: number, act: () => unknown])[] {
    const chance = this.#chance
    const faults = this.#faults
    const { present } = this
    const up = present.filter(({ page }) => page)
    const down = present.filter(({ page }) => !page)
    const online = up.filter(({ isOnline }) => isOnline)
    const offline = up.filter(({ isOnline }) => !isOnline)
    const actions: (readonly [number, () => unknown])[] = []
    const add = (when: unknown, weight: number, act: () => unknown): void => void (when && actions.push([weight, act]))
    add(up.length, 14, () => this.#edit(chance.pick(up)))
    add(up.length, faults.has('erase') ? 4 : 1.5, () => this.#share(chance.pick(up)))
    for (const socket of this.#sockets) {
      add(socket.canMoveUp, 9, () => socket.moveUp(faults.has('twiceUp') && chance.is(0.15)))
      add(socket.canMoveDown, 9, () => socket.moveDown(faults.has('twiceDown') && chance.is(0.15)))
    }
    add(this.relay.isDirty, 12, () => this.#commit())
    add(down.length, faults.has('longOffline') ? 1 : 5, () => chance.pick(down).load())
    add(offline.length, faults.has('longOffline') ? 1.5 : 6, () => chance.pick(offline).page?.link.mend())
    add(online.length, 0.6, () => chance.pick(online).socket?.cut())
    add(online.length, 0.6, () => chance.pick(online).page?.link.cut())
    add(faults.has('crash') && up.length, 0.8, () => chance.pick(up).unload())
    add(faults.has('lostTail') && up.length, 0.6, () => chance.pick(up).lose(chance.below(6)))
    add(faults.has('eviction'), 0.25, () => chance.pick(present).lose('all'))
    add(faults.has('lostDevice'), 0.15, () => this.#loseDevice(chance.pick(present)))
    add(faults.has('relayCrash'), 0.5, () => this.#restart(this.relay.state, this.#relayHeld))
    add(faults.has('relayLoss'), 0.15, () => this.#lose(emptyRelay, new Map()))
    add(
      faults.has('relayBackup'),
      0.5,
      () => (this.#backups = [...this.#backups, { state: this.relay.state, held: new Map(this.#relayHeld) }].slice(-3)),
    )
    add(faults.has('relayBackup') && this.#backups.length, 0.3, () => {
      const backup = chance.pick(this.#backups)
      this.#lose(backup.state, new Map(backup.held))
    })
    add((faults.has('narrow') || faults.has('widen')) && up.length, 0.5, () => this.#renegotiate(chance.pick(up)))
    add(faults.has('compact'), 2, () => this.#compact())
    add(faults.has('years'), 0.15, () => (chance.pick(present).clock.skew = chance.is(0.5) ? 0 : (chance.below(9) - 4) * year))
    add(faults.has('relayClock'), 0.15, () => (this.relay.skew = chance.is(0.5) ? 0 : (chance.below(9) - 4) * day))
    return actions
  }

  async #edit(device: SimulatedDevice): Promise<void> {
    const id = this.#chance.pick(records)
    const fields = Array.from({ length: this.#chance.is(0.25) ? 2 : 1 }, () => this.#chance.pick(sampleFields))
    this.edits++
    await device.page?.rows.save([
      { object: 'Lead', id, values: Object.fromEntries(fields.map((field) => [field, `${device.side} ${++this.#value}`])) },
    ])
  }

  /** Shares a record, or stops, where stopping is part of the run. */
  async #share(device: SimulatedDevice): Promise<void> {
    const record = this.#chance.pick(records)
    const on = device.page?.rows.get('RecordMap', mapOf(record))?.registers['on']?.[1] === true
    if (on && !this.#faults.has('erase')) return
    await device.page?.rows.save([mapEdit(mapOf(record), record, !on)])
  }

  async #renegotiate(device: SimulatedDevice): Promise<void> {
    const version = this.slotsByVersion.length - 1
    if (device.agreedVersion !== version) return
    const present = this.slotsByVersion[version] ?? []
    const withdrawn = this.#chance.pick(present)
    const narrower = this.#faults.has('narrow') && present.length > 1 ? present.filter((slot) => slot !== withdrawn) : present
    const slots = this.#faults.has('widen') && this.#chance.is(0.4) ? [0, 1, 2] : narrower
    if (slots.join() === present.join()) return
    this.slotsByVersion.push(slots)
    await device.agree(version + 1)
  }

  #loseDevice(device: SimulatedDevice): void {
    if (this.present.filter(({ side }) => side === device.side).length < 2) return
    device.lose('all')
    device.isGone = true
  }

  #lose(state: RelayState, held: Stamps): void {
    this.#relayFaulted = true
    this.#relayKnown = new Map()
    this.#restart(state, held)
  }

  #restart(state: RelayState, held: Stamps): void {
    this.relay.restart(state)
    this.#relayHeld = held
  }

  #commit(): void {
    this.relay.commit()
    noteRelay(this.relay.state, this.#relayHeld, this.#relayKnown)
  }

  #compact(): void {
    const feeds = [...this.relay.state.feeds.keys()]
    if (feeds.length === 0) return
    const feed = this.#chance.pick(feeds)
    const keys = [...feedOf(this.relay.state, feed).keys.keys()]
    if (keys.length > 0) this.relay.compact(feed, this.#chance.pick(keys))
  }

  /** The network heals: everything is carried until nothing moves any more. */
  async #heal(): Promise<void> {
    this.#faults = new Set([...this.#faults].filter((fault) => fault === 'halfOpen'))
    this.relay.skew = 0
    const expected: Stamps = new Map(this.#relayHeld)
    for (const device of this.present) for (const [name, stamp] of device.held) noteStamp(expected, name, stamp)
    for (; this.rounds < mostRounds; this.rounds++) {
      let moved = false
      this.#clock.advance(700)
      for (const device of this.present) {
        if (!device.page) await device.load()
        if (!device.isOnline) device.page?.link.mend()
      }
      await this.#after()
      moved ||= this.#sockets.some((socket) => socket.canMoveUp)
      for (const socket of this.#sockets) while (socket.canMoveUp) socket.moveUp(false)
      moved ||= this.relay.isDirty
      if (this.relay.isDirty) this.#commit()
      moved ||= this.#sockets.some((socket) => socket.canMoveDown)
      for (const socket of this.#sockets) while (socket.canMoveDown) socket.moveDown(false)
      await this.#after()
      if (!moved && this.present.every(({ page }) => page?.link.isSynced)) break
    }
    if (this.rounds >= mostRounds)
      this.violations.push(
        `RESTLESS ${this.present.map(({ name, page }) => `${name} ${page?.link.status().state} ${page?.replica.waiting()}`).join(', ')}`,
      )
    checkWorld(this, expected, this.violations)
    for (const device of this.devices) device.unload()
  }
}
