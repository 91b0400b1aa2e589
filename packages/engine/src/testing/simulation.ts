import { type FeedName, type Key, type Side, sides } from '@entente/protocol'
import { connectionFeed, teamFeed } from '../replica/feed-role.js'
import { bucketCount } from '../replica/leaf-tree.js'
import type { DisabledRule } from '../replica/replica-context.js'
import type { Row } from '../row/row.js'
import { ManualClock } from './clock.js'
import { MemoryRelay, type DisabledRelayRule } from './relay.js'
import { emptyRelay, feedOf, policiesOf, type RelayState } from './relay-state.js'
import type { MemoryDevice } from './device.js'
import { mapEdit, partnerOrg, sampleConnection, sampleFields, vendorOrg } from './sample-connection.js'
import { type Liars, SimulatedLiar } from './simulated-liar.js'
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
  /** Who lies beside the faults. Nobody where undefined. */
  readonly liars?: Liars | undefined
  /** How much happens before the network heals. Default 200. */
  readonly steps?: number
  /** Rules that a test disables to show that each is needed. */
  readonly disabledRules?: ReadonlySet<DisabledRule | DisabledRelayRule>
}

const year = 365 * 24 * 60 * 60 * 1000
const day = 24 * 60 * 60 * 1000
const records = ['lead-0', 'lead-1'] as const
const mostRounds = 80
const mostRoundsAfterLies = 1_000

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
  #sockets: SimulatedSocket[] = []
  #faults: Set<Fault>
  #backups: { readonly state: RelayState; readonly held: Stamps }[] = []
  #relayHeld: Stamps = new Map()
  #relayKnown = new Map<string, number>()
  #relayFaulted = false
  readonly #liar: SimulatedLiar | undefined
  /** Every register that an own device of an org made. */
  readonly #made = new Set<string>()
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
      onOffer: ({ feed, offer, refused }) => {
        if (refused === undefined || options.liars || refused === 'BEHIND' || refused === 'STALE_EPOCH') return
        if (refused === 'WAIT' && this.#relayFaulted) return
        this.violations.push(`REFUSED ${refused} ${feed} ${offer.key} ${offer.kind}`)
      },
    })
    if (options.liars) this.#liar = new SimulatedLiar(options.liars, chance, this.relay, records.map(mapOf))
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
      lieTo: this.#liar && ((device: string) => this.#liar?.lieTo(device) ?? ((_feed, message) => [message])),
      heldOwn: (side: Side, row: Row, field: string) => this.#checkOwn(side, row, field),
      problem: (what: string) => {
        // Clocks that are years off are among the faults.
        const isExpected = what.includes('The relay’s time moved') || (options.liars && !what.includes('goes BACK'))
        if (!isExpected) this.violations.push(`PROBLEM ${what}`)
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

  get liars(): Liars | undefined {
    return this.#options.liars
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
    if (this.#liar) await this.#rest()
    await this.#heal()
    return this.violations
  }

  async #after(): Promise<void> {
    this.#sockets = this.#sockets.filter((socket) => !socket.isDone)
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
    add(this.#liar, 4, () => this.#liar?.act(present.map(({ name }) => name)))
    add(faults.has('compact'), 2, () => this.#compact())
    add(faults.has('years'), 0.15, () => (chance.pick(present).clock.skew = chance.is(0.5) ? 0 : (chance.below(9) - 4) * year))
    add(faults.has('relayClock'), 0.15, () => (this.relay.skew = chance.is(0.5) ? 0 : (chance.below(9) - 4) * day))
    return actions
  }

  async #edit(device: SimulatedDevice): Promise<void> {
    const id = this.#chance.pick(records)
    const { page } = device
    const fields = Array.from({ length: this.#chance.is(0.25) ? 2 : 1 }, () => this.#chance.pick(sampleFields))
    this.edits++
    await page?.rows.save([
      { object: 'Lead', id, values: Object.fromEntries(fields.map((field) => [field, `${device.side} ${++this.#value}`])) },
    ])
    this.#noteMade(device, page?.rows.get('Lead', id))
  }

  /** Shares a record, or stops, where stopping is part of the run. */
  async #share(device: SimulatedDevice): Promise<void> {
    const record = this.#chance.pick(records)
    const on = device.page?.rows.get('RecordMap', mapOf(record))?.registers['on']?.[1] === true
    if (on && !this.#faults.has('erase')) return
    const { page } = device
    await page?.rows.save([mapEdit(mapOf(record), record, !on)])
    this.#noteMade(device, page?.rows.get('RecordMap', mapOf(record)))
  }

  #noteMade({ side }: SimulatedDevice, row: Row | undefined): void {
    if (row) for (const field of Object.keys(row.registers)) this.#made.add(nameOf(side, row, field))
  }

  /** An org's own rows hold only what its own devices made. What a device is told when it joins has the stamp time 1. */
  #checkOwn(side: Side, row: Row, field: string): void {
    if (!this.#liar || (side === 'partner' && this.liars !== 'relay') || row.registers[field]?.[0][0] === 1) return
    if (!this.#made.has(nameOf(side, row, field))) this.violations.push(`FOREIGN ${nameOf(side, row, field)}`)
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
    this.#liar?.note()
    // What a lying relay says that it keeps is worth nothing.
    if (!this.#liar) noteRelay(this.relay.state, this.#relayHeld, this.#relayKnown)
  }

  #compact(): void {
    const feeds = [...this.relay.state.feeds.keys()]
    if (feeds.length === 0) return
    const feed = this.#chance.pick(feeds)
    const keys = [...feedOf(this.relay.state, feed).keys.keys()]
    if (keys.length > 0) this.relay.compact(feed, this.#chance.pick(keys))
  }

  get #isPeerHonest(): boolean {
    return this.liars === undefined || this.liars === 'relay'
  }

  /** The devices whose orgs keep to the rules. A partner that lies may stand in its own way. */
  get #honest(): readonly SimulatedDevice[] {
    return this.present.filter(({ side }) => side === 'vendor' || this.liars === undefined || this.liars === 'relay')
  }

  /**
   * Whether a device has sent all that it may send. A partner that lies may have made its own devices believe that the vendor ended the connection: they never
   * register the next version then, and the vendor's docs of that version wait (rule PO2).
   */
  #isAtRest({ link, replica }: MemoryDevice): boolean {
    if (link.isSynced) return true
    const feed = connectionFeed(sampleConnection, 'vendor', 'lead')
    if (this.#isPeerHonest || policiesOf(this.relay.state, feed).joined) return false
    return link.status().state === 'online' && replica.waiting() === [...replica.waitingKeys(feed)].length
  }

  /** An hour in which nobody edits and people come online now and then, while the lies go on. */
  async #rest(): Promise<void> {
    for (let minute = 0; minute < 60; minute += 10) {
      // A line that is up would break of itself, and be tried again and again, as long as nothing is carried.
      for (const { page } of this.present) page?.link.cut()
      this.#clock.advance(10 * 60_000)
      for (let round = 0; round < 5 && (await this.#carry()); round++) this.#clock.advance(700)
    }
  }

  /** Carries what is under way, once each way. @returns whether anything moved */
  async #carry(): Promise<boolean> {
    for (const device of this.present) {
      if (!device.page) await device.load()
      if (!device.isOnline) device.page?.link.mend()
    }
    await this.#after()
    let moved = this.#sockets.some((socket) => socket.canMoveUp)
    for (const socket of this.#sockets) while (socket.canMoveUp) socket.moveUp(false)
    moved ||= this.relay.isDirty
    if (this.relay.isDirty) this.#commit()
    moved ||= this.#sockets.some((socket) => socket.canMoveDown)
    for (const socket of this.#sockets) while (socket.canMoveDown) socket.moveDown(false)
    await this.#after()
    return moved
  }

  /**
   * What signed heads lead to (rules HD5, HD8): a device that holds something else than its colleague or the owner of a feed reads it again, and the owner
   * publishes anew what differs. The devices of a simulation sign no heads; they compare what heads would cover.
   *
   * @returns whether anything differed
   */
  async #compareFeeds(): Promise<boolean> {
    let differed = false
    for (const side of this.liars === 'relay' ? sides : (['vendor'] as const)) {
      const pagesOf = (isOwn: boolean) => this.present.filter((each) => (each.side === side) === isOwn).flatMap(({ page }) => page ?? [])
      const team = teamFeed(side === 'vendor' ? vendorOrg : partnerOrg, 'rows')
      const shared = (['messages', 'lead'] as const).map((topic) => connectionFeed(sampleConnection, side, topic))
      for (const feed of [team, ...shared]) {
        const signer = pagesOf(true).find(({ replica }) => replica.heads.toSign(feed)?.busy === false)
        if (!signer) continue
        const readers = feed === team || this.liars !== 'relay' ? [] : pagesOf(false)
        for (const page of [...pagesOf(true), ...readers]) {
          const differing = keysThatDiffer(signer, page, feed)
          if (differing.length === 0) continue
          differed = true
          page.link.reread(feed)
          // The signer may be the one from which something was kept: a colleague that holds it signs as well.
          if (page.replica.isOwn(feed)) signer.link.reread(feed)
          await signer.replica.publishAgain(feed, differing)
        }
      }
    }
    return differed
  }

  /**
   * What readers hand back at a head that fits (rule BK2): an org and the relay may both have lost what it said.
   *
   * @returns whether an owner took something, so that it has more to say
   */
  async #handBack(): Promise<boolean> {
    let isTaken = false
    for (const side of this.#isPeerHonest ? sides : []) {
      const feed = connectionFeed(sampleConnection, side, 'lead')
      const pagesOf = (isOwn: boolean) => this.present.filter((each) => (each.side === side) === isOwn).flatMap(({ page }) => page ?? [])
      for (const { replica } of pagesOf(false)) {
        const seals = await replica.sealsAbove(feed, replica.above(feed))
        for (const owner of seals.length > 0 ? pagesOf(true) : []) {
          await owner.replica.takeBack(feed, seals)
          isTaken ||= owner.replica.waiting() > 0
        }
      }
    }
    return isTaken
  }

  /** The network heals: everything is carried until nothing moves any more. */
  async #heal(): Promise<void> {
    this.#faults = new Set([...this.#faults].filter((fault) => fault === 'halfOpen'))
    this.relay.skew = 0
    const expected: Stamps = new Map(this.#relayHeld)
    for (const device of this.present) for (const [name, stamp] of device.held) noteStamp(expected, name, stamp)
    const most = this.#liar ? mostRoundsAfterLies : mostRounds
    this.#liar?.stop()
    let moved = true
    for (; this.rounds < most; this.rounds++) {
      // After lies a device waits longer and longer before it publishes or reads again, up to an hour (rule AN2): the clock goes on to the next timer.
      const isWaiting = this.#liar !== undefined && !moved
      this.#clock.advance(isWaiting ? Math.max(700, this.#clock.untilNext() ?? 0) : 700)
      moved = await this.#carry()
      if (moved) continue
      // What a device was kept from may be just what it waits for, so they compare before all have come to rest.
      const differed = this.#liar !== undefined && (await this.#compareFeeds())
      const isTaken = await this.#handBack()
      if (!differed && !isTaken && this.#honest.every(({ page }) => page && this.#isAtRest(page))) break
    }
    if (this.rounds >= most)
      this.violations.push(
        `RESTLESS ${this.#honest.map(({ name, page }) => `${name} ${page?.link.status().state} ${page?.replica.waiting()}`).join(', ')}`,
      )
    checkWorld(this, expected, this.violations)
    for (const device of this.devices) device.unload()
  }
}

const nameOf = (side: Side, { object, id, registers }: Row, field: string): string =>
  `${side} ${object} ${id} ${field} ${JSON.stringify(registers[field])}`

/** The keys under which two devices hold something else of a feed. */
function keysThatDiffer(a: MemoryDevice, b: MemoryDevice, feed: FeedName): readonly Key[] {
  const keys = new Set<Key>()
  const [ours, theirs] = [a.replica.heads.bucketHashes(feed), b.replica.heads.bucketHashes(feed)]
  for (let at = 0; at < ours.length; at++) {
    if (ours[at] === theirs[at]) continue
    const bucket = Math.floor((at * bucketCount) / ours.length)
    const [left, right] = [a, b].map(({ replica }) => new Map(replica.heads.leavesIn(feed, bucket)))
    for (const key of [...(left?.keys() ?? []), ...(right?.keys() ?? [])])
      if (left?.get(key)?.join() !== right?.get(key)?.join()) keys.add(key)
  }
  return [...keys]
}
