import { admitUpdate, compareStamps, compactDoc, emptyVector, vectorOfDoc, zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { docSlots } from './doc-slots.js'
import { type Entry, type GenerationClaims, noBytes } from './entries.js'
import { takeBack } from './handing-back.js'
import { takeHead } from './heads.js'
import { takeLeaves } from './leaves.js'
import { eraseWithdrawn } from './mirror.js'
import { existence, type Feed, outOf, ownerOf, type Register, teamOf } from './names.js'
import { isLate, isSettled, isUnknown, messageSlot, opens, readStored, rereadDeferred, sameBytes } from './opening.js'
import { type Agreement, type Policy, readPolicy } from './policy.js'
import { chainTo, follows, isAdmin, type Roster, rosterKey } from './rosters.js'
import { originKey, sealingKey } from './seals.js'
import type { Signed } from './signatures.js'
import type { Stored } from './store.js'

/** Takes an entry into the stored docs, the rows and the mirrors. @param exact whether the feed stood exactly so when the entry came */
export function absorb(device: Device, feed: Feed, entry: Entry, exact: boolean, incarnation: number): void {
  if (entry.kind === 'roster' || entry.kind === 'generation') noteSequence(device, feed, entry)
  switch (entry.kind) {
    case 'head':
      return takeHead(device, feed, entry, exact || device.without.has('last-head'), incarnation)
    case 'roster':
      return takeRoster(device, feed, entry.token as Roster)
    case 'generation':
      return takeGeneration(device, feed, entry.token as Signed<GenerationClaims>)
    default:
      return takeKey(device, feed, entry)
  }
}

/** A roster or a rotation: the chain is kept elsewhere, here only that the feed holds it, as a head covers. */
function noteSequence(device: Device, feed: Feed, { key, sequence }: Entry): void {
  device.docs(feed).set(key, { sequence, kind: 'control', epoch: zeroEpoch, bytes: noBytes, spoiled: false, deferred: false })
}

function takeKey(device: Device, feed: Feed, entry: Entry): void {
  const docs = device.docs(feed)
  const stored = docs.get(entry.key)
  if (stored && entry.sequence <= stored.sequence) return
  const next = joined(device, feed, entry, stored)
  if (!next) {
    const none: Stored = { sequence: 0, kind: 'none', epoch: zeroEpoch, bytes: noBytes, spoiled: true, deferred: false }
    docs.set(entry.key, { ...(stored ?? none), sequence: entry.sequence, spoiled: true })
    return
  }
  docs.set(entry.key, next)
  if (next.kind === 'message') return takeMessage(device, feed, entry)
  device.raiseFloor(feed, entry.key, next.epoch)
  readStored(device, feed, entry.key)
}

/** What the key holds with the entry, or undefined where a value that it changes does not open: all or nothing. */
function joined(device: Device, feed: Feed, entry: Entry, stored: Stored | undefined): Stored | undefined {
  const { key, epoch, kind, bytes, sequence } = entry
  const rest = { sequence, epoch, spoiled: false, deferred: false }
  if (kind === 'message') {
    const opened = opens(device, feed, key, messageSlot, zeroEpoch, bytes)
    return opened || (device.without.has('sealed') && entry.copy !== undefined) ? { ...rest, kind, bytes } : undefined
  }
  if (kind === 'erased') {
    const opened = opens(device, feed, key, existence, epoch, bytes)
    return device.without.has('existence') || isUnknown(device, feed, bytes) || opened?.register.value === false
      ? { ...rest, kind, bytes }
      : undefined
  }
  if (!entry.whole) {
    if (stored?.kind !== 'doc' || stored.epoch.version !== epoch.version || stored.epoch.number !== epoch.number) return undefined
  }
  const base = entry.whole ? undefined : stored?.bytes
  try {
    admitUpdate(bytes, base ? vectorOfDoc(base) : emptyVector, undefined)
  } catch {
    return undefined
  }
  const before = base ? docSlots(base) : new Map<string, Uint8Array>()
  const state = base ? compactDoc([base, bytes]) : bytes
  const after = docSlots(state)
  if (entry.whole && !after.has(existence) && !device.without.has('existence')) return undefined
  for (const [slot, value] of after) {
    const known = before.get(slot)
    if (known && sameBytes(known, value)) continue
    if (isUnknown(device, feed, value)) continue
    const opened = opens(device, feed, key, slot, epoch, value)
    if (!opened && (!device.without.has('whole') || (slot === existence && !device.without.has('existence')))) return undefined
    if (opened && isLate(device, feed, key, slot, opened) && isSettled(device, feed)) return undefined
  }
  // Nothing takes a value away but a new epoch.
  for (const slot of before.keys()) if (!after.has(slot) && !device.without.has('whole')) return undefined
  return { ...rest, kind: 'doc', bytes: state }
}

function takeMessage(device: Device, feed: Feed, entry: Entry): void {
  const opened = opens(device, feed, entry.key, messageSlot, zeroEpoch, entry.bytes)
  const register: Register | undefined =
    device.without.has('sealed') && entry.copy !== undefined ? { stamp: [2 ** 45, 0, 0], value: entry.copy } : opened?.register
  if (!register) return
  if (entry.key === 'policy') return takePolicy(device, feed, register, entry.token as unknown as Agreement | undefined)
  if (device.isOwn(feed) ? entry.key.startsWith('leaves') : true) {
    if (entry.key.startsWith('leaves')) takeLeaves(device, String(register.value))
    else if (entry.key === 'back') takeBack(device, String(register.value))
  }
}

function takePolicy(device: Device, feed: Feed, register: Register, agreement: Agreement | undefined): void {
  const org = ownerOf(feed)
  const known = device.store.policies.get(org)
  if (known && compareStamps(register.stamp, known.register.stamp) <= 0 && !device.without.has('seen')) return
  const policy: Policy = readPolicy(String(register.value))
  device.store.policies.set(org, { register, policy })
  if (policy.version > device.store.agreement.version) {
    const claims = agreement ?? { version: policy.version, slots: policy.slots, signatures: [] }
    if (claims.version === policy.version) adopt(device, claims)
  }
  if (org === device.org && policy.version === device.store.agreement.version) {
    for (const slot of policy.withdrawn) device.store.withdrawn.add(slot)
  }
  eraseWithdrawn(device)
}

/** Takes the next version of the agreement, which admins of both sides signed. */
export function adopt(device: Device, agreement: Agreement): void {
  if (agreement.version <= device.store.agreement.version) return
  const signedBy = (org: 'V' | 'P'): boolean =>
    agreement.signatures.some(
      ({ signer, claims }) =>
        (device.without.has('removed-decisions') ? signer.startsWith(org) : isAdmin(device.store.rosters.get(org), signer)) &&
        claims.version === agreement.version &&
        claims.slots.join() === agreement.slots.join(),
    )
  if (!device.without.has('signed') && !(signedBy('V') && signedBy('P'))) return
  device.store.agreement = agreement
  device.store.withdrawn = new Set()
  eraseWithdrawn(device)
  rereadDeferred(device)
}

function takeRoster(device: Device, feed: Feed, roster: Roster): void {
  const org = ownerOf(feed)
  const known = device.store.rosters.get(org)
  if (!device.without.has('roster') && !follows(org, known, roster)) {
    // Another roster under a key of the chain: whoever has the chain publishes it again.
    const key = rosterKey(roster.claims.number)
    const stored = device.docs(feed).get(key)
    if (!stored || chainTo(known, 0).includes(roster)) return
    const isKnown = roster.claims.number <= (known?.claims.number ?? 0)
    device.docs(feed).set(key, { ...stored, kind: isKnown ? 'control' : 'none', spoiled: true })
    return
  }
  if (roster.claims.number > (known?.claims.number ?? 0)) device.store.rosters.set(org, roster)
}

/** Takes the next generation of an org's keys, if this device is on the roster that they are sealed to, or the peer's. */
function takeGeneration(device: Device, feed: Feed, rotation: Signed<GenerationClaims>): void {
  const { signer, claims } = rotation
  const org = ownerOf(feed)
  const roster = device.store.rosters.get(org)
  const known = device.store.generations.get(org) ?? 0
  if (claims.org !== org || claims.generation !== known + 1 || !isAdmin(roster, signer)) return
  device.store.generations.set(org, claims.generation)
  // What a live device has not taken by now was not there before the rotation. Any other device waits for a head of the new generation.
  for (const one of [teamOf(org), outOf(org)]) if (device.reading(one).live) device.store.settled.set(one, claims.generation)
  device.store.keys.add(sealingKey(outOf(org), claims.generation))
  if (org === device.org) {
    device.store.rotations = [...device.store.rotations, rotation]
    device.store.keys.add(originKey(org, claims.generation))
    device.store.keys.add(sealingKey(`${org}/team`, claims.generation))
  }
  rereadDeferred(device)
}
