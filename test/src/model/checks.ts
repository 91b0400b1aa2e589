import { compareStamps, type Stamp } from '@entente/protocol'
import type { Device } from './device.js'
import { carriedText, type Content, contentOf, lackOf, mirrorsOf, rowsOf } from './contents.js'
import type { HeadClaims, Offer } from './entries.js'
import {
  existence,
  type Feed,
  isTeam,
  messagesOf,
  type Org,
  orgs,
  outOf,
  ownerOf,
  peerOf,
  readBy,
  records,
  type Register,
  teamOf,
} from './names.js'
import { shownOf } from './mirror.js'
import { type AgreementClaims, firstAgreement } from './policy.js'
import { type Refusal, slotsOf } from './relay.js'
import type { Roster } from './rosters.js'
import type { Signed } from './signatures.js'
import type { World } from './world.js'

export type Check =
  | 'AGREEMENTS_DIFFER'
  | 'DECISION_FORGED'
  | 'FALSELY_CONFIRMED'
  | 'FALSE_ALARM'
  | 'FREEZE_UNNOTICED'
  | 'HONEST_REFUSED'
  | 'LOST'
  | 'MIRROR_BACK'
  | 'MIRROR_DIFFERS'
  | 'MIRROR_FORGED'
  | 'NOT_CONFIRMED'
  | 'NO_REST'
  | 'OLD_VERSION_SHOWN'
  | 'ORG_DIVERGED'
  | 'OWN_ROW_CHANGED'
  | 'UNNOTICED'
  | 'WITHDRAWN_BYTES'
  | 'WITHDRAWN_SHOWN'

export interface Broken {
  readonly what: Check
  readonly about: string
}

/** What a mirror showed: its version, the stamps, and the agreement by which it did. */
interface Shown {
  readonly version: number
  readonly agreed: number
  readonly stamps: ReadonlyMap<string, Stamp>
}

/** What must hold, whoever lies. */
export class Checks {
  readonly broken: Broken[] = []
  readonly #world: World
  /** Each edit of an honest device, by org, row, field and stamp. */
  readonly #genuine = new Map<string, Register['value']>()
  /** What was taken for such an edit by a device that had not been told of a removal. Nobody need keep it. */
  readonly #believed = new Set<string>()
  /** The stamps that each mirror showed, by device and record. */
  readonly #shown = new Map<Device, Map<string, Shown>>()
  /** The number of the first roster that removed a device, by org. */
  readonly #removals = new Map<Org, number>()
  /** How much had happened to each device when it was last checked. */
  readonly #seen = new Map<Device, number>()
  /** What the signers of heads held, by feed and time. */
  readonly #signed = new Map<string, readonly Content[]>()
  #healed = 0
  readonly #rosters = new Set<Roster>()
  readonly #withdrawn = new Set<string>()
  readonly #agreed = new Set<string>()
  readonly #expected = new Map<string, Stamp>()

  constructor(world: World) {
    this.#world = world
    this.agreed(firstAgreement)
  }

  break(what: Check, about: string): void {
    if (this.broken.length < 20) this.broken.push({ what, about })
    this.#world.log(`BROKEN ${what} ${about}`)
  }

  edited(device: Device, key: string, field: string, register: Register): void {
    this.#genuine.set(`${device.org} ${key} ${field} ${register.stamp.join('.')}`, register.value)
  }

  restarted(device: Device): void {
    this.#shown.delete(device)
  }

  removed(device: Device): void {
    this.#shown.delete(device)
    this.#removals.set(device.org, device.roster + 1)
  }

  refused(device: Device, offer: Offer, refusal: Refusal): void {
    if (this.#world.mode !== 'honest') return
    if (refusal === 'FRAME') this.break('HONEST_REFUSED', `${device.name} ${offer.feed} ${offer.key} ${offer.kind}: ${refusal}`)
  }

  /** After each step. */
  always(): void {
    for (const device of this.#world.devices) {
      if (this.#seen.get(device) === device.changes) continue
      this.#seen.set(device, device.changes)
      if (!this.#world.isHonest(device.org)) continue
      this.#checkRows(device)
      this.#checkDecisions(device)
      this.#checkMirrors(device)
      this.#checkConfirmed(device)
      if (this.#world.mode === 'honest') this.#checkAlarms(device)
    }
  }

  #checkRows(device: Device): void {
    for (const key of records) {
      for (const [field, { stamp, value }] of device.store.rows.get(key) ?? []) {
        if ((field === existence && value === true) || stamp[0] === 0) continue
        const name = `${device.org} ${key} ${field} ${stamp.join('.')}`
        // Whoever has not been told of a removal believes the removed device.
        if (!this.#genuine.has(name) && this.#isUntold(device, device.org)) this.#believe(name, value)
        if (this.#genuine.get(name) !== value)
          this.break('OWN_ROW_CHANGED', `${device.name} ${key} ${field} ${String(value)} ${stamp.join('.')}`)
      }
    }
  }

  #believe(name: string, value: Register['value']): void {
    this.#genuine.set(name, value)
    this.#believed.add(name)
  }

  /** What admins of two honest sides agreed. */
  agreed({ version, slots }: AgreementClaims): void {
    this.#agreed.add(`${version} ${slots.join()}`)
  }

  /** A roster that an org made. */
  listed(roster: Roster): void {
    this.#rosters.add(roster)
  }

  /** What a device of an honest org withdrew from a version. */
  withdrew(device: Device, slot: string): void {
    this.#withdrawn.add(`${device.org} ${device.store.agreement.version} ${slot}`)
  }

  #checkDecisions(device: Device): void {
    const { version, slots } = device.store.agreement
    for (const [org, roster] of device.store.rosters)
      if (this.#world.isHonest(org) && !this.#rosters.has(roster))
        this.break('DECISION_FORGED', `${device.name} roster by ${roster.signer}`)
    for (const slot of device.store.withdrawn)
      if (!this.#withdrawn.has(`${device.org} ${version} ${slot}`)) this.break('DECISION_FORGED', `${device.name} withdraws ${slot}`)
    const text = `${version} ${slots.join()}`
    if (this.#agreed.has(text) || this.#isUntold(device, device.org)) return
    this.break('DECISION_FORGED', `${device.name} ${text}`)
  }

  #isUntold(device: Device, org: Org): boolean {
    const removal = this.#removals.get(org)
    return this.#world.attacker.usedRemoved && removal !== undefined && (device.store.rosters.get(org)?.claims.number ?? 0) < removal
  }

  #checkMirrors(device: Device): void {
    const peer = peerOf(device.org)
    const before = this.#shown.get(device) ?? new Map<string, Shown>()
    this.#shown.set(device, before)
    const allowed = device.allowed()
    for (const [key, mirror] of device.store.mirrors) {
      const shown = shownOf(device, key)
      const exists = mirror.seen.get(existence)
      if (this.#world.isHonest(peer)) {
        const fields = [
          ...(exists ? [['on', exists.register] as const] : []),
          ...[...(shown ?? [])].map(([slot, one]) => [`f${slot}`, one] as const),
        ]
        for (const [field, { stamp, value }] of fields) {
          const name = `${peer} ${key} ${field} ${stamp.join('.')}`
          if (!this.#genuine.has(name) && this.#isUntold(device, peer)) this.#believe(name, value)
          if (stamp[0] > 0 && this.#genuine.get(name) !== value)
            this.break('MIRROR_FORGED', `${device.name} ${key} ${field} ${String(value)}`)
        }
      }
      const stamps = new Map([...(shown ?? [])].map(([slot, { stamp }]) => [slot, stamp] as const))
      if (exists) stamps.set(existence, exists.register.stamp)
      const last = before.get(key)
      const kept = new Map(last?.version === mirror.version ? last.stamps : [])
      if (last && mirror.version < last.version)
        this.break('MIRROR_BACK', `${device.name} ${key} version ${mirror.version} after ${last.version}`)
      for (const slot of kept.keys()) if (device.dropped.has(`${key} ${slot}`)) kept.delete(slot)
      for (const [slot, stamp] of kept) {
        const now = stamps.get(slot)
        if (slot !== existence && (!allowed.has(slot) || !shown || (!now && mirror.seen.get(slot)?.erased === true))) continue
        // A version in between may have taken the slot away.
        if (!now && last?.agreed !== device.store.agreement.version) continue
        if (!now || compareStamps(now, stamp) < 0)
          this.break('MIRROR_BACK', `${device.name} ${key} ${slot} ${now?.join('.') ?? 'nothing'} after ${stamp.join('.')}`)
      }
      // What an erased mirror showed stays remembered: it does not come back lower.
      for (const [slot, stamp] of stamps) kept.set(slot, stamp)
      for (const slot of kept.keys()) if (slot !== existence && !allowed.has(slot)) kept.delete(slot)
      before.set(key, { version: mirror.version, agreed: device.store.agreement.version, stamps: kept })
      for (const slot of shown?.keys() ?? []) {
        if (!allowed.has(slot)) this.break('WITHDRAWN_SHOWN', `${device.name} ${key} ${slot}`)
        const version = mirror.seen.get(slot)?.epoch.version ?? 0
        if (version < mirror.version) this.break('OLD_VERSION_SHOWN', `${device.name} ${key} ${slot} of version ${version}`)
      }
    }
    device.dropped.clear()
  }

  #checkAlarms(device: Device): void {
    for (const feed of readBy(device.org)) {
      const { kind } = device.statusOf(feed)
      if (kind === 'differs' || kind === 'held back') this.break('FALSE_ALARM', `${device.name} ${feed} ${kind}`)
    }
  }

  /** What the signer of a head held then. */
  signed(device: Device, { feed, token }: Offer): void {
    const { time } = (token as Signed<HeadClaims>).claims
    const place = `${feed} ${time}`
    this.#signed.set(place, [...(this.#signed.get(place) ?? []), contentOf(device, feed)])
  }

  /** “As signed at 14:05” is never said of what lacks something that was there at 14:05. */
  #checkConfirmed(device: Device): void {
    for (const feed of [outOf(peerOf(device.org)), teamOf(device.org)]) {
      const { kind, at } = device.statusOf(feed)
      const contents = this.#signed.get(`${feed} ${at}`)
      if (kind !== 'confirmed' || !contents || !this.#world.isHonest(ownerOf(feed))) continue
      const lacks = contents.map((content) => lackOf(device, content))
      if (!lacks.includes(undefined)) this.break('FALSELY_CONFIRMED', `${device.name} ${feed} lacks ${lacks.join(' or ')}`)
    }
  }

  /** After hours under a lie, nobody who lacks what every writer has is told that a new head confirms what is there. @param since when the last hour began */
  lies(since: number): void {
    for (const device of this.#world.devices) {
      if (!this.#world.isHonest(device.org)) continue
      for (const feed of [outOf(peerOf(device.org)), teamOf(device.org)]) {
        const { kind, at } = device.statusOf(feed)
        if (!this.#world.isHonest(ownerOf(feed)) || kind === 'differs' || kind === 'held back') continue
        if (at < since) {
          this.#checkFreeze(device, feed, since)
          continue
        }
        const writers = this.#world.of(ownerOf(feed)).filter((writer) => writer !== device)
        const lacks = writers.map((writer) => lackOf(device, contentOf(writer, feed)))
        if (writers.length > 0 && !lacks.includes(undefined)) this.break('UNNOTICED', `${device.name} ${feed} lacks ${lacks.join(' or ')}`)
      }
    }
  }

  /** Age alone is not enough where the team knows of a newer head, and its feed tells so. */
  #checkFreeze(device: Device, feed: Feed, since: number): void {
    // What is held back of the owner's messages is told there. Without them, a newer generation or version cannot be read.
    if (device.statusOf(messagesOf(ownerOf(feed))).kind === 'held back') return
    const isNew = (one: Device, what: Feed): boolean => one.statusOf(what).kind === 'confirmed' && one.statusOf(what).at >= since
    // A colleague tells by the team feed, unless the relay keeps that from either of them.
    const team = teamOf(device.org)
    const colleague = this.#world.of(device.org).find((one) => one !== device && isNew(one, feed) && isNew(one, team))
    if (!isTeam(feed) && colleague && isNew(device, team))
      this.break('FREEZE_UNNOTICED', `${device.name} ${feed}, as ${colleague.name} has read it`)
  }

  /** What some honest replica holds now must not be lost by healing. */
  expect(): void {
    this.#healed = this.#world.now
    const take = (org: Org, key: string, field: string, stamp: Stamp): void => {
      const name = `${org} ${key} ${field}`
      if (this.#believed.has(`${name} ${stamp.join('.')}`)) return
      const known = this.#expected.get(name)
      if (!known || compareStamps(stamp, known) > 0) this.#expected.set(name, stamp)
    }
    for (const device of this.#world.devices) {
      if (!this.#world.isHonest(device.org)) continue
      for (const key of records) for (const [field, { stamp }] of device.store.rows.get(key) ?? []) take(device.org, key, field, stamp)
      const peer = peerOf(device.org)
      if (!this.#world.isHonest(peer)) continue
      const allowed = device.allowed()
      for (const [key, { version, seen }] of device.store.mirrors) {
        if (version !== device.store.agreement.version) continue
        for (const [slot, { register, bytes }] of seen) {
          // What only a mirror holds of an older generation cannot be told from what a removed device made. Nobody promises to take it back.
          if (device.seals.generationOf(bytes) < device.due(peer)) continue
          if (slot === existence || allowed.has(slot)) take(peer, key, slot === existence ? 'on' : `f${slot}`, register.stamp)
        }
      }
    }
  }

  isDone(): boolean {
    const before = this.broken.length
    this.atEnd()
    const done = this.broken.length === before
    this.broken.length = before
    return done
  }

  /** After healing everything honest is equal, and says so. */
  atEnd(): void {
    for (const org of orgs) {
      if (!this.#world.isHonest(org)) continue
      const [first, ...others] = this.#world.of(org)
      if (!first) continue
      for (const other of others) {
        if (rowsOf(other) !== rowsOf(first)) this.break('ORG_DIVERGED', `${first.name} ${rowsOf(first)} but ${other.name} ${rowsOf(other)}`)
      }
      for (const [name, stamp] of this.#expected) {
        const [owner, key = '', field = ''] = name.split(' ')
        const here = first.store.rows.get(key)?.get(field)
        if (owner === org && (!here || compareStamps(here.stamp, stamp) < 0)) this.break('LOST', `${name} ${stamp.join('.')}`)
      }
      for (const device of this.#world.of(org)) this.#checkEnd(device, first)
    }
  }

  #checkEnd(device: Device, first: Device): void {
    const peer = peerOf(device.org)
    const isHonest = this.#world.isHonest(peer)
    for (const feed of readBy(device.org)) {
      if (!isHonest && ownerOf(feed) === peer) continue
      // Without its partner's word, nothing goes to a connection, and no head speaks of it.
      if (!isHonest && feed === outOf(device.org)) continue
      const { kind, at } = device.statusOf(feed)
      if (kind !== 'confirmed' || at < this.#healed) this.break('NOT_CONFIRMED', `${device.name} ${feed} ${kind} ${at}`)
    }
    if (!isHonest) return
    if (device.store.agreement.version !== first.store.agreement.version) this.break('AGREEMENTS_DIFFER', device.name)
    const owner = this.#world.of(peer)[0]
    if (!owner) return
    const [truth, here] = [carriedText(owner), mirrorsOf(device)]
    if (truth !== here) this.break('MIRROR_DIFFERS', `${device.name} ${here} but ${truth}`)
    for (const feed of [outOf('V'), outOf('P')]) {
      for (const [key, list] of this.#world.relay.held(feed).keys) {
        if (list.at(-1)?.kind !== 'doc' || this.#world.mode !== 'honest') continue
        for (const slot of slotsOf(list))
          if (slot !== existence && !owner.allowed().has(slot)) this.break('WITHDRAWN_BYTES', `${feed} ${key} ${slot}`)
      }
    }
  }
}
