import { compareStamps, type Stamp, zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './docs.js'
import { shownOf } from './mirror.js'
import { existence, type Feed, isTeam, records, type Register } from './names.js'
import { opens } from './opening.js'

export function rowsOf(device: Device): string {
  return records.map((key) => `${key}: ${registersText(device.store.rows.get(key) ?? new Map())}`).join('; ')
}

/** What a writer's rows say that a feed's readers should show. */
export function carriedText(device: Device): string {
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

/** The stamps of what a device holds of a feed, and the version of the agreement by which it is there. */
export interface Content {
  readonly feed: Feed
  readonly version: number
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, Stamp>>
}

export function contentOf(device: Device, feed: Feed): Content {
  const rows = new Map<string, ReadonlyMap<string, Stamp>>()
  for (const key of records) {
    const stored = device.docs(feed).get(key)
    const slots = stored?.kind === 'doc' ? docSlots(stored.bytes) : new Map(stored?.kind === 'erased' ? [[existence, stored.bytes]] : [])
    const stamps = new Map<string, Stamp>()
    for (const [slot, bytes] of stored ? slots : []) {
      const opened = opens(device, feed, key, slot, stored?.epoch ?? zeroEpoch, bytes)
      if (opened) stamps.set(slot, opened.register.stamp)
    }
    rows.set(key, stamps)
  }
  return { feed, version: device.store.agreement.version, rows }
}

/** Something of a content that the device has only in an older state, or not at all. */
export function lackOf(device: Device, { feed, version, rows }: Content): string | undefined {
  const allowed = device.allowed()
  for (const [key, stamps] of rows) {
    const mirror = device.store.mirrors.get(key)
    // Another version starts empty, and what is not agreed any more is not shown.
    if (!isTeam(feed) && (mirror?.version ?? version) !== version) continue
    for (const [field, stamp] of stamps) {
      if (!isTeam(feed) && field !== existence && !allowed.has(field)) continue
      const here = isTeam(feed) ? device.store.rows.get(key)?.get(field) : mirror?.seen.get(field)?.register
      if (!here || compareStamps(here.stamp, stamp) < 0) return `${key} ${field} ${stamp.join('.')}`
    }
  }
  return undefined
}

export function mirrorsOf(device: Device): string {
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
