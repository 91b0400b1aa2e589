import { createDoc, type Epoch, loadDoc, type Offer, parseKey, type RelayMessage, writeSlots, zeroEpoch } from '@entente/protocol'
import type { TestDevice } from '@entente/relay-server/testing'
import type { Chance } from './chance.js'
import type { FollowedFeed } from './feeds.js'
import type { LoadClient } from './load-client.js'
import { type Replica, spellSlots } from './replica.js'

type Offered = Omit<Offer, 'id'>

/** An offer of which the outcome is open, and what the key holds if it was taken. */
interface Step {
  readonly offer: Offered
  readonly spelling: string
  readonly slots: ReadonlyMap<string, Uint8Array>
  /** The sequence under which it came back. */
  heard: number | undefined
  acknowledged: boolean
}

interface AuthoredKey {
  readonly feed: FollowedFeed
  readonly key: string
  settled: { readonly sequence: number; readonly spelling: string }
  slots: ReadonlyMap<string, Uint8Array>
  epoch: Epoch
  doc: ReturnType<typeof loadDoc> | undefined
  pending: Step | undefined
  /** The last offer that the relay has stored, to offer it once more. */
  stored: Offered | undefined
  timesStored: number
}

/** What went wrong, by kind, and what was tried. Every figure above `acknowledged` must stay 0. */
export interface Findings {
  lostAcknowledged: number
  lostFannedOut: number
  storedTwice: number
  wronglyRefused: number
  /** Refused because the relay could not store, or was stopping: nothing is wrong with what was offered. */
  unavailable: number
  acknowledged: number
  offeredAgain: number
  storedUnacknowledged: number
}

export function noFindings(): Findings {
  return {
    lostAcknowledged: 0,
    lostFannedOut: 0,
    storedTwice: 0,
    wronglyRefused: 0,
    unavailable: 0,
    acknowledged: 0,
    offeredAgain: 0,
    storedUnacknowledged: 0,
  }
}

const untold = { heard: undefined, acknowledged: false }

/** Of the offers made again after a kill, how many are ones that were acknowledged already. */
const echoes = 0.2

/**
 * A device that edits keys of its own as fast as they are acknowledged, one offer under way per key, and knows exactly what the relay may hold:
 * what was acknowledged last, or the offer whose outcome the kill left open.
 */
export class Author {
  readonly device: TestDevice
  readonly #name: string
  readonly #chance: Chance
  readonly #findings: Findings
  readonly #keys: AuthoredKey[]
  readonly #asked = new Map<number, { readonly authored: AuthoredKey; readonly mustBe: 'ACCEPTED' | 'BEHIND' }>()
  #client: LoadClient | undefined
  #ids = 0
  #counter = 0

  constructor(name: string, device: TestDevice, feeds: readonly FollowedFeed[], keysPerFeed: number, chance: Chance, findings: Findings) {
    this.#name = name
    this.device = device
    this.#chance = chance
    this.#findings = findings
    this.#keys = feeds.flatMap((feed) => Array.from({ length: keysPerFeed }, (_, index) => newKey(feed, `${this.#name}${index}`)))
  }

  /** How many offers for a feed the relay has stored. */
  storedIn(feed: number): number {
    return this.#keys.reduce((sum, one) => sum + (one.feed.number === feed ? one.timesStored : 0), 0)
  }

  /** Holds what a fresh reader found after a kill against what must and what may be there. */
  check(fresh: Replica): void {
    for (const authored of this.#keys) {
      const { feed, key, settled, pending } = authored
      const found = { sequence: fresh.sequenceOf(feed.number, key), spelling: fresh.spell(feed.number, key) }
      const isAsSettled = found.sequence === settled.sequence && found.spelling === settled.spelling
      if (pending && !isAsSettled && found.sequence > settled.sequence && found.spelling === pending.spelling) {
        if (pending.heard !== undefined && pending.heard !== found.sequence) this.#findings.storedTwice++
        this.#findings.storedUnacknowledged++
        this.#settle(authored, pending, found.sequence)
      } else {
        if (!isAsSettled || pending?.acknowledged) this.#findings.lostAcknowledged++
        if (pending?.heard !== undefined) this.#findings.lostFannedOut++
        if (pending) Object.assign(pending, { heard: undefined, acknowledged: false })
        authored.settled = found
      }
    }
  }

  /** Offers again, in the words of before, what the kill left open and some of what was stored; then goes on working until the socket is cut. */
  work(client: LoadClient): void {
    this.#client = client
    this.#asked.clear()
    for (const authored of this.#keys) {
      if (authored.stored && this.#chance.happens(echoes)) this.#offer(authored, authored.stored, 'BEHIND')
      if (authored.pending) this.#offer(authored, authored.pending.offer, 'ACCEPTED')
      else this.#next(authored)
    }
  }

  hear(message: RelayMessage): void {
    if (message.type === 'entries') {
      for (const { key, sequence } of message.entries) this.#heardEntry(message.feed, key, sequence)
    } else if (message.type === 'accepted') {
      for (const id of message.ids) this.#outcome(id, 'ACCEPTED')
    } else if (message.type === 'refused' && message.what === 'offer') this.#outcome(message.subject, message.code)
  }

  #heardEntry(feed: number, key: string, sequence: number): void {
    const authored = this.#keys.find((one) => one.feed.number === feed && one.key === key)
    if (!authored || sequence <= authored.settled.sequence) return
    const { pending } = authored
    if (!pending || (pending.heard !== undefined && pending.heard !== sequence)) {
      this.#findings.storedTwice++
      return
    }
    pending.heard = sequence
    // An author that is still catching up is answered before its own entry comes.
    if (pending.acknowledged) this.#goOn(authored, pending, sequence)
  }

  #outcome(id: number, code: string): void {
    const asked = this.#asked.get(id)
    if (!asked) return
    this.#asked.delete(id)
    const { authored, mustBe } = asked
    if (code === 'UNAVAILABLE') {
      this.#findings.unavailable++
      return
    }
    if (mustBe === 'BEHIND') {
      this.#findings.offeredAgain++
      if (code !== 'BEHIND') this.#findings.storedTwice++
      return
    }
    if (code !== 'ACCEPTED') {
      this.#findings.wronglyRefused++
      return
    }
    this.#findings.acknowledged++
    const { pending } = authored
    if (!pending) return
    pending.acknowledged = true
    if (pending.heard !== undefined) this.#goOn(authored, pending, pending.heard)
  }

  #goOn(authored: AuthoredKey, step: Step, sequence: number): void {
    this.#settle(authored, step, sequence)
    this.#next(authored)
  }

  #settle(authored: AuthoredKey, step: Step, sequence: number): void {
    authored.settled = { sequence, spelling: step.spelling }
    authored.slots = step.slots
    authored.stored = step.offer
    authored.pending = undefined
    authored.timesStored++
  }

  #next(authored: AuthoredKey): void {
    authored.pending = this.#edit(authored)
    this.#offer(authored, authored.pending.offer, 'ACCEPTED')
  }

  #offer(authored: AuthoredKey, offer: Offered, mustBe: 'ACCEPTED' | 'BEHIND'): void {
    const id = ++this.#ids
    this.#asked.set(id, { authored, mustBe })
    this.#client?.send({ type: 'publish', feed: authored.feed.number, offers: [{ id, ...offer }] })
  }

  /** The next edit: mostly an update of one slot, now and then a doc anew, an erasure, or a long value. */
  #edit(authored: AuthoredKey): Step {
    const { key, settled, feed } = authored
    const value = this.#value()
    const base = { key: parseKey(key), seen: settled.sequence, whole: true }
    if (settled.spelling !== '' && settled.spelling !== 'erased' && this.#chance.happens(0.02)) {
      authored.doc = undefined
      if (feed.topic !== 'messages') authored.epoch = { version: 1, number: authored.epoch.number + 1 }
      const offer = { ...base, kind: 'erased' as const, epoch: authored.epoch, bytes: value }
      return { offer, spelling: 'erased', slots: new Map(), ...untold }
    }
    if (feed.topic === 'messages') {
      const offer = { ...base, kind: 'message' as const, epoch: zeroEpoch, bytes: value }
      return { offer, spelling: `message ${this.#counter}`, slots: new Map(), ...untold }
    }
    const slot = this.#chance.happens(0.5) ? '0' : '1'
    const isAnew = authored.doc === undefined || this.#chance.happens(0.03)
    const slots = new Map([...(isAnew ? [] : authored.slots), [slot, value]])
    return {
      offer: { ...base, kind: 'doc', whole: isAnew, ...this.#write(authored, isAnew, slot, value) },
      spelling: spellSlots(slots),
      slots,
      ...untold,
    }
  }

  #write(authored: AuthoredKey, isAnew: boolean, slot: string, value: Uint8Array): { readonly epoch: Epoch; readonly bytes: Uint8Array } {
    if (authored.doc && !isAnew) return { epoch: authored.epoch, bytes: writeSlots(authored.doc, new Map([[slot, value]])) }
    const bytes = createDoc(new Map([[slot, value]]), 7)
    authored.doc = loadDoc([bytes], 8)
    authored.epoch = { version: 1, number: authored.epoch.number + 1 }
    return { epoch: authored.epoch, bytes }
  }

  #value(): Uint8Array {
    const length = this.#chance.happens(0.02) ? this.#chance.between(2_000, 20_000) : this.#chance.between(20, 150)
    return new TextEncoder().encode(`${++this.#counter} `.padEnd(length, '.'))
  }
}

function newKey(feed: FollowedFeed, key: string): AuthoredKey {
  return {
    feed,
    key,
    settled: { sequence: 0, spelling: '' },
    slots: new Map(),
    epoch: { version: 1, number: 0 },
    doc: undefined,
    pending: undefined,
    stored: undefined,
    timesStored: 0,
  }
}
