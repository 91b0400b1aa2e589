import {
  decodeClientFrame,
  type DeviceId,
  type FeedName,
  holdsMessages,
  type Key,
  type Offer,
  type OrgId,
  otherSide,
  parseFeed,
  type Roster,
  rosterNumber,
  type Side,
  sides,
  type Stamp,
} from '@entente/protocol'
import { canonicalJson } from '../agree/canonical.js'
import { EngineError } from '../error.js'
import { restoreByKit } from '../recovery/restore.js'
import { bringsKeys } from '../replica/feed-role.js'
import { isAbove } from '../row/row.js'
import { Chance } from './chance.js'
import { type HeardSeal, HeardSeals, openedBy } from './heard-seals.js'
import { MemoryNetwork } from './network.js'
import { joinMemoryOrg, type MemoryJoining, type MemoryOrg, openMemoryOrg } from './org.js'
import type { OrderlyCrypto } from './orderly-crypto.js'
import type { OrgWorld } from './org-world.js'
import { emptyRelay, feedOf, type RelayState, rostersOf, statesOf } from './relay-state.js'
import { memoryRelayHost } from './relay.js'
import { invitationPage } from './steps.js'
import { MemoryStore } from './store.js'

/** What may happen in a run beside edits, joins, removals, rotations and lines that break. */
export const orgFaults = ['crash', 'lostDevice', 'twoAtOnce', 'relayLoss', 'relayBackup', 'years'] as const
export type OrgFault = (typeof orgFaults)[number]

export interface OrgSimulationOptions {
  /** Of every choice. The same seed and faults make the same run. */
  readonly seed: number
  readonly faults: ReadonlySet<OrgFault>
  /** How much happens before everything heals. Default 8. */
  readonly steps?: number
}

const yearMs = 365 * 24 * 60 * 60_000
/** How long everything may take to come to rest, in ms of the clock: what came late is held for ten minutes (rule RT11). */
const patienceMs = 15 * 60_000
/** From then on a feed may wait for the head that is signed each hour (rule HD4). */
const headsMs = 12 * 60_000
/** So many turns end what is under way without the clock. */
const mostTurns = 5_000
const refusals: ReadonlySet<string> = new Set(['NOT_ALLOWED', 'NOT_FOUND', 'NOT_CONNECTED', 'CHANGED'])

/** What people are told of what happens in a run. */
const expectedProblems = [
  // A clock that is years off (rule ST7).
  'The relay’s time moved',
  // Both orgs compare the codes once more (rule CN13).
  'has come back by its recovery kit',
  // Of two who change the roster at once, the second makes the change anew, or hears that it was dropped (rule RO5).
  'Another admin changed the devices',
  // The peer says it again as soon as it has heard of the removal.
  'was refused: the device that signed it is not on the roster of its org',
  // The rotation comes again, too, from whoever has it.
  'is sealed under a key that nobody has announced',
  // A colleague had not heard of a rotation: the same comes again under the present keys (rule RT11).
  'is sealed under keys that its org had changed',
]

/**
 * What a restored device is told, too: where a colleague changed the keys meanwhile, it has drawn another secret of the same generation, and what the colleague sealed until it heard of that comes again
 * under the one that counts.
 */
const expectedOfRestored = [...expectedProblems, 'has a value that does not open', 'continues a doc that this device does not have']

/** A device of a run: its store outlives its page loads. */
interface Device {
  readonly side: Side
  readonly name: string
  id: DeviceId | undefined
  store: MemoryStore
  org: MemoryOrg | undefined
  /** Gone for good, with what it held. */
  isLost: boolean
  /** The feeds of its session, by number. */
  readonly feeds: Map<number, FeedName>
  skew: number
}

interface Edit {
  readonly by: Device
  readonly value: string
  readonly field: Field
  readonly stamp: Stamp
  /** Whether the relay had its device's removal then, and has had it ever since. */
  isShutOut: boolean
}

interface Offered {
  readonly by: Device
  readonly seals: readonly HeardSeal[]
  /** By org the highest roster such that whoever is not on it has none of the keys with which the device seals in this feed. */
  readonly shutOut: ReadonlyMap<OrgId, number>
}

interface JoiningDevice {
  readonly by: Device
  readonly side: Side
  readonly invitation: Parameters<MemoryOrg['devices']['confirm']>[0]
  readonly joining: MemoryJoining
  isOver: boolean
}

const fields = ['Email', 'AnnualRevenue'] as const
type Field = (typeof fields)[number]

/**
 * Two orgs whose devices join, are removed and come back at random, with the whole engine of each, a relay, and faults. Every choice comes from the seed. After its
 * steps everything heals and comes to rest. Then the checks compare what the devices hold, and what a removed device could open of all that the relay was offered.
 *
 * `run` resolves with what is wrong, in words, and with an empty list where nothing is.
 */
export class OrgSimulation {
  readonly violations: string[] = []
  readonly #options: OrgSimulationOptions
  readonly #world: OrgWorld
  readonly #crypto: OrderlyCrypto
  readonly #chance: Chance
  readonly #network: MemoryNetwork
  readonly #devices: Device[] = []
  readonly #joinings: JoiningDevice[] = []
  readonly #heard = new HeardSeals()
  readonly #offered: Offered[] = []
  readonly #edits: Edit[] = []
  #backups: RelayState[] = []
  #joined = 0
  /** What happened, in words, for who looks into a run. */
  readonly log: string[] = []

  constructor(world: OrgWorld, crypto: OrderlyCrypto, options: OrgSimulationOptions) {
    this.#world = world
    this.#crypto = crypto
    this.#options = options
    this.#chance = new Chance(options.seed)
    // No key and no byte that the world was made of comes again.
    const seed = 1_000_000 + (options.seed % 1_000_000) * 64
    crypto.seed(seed)
    this.#network = new MemoryNetwork({ seed, relay: { shutsOut: true, onOffer: (heard) => this.#noteOffer(heard) } })
    this.#network.clock.jump(world.now - this.#network.clock.now())
    this.#network.relay.restart(world.relay)
    for (const [feed, { keys }] of world.relay.feeds)
      for (const [key, kept] of keys)
        if (kept.kind === 'doc')
          for (const bytes of statesOf(kept))
            this.#heard.hear({ feed, offer: { key, kind: 'doc', whole: false, epoch: kept.epoch, seen: 0, bytes } })
  }

  async run(): Promise<readonly string[]> {
    try {
      for (const { side, name, store } of this.#world.devices) {
        // Those beside the founders are asleep in some runs, and stay so.
        const isFounder = name === 'vera' || name === 'paul'
        if (!isFounder && this.#chance.is(name === 'victor' ? 0.15 : 0.7)) continue
        await this.#open(this.#add(side, name, await store.backup()))
      }
      await this.#pass(300)
      for (let step = 0; step < (this.#options.steps ?? 14); step++) {
        await this.#step()
        this.#lookForAlarms()
      }
      await this.#heal()
      await this.#check()
    } finally {
      for (const { joining } of this.#joinings) await joining.close()
      for (const { org } of this.#devices) await org?.close()
    }
    return this.violations
  }

  // ---- The clock

  /** What is under way ends, as far as it needs no time. */
  async #quiet(): Promise<void> {
    for (let turns = 0; turns < mostTurns; turns++) {
      await this.#tick()
      if (this.#network.clock.untilNext() !== 0) return
    }
    throw new Error('Something goes on and on without any time passing.')
  }

  /** Frames and timers that are due go on by one. */
  async #tick(): Promise<void> {
    this.#network.clock.advance(0)
    await this.#crypto.rest()
  }

  async #pass(ms: number): Promise<void> {
    const { clock } = this.#network
    for (const end = clock.now() + ms; ;) {
      await this.#quiet()
      const next = clock.untilNext() ?? Number.POSITIVE_INFINITY
      if (clock.now() + next > end) return clock.advance(Math.max(0, end - clock.now()))
      clock.advance(next)
    }
  }

  /** An act of a person. Some are refused, such as an admin's who is none any more. */
  async #do(device: Device, what: string, work: (org: MemoryOrg) => Promise<unknown>): Promise<void> {
    const { org } = device
    if (!org) return
    this.log.push(`${device.name} ${what}`)
    const end = { isDone: false }
    const done = work(org).then(
      () => (end.isDone = true),
      (error: unknown) => {
        end.isDone = true
        const isExpected = error instanceof EngineError && (refusals.has(error.code) || device.org !== org)
        this.log.push(`… ${String(error)}`)
        if (!isExpected) this.violations.push(`REJECTED ${device.name} ${what}: ${String(error)}`)
      },
    )
    for (let ticks = 0; ticks < 50 && !end.isDone; ticks++) await this.#tick()
    if (end.isDone) await done
  }

  // ---- The steps

  async #step(): Promise<void> {
    const chance = this.#chance
    const actions = this.#actions()
    let left = chance.next() * actions.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, act] of actions) {
      left -= weight
      if (left > 0) continue
      await act()
      break
    }
    // Some acts meet in the middle of what the ones before them began.
    if (chance.is(0.4)) for (let ticks = chance.below(12); ticks > 0; ticks--) await this.#tick()
    else await this.#pass(chance.pick([0, 300, 1_000, 7_000]))
  }

  #actions(): readonly (readonly [weight: number, act: () => unknown])[] {
    const chance = this.#chance
    const { faults } = this.#options
    const open = this.#devices.filter(({ org }) => org)
    const closed = this.#devices.filter(({ org, isLost }) => !org && !isLost)
    const online = open.filter(({ org }) => org?.sync.status().cut === false)
    const offline = open.filter(({ org }) => org?.sync.status().cut === true)
    const admins = open.filter((device) => isAdmin(device))
    const pairs = admins.flatMap((one) =>
      admins.filter((other) => other.side === one.side && other !== one).map((other) => [one, other] as const),
    )
    const actions: (readonly [number, () => unknown])[] = []
    const add = (when: unknown, weight: number, act: () => unknown): void => void (when && actions.push([weight, act]))
    add(open.length, 8, () => this.#edit(chance.pick(open)))
    add(online.length, 2, () => this.#cut(chance.pick(online)))
    add(offline.length, 4, () => this.#mend(chance.pick(offline)))
    add(admins.length && this.#joinings.length < 2, 3, () => this.#invite(chance.pick(admins)))
    add(
      this.#joinings.some(({ isOver }) => !isOver),
      4,
      () => this.#goOnJoining(),
    )
    add(admins.length, 3, () => this.#remove(chance.pick(admins)))
    add(admins.length, 1.5, () => this.#do(chance.pick(admins), 'rotates', (org) => org.devices.rotate()))
    add(faults.has('twoAtOnce') && pairs.length, 3, () => this.#actAtOnce(...chance.pick(pairs)))
    add(faults.has('crash') && open.length, 2, () => this.#crash(chance.pick(open)))
    add(closed.length, 4, () => this.#open(chance.pick(closed)))
    add(faults.has('lostDevice') && open.length > 2, 1.5, () => this.#lose(chance.pick(open)))
    add(
      this.#devices.some(({ isLost }) => isLost),
      2,
      () => this.#restoreOnce(chance.pick(this.#devices.filter(({ isLost }) => isLost)).side),
    )
    add(faults.has('relayLoss'), 0.7, () => this.#restart('loses its store', emptyRelay))
    add(faults.has('relayBackup'), 1, () => (this.#backups = [...this.#backups, this.#network.relay.state].slice(-2)))
    add(faults.has('relayBackup') && this.#backups.length, 0.7, () => this.#restart('is set back', chance.pick(this.#backups)))
    add(faults.has('years') && open.length, 1, () => this.#setClock(chance.pick(open)))
    return actions
  }

  async #edit(device: Device): Promise<void> {
    const field = this.#chance.pick(fields)
    const number = this.#edits.length + 1
    const value = `${number}@${device.name}.example`
    const record = this.#world.records[device.side]
    await this.#do(device, `writes ${value}`, async (org) => {
      await org.records.edit('Lead', record, { [field]: field === 'Email' ? value : { amount: String(number), currency: 'EUR' } })
      const stamp = org.rows.get('Lead', record)?.registers[field]?.[0]
      if (stamp) this.#edits.push({ by: device, value, field, stamp, isShutOut: this.#isRemoved(device) })
    })
  }

  #cut(device: Device): void {
    this.log.push(`${device.name} goes offline`)
    device.org?.sync.cut()
  }

  #mend(device: Device): void {
    this.log.push(`${device.name} goes online`)
    device.org?.sync.mend()
  }

  async #invite(by: Device): Promise<void> {
    const name = `new${++this.#joined}`
    const role = this.#chance.is(0.5) ? 'admin' : 'member'
    await this.#do(by, `invites ${name}, ${role}`, async (org) => {
      const { id, link } = await org.devices.invite({ base: invitationPage, person: { name }, role })
      if (link === undefined) return
      const joining = await joinMemoryOrg(this.#network, { link, deviceName: name })
      this.#joinings.push({ by, side: by.side, invitation: id, joining, isOver: false })
    })
  }

  /** Whoever joins does the next thing: compares the codes, or opens the org. */
  async #goOnJoining(): Promise<void> {
    for (const each of this.#joinings.filter(({ isOver }) => !isOver)) {
      const { by, invitation, joining, side } = each
      const { state, code } = joining.status()
      const view = by.org?.devices.invitations().find(({ id }) => id === invitation)
      if (code !== undefined && view?.code === code) await this.#do(by, 'confirms', (org) => org.devices.confirm(invitation, true))
      if (state === 'joined') {
        each.isOver = true
        await joining.close()
        const device = this.#add(side, view?.personName ?? 'new', joining.store.reopen())
        await this.#open(device)
      }
      if (state === 'over') each.isOver = true
    }
  }

  async #remove(by: Device): Promise<void> {
    const others = by.org?.devices.list().filter(({ own }) => !own) ?? []
    if (others.length === 0) return
    const { id } = this.#chance.pick(others)
    await this.#do(by, `removes ${this.#nameOf(id)}`, (org) => org.devices.remove([id]))
  }

  /** Two admins act and hear of each other only then. */
  async #actAtOnce(one: Device, other: Device): Promise<void> {
    const isRemoval = this.#chance.is(0.6)
    const act = (by: Device, against: Device): Promise<void> =>
      this.#do(by, isRemoval ? `removes ${against.name}, at once` : 'rotates, at once', (org) =>
        isRemoval ? org.devices.remove(against.id ? [against.id] : []) : org.devices.rotate(),
      )
    const isCut = this.#chance.is(0.5)
    if (isCut) for (const { org } of [one, other]) org?.sync.cut()
    await Promise.all([act(one, other), act(other, one)])
    if (isCut) for (const { org } of this.#chance.is(0.5) ? [one, other] : [other, one]) org?.sync.mend()
  }

  async #crash(device: Device): Promise<void> {
    this.log.push(`${device.name} crashes`)
    const { org } = device
    device.org = undefined
    device.store = device.store.reopen()
    await org?.close().catch(() => undefined)
  }

  #lose(device: Device): Promise<void> {
    // Somebody has to have what the org wrote.
    const others = this.#devices.filter((other) => other.side === device.side && other !== device && other.org && !this.#isRemoved(other))
    if (others.length === 0 || !this.#hasComeBack) return Promise.resolve()
    this.log.push(`${device.name} is lost`)
    device.isLost = true
    const { org } = device
    if (org) this.#lost.set(device, org)
    device.org = undefined
    return org?.close() ?? Promise.resolve()
  }

  /** What a device that is lost holds, for the thief. */
  readonly #lost = new Map<Device, MemoryOrg>()

  /** A kit that is used again before the first restored device knows its age may lose what decides. That is a gap, and these runs are not about it. */
  async #restoreOnce(side: Side): Promise<void> {
    const isUnderWay = this.#devices.some((device) => device.side === side && device.org?.recovery.status().age === 'open')
    if (!isUnderWay && this.#hasComeBack) await this.#restore(side)
  }

  /** The org's admin comes back by the recovery kit, at a new device. */
  async #restore(side: Side): Promise<boolean> {
    const name = `restored${++this.#joined}`
    const nobodyElse = this.#hasNobodyToSign(side)
    const alone = this.#chance.is(0.3)
    this.log.push(`${name} of ${side} comes back by the kit${alone ? ', alone' : ''}`)
    const store = new MemoryStore()
    const { relay, clock } = this.#network
    const ports = { store, openSocket: relay.openSocket, clock, random: this.#network.random(), relay: `ws://${memoryRelayHost}/socket` }
    const restored: { end?: string } = {}
    restoreByKit(this.#world.kits[side], { decide: () => ({ alone }) }, ports).then(
      () => (restored.end = ''),
      (error: unknown) => (restored.end = String(error)),
    )
    for (let passed = 0; passed < 60 && restored.end === undefined; passed++) await this.#pass(1_000)
    if (restored.end !== '') {
      this.log.push(`… ${restored.end}`)
      return false
    }
    if (nobodyElse) this.#decidesAgain.add(side)
    await this.#open(this.#add(side, name, store))
    return true
  }

  /** Orgs that may have to decide all again: an admin’s device was removed, and no admin’s device is there that may have signed anew what that one had signed (rule DR4). */
  readonly #decidesAgain = new Set<Side>()

  #hasNobodyToSign(side: Side): boolean {
    const rosters = rostersOf(this.#network.relay.state, this.#orgs[side])
    const admins = rosters.map(({ devices }) => [...devices].flatMap(([id, { role }]) => (role === 'admin' ? [id] : [])))
    const last = new Set(admins.at(-1))
    const isThere = this.#devices.some(({ id, isLost }) => id !== undefined && last.has(id) && !isLost)
    return !isThere && admins.some((some) => some.some((id) => !last.has(id)))
  }

  /** Whether an org has lost the connection, and is right to: its people connect anew. */
  get #isDecidedAgain(): boolean {
    return sides.some((side) => this.#decidesAgain.has(side) && this.#present(side).every(({ org }) => org.connections.list().length === 0))
  }

  /**
   * Whether every device that may come again has what the relay has of messages. Else a roster or a rotation could be lost that the peer holds to, and another take its number:
   * the peer does not hand those back yet (the end of section 13 of SPEC.md).
   */
  #isKnown(): boolean {
    return this.#devices.every((device) => {
      const { org, isLost } = device
      if (isLost) return true
      if (!org) return false
      if (this.#isRemoved(device)) return org.rosters.verified(org.org.id).at(-1)?.devices.has(org.identity.device) === false
      return org.replica
        .followed()
        .feeds.filter((feed) => holdsMessages(parseFeed(feed)))
        .every((feed) => org.replica.position(feed).cursor >= feedOf(this.#network.relay.state, feed).head)
    })
  }

  /** Rosters and rotations that the relay had before it lost something. */
  readonly #hadKeys = new Set<readonly [FeedName, Key]>()

  /** Whether these are there again: the same gap opens where a device is lost, or the org comes back, before that. */
  get #hasComeBack(): boolean {
    return [...this.#hadKeys].every(([feed, key]) => feedOf(this.#network.relay.state, feed).keys.has(key))
  }

  #restart(what: string, state: RelayState): void {
    if (!this.#isKnown()) return
    this.log.push(`the relay ${what}`)
    for (const [feed, { keys }] of this.#network.relay.state.feeds)
      for (const key of keys.keys()) if (bringsKeys(key)) this.#hadKeys.add([feed, key])
    this.#network.relay.restart(state)
    for (const edit of this.#edits) edit.isShutOut = false
  }

  #setClock(device: Device): void {
    device.skew = this.#chance.is(0.3) ? 0 : (1 + this.#chance.below(4)) * yearMs
    this.log.push(`the clock of ${device.name} is ${device.skew / yearMs} years ahead`)
    if (device.org) device.org.clock.skew = device.skew
  }

  // ---- Devices

  #add(side: Side, name: string, store: MemoryStore): Device {
    const device: Device = { side, name, id: undefined, store, org: undefined, isLost: false, feeds: new Map(), skew: 0 }
    this.#devices.push(device)
    return device
  }

  async #open(device: Device): Promise<void> {
    this.log.push(`${device.name} opens`)
    device.org = await openMemoryOrg(this.#network, {
      store: device.store,
      deviceName: device.name,
      skew: device.skew,
      onSend: (frame) => this.#hear(device, frame),
    })
    device.id = device.org.identity.device
  }

  #nameOf(id: DeviceId): string {
    return this.#devices.find((device) => device.id === id)?.name ?? 'a device that is not here'
  }

  get #orgs(): Readonly<Record<Side, OrgId>> {
    return { vendor: this.#world.kits.vendor.org, partner: this.#world.kits.partner.org }
  }

  /** The highest roster of an org that the relay has. */
  #rosterAtRelay(org: OrgId): Roster | undefined {
    return rostersOf(this.#network.relay.state, org).at(-1)
  }

  /** Whether the relay's highest roster is without this device, which an earlier one lists. */
  #isRemoved({ side, id }: Device): boolean {
    const rosters = rostersOf(this.#network.relay.state, this.#orgs[side])
    return id !== undefined && rosters.at(-1)?.devices.has(id) === false && rosters.some(({ devices }) => devices.has(id))
  }

  /** The devices that are there and on their org's highest roster. */
  #present(side: Side): readonly (Device & { readonly org: MemoryOrg })[] {
    return this.#devices.filter(
      (device): device is Device & { readonly org: MemoryOrg } =>
        device.side === side && device.org !== undefined && !this.#isRemoved(device),
    )
  }

  // ---- What the relay hears

  /** What a device offers, and with which keys it seals at that moment. */
  #hear(by: Device, frame: Uint8Array): void {
    for (const message of decodeClientFrame(frame)) {
      if (message.type === 'subscribe') by.feeds.set(message.feed, message.name)
      const feed = message.type === 'publish' ? by.feeds.get(message.feed) : undefined
      if (message.type !== 'publish' || feed === undefined || !by.org) continue
      const before = this.#heard.all.length
      for (const offer of message.offers) this.#heard.hear({ feed, offer })
      this.#offered.push({ by, seals: this.#heard.all.slice(before), shutOut: shutOutBy(by.org, feed) })
    }
  }

  /** Nobody who was removed writes any more: the relay takes no offer from a device that its highest roster does not list, but rosters. */
  #noteOffer({ feed, offer, device, refused }: { feed: FeedName; offer: Offer; device: string | undefined; refused: unknown }): void {
    const by = this.#devices.find(({ id }) => id === device)
    if (!by || refused !== undefined || rosterNumber(offer.key) !== undefined || !this.#isRemoved(by)) return
    this.violations.push(`WRITES ${by.name}, who was removed, in ${feed} under ${offer.key}`)
  }

  // ---- The end

  #lookForAlarms(): void {
    for (const side of sides)
      for (const { name, org } of this.#present(side))
        for (const { state, topic, whose } of org.sync.status().signed)
          if (state === 'differs' || state === 'held back') this.#note(`ALARM ${name} says that ${topic} of ${whose} is ${state}`)
  }

  #note(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what)
  }

  async #heal(): Promise<void> {
    this.log.push('everything heals')
    for (const device of this.#devices) {
      if (device.isLost) continue
      if (!device.org) await this.#open(device)
      device.org?.sync.mend()
    }
    const { clock } = this.#network
    const begun = clock.now()
    while (clock.now() - begun < patienceMs) {
      await this.#pass(clock.now() - begun < 60_000 ? 1_000 : 20_000)
      this.#lookForAlarms()
      await this.#helpPeople(clock.now() - begun)
      if (this.#isAtRest(clock.now() - begun > headsMs)) return
    }
    const why = sides.flatMap((side) => this.#present(side).map((device) => `${device.name}: ${restOf(device.org)}`))
    this.#note(`RESTLESS ${why.join('; ')}`)
  }

  /** What people do once everything works again. */
  async #helpPeople(ms: number): Promise<void> {
    await this.#goOnJoining()
    for (const each of this.#joinings) {
      // Who invited it may be gone.
      const isLeft = ms > 30_000 && (each.by.isLost || this.#isRemoved(each.by))
      if (!each.isOver && (isLeft || ms > 120_000)) {
        each.isOver = true
        await each.joining.stop()
      }
    }
    for (const side of sides) {
      const admins = this.#present(side).filter((device) => isAdmin(device))
      if (admins.length === 0 && ms > 10_000 && this.#rosterAtRelay(this.#orgs[side])) await this.#restore(side)
      for (const device of admins) {
        if (device.org.recovery.status().age === 'open' && ms > 15_000)
          await this.#do(device, 'confirms the age', (org) => org.recovery.confirmAge())
        const { connection } = this.#world
        if (device.org.connections.get(connection)?.verified === 'no')
          await this.#do(device, 'compares the codes', (org) => org.connections.compareCodes(connection, true))
      }
    }
  }

  /** @param mayWait whether a feed may wait for its next head */
  #isAtRest(mayWait: boolean): boolean {
    return (
      this.#network.isAtRest(sides.flatMap((side) => this.#present(side).map(({ org }) => org))) &&
      this.#joinings.every(({ isOver }) => isOver) &&
      sides.every(
        (side) =>
          this.#present(side).some((device) => isAdmin(device)) &&
          this.#present(side).every(({ org }) => restOf(org, mayWait, this.#isDecidedAgain) === ''),
      )
    )
  }

  async #check(): Promise<void> {
    for (const side of sides) {
      const present = this.#present(side)
      const [first] = present
      if (!first || !present.some((device) => isAdmin(device))) {
        this.#note(`GONE: the ${side} has no admin`)
        continue
      }
      const stateAt = (org: MemoryOrg): string => stateOf(org, this.#isDecidedAgain ? this.#world.connection : undefined)
      const reference = stateAt(first.org)
      for (const { name, org } of present)
        if (stateAt(org) !== reference) this.#note(`DIVERGED ${name}: ${difference(reference, stateAt(org))}`)
      for (const { name, org } of present) {
        const expected = name.startsWith('restored') ? expectedOfRestored : expectedProblems
        for (const what of org.problems) if (!expected.some((each) => what.includes(each))) this.#note(`PROBLEM ${name}: ${what}`)
      }
      const record = this.#world.records[side]
      for (const { by, field, stamp, value } of this.#edits) {
        const held = first.org.rows.get('Lead', record)?.registers[field]?.[0]
        if (present.some((device) => device === by) && (!held || isAbove([stamp, null], [held, null]))) this.#note(`LOST ${value}`)
      }
      for (const peer of this.#isDecidedAgain ? [] : this.#present(otherSide(side))) {
        const mirror = peer.org.mirrors.of('Lead', this.#world.records[peer.side])[0]
        for (const field of fields) {
          // A copy's doc begins with the first edit of an update field (rule DF4).
          if (side === 'partner' && !this.#edits.some((edit) => edit.by.side === side && this.#isHeld(first.org, edit))) continue
          const [shown, wanted] = [
            mirror?.fields.find(({ name }) => name === field)?.value,
            first.org.records.get('Lead', record)?.values[field],
          ].map((each) => JSON.stringify(each))
          if (shown !== wanted) this.#note(`MIRROR of ${side} at ${peer.name}: ${field} ${shown} wanted ${wanted}`)
        }
      }
    }
    await this.#checkRemoved()
  }

  /** Whether an edit is what its field holds. */
  #isHeld({ rows }: MemoryOrg, { by, field, stamp }: Edit): boolean {
    const held = rows.get('Lead', this.#world.records[by.side])?.registers[field]?.[0]
    return held !== undefined && !isAbove([stamp, null], [held, null]) && !isAbove([held, null], [stamp, null])
  }

  /** Nobody who was removed reads or writes any more. */
  async #checkRemoved(): Promise<void> {
    const present = sides.flatMap((side) => this.#present(side))
    for (const { value, isShutOut } of this.#edits)
      for (const { name, org } of isShutOut ? present : []) if (textOf(org).includes(value)) this.#note(`WRITES ${value} is at ${name}`)
    for (const gone of this.#devices) {
      const held = gone.org ?? this.#lost.get(gone)
      const side = present.find((device) => device.side === gone.side)
      if (!held || !side || !gone.id || !this.#isRemoved(gone)) continue
      const chain = await side.org.rosters.chain(side.org.org.id)
      const { id } = gone
      const removed = chain[chain.findLastIndex(({ devices }) => devices.has(id)) + 1]?.number
      if (removed === undefined) continue
      for (const { by, seals, shutOut } of this.#offered) {
        // What the removed device wrote itself it reads for good, and what a device wrote before it had the keys that follow on the removal.
        if (by === gone || (shutOut.get(side.org.org.id) ?? 0) < removed) continue
        for (const { feed, key, content } of readBy(held, seals))
          this.#note(`READS ${gone.name} opens ${JSON.stringify(content)} of ${by.name} in ${feed} under ${key}`)
      }
    }
  }
}

/** Of which removals a device takes account when it seals in a feed: by org the number of the last roster whose absentees have none of its keys. */
function shutOutBy({ replica: { keyring }, org }: MemoryOrg, feed: FeedName): ReadonlyMap<OrgId, number> {
  const parsed = parseFeed(feed)
  const rosters = new Map<OrgId, number>()
  if (parsed.kind === 'team') rosters.set(org.id, keyring.ownOrder(keyring.highestOwn())?.roster ?? 0)
  return rosters
}

const isAdmin = ({ org }: Device): boolean => org?.rosters.verified(org.org.id).at(-1)?.devices.get(org.identity.device)?.role === 'admin'

/** Why a device is not at rest; empty where it is. */
function restOf({ sync, devices, connections, isAtRest, recovery }: MemoryOrg, mayWait = false, isOver = false): string {
  const { state, waiting, signed } = sync.status()
  const { due, remainingMs } = devices.keys()
  const why = [
    !isAtRest && 'busy',
    state !== 'online' && state,
    waiting > 0 && `${waiting} wait`,
    ...signed.map(
      ({ topic, whose, state }) =>
        state !== 'signed' && !(state === 'waiting' && (mayWait || (isOver && whose === 'peer'))) && `${topic} of ${whose} ${state}`,
    ),
    (due || remainingMs > 0) && 'keys due',
    recovery.status().age === 'open' && 'age open',
    ...connections.list().map(({ verified, peerVerified }) => !isOver && !(verified === 'yes' && peerVerified) && 'codes'),
  ]
  return why.filter((each) => each !== false).join(', ')
}

/**
 * All that a device holds of its org, in one text. Who signed a register is no part of it. What was said in the mailbox of an invitation is in no feed of the org, and stays
 * at the devices that were there. Of a lost connection each holds what it had heard until then.
 */
function stateOf({ rows }: MemoryOrg, lost?: string): string {
  const isLeftOut = (id: string): boolean => id.startsWith('mailbox/') || (lost !== undefined && id.includes(lost))
  const all = [...rows.objects()].flatMap((object) => [...rows.list(object).values()].filter(({ id }) => !isLeftOut(id)))
  return canonicalJson(
    Object.fromEntries(
      all.map(({ object, id, registers }) => [
        `${object} ${id}`,
        Object.fromEntries(Object.entries(registers).map(([field, [stamp, value]]) => [field, [stamp, value]])),
      ]),
    ),
  )
}

/** All that a device can show of its org and of its peer. */
const textOf = (org: MemoryOrg): string =>
  JSON.stringify([stateOf(org), ...[...org.rows.list('Lead').keys()].map((id) => org.mirrors.of('Lead', id))])

/**
 * What a removed device would open. Rotations and rosters it may: they are sealed under the first keys, so that whoever was away reads on (rule RT8), and hold no value of
 * the org.
 */
function readBy(gone: MemoryOrg, seals: readonly HeardSeal[]): ReturnType<typeof openedBy> {
  const opened = openedBy(gone, seals).filter(({ key }) => !bringsKeys(key))
  const rosters = new Set(opened.flatMap(({ key, content }) => (Array.isArray(content) && content[0] === 'Roster' ? [key] : [])))
  return opened.filter(({ key }) => !rosters.has(key))
}

function difference(a: string, b: string): string {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return `…${a.slice(Math.max(0, at - 120), at + 80)}… against …${b.slice(Math.max(0, at - 120), at + 80)}…`
}
