import { compareEpochs, type Epoch, nextStamp } from '@entente/protocol'
import type { Chance } from '../faults/chance.js'
import { absorb } from './absorb.js'
import type { HeadClaims, Offer } from './entries.js'
import { coverNewest, headToSign, judgeGossip } from './heads.js'
import {
  existence,
  type Feed,
  isMessages,
  messagesOf,
  type Org,
  orgs,
  outOf,
  ownerOf,
  peerOf,
  readBy,
  type Register,
  teamOf,
  type Value,
} from './names.js'
import { isSamePolicy, type Policy } from './policy.js'
import { releaseHeld, reread } from './opening.js'
import { nextOffer } from './project.js'
import type { Answer, Refusal } from './relay.js'
import type { Rule } from './rules.js'
import type { Seals } from './seals.js'
import type { Signed } from './signatures.js'
import type { Reading, Status, Store, Stored } from './store.js'

/** What a device reaches of the world: a relay, honest or not, and the time. */
export interface Line {
  hello(device: Device): boolean
  read(device: Device, feed: Feed, cursor: number, incarnation: number | undefined): Answer
  offer(device: Device, offer: Offer): number | Refusal
  log(line: string): void
  readonly now: number
  readonly relayTime: number
}

/** A device of an org. Work between two calls is one transaction; a crash falls between calls. */
export class Device {
  readonly org: Org
  readonly name: string
  /** Its name, and a number where a profile was copied: what the relay knows a session by. */
  readonly id: string
  readonly seals: Seals
  readonly without: ReadonlySet<Rule>
  readonly #line: Line
  readonly #chance: Chance
  store: Store
  /** Messages to publish that no row holds: what is handed back, leaves that differ. */
  readonly outbox = new Map<string, { readonly text: string; readonly token?: unknown }>()
  /** Milliseconds by which the device's clock is off. The welcome corrects it. */
  skew = 0
  session = 0
  /** The slots of mirrors that a withdrawal took away since the last check. A hostile peer may withdraw, and take it back in the next breath. */
  readonly dropped = new Set<string>()
  online = false
  /** Counts what happened to the device: while it stands, there is nothing new to check. */
  changes = 0
  /** When the device last had nothing to send, and its count then. */
  #idle = { changes: -1, now: 0 }
  #offset = 0
  /** Offers that were refused since the device last read to the end: not sent again at once. */
  #paused = new Set<string>()
  #refused = new Map<string, number>()

  constructor(org: Org, name: string, id: string, store: Store, seals: Seals, without: ReadonlySet<Rule>, line: Line, chance: Chance) {
    this.org = org
    this.name = name
    this.id = id
    this.store = store
    this.seals = seals
    this.without = without
    this.#line = line
    this.#chance = chance
    this.load()
  }

  log(line: string): void {
    this.#line.log(`${this.name} ${line}`)
  }

  get now(): number {
    return this.#line.now
  }

  get roster(): number {
    return this.store.rosters.get(this.org)?.claims.number ?? 0
  }

  /** A page load: a new session id. */
  load(): void {
    this.session = this.#chance.between(1, 2 ** 52)
    this.disconnect()
  }

  disconnect(): void {
    this.changes++
    this.online = false
    for (const reading of this.store.readings.values()) reading.live = false
  }

  connect(): void {
    this.disconnect()
    this.#paused.clear()
    this.online = this.#line.hello(this)
    this.#offset = this.#line.relayTime - (this.#line.now + this.skew)
  }

  stamp(previous: Register | undefined): Register['stamp'] {
    return nextStamp(previous?.stamp, this.#line.now + this.skew + this.#offset, this.session)
  }

  row(key: string): Map<string, Register> {
    let row = this.store.rows.get(key)
    if (!row) {
      row = new Map()
      this.store.rows.set(key, row)
    }
    return row
  }

  /** A person's edit. */
  save(key: string, field: string, value: Value): Register {
    const row = this.row(key)
    this.begin(key)
    const register: Register = { stamp: this.stamp(row.get(field)), value }
    row.set(field, register)
    this.changes++
    return register
  }

  /** A row with any register is there, whatever order its parts come in, and though its key was erased before, for want of a row. */
  begin(key: string): void {
    const row = this.row(key)
    if (row.get(existence)?.value !== true) row.set(existence, { stamp: [1, 0, 0], value: true })
  }

  docs(feed: Feed): Map<string, Stored> {
    let docs = this.store.docs.get(feed)
    if (!docs) {
      docs = new Map()
      this.store.docs.set(feed, docs)
    }
    return docs
  }

  reading(feed: Feed): Reading {
    let reading = this.store.readings.get(feed)
    if (!reading) {
      reading = {
        cursor: 0,
        last: 0,
        incarnation: undefined,
        live: false,
        rebuilding: false,
        againAt: -Infinity,
        leavesAt: -Infinity,
        heldSince: Infinity,
        disputedAt: -Infinity,
        repairedAt: -Infinity,
      }
      this.store.readings.set(feed, reading)
    }
    return reading
  }

  /** The slots that flow, as this device knows it: those of the agreement, less what either side withdrew. */
  allowed(): ReadonlySet<string> {
    const { agreement, withdrawn, policies } = this.store
    const peer = policies.get(peerOf(this.org))?.policy
    const theirs = peer?.version === agreement.version ? peer.withdrawn : []
    return new Set(agreement.slots.filter((slot) => !withdrawn.has(slot) && !theirs.includes(slot)))
  }

  ownPolicy(): Policy {
    return { version: this.store.agreement.version, slots: this.store.agreement.slots, withdrawn: [...this.store.withdrawn].sort() }
  }

  /** Whether docs may go to the connection: both sides hold to this version, and the team feed is whole. */
  maySend(): boolean {
    const { policies, agreement } = this.store
    const own = policies.get(this.org)
    if (!own || !isSamePolicy(own.policy, this.ownPolicy())) return false
    if (policies.get(peerOf(this.org))?.policy.version !== agreement.version) return false
    return this.reading(teamOf(this.org)).live && !this.reading(teamOf(this.org)).rebuilding
  }

  floor(feed: Feed, key: string): Epoch | undefined {
    return this.store.floors.get(`${feed} ${key}`)
  }

  raiseFloor(feed: Feed, key: string, epoch: Epoch): void {
    const floor = this.floor(feed, key)
    if (!floor || compareEpochs(epoch, floor) > 0) this.store.floors.set(`${feed} ${key}`, epoch)
  }

  /** Reads each feed for a while: all to the end with `most` undefined. @returns whether anything came */
  readAll(): boolean {
    let came = false
    for (const feed of readBy(this.org)) came = this.read(feed) || came
    return came
  }

  read(feed: Feed): boolean {
    if (!this.online) return false
    const reading = this.reading(feed)
    const answer = this.#line.read(this, feed, reading.cursor, reading.incarnation)
    if (answer.lost || answer.entries.length > 0) this.changes++
    if (answer.lost) {
      reread(this, feed)
      return true
    }
    const { entries } = answer
    for (const [at, entry] of entries.entries()) {
      reading.cursor = Math.max(reading.cursor, entry.sequence)
      if (entry.kind !== 'head') reading.last = Math.max(reading.last, entry.sequence)
      absorb(this, feed, entry, answer.singly || (answer.end && at === entries.length - 1), answer.incarnation)
      // What it absorbed made it begin anew.
      if (reading.cursor < entry.sequence) return true
    }
    reading.incarnation = answer.incarnation
    if (answer.end) {
      reading.cursor = Math.max(reading.cursor, answer.head)
      reading.live = true
      reading.rebuilding = false
      judgeGossip(this, feed)
      coverNewest(this, feed)
      releaseHeld(this, feed)
    }
    if (entries.length > 0) this.#paused.clear()
    return entries.length > 0
  }

  /** Offers what the relay lacks, one thing at a time. @returns whether it offered anything */
  publish(): boolean {
    if (!this.online || (this.#idle.changes === this.changes && this.#idle.now === this.now)) return false
    const feeds = [messagesOf(this.org), teamOf(this.org), outOf(this.org)]
    for (const feed of feeds) {
      if (!this.reading(feed).live) continue
      const offer = nextOffer(this, feed, this.#paused)
      if (offer) {
        this.#send(offer)
        return true
      }
    }
    for (const feed of feeds) {
      const offer = this.reading(feed).live ? headToSign(this, feed, this.#paused) : undefined
      if (offer) {
        this.#send(offer)
        return true
      }
    }
    this.#idle = { changes: this.changes, now: this.now }
    return false
  }

  #send(offer: Offer): void {
    this.changes++
    const { feed, key } = offer
    const place = `${feed} ${key}`
    this.#paused.add(place)
    const answer = this.#line.offer(this, offer)
    if (offer.kind === 'head' && typeof answer === 'number') this.store.signed.set(feed, (offer.token as Signed<HeadClaims>).claims)
    if (typeof answer === 'number') this.#refused.delete(place)
    else this.#note(place, offer, answer)
  }

  /** What it is refused for should come. Where nothing does, the relay's feeds are not what this device was told: it reads them from the start. */
  #note(place: string, { feed, key, whole }: Offer, refusal: Refusal): void {
    if (refusal === 'AUTH') this.online = false
    const stored = this.docs(feed).get(key)
    // The relay's copy is another than the one that this device read. A whole doc needs none.
    if (refusal === 'FRAME' && !whole && stored && !this.without.has('whole-again')) this.docs(feed).set(key, { ...stored, spoiled: true })
    const times = (this.#refused.get(place) ?? 0) + 1
    this.#refused.set(place, times)
    if (times < 3 || this.without.has('read-behind')) return
    this.#refused.delete(place)
    // A rotation names where the feeds of docs stand, so it is behind in one of them.
    const named = key.startsWith('generation') ? [feed, teamOf(this.org), outOf(this.org)] : [feed]
    if (refusal === 'BEHIND') for (const one of named) reread(this, one)
    else for (const org of orgs) reread(this, messagesOf(org))
  }

  /** A roster, a generation or a message of the org's messages feed as an offer. */
  offerOf(
    feed: Feed,
    key: string,
    rest: Pick<Offer, 'kind' | 'whole' | 'epoch' | 'bytes'> & Partial<Pick<Offer, 'copy' | 'token'>>,
  ): Offer {
    const stored = this.docs(feed).get(key)
    return { feed, key, seen: stored?.sequence ?? 0, roster: this.roster, generation: this.generation(teamOf(this.org)), ...rest }
  }

  /** The generation under which this device seals a feed. */
  generation(feed: Feed): number {
    return isMessages(feed) ? 0 : (this.store.generations.get(ownerOf(feed)) ?? 0)
  }

  /** The generation that an org's roster asks for. */
  due(org: Org): number {
    const rotated = this.store.generations.get(org) ?? 0
    return this.without.has('rotation') ? rotated : Math.max(rotated, this.store.rosters.get(org)?.claims.generation ?? 0)
  }

  /** Whether the device has the keys of the generation that its roster asks for. Without them it publishes no docs. */
  hasKeys(): boolean {
    return this.generation(teamOf(this.org)) >= this.due(this.org)
  }

  isOwn(feed: Feed): boolean {
    return ownerOf(feed) === this.org
  }

  statusOf(feed: Feed): Status {
    // Without heads a screen can only say that all was read.
    if (this.without.has('heads')) return { kind: this.reading(feed).live ? 'confirmed' : 'not confirmed', at: this.now }
    return this.store.statuses.get(feed) ?? { kind: 'not confirmed', at: 0 }
  }

  setStatus(feed: Feed, status: Status): void {
    this.changes++
    this.store.statuses.set(feed, status)
  }
}
