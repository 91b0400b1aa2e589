import { Chance } from '../faults/chance.js'
import { Attacker } from './attacker.js'
import { type Broken, type Check, Checks } from './checks.js'
import { Device, type Line } from './device.js'
import type { Offer } from './entries.js'
import { gossip } from './heads.js'
import { agree, pickStep } from './steps.js'
import { type Feed, type Org, hour, orgs, second } from './names.js'
import { firstAgreement } from './policy.js'
import { type Answer, copyOf, type Disk, Relay, type Refusal } from './relay.js'
import type { Roster } from './rosters.js'
import type { Rule } from './rules.js'
import { Seals } from './seals.js'
import { Signed } from './signatures.js'
import { copyStore, newStore, type Store } from './store.js'

/** Who lies in a run: nobody, the relay, the partner, or both together. */
export const modes = ['honest', 'lying relay', 'hostile peer', 'both'] as const
export type Mode = (typeof modes)[number]

/** Faults that a run draws. */
export const faults = [
  'crash',
  'lost tail',
  'eviction',
  'relay loss',
  'relay backup',
  'skew',
  'versions',
  'withdrawal',
  'erasing',
  'absence',
  'clone',
  'removal',
  'rotation',
  'restore',
] as const
export type Fault = (typeof faults)[number]

/** One run: two orgs with their devices, a relay, and time. The seed decides everything. */
export class World implements Line {
  readonly chance: Chance
  readonly mode: Mode
  readonly faults: ReadonlySet<Fault>
  readonly without: ReadonlySet<Rule>
  readonly seals = new Seals()
  readonly relay: Relay
  readonly checks: Checks
  readonly attacker: Attacker
  devices: Device[] = []
  readonly backups = new Map<Device, Store[]>()
  readonly relayBackups: Disk[] = []
  readonly trace: string[] | undefined
  now = 1_700_000_000 * second
  relaySkew = 0
  names = 0
  /** The relay does as it should again, and nothing fails any more. */
  healed = false
  /** Whether each answer is whole. Else about half of them are pieces. */
  #isWhole = false

  constructor(seed: number, without: ReadonlySet<Rule> = new Set(), mode: Mode = modes[seed % modes.length] ?? 'honest', trace = false) {
    this.chance = new Chance(seed)
    this.mode = mode
    this.without = without
    this.trace = trace ? [] : undefined
    this.faults = new Set(faults.filter(() => this.chance.happens(0.3)))
    this.relay = new Relay(this.chance, without)
    this.checks = new Checks(this)
    this.attacker = new Attacker(this)
    const rosters = new Map<Org, Roster>(orgs.map((org) => [org, firstRoster(org)]))
    for (const roster of rosters.values()) this.checks.listed(roster)
    for (const org of orgs) for (const name of namesOf(org)) this.add(org, name, newStore(org, rosters))
  }

  get relayTime(): number {
    return this.now + this.relaySkew
  }

  add(org: Org, name: string, store: Store): Device {
    const device = new Device(org, name, `${name}.${++this.names}`, store, this.seals, this.without, this, this.chance)
    if (this.faults.has('skew')) device.skew = this.chance.between(-4, 4) * 365 * 24 * 3600 * second
    this.devices.push(device)
    this.backups.set(device, [])
    return device
  }

  of(org: Org): readonly Device[] {
    return this.devices.filter((device) => device.org === org)
  }

  /** Whether what this org's devices do is their own. */
  isHonest(org: Org): boolean {
    return org === 'V' || this.mode === 'honest' || this.mode === 'lying relay'
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.chance.between(0, list.length - 1)]
  }

  hello(device: Device): boolean {
    return this.relay.hello(device.id, device.name, device.org, device.store.rosters.get(device.org))
  }

  read(device: Device, feed: Feed, cursor: number, incarnation: number | undefined): Answer {
    const piece = this.healed || this.chance.happens(0.5) ? 1000 : this.chance.between(1, 4)
    const answer = this.attacker.view(
      device,
      feed,
      cursor,
      this.relay.read(device.id, feed, cursor, incarnation, this.#isWhole ? 1000 : piece),
    )
    if (this.trace && (answer.entries.length > 0 || answer.lost))
      this.log(
        `${device.name} reads ${feed} after ${cursor}: ${answer.lost ? 'LOST' : answer.entries.map(({ sequence, key, kind, whole, epoch }) => `${sequence} ${key} ${kind}${whole ? '*' : ''} ${epoch.version}.${epoch.number}`).join(', ')}`,
      )
    return answer
  }

  offer(device: Device, offer: Offer): number | Refusal {
    if (this.attacker.swallows(offer)) return this.relay.held(offer.feed).head
    const answer = this.relay.offer(device.name, device.org, offer)
    this.log(
      `${device.name} offers ${offer.feed} ${offer.key} ${offer.kind}${offer.whole ? '*' : ''} ${offer.epoch.version}.${offer.epoch.number} seen ${offer.seen}: ${answer}`,
    )
    if (offer.kind === 'head') this.checks.signed(device, offer)
    if (typeof answer === 'string') this.checks.refused(device, offer, answer)
    else this.attacker.note(offer.feed)
    return answer
  }

  log(line: string): void {
    this.trace?.push(line)
  }

  backup(device: Device): void {
    const list = this.backups.get(device) ?? []
    list.push(copyStore(device.store))
    if (list.length > 4) list.splice(this.chance.between(0, 2), 1)
  }

  backupRelay(): void {
    this.relayBackups.push(copyOf(this.relay.disk))
    if (this.relayBackups.length > 3) this.relayBackups.shift()
  }

  /** Runs the story of this seed. @param until ends it once this check has broken @returns what broke */
  run(until?: Check): readonly Broken[] {
    const isOver = (): boolean => this.checks.broken.some(({ what }) => what === until)
    for (const device of this.devices) device.connect()
    for (let step = 0; step < 140 && !isOver(); step++) {
      this.now += this.chance.between(0, 3) * second
      pickStep(this)
      this.checks.always()
    }
    if (!isOver()) this.rest()
    if (!isOver()) this.heal()
    return this.checks.broken
  }

  /** Nobody edits any more; the lies go on, and heads have time to say so. */
  rest(): void {
    for (const device of this.devices) device.connect()
    for (let round = 0; round < 3; round++) {
      this.now += hour + second
      if (this.mode !== 'honest' && round < 2 && this.chance.happens(0.4)) this.attacker.act()
      this.round()
    }
    const since = this.now
    // What the last hour's heads told a colleague is a minute old before it counts as held back.
    this.now += 120 * second
    // A device reads on until it is told that this is all. Whom a relay shows nothing, it would tell so in the first piece.
    this.#isWhole = true
    for (const device of this.devices) device.readAll()
    this.#isWhole = false
    this.checks.always()
    if (this.isLying()) this.checks.lies(since)
  }

  isLying(): boolean {
    return this.mode === 'lying relay' || this.mode === 'both'
  }

  heal(): void {
    this.healed = true
    this.relaySkew = 0
    this.attacker.stop()
    this.relay.endSessions()
    for (const device of this.devices) device.disconnect()
    this.log('healed')
    this.checks.expect()
    for (const device of this.devices) device.connect()
    for (let round = 0; round < 24; round++) {
      this.now += 1800 * second
      // Admins agree anew where a removal took a version back.
      if (round === 10 && this.mode !== 'both' && this.mode !== 'hostile peer') agree(this)
      this.round()
      if (round > 0 && this.checks.isDone()) break
    }
    this.checks.atEnd()
  }

  /** Reads all, and publishes what there is. @returns whether there was anything */
  #turn(device: Device): boolean {
    let busy = device.readAll()
    for (let sent = 0; sent < 12 && device.publish(); sent++) {
      busy = true
      device.readAll()
    }
    if (!busy) gossip(device)
    return device.publish() || busy
  }

  /** Each device reads and publishes until it has nothing to do. */
  round(): void {
    for (const device of this.devices) if (!device.online) device.connect()
    const quiet = new Map<Device, string>()
    for (let turn = 0; ; turn++) {
      if (turn === 40) return this.checks.break('NO_REST', `devices still send after 40 turns, ${this.healed ? 'healed' : 'under a lie'}`)
      let busy = false
      for (const device of this.devices) {
        const before = `${device.changes} ${this.relay.changes}`
        if (quiet.get(device) === before) continue
        if (this.#turn(device)) busy = true
        else quiet.set(device, `${device.changes} ${this.relay.changes}`)
      }
      if (turn % 8 === 0) this.checks.always()
      if (!busy) break
    }
    this.checks.always()
  }
}

function namesOf(org: Org): readonly string[] {
  return org === 'V' ? ['V0', 'V1', 'V2'] : ['P0', 'P1']
}

function firstRoster(org: Org): Roster {
  const [first = '', second = '', ...rest] = namesOf(org)
  const admins = org === 'V' ? [first, second] : [first]
  return Signed.sign(`root ${org}`, {
    org,
    number: 1,
    previous: undefined,
    admins,
    members: org === 'V' ? rest : [second],
    agreement: firstAgreement,
    generation: 0,
  })
}
