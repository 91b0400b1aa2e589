import { otherSide, parseKey, sides } from '@entente/protocol'
import { connectionFeed } from '../replica/feed-role.js'
import type { Register } from '../row/row.js'
import type { MemoryDevice } from './device.js'
import { sampleConnection, sampleFields } from './sample-connection.js'
import type { MemoryRelay } from './relay.js'
import type { Liars } from './simulated-liar.js'
import { isBelow, mapOf, type SimulatedDevice, type Stamps } from './simulated-device.js'
import { docsOf, slotsWithBytes } from './relay-contents.js'

/** What the oracles look at. */
export interface Rest {
  readonly present: readonly SimulatedDevice[]
  /** The slots of the agreement as it stands. */
  readonly slots: readonly number[]
  readonly relay: MemoryRelay
  /** Who lied, if anybody did. Only a partner that lies with or without the relay loses the right to what follows. */
  readonly liars: Liars | undefined
}

/** What must be true when everything is at rest. */
export function checkWorld(world: Rest, expected: Stamps, violations: string[]): void {
  const { liars } = world
  const isPeerHonest = liars === undefined || liars === 'relay'
  for (const side of isPeerHonest ? sides : (['vendor'] as const)) {
    const pages = world.present.filter((device) => device.side === side).flatMap(({ page }) => page ?? [])
    const peers = world.present.filter((device) => device.side !== side).flatMap(({ page }) => page ?? [])
    const [first] = pages
    if (!first) continue
    const reference = canonicalRows(first)
    for (const page of pages)
      if (canonicalRows(page) !== reference) violations.push(`DIVERGED ${side}: ${difference(reference, canonicalRows(page))}`)
    for (const [name, stamp] of expected) {
      const [owner, object = '', id = '', field = ''] = name.split(' ')
      if (owner === side && isBelow(first.rows.get(object, id)?.registers[field]?.[0], stamp)) violations.push(`LOST ${name}`)
    }
    if (!isPeerHonest) continue
    for (const record of ['lead-0', 'lead-1']) for (const peer of peers) checkMirror(world, first, peer, side, record, violations)
    // A relay that lied may keep on its disk what it was asked to replace.
    for (const [key, kept] of liars ? [] : docsOf(world.relay.state, connectionFeed(sampleConnection, side, 'lead'))) {
      for (const slot of slotsWithBytes(kept))
        if (!world.slots.includes(Number(slot))) violations.push(`WITHDRAWN slot ${slot} of ${key} at the relay`)
    }
    for (const page of peers) {
      for (const doc of page.replica.peerDocs(connectionFeed(sampleConnection, side, 'lead')).values()) {
        if (doc.kind === 'doc')
          for (const slot of Object.keys(doc.registers))
            if (!world.slots.includes(Number(slot))) violations.push(`WITHDRAWN slot ${slot} in a mirror`)
      }
    }
  }
  for (const device of world.present) checkFrozen(device, violations)
  if (isPeerHonest && new Set(world.present.map(({ agreedVersion }) => agreedVersion)).size > 1) violations.push('AGREEMENT differs')
}

/** A mirror holds the agreed registers of the peer's record as long as it is shared. What the peer had said and lost was handed back (rule BK2). */
function checkMirror(
  world: Rest,
  owner: MemoryDevice,
  peer: MemoryDevice,
  side: (typeof sides)[number],
  record: string,
  violations: string[],
): void {
  const map = owner.rows.get('RecordMap', mapOf(record))
  const on = map?.registers['on']?.[1] === true
  const row = owner.rows.get('Lead', record)
  const desired: Record<string, Register> = {}
  for (const slot of world.slots) {
    const register = row?.registers[sampleFields[slot] ?? '']
    if (register) desired[slot] = register
  }
  const doc = peer.replica.peerDocs(connectionFeed(sampleConnection, side, 'lead')).get(parseKey(mapOf(record)))
  const isLive = doc?.kind === 'doc'
  const shows = (slot: string): boolean => canonical(doc?.registers[slot]) === canonical(desired[slot])
  if (on && Object.keys(desired).length > 0 && !(isLive && Object.keys(desired).every(shows))) {
    violations.push(`MIRROR of ${side} ${record}: ${doc?.kind} ${canonical(doc?.registers)} wanted ${canonical(desired)}`)
  }
  if (!on && map && isLive) violations.push(`MIRROR LIVE though ${side} does not share ${record} with ${otherSide(side)}`)
}

/** A frozen mirror keeps the latest that its device saw of the record (rule NB3). */
function checkFrozen(device: SimulatedDevice, violations: string[]): void {
  for (const { key, kind, version, registers } of device.peerDocs()) {
    const seen = device.seen.get(key)
    if (kind !== 'erased' || !seen || version > seen.version) continue
    for (const [slot, stamp] of seen.stamps)
      if (version < seen.version || isBelow(registers[slot]?.[0], stamp)) violations.push(`FROZEN ${device.name} ${key} slot ${slot}`)
  }
}

function canonicalRows({ rows }: MemoryDevice): string {
  const all = [...rows.objects()].flatMap((object) =>
    [...rows.list(object).values()].map((row) => [`${object} ${row.id}`, row.registers] as const),
  )
  return canonical(Object.fromEntries(all))
}

/** JSON with names in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

function difference(a: string, b: string): string {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return `…${a.slice(Math.max(0, at - 80), at + 60)}… against …${b.slice(Math.max(0, at - 80), at + 60)}…`
}
