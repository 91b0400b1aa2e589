import { compareStamps } from '@entente/protocol'
import type { Device } from './device.js'
import { existence, type Register } from './names.js'
import type { Opened } from './seals.js'
import type { Mirror, Seen, Stored } from './store.js'

/** Takes what a peer's doc or tombstone holds. Per slot the highest stamp stays, within one version; the next version starts empty. */
export function takeIntoMirror(
  device: Device,
  key: string,
  stored: Stored,
  opened: ReadonlyMap<string, readonly [Opened, Uint8Array]>,
): void {
  const { epoch, kind } = stored
  const old = device.store.mirrors.get(key)
  if (old && epoch.version < old.version && kind === 'doc') return
  const mirror: Mirror =
    old && (kind === 'erased' || epoch.version <= old.version)
      ? { ...old, seen: new Map(old.seen) }
      : { version: epoch.version, seen: startOf(old) }
  const allowed = device.allowed()
  for (const [slot, [{ register }, bytes]] of opened) {
    if (slot !== existence && !allowed.has(slot) && !device.without.has('withdrawn')) continue
    const known = mirror.seen.get(slot)
    const higher = !known || compareStamps(register.stamp, known.register.stamp) > 0
    // A resumed record shows again what it showed before it was erased.
    const again = known?.erased === true && compareStamps(register.stamp, known.register.stamp) === 0 && kind === 'doc'
    if (higher || again || device.without.has('seen')) mirror.seen.set(slot, { register, erased: false, bytes, epoch })
  }
  if (device.without.has('existence') && kind === 'erased')
    mirror.seen.set(existence, { register: { stamp: [0, 0, 0], value: false }, erased: false, bytes: stored.bytes, epoch })
  if (device.without.has('existence') && kind === 'doc')
    for (const slot of mirror.seen.keys()) if (!opened.has(slot)) mirror.seen.delete(slot)
  if (mirror.seen.get(existence)?.register.value === false) {
    for (const [slot, seen] of mirror.seen) {
      if (slot === existence) continue
      if (device.without.has('erased-stamps')) mirror.seen.delete(slot)
      else mirror.seen.set(slot, { ...seen, erased: true })
    }
  }
  device.store.mirrors.set(key, mirror)
}

/** A new version starts empty but for whether the record is shared, which no version decides. */
function startOf(old: Mirror | undefined): Map<string, Seen> {
  const exists = old?.seen.get(existence)
  return exists ? new Map([[existence, exists]]) : new Map()
}

/** What the mirror shows: undefined where it is frozen. */
export function shownOf(device: Device, key: string): ReadonlyMap<string, Register> | undefined {
  const mirror = device.store.mirrors.get(key)
  if (!mirror || mirror.seen.get(existence)?.register.value !== true) return undefined
  const shown = [...mirror.seen].filter(([slot, seen]) => slot !== existence && !seen.erased)
  return new Map(shown.map(([slot, { register }]) => [slot, register]))
}

/** Drops what an end of the agreement's slot takes away. */
export function eraseWithdrawn(device: Device): void {
  if (device.without.has('withdrawn')) return
  const allowed = device.allowed()
  for (const [key, { seen }] of device.store.mirrors) {
    for (const slot of seen.keys()) {
      if (slot === existence || allowed.has(slot)) continue
      seen.delete(slot)
      device.dropped.add(`${key} ${slot}`)
    }
  }
}
