import { randomBytes } from 'node:crypto'
import {
  ManualClock,
  type MemoryDevice,
  MemoryStore,
  agreementEdits,
  connectionKey,
  connectionEdits,
  mapEdit,
  openMemoryDevice,
  partnerOrg,
  sampleConnection,
  openSeal,
  sampleFields,
  sampleSecret,
  vendorOrg,
} from '@entente/engine/testing'
import { type Entry, feedName, type FeedName, loadDoc, type Offer, parseKey, readSlots } from '@entente/protocol'
import * as Y from 'yjs'
import { median } from './measure.js'

// The heart of the engine without wire or disk: what one entry costs to take in, and one change to send out. Sealing, opening, admission, Yjs, rows, marks
// and the store's bookkeeping are all in it.

const docs = 10_000
const slots = Array.from({ length: 10 }, (_, slot) => slot)
const names = slots.map((slot) => sampleFields[slot] ?? `Field${slot}`)
const feed = (side: 'vendor' | 'partner', topic: 'lead' | 'messages'): FeedName =>
  feedName({ kind: 'connection', connection: sampleConnection, side, topic })
const leads = feed('vendor', 'lead')

/** Microseconds per doc: absorbing whole docs of ten registers as the peer, projecting one changed register as the owner, absorbing that update. */
export async function benchReplica(rounds: number): Promise<Record<string, unknown>> {
  const runs: Awaited<ReturnType<typeof runOnce>>[] = []
  for (let round = 0; round < rounds; round++) runs.push(await runOnce())
  const of = (name: keyof (typeof runs)[number]): number => Math.round(median(runs.map((run) => run[name])) * 10) / 10
  return {
    docs,
    registers: slots.length,
    rounds,
    absorbWholeDocMicros: of('absorbWhole'),
    naiveAbsorbMicros: of('naive'),
    absorbAgainstNaive: Math.round(median(runs.map((run) => run.absorbWhole / run.naive)) * 100) / 100,
    openSealsAloneMicros: of('openAlone'),
    projectOneRegisterMicros: of('projectOne'),
    absorbOneRegisterMicros: of('absorbOne'),
    updateBytes: of('updateBytes'),
  }
}

async function runOnce() {
  const vendor = await openDevice(vendorOrg, 'vendor')
  const partner = await openDevice(partnerOrg, 'partner')
  await tellPolicies([vendor, partner])
  for (const device of [vendor, partner]) await device.replica.absorb(leads, { incarnation: 1, position: 2, live: true, entries: [] })
  await Promise.all([vendor.replica.lead(), partner.replica.lead()])
  const keys = Array.from({ length: docs }, (_, index) => `map-${index}`)
  for (let start = 0; start < docs; start += 500) {
    const edits = keys.slice(start, start + 500).flatMap((key) => {
      const values = Object.fromEntries(names.map((name) => [name, `value of ${name} in ${key}`]))
      return [{ object: 'Lead', id: `lead-${key}`, values }, mapEdit(key, `lead-${key}`)]
    })
    await vendor.rows.save(edits)
  }
  const whole = await collect(vendor, 0)
  await absorbAll(vendor, whole.entries)
  const naive = absorbNaively(whole.entries)
  const absorbWhole = await absorbAll(partner, whole.entries)
  const openAlone = openSeals(whole.entries)
  for (let start = 0; start < docs; start += 500) {
    await vendor.rows.save(
      keys
        .slice(start, start + 500)
        .map((key) => ({ object: 'Lead', id: `lead-${key}`, values: { [names[0] ?? '']: `changed in ${key}` } })),
    )
  }
  const updates = await collect(vendor, docs)
  const absorbOne = await absorbAll(partner, updates.entries)
  const shown = partner.replica.peerDocs(leads).get(parseKey(keys[1] ?? ''))?.registers['0']?.[1]
  if (shown !== `changed in ${keys[1]}`) throw new Error('The partner does not show what the vendor changed')
  for (const device of [vendor, partner]) device.close()
  return { absorbWhole, naive, openAlone, projectOne: updates.micros, absorbOne, updateBytes: updates.entries[0]?.bytes.length ?? 0 }
}

async function openDevice(org: typeof vendorOrg, side: 'vendor' | 'partner'): Promise<MemoryDevice> {
  const device = await openMemoryDevice({
    org,
    store: new MemoryStore(),
    openSocket: () => ({ send: () => undefined, close: () => undefined }),
    clock: new ManualClock(),
    random: (length) => new Uint8Array(randomBytes(length)),
  })
  await device.rows.save([...connectionEdits(side), ...agreementEdits(side, 1, slots)])
  return device
}

async function tellPolicies(devices: readonly MemoryDevice[]): Promise<void> {
  const sides = ['vendor', 'partner'] as const
  for (const [index, side] of sides.entries()) {
    const messages = feed(side, 'messages')
    const [part] = (await devices[index]?.replica.offers([messages], () => true, { count: 10, bytes: 1e6 })) ?? []
    const entries = (part?.offers ?? []).map((offer, place) => offerToEntry(offer, place + 1))
    for (const device of devices) await device.replica.absorb(messages, { incarnation: 1, position: 1, live: true, entries })
  }
}

/** Everything that a device has to say in the leads' feed, as the relay would number it, and what making it cost per doc. */
async function collect(device: MemoryDevice, before: number): Promise<{ readonly entries: readonly Entry[]; readonly micros: number }> {
  const entries: Entry[] = []
  const taken = new Set<string>()
  const start = performance.now()
  while (entries.length < docs) {
    const parts = await device.replica.offers([leads], (_feed, key) => !taken.has(key), { count: 500, bytes: 1e7 })
    for (const offer of parts.flatMap((part) => part.offers)) {
      taken.add(offer.key)
      entries.push(offerToEntry(offer, before + entries.length + 1))
    }
  }
  return { entries, micros: ((performance.now() - start) * 1000) / docs }
}

/** Takes entries in by chunks of a hundred. @returns microseconds per entry */
async function absorbAll(device: MemoryDevice, entries: readonly Entry[]): Promise<number> {
  const start = performance.now()
  for (let from = 0; from < entries.length; from += 100) {
    await device.replica.absorb(leads, { incarnation: 1, position: from + 3, live: true, entries: entries.slice(from, from + 100) })
  }
  return ((performance.now() - start) * 1000) / entries.length
}

function offerToEntry({ key, kind, whole, epoch, bytes }: Omit<Offer, 'id'>, sequence: number): Entry {
  return { sequence, key, kind, whole, epoch, bytes }
}

// The key that both ends of the sample connection derive. Opening is real: a wrong key would throw.
const cipherKey = connectionKey(sampleSecret, sampleConnection, 'vendor', 'docs')

/** What the obvious code does with the same entries: a Y.Doc each, all slots opened, state encoded, put in a map. Nothing is checked, kept in step or durable. */
function absorbNaively(entries: readonly Entry[]): number {
  const start = performance.now()
  const kept = new Map<string, unknown>()
  for (const { key, epoch, bytes } of entries) {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, bytes)
    const values: unknown[] = []
    for (const [slot, sealed] of doc.getMap('v')) {
      if (sealed instanceof Uint8Array) values.push(openSeal(cipherKey, { feed: leads, key, slot, epoch }, sealed))
    }
    kept.set(key, { state: Y.encodeStateAsUpdate(doc), values })
  }
  return ((performance.now() - start) * 1000) / entries.length
}

/** The part of it that is the cipher's alone. */
function openSeals(entries: readonly Entry[]): number {
  const docs = entries.map(({ key, epoch, bytes }) => ({ key, epoch, slots: [...readSlots(loadDoc([bytes]))] }))
  const start = performance.now()
  for (const { key, epoch, slots: sealed } of docs)
    for (const [slot, bytes] of sealed) openSeal(cipherKey, { feed: leads, key, slot, epoch }, bytes)
  return ((performance.now() - start) * 1000) / entries.length
}
