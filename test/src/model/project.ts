import { compareStamps, createDoc, type Epoch, loadDoc, nextEpoch, writeSlots, zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './docs.js'
import { type GenerationClaims, noBytes, type Offer } from './entries.js'
import { existence, type Feed, isMessages, isTeam, messagesOf, outOf, type Register, teamOf } from './names.js'
import { isHeld, messageSlot, opens } from './opening.js'
import { isSamePolicy, policyText } from './policy.js'
import { chainTo, generationKey, isAdmin, rosterKey } from './rosters.js'
import { Signed } from './signatures.js'
import type { Stored } from './store.js'

/** The next offer for a feed of the own org, or undefined where the relay has all that this device's rows hold. */
export function nextOffer(device: Device, feed: Feed, paused: ReadonlySet<string>): Offer | undefined {
  if (isMessages(feed)) return nextMessage(device, feed, paused)
  if (!device.hasKeys()) return undefined
  if (!isTeam(feed) && !device.maySend()) return undefined
  for (const key of device.store.rows.keys()) {
    if (paused.has(`${feed} ${key}`) || (!isTeam(feed) && key === 'heads')) continue
    // What follows from a row goes to the connection after the row is in the team feed.
    if (!isTeam(feed) && docOffer(device, teamOf(device.org), key)) continue
    const offer = docOffer(device, feed, key)
    if (offer) return offer
  }
  return undefined
}

/** What this key lacks at the relay, as an offer. Worked out once while nothing happens to the device. */
export function docOffer(device: Device, feed: Feed, key: string): Offer | undefined {
  const known = offersKnown.get(device) ?? { changes: -1, offers: new Map<string, Offer | undefined>() }
  offersKnown.set(device, known)
  if (known.changes !== device.changes) {
    known.changes = device.changes
    known.offers.clear()
  }
  const place = `${feed} ${key}`
  if (!known.offers.has(place)) known.offers.set(place, makeDocOffer(device, feed, key))
  return known.offers.get(place)
}

const offersKnown = new WeakMap<Device, { changes: number; readonly offers: Map<string, Offer | undefined> }>()

function makeDocOffer(device: Device, feed: Feed, key: string): Offer | undefined {
  const row = device.store.rows.get(key)
  const desired = row && desiredOf(device, feed, row)
  if (!desired) return undefined
  const stored = device.docs(feed).get(key)
  const version = isTeam(feed) ? 0 : device.store.agreement.version
  if (stored && (stored.epoch.version > version || (stored.deferred && !stored.spoiled && isHeld(device, feed, stored)))) return undefined
  const exists = desired.get(existence)
  if (exists?.value === false) {
    const known = stored?.kind === 'erased' && !stored.spoiled ? opens(device, feed, key, existence, stored.epoch, stored.bytes) : undefined
    if (known && compareStamps(known.register.stamp, exists.stamp) >= 0) return undefined
    const epoch = nextEpoch(device.floor(feed, key), version)
    return device.offerOf(feed, key, { kind: 'erased', whole: true, epoch, bytes: sealOf(device, feed, key, existence, epoch, exists) })
  }
  const isWhole = !stored || stored.kind !== 'doc' || stored.spoiled || stored.epoch.version < version || hasOther(stored, desired)
  if (isWhole) {
    const epoch = nextEpoch(device.floor(feed, key), version)
    const sealed = new Map([...desired].map(([slot, register]) => [slot, sealOf(device, feed, key, slot, epoch, register)]))
    return device.offerOf(feed, key, { kind: 'doc', whole: true, epoch, bytes: createDoc(sealed, device.session) })
  }
  const slots = docSlots(stored.bytes)
  const changes = new Map<string, Uint8Array>()
  for (const [slot, register] of desired) {
    const bytes = slots.get(slot)
    const known = bytes && opens(device, feed, key, slot, stored.epoch, bytes)
    if (!known || compareStamps(register.stamp, known.register.stamp) > 0)
      changes.set(slot, sealOf(device, feed, key, slot, stored.epoch, register))
  }
  if (changes.size === 0) return undefined
  return device.offerOf(feed, key, {
    kind: 'doc',
    whole: false,
    epoch: stored.epoch,
    bytes: writeSlots(loadDoc([stored.bytes], device.session), changes),
  })
}

/** The registers that a feed should carry of a row. */
function desiredOf(device: Device, feed: Feed, row: ReadonlyMap<string, Register>): ReadonlyMap<string, Register> | undefined {
  if (isTeam(feed)) return row.has(existence) ? row : undefined
  const exists = row.get('on')
  if (!exists) return undefined
  const desired = new Map([[existence, exists]])
  for (const slot of device.allowed()) {
    const register = row.get(`f${slot}`)
    if (register) desired.set(slot, register)
  }
  return desired
}

/** Whether the doc has a slot that should not be there: narrowed, or withdrawn. */
function hasOther(stored: Stored, desired: ReadonlyMap<string, Register>): boolean {
  return [...docSlots(stored.bytes).keys()].some((slot) => !desired.has(slot))
}

function sealOf(device: Device, feed: Feed, key: string, slot: string, epoch: Epoch, register: Register): Uint8Array {
  return device.seals.make(device.store.keys, device.generation(feed), { feed, key, slot, epoch }, register, device.org)
}

export function controlOffer(device: Device, kind: 'roster' | 'generation', key: string, token: unknown): Offer {
  return device.offerOf(messagesOf(device.org), key, { kind, whole: true, epoch: zeroEpoch, bytes: noBytes, token })
}

/** The next generation of the org's keys, by an admin that has read all that the generation before sealed. */
export function rotationOffer(device: Device, generation: number): Offer {
  const { org } = device
  const [team, out] = [teamOf(org), outOf(org)]
  const last = { [team]: device.reading(team).last, [out]: device.reading(out).last }
  const previous = device.store.rotations.find(({ claims }) => claims.org === org && claims.generation === generation - 1)
  const claims: GenerationClaims = { org, generation, previous, incarnation: device.reading(team).incarnation ?? 0, last }
  return controlOffer(device, 'generation', generationKey(generation), Signed.sign(device.name, claims))
}

/** A roster that the relay lost, or the policy. */
function nextMessage(device: Device, feed: Feed, paused: ReadonlySet<string>): Offer | undefined {
  const docs = device.docs(feed)
  for (const roster of chainTo(device.store.rosters.get(device.org), 0)) {
    const key = rosterKey(roster.claims.number)
    if (docs.get(key)?.spoiled === false || paused.has(`${feed} ${key}`)) continue
    return controlOffer(device, 'roster', key, roster)
  }
  // An admin makes the rotation that belongs to the roster, where it is not there.
  const next = device.generation(teamOf(device.org)) + 1
  if (
    device.due(device.org) >= next &&
    isAdmin(device.store.rosters.get(device.org), device.name) &&
    !paused.has(`${feed} ${generationKey(next)}`)
  ) {
    if ([teamOf(device.org), outOf(device.org)].every((one) => device.reading(one).live)) return rotationOffer(device, next)
  }
  for (const rotation of device.store.rotations) {
    const key = generationKey(rotation.claims.generation)
    if (rotation.claims.org !== device.org || docs.get(key)?.spoiled === false || paused.has(`${feed} ${key}`)) continue
    return controlOffer(device, 'generation', key, rotation)
  }
  const known = device.store.policies.get(device.org)
  const stored = docs.get('policy')
  const own = device.ownPolicy()
  const there =
    stored?.kind === 'message' && !stored.spoiled ? opens(device, feed, 'policy', messageSlot, zeroEpoch, stored.bytes) : undefined
  // The relay may hold an older one than this device has seen.
  const isThere = known && there && compareStamps(there.register.stamp, known.register.stamp) >= 0 && isSamePolicy(known.policy, own)
  if (!isThere && !paused.has(`${feed} policy`)) {
    const text = policyText(own)
    return message(device, 'policy', known?.register, text, device.store.agreement, text)
  }
  for (const [key, { text, token }] of device.outbox) {
    if (paused.has(`${feed} ${key}`)) continue
    device.outbox.delete(key)
    return message(device, key, undefined, text, token)
  }
  return undefined
}

/** A message of the own org as an offer. */
function message(device: Device, key: string, previous: Register | undefined, value: string, token: unknown, copy?: string): Offer {
  const feed = messagesOf(device.org)
  const register: Register = { stamp: device.stamp(previous), value }
  const bytes = device.seals.make(device.store.keys, 0, { feed, key, slot: messageSlot, epoch: zeroEpoch }, register, device.org)
  return device.offerOf(feed, key, { kind: 'message', whole: true, epoch: zeroEpoch, bytes, copy, token })
}
