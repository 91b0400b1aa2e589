import { compareStamps, type Epoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './docs.js'
import type { GenerationClaims, HeadClaims } from './entries.js'
import { type Feed, messagesOf, outOf, ownerOf } from './names.js'
import { fieldOf, isLate, isSettled, messageSlot, opens, readStored } from './opening.js'
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
export function handBack(device: Device, feed: Feed, head: HeadClaims): void {
  if (device.without.has('hand-back')) return
  const list: Sealed[] = []
  const refused = device.without.has('let-go') ? new Set<string>() : handedBack(device, head)
  for (const [key, mirror] of device.store.mirrors) {
    const stored = device.docs(feed).get(key)
    if (stored && stored.epoch.version > mirror.version) continue
    for (const [slot, one] of mirror.seen) {
      if (!isAbove(device, feed, key, slot, one, stored)) continue
      const sealed: Sealed = [key, slot, one.epoch, [...one.bytes]]
      const isOlder = device.seals.generationOf(one.bytes) < head.generation
      if (isOlder && refused.has(JSON.stringify(sealed))) letGo(device, feed, key, slot)
      else list.push(sealed)
    }
  }
  if (list.length > 0) device.log(`hands back ${list.map(([key, slot]) => `${key} ${slot}`).join(', ')}`)
  if (list.length > 0) device.outbox.set('back', { text: JSON.stringify(list) })
}

/** What this org has handed back, as far as the signer of the head has read it. */
function handedBack(device: Device, head: HeadClaims): ReadonlySet<string> {
  const messages = messagesOf(device.org)
  const stored = device.docs(messages).get('back')
  if (stored?.kind !== 'message' || stored.sequence > head.read || device.reading(messages).incarnation !== head.incarnation)
    return new Set()
  const opened = opens(device, messages, 'back', messageSlot, stored.epoch, stored.bytes)
  const list = opened ? (JSON.parse(String(opened.register.value)) as Sealed[]) : []
  return new Set(list.map((sealed) => JSON.stringify(sealed)))
}

/** The owner has seen it and does not cover it: a device that it removed made it. The mirror shows what the feed holds. */
function letGo(device: Device, feed: Feed, key: string, slot: string): void {
  device.log(`lets go of ${key} ${slot}`)
  device.changes++
  device.store.mirrors.get(key)?.seen.delete(slot)
  device.dropped.add(`${key} ${slot}`)
  readStored(device, feed, key)
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
    // What it would refuse in the feed does not come in by this door either.
    if (isSettled(device, feed) && isLate(device, feed, key, slot, opened) && !device.without.has('hand-back-late')) continue
    const field = fieldOf(feed, slot)
    const known = device.row(key).get(field)
    if (!known || compareStamps(opened.register.stamp, known.stamp) > 0) device.row(key).set(field, opened.register)
    device.begin(key)
  }
}
