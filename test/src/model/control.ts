import { zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { type Entry, type GenerationClaims, noBytes } from './entries.js'
import { eraseWithdrawn } from './mirror.js'
import { type Feed, messagesOf, type Org, orgs, outOf, ownerOf, teamOf } from './names.js'
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
  const early = isKnown || device.without.has('any-order') ? undefined : roster
  device.docs(feed).set(key, { ...stored, kind: isKnown ? 'control' : 'none', spoiled: true, early })
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
  learnEarly(device, org)
  return true
}

/** What a relay lost is published again, maybe after what follows it. So what comes too early is kept until it is its turn. */
function keepEarly(device: Device, one: Signed<GenerationClaims>): void {
  if (!device.without.has('any-order') && !device.store.early.includes(one)) device.store.early = [...device.store.early, one]
}

function learnEarly(device: Device, org: Org): void {
  const docs = device.docs(messagesOf(org))
  for (const [key, stored] of docs)
    if (stored.early && learnRoster(device, org, stored.early))
      docs.set(key, { ...stored, kind: 'control', spoiled: false, early: undefined })
  for (const one of device.store.early) if (one.claims.org === org) learnRotation(device, org, one)
}

/**
 * Takes the next generations of an org's keys, if an admin rotated: the keys are sealed to the devices of the roster, and to the peer's. The admin answers for the
 * rotations before that one, which it names: who made them may have been removed since.
 */
export function learnRotation(device: Device, org: Org, rotation: Signed<GenerationClaims>): void {
  const known = device.store.generations.get(org) ?? 0
  if (rotation.claims.org !== org || rotation.claims.generation <= known) return
  const chain: Signed<GenerationClaims>[] = []
  for (let at: typeof rotation | undefined = rotation; at && at.claims.generation > known; at = at.claims.previous) chain.unshift(at)
  const hasCome = (one: Signed<GenerationClaims>): boolean => one === rotation || device.store.early.includes(one)
  const mayAnswer = chain.length === 1 || !device.without.has('rotation-chain')
  if (
    chain[0]?.claims.generation !== known + 1 ||
    !chain.every(hasCome) ||
    !mayAnswer ||
    !isAdmin(device.store.rosters.get(org), rotation.signer)
  )
    return keepEarly(device, rotation)
  for (const one of chain) takeRotation(device, org, one)
  learnEarly(device, org)
}

function takeRotation(device: Device, org: Org, rotation: Signed<GenerationClaims>): void {
  const { claims } = rotation
  device.store.generations.set(org, claims.generation)
  // Who has read what was there before the rotation has nothing of it to expect. Any other device waits for a head of the new generation.
  for (const one of [teamOf(org), outOf(org)]) {
    const { incarnation, last } = device.reading(one)
    // What it kept unread, because it was told of the removal before, still waits for a head.
    if ([...device.docs(one).values()].some(({ deferred }) => deferred)) continue
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
