import { zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { type Entry, type HeadClaims, noBytes, type Offer } from './entries.js'
import { handBack, handBackControl } from './handing-back.js'
import { tellLeaves } from './leaves.js'
import { type Feed, hour, isMessages, isTeam, messagesOf, outOf, ownerOf, peerOf, type Register, second } from './names.js'
import { againAfter, readStored, reread } from './opening.js'
import { docOffer } from './project.js'
import { isListed } from './rosters.js'
import { Signed } from './signatures.js'
import { isCovered, rootOf } from './tree.js'

export const headKey = 'head'

/** The head to sign: the feed is at rest, nothing of it is held back, and the newest head does not say the same already. */
export function headToSign(device: Device, feed: Feed, paused: ReadonlySet<string>): Offer | undefined {
  if (device.without.has('heads') || paused.has(`${feed} ${headKey}`)) return undefined
  const reading = device.reading(feed)
  const docs = device.docs(feed)
  if (!device.hasKeys() && !isMessages(feed)) return undefined
  // What was never there, as a forged entry under a key of nobody's, is no part of the feed. It holds nothing back.
  for (const [key, { kind, spoiled, deferred }] of docs) if (deferred || (spoiled && kind !== 'none' && isCovered(key))) return undefined
  if (isTeam(feed)) for (const key of device.store.rows.keys()) if (docOffer(device, feed, key)) return undefined
  if (!isTeam(feed) && !isMessages(feed)) {
    if (!device.maySend()) return undefined
    for (const key of device.store.rows.keys()) if (key !== 'heads' && docOffer(device, feed, key)) return undefined
  }
  const root = rootOf(device, feed)
  const generation = device.generation(feed)
  const newest = device.store.newest.get(feed)?.claims
  const incarnation = reading.incarnation ?? 0
  const says = (head: HeadClaims | undefined): boolean =>
    head?.root === root && head.incarnation === incarnation && head.generation === generation && device.now - head.time < hour
  // Two devices to which a relay shows different states would contradict each other for ever: each says the same once an hour.
  if (says(newest) || (says(device.store.signed.get(feed)) && !device.without.has('same-once'))) return undefined
  const messages = device.reading(messagesOf(peerOf(device.org)))
  const claims: HeadClaims = {
    feed,
    incarnation,
    sequence: reading.last,
    root,
    generation,
    read: messages.incarnation === incarnation ? messages.cursor : 0,
    time: Math.max(device.now, (newest?.time ?? 0) + 1),
  }
  const token = Signed.sign(device.name, claims)
  return device.offerOf(feed, headKey, { kind: 'head', whole: true, epoch: zeroEpoch, bytes: noBytes, token })
}

/** Compares a head with what this device holds, where the feed stood exactly so. */
export function takeHead(device: Device, feed: Feed, entry: Entry, exact: boolean, incarnation: number): void {
  const head = entry.token as Signed<HeadClaims> | undefined
  if (!head) return
  if (!isGenuine(device, feed, head)) return lookForRoster(device, feed)
  const newest = device.store.newest.get(feed)
  if (newest && head.claims.time < newest.claims.time) return
  device.store.newest.set(feed, head)
  if (head.claims.incarnation === incarnation && exact) compare(device, feed, head.claims)
}

/** Compares again after a whole reading, if the newest head is still of this incarnation. */
export function coverNewest(device: Device, feed: Feed): void {
  const head = device.store.newest.get(feed)?.claims
  if (!head || device.statusOf(feed).at >= head.time || head.incarnation !== device.reading(feed).incarnation) return
  if (head.sequence === device.reading(feed).last) compare(device, feed, head)
}

/** A signer that is on no known roster may be on one that was held back: the owner's messages are read again, with a pause. */
function lookForRoster(device: Device, feed: Feed): void {
  const messages = messagesOf(ownerOf(feed))
  const reading = device.reading(messages)
  if (device.now - reading.againAt < againAfter) return
  reading.againAt = device.now
  if (!device.without.has('read-again')) reread(device, messages)
}

function compare(device: Device, feed: Feed, head: HeadClaims): void {
  // Its signer has not been told of the rotation: a relay may have lost that.
  if (!isMessages(feed) && head.generation < device.due(ownerOf(feed)) && !device.without.has('older-head')) return
  const docs = [...device.docs(feed)]
  const isOwn = device.store.signed.get(feed) === head
  if (head.root !== rootOf(device, feed)) {
    if (!isOwn) device.reading(feed).disputedAt = device.now
    return differ(device, feed)
  }
  if (!isMessages(feed) && head.generation >= device.due(ownerOf(feed))) {
    device.store.settled.set(feed, head.generation)
    for (const [key, { deferred }] of docs) if (deferred) readStored(device, feed, key, true)
  }
  if (!device.without.has('unread') && [...device.docs(feed).values()].some(({ deferred }) => deferred)) return
  // What it signed itself settles no dispute with a colleague, who signs again within the hour if there still is one.
  if (isOwn && device.now - device.reading(feed).disputedAt < hour && !device.without.has('dispute')) return
  device.setStatus(feed, { kind: 'confirmed', at: head.time })
  if (feed === outOf(peerOf(device.org))) handBack(device, feed, head)
  if (feed === messagesOf(peerOf(device.org))) handBackControl(device, feed)
}

function differ(device: Device, feed: Feed): void {
  const reading = device.reading(feed)
  device.setStatus(feed, { kind: 'differs', at: device.statusOf(feed).at })
  if (device.now - reading.againAt >= againAfter) {
    reading.againAt = device.now
    if (!device.without.has('read-again')) reread(device, feed)
  } else if (device.now - reading.leavesAt >= againAfter) {
    reading.leavesAt = device.now
    if (!device.without.has('leaves')) tellLeaves(device, feed)
  }
}

/** Holds what this device has read against the newest heads that its team's other devices verified. */
export function judgeGossip(device: Device, feed: Feed): void {
  const head = toldOf(device, feed)
  if (!head || device.without.has('gossip')) return
  const { signer, claims: told } = head
  // Of a device that was removed since, nothing more is expected.
  if (!isGenuine(device, feed, { signer, claims: told })) return
  const newest = device.store.newest.get(feed)?.claims
  if (
    newest &&
    newest.incarnation === told.incarnation &&
    newest.sequence === told.sequence &&
    newest.time === told.time &&
    newest.root !== told.root
  )
    device.setStatus(feed, { kind: 'differs', at: device.statusOf(feed).at })
  // A head of an earlier incarnation may be gone with what the relay lost.
  if (told.incarnation !== device.reading(feed).incarnation) return
  // Since a withdrawal the relay may serve no head, until the owner has taken the slot out of its docs.
  if (!isMessages(feed) && told.time <= device.store.withdrawnAt && !device.without.has('withdrawn-later')) return
  if ((newest?.time ?? 0) < told.time && device.now - told.time > 60 * second)
    device.setStatus(feed, { kind: 'held back', at: device.statusOf(feed).at })
}

/** Puts the newest head that matched into the team feed, where it says something new. */
export function gossip(device: Device): void {
  if (device.without.has('gossip') || device.without.has('heads')) return
  for (const feed of [messagesOf('V'), messagesOf('P'), 'V>P', 'P>V'] as const) {
    const signed = device.store.newest.get(feed)
    const head = signed?.claims
    if (!head || device.statusOf(feed).kind !== 'confirmed' || device.statusOf(feed).at !== head.time) continue
    const told = toldOf(device, feed)?.claims
    if (!told || told.time + 300 * second < head.time) device.save('heads', feed, JSON.stringify(signed))
  }
}

const read = new WeakMap<Register, Signed<HeadClaims>>()

/** The newest head of a feed that stands in the team's rows. */
function toldOf(device: Device, feed: Feed): Signed<HeadClaims> | undefined {
  const register = device.store.rows.get('heads')?.get(feed)
  if (!register) return undefined
  const head = read.get(register) ?? (JSON.parse(String(register.value)) as Signed<HeadClaims>)
  read.set(register, head)
  return head
}

function isGenuine(device: Device, feed: Feed, { signer, claims }: Signed<HeadClaims>): boolean {
  const listed = device.without.has('roster') ? signer.startsWith(ownerOf(feed)) : isListed(device.store.rosters.get(ownerOf(feed)), signer)
  return claims.feed === feed && listed
}
