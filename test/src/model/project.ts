import { compareStamps, createDoc, type Epoch, loadDoc, nextEpoch, writeSlots, zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './doc-slots.js'
import type { Offer } from './entries.js'
import { existence, type Feed, isMessages, isTeam, messagesOf, type Register, teamOf } from './names.js'
import { isUnknown, messageSlot, opens } from './opening.js'
import { policyText } from './policy.js'
import { chainTo, generationKey, rosterKey } from './rosters.js'
import type { Stored } from './store.js'

/** The next offer for a feed of the own org, or undefined where the relay has all that this device's rows hold. */
export function nextOffer(device: Device, feed: Feed, paused: ReadonlySet<string>): Offer | undefined {
  if (isMessages(feed)) return nextMessage(device, feed, paused)
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

/** What this key lacks at the relay, as an offer. */
export function docOffer(device: Device, feed: Feed, key: string): Offer | undefined {
  const row = device.store.rows.get(key)
  const desired = row && desiredOf(device, feed, row)
  if (!desired) return undefined
  const stored = device.docs(feed).get(key)
  const version = isTeam(feed) ? 0 : device.store.agreement.version
  if (stored && (stored.epoch.version > version || isHeld(device, feed, stored))) return undefined
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

/** Whether the doc holds a value of a generation that has not arrived. */
function isHeld(device: Device, feed: Feed, stored: Stored): boolean {
  if (stored.kind === 'erased') return isUnknown(device, feed, stored.bytes)
  return stored.kind === 'doc' && [...docSlots(stored.bytes).values()].some((bytes) => isUnknown(device, feed, bytes))
}

/** Whether the doc has a slot that should not be there: narrowed, or withdrawn. */
function hasOther(stored: Stored, desired: ReadonlyMap<string, Register>): boolean {
  return [...docSlots(stored.bytes).keys()].some((slot) => !desired.has(slot))
}

function sealOf(device: Device, feed: Feed, key: string, slot: string, epoch: Epoch, register: Register): Uint8Array {
  return device.seals.make(device.store.keys, device.generation(feed), { feed, key, slot, epoch }, register, device.org)
}

/** A roster that the relay lost, or the policy. */
function nextMessage(device: Device, feed: Feed, paused: ReadonlySet<string>): Offer | undefined {
  const docs = device.docs(feed)
  for (const roster of chainTo(device.store.rosters.get(device.org), 0)) {
    const key = rosterKey(roster.claims.number)
    if (docs.get(key)?.spoiled === false || paused.has(`${feed} ${key}`)) continue
    return device.offerOf(feed, key, { kind: 'roster', whole: true, epoch: zeroEpoch, bytes: new Uint8Array(), token: roster })
  }
  for (const rotation of device.store.rotations) {
    const key = generationKey(rotation.claims.generation)
    if (docs.has(key) || paused.has(`${feed} ${key}`)) continue
    return device.offerOf(feed, key, { kind: 'generation', whole: true, epoch: zeroEpoch, bytes: new Uint8Array(), token: rotation })
  }
  const known = device.store.policies.get(device.org)
  const stored = docs.get('policy')
  const text = policyText(device.ownPolicy())
  if (
    !paused.has(`${feed} policy`) &&
    (!known || !stored || stored.kind !== 'message' || stored.spoiled || policyText(known.policy) !== text)
  ) {
    return message(device, 'policy', text, known?.register, text)
  }
  for (const [key, value] of device.outbox) {
    if (paused.has(`${feed} ${key}`)) continue
    device.outbox.delete(key)
    return message(device, key, value, undefined)
  }
  return undefined
}

/** A message of the own org as an offer. */
function message(device: Device, key: string, value: string, previous: Register | undefined, copy?: string): Offer {
  const feed = messagesOf(device.org)
  const register: Register = { stamp: device.stamp(previous), value }
  const bytes = device.seals.make(device.store.keys, 0, { feed, key, slot: messageSlot, epoch: zeroEpoch }, register, device.org)
  const token = copy === undefined ? undefined : (device.store.agreement as never)
  return device.offerOf(feed, key, { kind: 'message', whole: true, epoch: zeroEpoch, bytes, copy, token })
}
