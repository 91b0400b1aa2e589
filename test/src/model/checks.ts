import { compareStamps, loadDoc, readSlots, type Stamp } from '@entente/protocol'
import type { Device } from './device.js'
import type { Offer } from './entries.js'
import { existence, type Feed, isTeam, type Org, orgs, outOf, ownerOf, peerOf, readBy, records, type Register, teamOf } from './names.js'
import { shownOf } from './mirror.js'
import type { Refusal } from './relay.js'
import type { World } from './world.js'

export interface Broken {
  readonly what: string
  readonly about: string
}

/** What must hold, whoever lies. */
export class Checks {
  readonly broken: Broken[] = []
  readonly #world: World
  /** Each edit of an honest device, by org, row, field and stamp. */
  readonly #genuine = new Map<string, Register['value']>()
  /** The stamps that each mirror showed, by device and record. */
  readonly #shown = new Map<Device, Map<string, { readonly version: number; readonly stamps: ReadonlyMap<string, Stamp> }>>()
  /** The number of the first roster that removed a device, by org. */
  readonly #removals = new Map<Org, number>()
  readonly #expected = new Map<string, Stamp>()

  constructor(world: World) {
    this.#world = world
  }

  break(what: string, about: string): void {
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
      if (this.#world.isHonest(device.org)) this.#checkRows(device)
      if (this.#world.isHonest(device.org)) this.#checkMirrors(device)
      if (this.#world.mode === 'honest') this.#checkAlarms(device)
    }
  }

  #checkRows(device: Device): void {
    for (const key of records) {
      for (const [field, { stamp, value }] of device.store.rows.get(key) ?? []) {
        if (field === existence && value === true) continue
        const name = `${device.org} ${key} ${field} ${stamp.join('.')}`
        // Whoever has not been told of a removal believes the removed device.
        if (!this.#genuine.has(name) && this.#isUntold(device)) this.#genuine.set(name, value)
        if (this.#genuine.get(name) !== value)
          this.break('OWN_ROW_CHANGED', `${device.name} ${key} ${field} ${String(value)} ${stamp.join('.')}`)
      }
    }
  }

  #isUntold(device: Device): boolean {
    const removal = this.#removals.get(device.org)
    return (
      this.#world.attacker.usedRemoved &&
      removal !== undefined &&
      (device.roster < removal || (device.store.generations.get(device.org) ?? 0) === 0)
    )
  }

  #checkMirrors(device: Device): void {
    const peer = peerOf(device.org)
    const before = this.#shown.get(device) ?? new Map<string, { readonly version: number; readonly stamps: ReadonlyMap<string, Stamp> }>()
    this.#shown.set(device, before)
    const allowed = device.allowed()
    for (const [key, mirror] of device.store.mirrors) {
      const shown = shownOf(device, key)
      const exists = mirror.seen.get(existence)
      if (this.#world.isHonest(peer)) {
        if (exists && this.#genuine.get(`${peer} ${key} on ${exists.register.stamp.join('.')}`) !== exists.register.value)
          this.break('MIRROR_FORGED', `${device.name} ${key} existence ${String(exists.register.value)}`)
        for (const [slot, { stamp, value }] of shown ?? []) {
          if (this.#genuine.get(`${peer} ${key} f${slot} ${stamp.join('.')}`) !== value)
            this.break('MIRROR_FORGED', `${device.name} ${key} ${slot} ${String(value)}`)
        }
      }
      const stamps = new Map([...(shown ?? [])].map(([slot, { stamp }]) => [slot, stamp] as const))
      if (exists) stamps.set(existence, exists.register.stamp)
      const last = before.get(key)
      const kept = new Map(last?.version === mirror.version ? last.stamps : [])
      if (last && mirror.version < last.version)
        this.break('MIRROR_BACK', `${device.name} ${key} version ${mirror.version} after ${last.version}`)
      for (const [slot, stamp] of kept) {
        const now = stamps.get(slot)
        if (slot !== existence && (!allowed.has(slot) || !shown || (!now && mirror.seen.get(slot)?.erased === true))) continue
        if (!now || compareStamps(now, stamp) < 0)
          this.break('MIRROR_BACK', `${device.name} ${key} ${slot} ${now?.join('.') ?? 'nothing'} after ${stamp.join('.')}`)
      }
      // What an erased mirror showed stays remembered: it does not come back lower.
      for (const [slot, stamp] of stamps) kept.set(slot, stamp)
      for (const slot of kept.keys()) if (slot !== existence && !allowed.has(slot)) kept.delete(slot)
      before.set(key, { version: mirror.version, stamps: kept })
      for (const slot of shown?.keys() ?? []) if (!allowed.has(slot)) this.break('WITHDRAWN_SHOWN', `${device.name} ${key} ${slot}`)
    }
  }

  #checkAlarms(device: Device): void {
    for (const feed of readBy(device.org)) {
      const { kind } = device.statusOf(feed)
      if (kind === 'differs' || kind === 'held back') this.break('FALSE_ALARM', `${device.name} ${feed} ${kind}`)
    }
  }

  /** Lies that still hold after hours of rest show: nobody is told that a head of this time confirms what is not so. */
  lies(since: number): void {
    for (const device of this.#world.devices) {
      if (!this.#world.isHonest(device.org)) continue
      for (const feed of [outOf(peerOf(device.org)), teamOf(device.org)]) {
        const status = device.statusOf(feed)
        if (!this.#world.isHonest(ownerOf(feed))) continue
        if (status.kind !== 'confirmed' || status.at < since) continue
        const writers = this.#world
          .of(ownerOf(feed))
          .filter((writer) => writer !== device && writer.statusOf(feed).kind === 'confirmed' && writer.statusOf(feed).at >= since)
        const truths = writers.map((writer) => contentOf(writer, feed))
        const here = isTeam(feed) ? contentOf(device, feed) : mirrorsOf(device)
        if (writers.length > 0 && !truths.includes(here))
          this.break('UNNOTICED', `${device.name} ${feed} ${here} but ${truths.join(' or ')}`)
      }
    }
  }

  /** What some honest replica holds now must not be lost by healing. */
  expect(): void {
    const take = (org: Org, key: string, field: string, stamp: Stamp): void => {
      const name = `${org} ${key} ${field}`
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
        for (const [slot, { register }] of seen)
          if (slot === existence || allowed.has(slot)) take(peer, key, slot === existence ? 'on' : `f${slot}`, register.stamp)
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
      if (kind !== 'confirmed') this.break('NOT_CONFIRMED', `${device.name} ${feed} ${kind} ${at}`)
    }
    if (!isHonest) return
    if (device.store.agreement.version !== first.store.agreement.version) this.break('AGREEMENTS_DIFFER', device.name)
    const owner = this.#world.of(peer)[0]
    if (!owner) return
    const [truth, here] = [contentOf(owner, outOf(peer)), mirrorsOf(device)]
    if (truth !== here) this.break('MIRROR_DIFFERS', `${device.name} ${here} but ${truth}`)
    for (const feed of [outOf('V'), outOf('P')]) {
      for (const [key, list] of this.#world.relay.held(feed).keys) {
        if (list.at(-1)?.kind !== 'doc' || !isHonest) continue
        const slots = readSlots(loadDoc(list.map(({ bytes }) => bytes))).keys()
        for (const slot of slots)
          if (slot !== existence && !owner.allowed().has(slot)) this.break('WITHDRAWN_BYTES', `${feed} ${key} ${slot}`)
      }
    }
  }
}

function rowsOf(device: Device): string {
  return records.map((key) => `${key}: ${registersText(device.store.rows.get(key) ?? new Map())}`).join('; ')
}

/** What a writer's rows say that a feed's readers should have. */
function contentOf(device: Device, feed: Feed): string {
  if (isTeam(feed)) return rowsOf(device)
  return records
    .map((key) => {
      const row = device.store.rows.get(key)
      if (row?.get('on')?.value !== true) return `${key}: -`
      const carried = [...device.allowed()].flatMap((slot) => {
        const register = row.get(`f${slot}`)
        return register ? [[slot, register] as const] : []
      })
      return `${key}: ${registersText(new Map(carried))}`
    })
    .join('; ')
}

function mirrorsOf(device: Device): string {
  return records
    .map((key) => {
      const shown = shownOf(device, key)
      return shown ? `${key}: ${registersText(shown)}` : `${key}: -`
    })
    .join('; ')
}

function registersText(registers: ReadonlyMap<string, Register>): string {
  return [...registers]
    .filter(([field]) => field !== existence)
    .map(([field, { stamp, value }]) => `${field}=${String(value)}@${stamp.join('.')}`)
    .sort()
    .join(' ')
}
