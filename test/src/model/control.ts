import { zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { type Entry, type GenerationClaims, noBytes } from './entries.js'
import { eraseWithdrawn } from './mirror.js'
import { type Feed, type Org, orgs, outOf, ownerOf, teamOf } from './names.js'
import { rereadDeferred } from './opening.js'
import type { Agreement, AgreementClaims } from './policy.js'
import { chainTo, follows, isAdmin, type Roster, rosterKey } from './rosters.js'
import { originKey, sealingKey } from './seals.js'
import type { Signed } from './signatures.js'

/** A roster or a rotation: the chain is kept elsewhere, here only that the feed holds it, as a head covers. */
export function noteSequence(device: Device, feed: Feed, { key, sequence }: Entry): void {
  device.docs(feed).set(key, { sequence, kind: 'control', epoch: zeroEpoch, bytes: noBytes, spoiled: false, deferred: false })
}

/** Takes a higher version of the agreement, which admins of both sides signed. */
export function adopt(device: Device, agreement: Agreement): void {
  if (agreement.version <= device.store.agreement.version || !counts(device, agreement)) return
  device.store.earlier = [...device.store.earlier, device.store.agreement]
  setAgreement(device, agreement)
}

function setAgreement(device: Device, agreement: Agreement): void {
  device.changes++
  device.store.agreement = agreement
  device.store.withdrawn = new Set()
  eraseWithdrawn(device)
  rereadDeferred(device)
}

/** Whether an admin of each side signed the agreement, or answers for it in a roster. */
function counts(device: Device, { version, slots, signatures }: Agreement): boolean {
  const isThis = (claims: AgreementClaims): boolean => claims.version === version && claims.slots.join() === slots.join()
  return (
    device.without.has('signed') ||
    orgs.every((org) => {
      const roster = device.store.rosters.get(org)
      const isAnswered = chainTo(roster, 0).some(({ claims }) => isThis(claims.agreement))
      const isListed = (signer: string): boolean =>
        device.without.has('removed-decisions') ? signer.startsWith(org) : isAdmin(roster, signer)
      return isAnswered || signatures.some(({ signer, claims }) => isListed(signer) && isThis(claims))
    })
  )
}

export function takeRoster(device: Device, feed: Feed, entry: Entry): void {
  const org = ownerOf(feed)
  const roster = entry.token as Roster
  if (learnRoster(device, org, roster)) return
  // Another roster under a key of the chain: whoever has the chain publishes it again.
  const known = device.store.rosters.get(org)
  const key = rosterKey(roster.claims.number)
  const stored = device.docs(feed).get(key)
  if (!stored || chainTo(known, 0).includes(roster)) return
  const isKnown = roster.claims.number <= (known?.claims.number ?? 0)
  device.docs(feed).set(key, { ...stored, kind: isKnown ? 'control' : 'none', spoiled: true })
}

/** @returns whether the roster follows the highest known one, which it then is */
export function learnRoster(device: Device, org: Org, roster: Roster): boolean {
  const known = device.store.rosters.get(org)
  if (!device.without.has('roster') && !follows(org, known, roster)) return false
  if (roster.claims.number <= (known?.claims.number ?? 0)) return true
  device.store.rosters.set(org, roster)
  // What only a removed device signed does not stand, also where it was taken before this device was told.
  for (let last = device.store.earlier.at(-1); last && !counts(device, device.store.agreement); last = device.store.earlier.at(-1)) {
    device.store.earlier = device.store.earlier.slice(0, -1)
    setAgreement(device, last)
  }
  return true
}

/** Takes the next generation of an org's keys, if an admin rotated: the keys are sealed to the devices of the roster, and to the peer's. */
export function learnRotation(device: Device, org: Org, rotation: Signed<GenerationClaims>): void {
  const { signer, claims } = rotation
  const known = device.store.generations.get(org) ?? 0
  if (claims.org !== org || claims.generation !== known + 1 || !isAdmin(device.store.rosters.get(org), signer)) return
  device.store.generations.set(org, claims.generation)
  // Who has read what was there before the rotation has nothing of it to expect. Any other device waits for a head of the new generation.
  for (const one of [teamOf(org), outOf(org)]) {
    const { incarnation, last } = device.reading(one)
    if (incarnation === claims.incarnation && last >= (claims.last[one] ?? 0)) device.store.settled.set(one, claims.generation)
  }
  device.store.keys.add(sealingKey(outOf(org), claims.generation))
  device.store.rotations = [...device.store.rotations, rotation]
  if (org === device.org) {
    device.store.keys.add(originKey(org, claims.generation))
    device.store.keys.add(sealingKey(`${org}/team`, claims.generation))
  }
  rereadDeferred(device)
}
