import { compareStamps } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './doc-slots.js'
import { takeIntoMirror } from './mirror.js'
import { existence, type Feed, isMessages, isTeam } from './names.js'
import type { Opened } from './seals.js'
import type { Stored } from './store.js'

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
  if (device.without.has('rotation') || isMessages(feed) || opened.generation >= device.generation(feed)) return false
  const known = device.isOwn(feed)
    ? device.store.rows.get(key)?.get(fieldOf(feed, slot))
    : device.store.mirrors.get(key)?.seen.get(slot)?.register
  return !known || compareStamps(opened.register.stamp, known.stamp) > 0
}

export function isSettled(device: Device, feed: Feed): boolean {
  return (device.store.settled.get(feed) ?? 0) >= device.generation(feed)
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
  device.begin(key)
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
