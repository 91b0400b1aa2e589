import { randomBytes } from 'node:crypto'
import type * as engine from '@entente/engine/testing'
import type { MemoryDevice } from '@entente/engine/testing'
import type * as protocol from '@entente/protocol'
import type { Entry, FeedName, Offer } from '@entente/protocol'

// The heart of the engine without wire or disk: what one entry costs to take in, and one change to send out. Sealing, opening, admission, Yjs, rows, marks
// and the store's bookkeeping are all in it.

/** The engine to measure: this one, or that of another checkout. */
export interface Version {
  readonly engine: typeof engine
  readonly protocol: typeof protocol
}

/** Microseconds for each doc, but for `updateBytes`. */
export interface ReplicaFigures {
  /** A new doc of ten registers, at the peer. */
  readonly absorbWhole: number
  /** The same doc as it comes back to the device that published it. */
  readonly absorbOwnWhole: number
  /** The same doc at another device of its org, which takes it into rows. */
  readonly absorbColleagueWhole: number
  readonly projectOne: number
  /** One changed register, at the peer and at the device that published it. */
  readonly absorbOne: number
  readonly absorbOwnOne: number
  readonly updateBytes: number
}

export interface ReplicaRun {
  readonly figures: ReplicaFigures
  /** The whole docs. */
  readonly entries: readonly Entry[]
}

export interface ReplicaRunOptions {
  readonly docs: number
  /** Milliseconds of any clock. */
  readonly now?: () => number
}

/** How many registers each doc has. */
export const registers = 10
const slots = Array.from({ length: registers }, (_, slot) => slot)

/** Measures docs of ten registers and one change to each, with fresh devices. */
export async function runReplica(version: Version, options: ReplicaRunOptions): Promise<ReplicaRun> {
  const run = new Run(version, options)
  const [vendor, colleague, partner] = [await run.open('vendor'), await run.open('vendor'), await run.open('partner')]
  await run.tellPolicies([vendor, partner], [vendor, partner, colleague])
  for (const device of [vendor, colleague, partner]) await run.absorb(device, [])
  await Promise.all([vendor, colleague, partner].map(({ replica }) => replica.lead()))
  for (const keys of run.slices()) {
    await vendor.rows.save(keys.flatMap((key) => [run.lead(key), version.engine.mapEdit(key, `lead-${key}`)]))
    await colleague.rows.save(keys.map((key) => run.sameMap(vendor, key)))
  }
  const whole = await run.collect(vendor, 0)
  const wholes = {
    absorbWhole: await run.absorb(partner, whole.entries),
    absorbOwnWhole: await run.absorb(vendor, whole.entries),
    absorbColleagueWhole: await run.absorb(colleague, whole.entries),
  }
  for (const keys of run.slices()) await vendor.rows.save(keys.map((key) => run.change(key)))
  const updates = await run.collect(vendor, options.docs)
  const figures = {
    ...wholes,
    projectOne: updates.micros,
    absorbOne: await run.absorb(partner, updates.entries),
    absorbOwnOne: await run.absorb(vendor, updates.entries),
    updateBytes: updates.entries[0]?.bytes.length ?? 0,
  }
  run.check(partner, colleague)
  for (const device of [vendor, colleague, partner]) device.close()
  return { figures, entries: whole.entries }
}

class Run {
  readonly #version: Version
  readonly #docs: number
  readonly #now: () => number
  readonly #names: readonly string[]
  readonly #leads: FeedName

  constructor(version: Version, { docs, now = () => performance.now() }: ReplicaRunOptions) {
    this.#version = version
    this.#docs = docs
    this.#now = now
    this.#names = slots.map((slot) => version.engine.sampleFields[slot] ?? `Field${slot}`)
    this.#leads = this.#feed('vendor', 'lead')
  }

  async open(side: 'vendor' | 'partner'): Promise<MemoryDevice> {
    const { ManualClock, MemoryStore, agreementEdits, connectionEdits, openMemoryDevice, partnerOrg, vendorOrg } = this.#version.engine
    const device = await openMemoryDevice({
      org: side === 'vendor' ? vendorOrg : partnerOrg,
      store: new MemoryStore(),
      openSocket: () => ({ send: () => undefined, close: () => undefined }),
      clock: new ManualClock(),
      random: (length) => new Uint8Array(randomBytes(length)),
    })
    await device.rows.save([...connectionEdits(side), ...agreementEdits(side, 1, slots)])
    return device
  }

  /** Carries the policies of the first devices, the vendor's and the partner's, to all. */
  async tellPolicies(writers: readonly MemoryDevice[], readers: readonly MemoryDevice[]): Promise<void> {
    const sides = ['vendor', 'partner'] as const
    for (const [index, side] of sides.entries()) {
      const messages = this.#feed(side, 'messages')
      const [part] = (await writers[index]?.replica.offers([messages], () => true, { count: 10, bytes: 1e6 })) ?? []
      const entries = (part?.offers ?? []).map((offer, place) => offerToEntry(offer, place + 1))
      for (const device of readers) await device.replica.absorb(messages, { incarnation: 1, position: 1, live: true, entries })
    }
  }

  /** The docs' keys, by slices of one save. */
  *slices(): Generator<readonly string[]> {
    const keys = Array.from({ length: this.#docs }, (_, index) => keyOf(index))
    for (let start = 0; start < keys.length; start += 500) yield keys.slice(start, start + 500)
  }

  lead(key: string) {
    return {
      object: 'Lead',
      id: `lead-${key}`,
      values: Object.fromEntries(this.#names.map((name) => [name, `value of ${name} in ${key}`])),
    }
  }

  /** A record's map, as the team's feed would bring it to another device. */
  sameMap({ rows }: MemoryDevice, key: string) {
    const [stamp] = rows.get('RecordMap', key)?.registers['on'] ?? []
    return { ...this.#version.engine.mapEdit(key, `lead-${key}`), ...(stamp && { stamp }) }
  }

  change(key: string) {
    return { object: 'Lead', id: `lead-${key}`, values: { [this.#names[0] ?? '']: `changed in ${key}` } }
  }

  /** Everything that a device has to say in the leads' feed, as the relay would number it, and what making it cost per doc. */
  async collect(device: MemoryDevice, before: number): Promise<{ readonly entries: readonly Entry[]; readonly micros: number }> {
    const entries: Entry[] = []
    const taken = new Set<string>()
    const start = this.#now()
    while (entries.length < this.#docs) {
      const parts = await device.replica.offers([this.#leads], (_feed, key) => !taken.has(key), { count: 500, bytes: 1e7 })
      for (const offer of parts.flatMap((part) => part.offers)) {
        taken.add(offer.key)
        entries.push(offerToEntry(offer, before + entries.length + 1))
      }
    }
    return { entries, micros: ((this.#now() - start) * 1000) / this.#docs }
  }

  /** Takes entries in by chunks of a hundred. @returns microseconds per entry */
  async absorb(device: MemoryDevice, entries: readonly Entry[]): Promise<number> {
    const start = this.#now()
    for (let from = 0; from < Math.max(entries.length, 1); from += 100) {
      const chunk = { incarnation: 1, position: from + 3, live: true, entries: entries.slice(from, from + 100) }
      await device.replica.absorb(this.#leads, chunk)
    }
    return ((this.#now() - start) * 1000) / entries.length
  }

  /** A figure counts only if what was measured did its work. */
  check(partner: MemoryDevice, colleague: MemoryDevice): void {
    const key = keyOf(1)
    const shown = partner.replica.peerDocs(this.#leads).get(this.#version.protocol.parseKey(key))?.registers['0']?.[1]
    if (shown !== `changed in ${key}`) throw new Error('The partner does not show what the vendor changed')
    const name = this.#names[0] ?? ''
    const taken = colleague.rows.get('Lead', `lead-${key}`)?.registers[name]?.[1]
    if (taken !== `value of ${name} in ${key}`) throw new Error('The colleague does not have what the vendor saved')
  }

  #feed(side: 'vendor' | 'partner', topic: 'lead' | 'messages'): FeedName {
    const { engine, protocol } = this.#version
    return protocol.feedName({ kind: 'connection', connection: engine.sampleConnection, side, topic })
  }
}

const keyOf = (index: number): string => `map-${index}`

function offerToEntry({ key, kind, whole, epoch, bytes }: Omit<Offer, 'id'>, sequence: number): Entry {
  return { sequence, key, kind, whole, epoch, bytes }
}
