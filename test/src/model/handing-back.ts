import { compareStamps, type Epoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './doc-slots.js'
import { type Feed, outOf } from './names.js'
import { fieldOf, opens } from './opening.js'
import type { Seen, Stored } from './store.js'

type Sealed = readonly [key: string, slot: string, epoch: Epoch, bytes: readonly number[]]

/** Hands back what this device saw and a matching head no longer covers: its honest owner went back. */
export function handBack(device: Device, feed: Feed): void {
  if (device.without.has('hand-back')) return
  const list: Sealed[] = []
  for (const [key, { version, seen }] of device.store.mirrors) {
    const stored = device.docs(feed).get(key)
    if (stored && stored.epoch.version > version) continue
    for (const [slot, one] of seen) if (isAbove(device, feed, key, slot, one, stored)) list.push([key, slot, one.epoch, [...one.bytes]])
  }
  if (list.length > 0)
    device.log(
      `hands back ${list.map(([key, slot, epoch, bytes]) => `${key} ${slot} ${epoch.version}.${epoch.number} ${JSON.stringify(device.seals.open(device.store.keys, { feed, key, slot, epoch }, Uint8Array.from(bytes))?.register)}`).join(', ')}`,
    )
  if (list.length > 0) device.outbox.set('back', JSON.stringify(list))
}

function isAbove(device: Device, feed: Feed, key: string, slot: string, seen: Seen, stored: Stored | undefined): boolean {
  const bytes =
    stored?.kind === 'erased'
      ? slot === 'e'
        ? stored.bytes
        : undefined
      : stored?.kind === 'doc'
        ? docSlots(stored.bytes).get(slot)
        : undefined
  const held = bytes && stored && opens(device, feed, key, slot, stored.epoch, bytes)
  if (stored?.kind === 'erased' && slot !== 'e') return false
  return !held || compareStamps(seen.register.stamp, held.register.stamp) > 0
}

/** Takes of what a peer hands back only what an own device made. */
export function takeBack(device: Device, text: string): void {
  const feed = outOf(device.org)
  for (const [key, slot, epoch, bytes] of JSON.parse(text) as Sealed[]) {
    const place = { feed, key, slot, epoch }
    const opened = device.without.has('hand-back-origin')
      ? device.seals.open(device.store.keys, place, Uint8Array.from(bytes))
      : opens(device, feed, key, slot, epoch, Uint8Array.from(bytes))
    if (!opened) continue
    const field = fieldOf(feed, slot)
    const known = device.row(key).get(field)
    if (!known || compareStamps(opened.register.stamp, known.stamp) > 0) device.row(key).set(field, opened.register)
    device.begin(key)
  }
}
