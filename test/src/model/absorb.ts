import { compareStamps, zeroEpoch } from '@entente/protocol'
import { adopt, learnRotation, noteSequence, takeRoster } from './control.js'
import type { Device } from './device.js'
import { docSlots, joinDoc } from './docs.js'
import { type Entry, type GenerationClaims, noBytes } from './entries.js'
import { type Control, takeBack, takeControlBack } from './handing-back.js'
import { takeHead } from './heads.js'
import { takeLeaves } from './leaves.js'
import { eraseWithdrawn } from './mirror.js'
import { existence, type Feed, outOf, ownerOf, type Register } from './names.js'
import { disown, isLate, isSettled, isUnknown, messageSlot, opens, readStored, sameBytes } from './opening.js'
import { type Agreement, readPolicy } from './policy.js'
import type { Signed } from './signatures.js'
import type { Stored } from './store.js'

/** Takes an entry into the stored docs, the rows and the mirrors. @param exact whether the feed stood exactly so when the entry came */
export function absorb(device: Device, feed: Feed, entry: Entry, exact: boolean, incarnation: number): void {
  if (entry.kind === 'roster' || entry.kind === 'generation') noteSequence(device, feed, entry)
  switch (entry.kind) {
    case 'head':
      return takeHead(device, feed, entry, exact || device.without.has('last-head'), incarnation)
    case 'roster':
      return takeRoster(device, feed, entry)
    case 'generation':
      return learnRotation(device, ownerOf(feed), entry.token as Signed<GenerationClaims>)
    default:
      return takeKey(device, feed, entry)
  }
}

function takeKey(device: Device, feed: Feed, entry: Entry): void {
  const docs = device.docs(feed)
  const stored = docs.get(entry.key)
  if (stored && entry.sequence <= stored.sequence) return
  const next = joined(device, feed, entry, stored)
  if (!next) {
    const none: Stored = { sequence: 0, kind: 'none', epoch: zeroEpoch, bytes: noBytes, spoiled: true, deferred: false }
    docs.set(entry.key, { ...(stored ?? none), sequence: entry.sequence, spoiled: true, early: undefined })
    // The relay serves no head while it holds a slot there that does not flow. So what nobody can read is erased, where no row carries it.
    if (feed === outOf(device.org) && !stored && !device.without.has('garbage')) disown(device, feed, entry.key)
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
  const before = base ? docSlots(base) : new Map<string, Uint8Array>()
  const state = joinDoc(base, bytes)
  if (!state) return undefined
  const after = docSlots(state)
  if (entry.whole && !after.has(existence) && !device.without.has('existence')) return undefined
  for (const [slot, value] of after) {
    const known = before.get(slot)
    if (known && sameBytes(known, value)) continue
    if (isUnknown(device, feed, value)) continue
    const opened = opens(device, feed, key, slot, epoch, value)
    if (!opened && slot === existence && !device.without.has('existence')) return undefined
    if (opened && isLate(device, feed, key, slot, opened) && isSettled(device, feed)) return undefined
  }
  return { ...rest, kind: 'doc', bytes: state }
}

function takeMessage(device: Device, feed: Feed, entry: Entry): void {
  const opened = opens(device, feed, entry.key, messageSlot, zeroEpoch, entry.bytes)
  const register: Register | undefined =
    device.without.has('sealed') && entry.copy !== undefined ? { stamp: [2 ** 45, 0, 0], value: entry.copy } : opened?.register
  if (!register) return
  if (entry.key === 'policy') return takePolicy(device, feed, register, entry.token as Agreement | undefined)
  if (device.isOwn(feed) ? entry.key.startsWith('leaves') : true) {
    if (entry.key.startsWith('leaves')) takeLeaves(device, String(register.value))
    else if (entry.key === 'back') takeBack(device, String(register.value))
    else if (entry.key === 'back control') takeControlBack(device, entry.token as Control)
  }
}

function takePolicy(device: Device, feed: Feed, register: Register, agreement: Agreement | undefined): void {
  const org = ownerOf(feed)
  const known = device.store.policies.get(org)
  if (known && compareStamps(register.stamp, known.register.stamp) <= 0 && !device.without.has('seen')) return
  const policy = readPolicy(String(register.value))
  device.store.policies.set(org, { register, policy })
  if (policy.withdrawn.some((slot) => known?.policy.version !== policy.version || !known.policy.withdrawn.includes(slot)))
    device.store.withdrawnAt = device.now
  if (policy.version > device.store.agreement.version) {
    const claims = agreement ?? { version: policy.version, slots: policy.slots, signatures: [] }
    if (claims.version === policy.version) adopt(device, claims)
  }
  if (org === device.org && policy.version === device.store.agreement.version) {
    for (const slot of policy.withdrawn) device.store.withdrawn.add(slot)
  }
  eraseWithdrawn(device)
}
