import { compareStamps, type Epoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './docs.js'
import type { GenerationClaims } from './entries.js'
import { type Feed, outOf, ownerOf } from './names.js'
import { fieldOf, opens } from './opening.js'
import { learnRoster, learnRotation } from './control.js'
import { chainTo, generationKey, type Roster, rosterKey } from './rosters.js'
import type { Signed } from './signatures.js'
import type { Seen, Stored } from './store.js'

export interface Control {
  readonly rosters: readonly Roster[]
  readonly rotations: readonly Signed<GenerationClaims>[]
}

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
  if (list.length > 0) device.outbox.set('back', { text: JSON.stringify(list) })
}

/** Hands back the peer's rosters and rotations that a matching head of its messages no longer covers. */
export function handBackControl(device: Device, feed: Feed): void {
  if (device.without.has('hand-back')) return
  const org = ownerOf(feed)
  const has = (key: string): boolean => device.docs(feed).get(key)?.kind === 'control'
  const rosters = chainTo(device.store.rosters.get(org), 0).filter(({ claims }) => !has(rosterKey(claims.number)))
  const rotations = device.store.rotations.filter(({ claims }) => claims.org === org && !has(generationKey(claims.generation)))
  if (rosters.length + rotations.length === 0) return
  device.log(`hands back ${rosters.length} rosters and ${rotations.length} rotations`)
  device.outbox.set('back control', { text: '', token: { rosters, rotations } satisfies Control })
}

/** Takes the own rosters and rotations back, as if they stood in the own feed: both are signed. */
export function takeControlBack(device: Device, { rosters, rotations }: Control): void {
  for (const roster of rosters) learnRoster(device, device.org, roster)
  for (const rotation of rotations) learnRotation(device, device.org, rotation)
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
