import { compareStamps } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './docs.js'
import { takeIntoMirror } from './mirror.js'
import { existence, type Feed, isMessages, isTeam, ownerOf, second } from './names.js'
import type { Opened } from './seals.js'
import type { Stored } from './store.js'

/** The pause before a device does again what brought nothing: reading anew, asking for repair, holding what no head covers. */
export const againAfter = 600 * second

/** The slot of a message's seal. */
export const messageSlot = 'message'

/** Opens a value of an entry; in the own org's feed only what an own device made. */
export function opens(
  device: Device,
  feed: Feed,
  key: string,
  slot: string,
  epoch: Stored['epoch'],
  bytes: Uint8Array,
): Opened | undefined {
  const opened = device.seals.open(device.store.keys, { feed, key, slot, epoch }, bytes)
  return opened && device.isOwn(feed) && !opened.own && !device.without.has('origin') ? undefined : opened
}

/** Whether the seal is of a generation that has not arrived. */
export function isUnknown(device: Device, feed: Feed, bytes: Uint8Array): boolean {
  if (device.without.has('newer-generation') || isMessages(feed)) return false
  return device.seals.generationOf(bytes) > device.generation(feed) && device.seals.generationOf(bytes) <= device.generation(feed) + 8
}

/** Whether a value is of an older generation and above what this device took before the rotation. */
export function isLate(device: Device, feed: Feed, key: string, slot: string, opened: Opened): boolean {
  if (device.without.has('rotation') || isMessages(feed) || opened.generation >= device.due(ownerOf(feed))) return false
  const known = device.isOwn(feed)
    ? device.store.rows.get(key)?.get(fieldOf(feed, slot))
    : device.store.mirrors.get(key)?.seen.get(slot)?.register
  return !known || compareStamps(opened.register.stamp, known.stamp) > 0
}

/** Whether the doc holds a value of a generation that has not arrived. */
export function isHeld(device: Device, feed: Feed, stored: Stored): boolean {
  if (stored.kind === 'erased') return isUnknown(device, feed, stored.bytes)
  return stored.kind === 'doc' && [...docSlots(stored.bytes).values()].some((bytes) => isUnknown(device, feed, bytes))
}

/**
 * What no head of the present generation covers in time, and what no rotation opens, was no own device's: the org publishes anew what its rows have. Else
 * a forged generation would hold a key, and each head of its feed, for ever.
 */
export function releaseHeld(device: Device, feed: Feed): void {
  if (!device.isOwn(feed) || isMessages(feed) || !device.hasKeys() || device.without.has('release')) return
  const isVersion = ({ epoch }: Stored): boolean => !isTeam(feed) && epoch.version > device.store.agreement.version
  const held = [...device.docs(feed)].filter(([, stored]) => stored.deferred && !isVersion(stored))
  const reading = device.reading(feed)
  if (held.length === 0) reading.heldSince = Infinity
  else reading.heldSince = Math.min(reading.heldSince, device.now)
  if (device.now - reading.heldSince < againAfter) return
  device.changes++
  for (const [key, stored] of held) {
    device.docs(feed).set(key, { ...stored, spoiled: true })
    disown(device, feed, key)
  }
}

/** A key without a row is erased, below anything that a colleague may have of it. */
export function disown(device: Device, feed: Feed, key: string): void {
  const row = device.row(key)
  const field = fieldOf(feed, existence)
  if (!row.has(field)) row.set(field, { stamp: [0, 0, 0], value: false })
}

export function isSettled(device: Device, feed: Feed): boolean {
  return (device.store.settled.get(feed) ?? 0) >= device.due(ownerOf(feed))
}

/** Reads what a key holds into the row or the mirror, or leaves it for later. @param covered a head of the present generation covers it */
export function readStored(device: Device, feed: Feed, key: string, covered = false): void {
  const stored = device.docs(feed).get(key)
  if (!stored || (stored.kind !== 'doc' && stored.kind !== 'erased')) return
  const { epoch } = stored
  const slots = stored.kind === 'erased' ? new Map([[existence, stored.bytes]]) : docSlots(stored.bytes)
  const opened = new Map<string, readonly [Opened, Uint8Array]>()
  let deferred = !isTeam(feed) && epoch.version > device.store.agreement.version
  for (const [slot, bytes] of slots) {
    const one = opens(device, feed, key, slot, epoch, bytes)
    if (isUnknown(device, feed, bytes)) deferred = true
    else if (one && !covered && isLate(device, feed, key, slot, one)) deferred = true
    if (one) opened.set(slot, [one, bytes])
  }
  device.docs(feed).set(key, { ...stored, deferred })
  if (deferred) return
  if (!device.isOwn(feed)) return takeIntoMirror(device, key, stored, opened)
  const row = device.row(key)
  for (const [slot, [{ register }]] of opened) {
    const field = fieldOf(feed, slot)
    const known = row.get(field)
    if (!known || compareStamps(register.stamp, known.stamp) > 0) row.set(field, register)
  }
  if (stored.kind === 'doc' || !row.has(existence)) device.begin(key)
  if (stored.kind === 'erased' && device.without.has('existence') && !row.has('on')) row.set('on', { stamp: [0, 0, 0], value: false })
}

/** The field of a row that a slot carries. */
export function fieldOf(feed: Feed, slot: string): string {
  if (isTeam(feed)) return slot
  return slot === existence ? 'on' : `f${slot}`
}

/** Reads again what was deferred: a version or a key has arrived. */
export function rereadDeferred(device: Device): void {
  for (const [feed, docs] of device.store.docs) for (const [key, { deferred }] of docs) if (deferred) readStored(device, feed, key)
}

/** Begins a feed from its start, as after LOST: stored docs go, mirrors and rows stay. */
export function reread(device: Device, feed: Feed): void {
  const reading = device.reading(feed)
  reading.cursor = 0
  reading.last = 0
  reading.live = false
  reading.rebuilding = true
  device.store.settled.set(feed, -1)
  if (!device.without.has('incarnations')) device.store.docs.delete(feed)
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
