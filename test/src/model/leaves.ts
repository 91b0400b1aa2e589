import type { Device } from './device.js'
import { type Feed, hour, isMessages, ownerOf } from './names.js'
import { disown, reread } from './opening.js'
import { isCovered, leafOf, leavesOf } from './tree.js'

/** Tells the writers of a feed what this device holds of it, since it differs from their head after reading again. One message stands for buckets and leaves. */
export function tellLeaves(device: Device, feed: Feed): void {
  device.outbox.set(`leaves ${device.name}`, { text: JSON.stringify([feed, [...leavesOf(device, feed)]]) })
}

/** A writer publishes anew what differs, hourly at most. */
export function takeLeaves(device: Device, text: string): void {
  const [feed, list] = JSON.parse(text) as [Feed, [string, string][]]
  if (ownerOf(feed) !== device.org) return
  const reading = device.reading(feed)
  if (device.now - reading.repairedAt < hour) return
  reading.repairedAt = device.now
  const theirs = new Map(list)
  for (const [key, stored] of device.docs(feed)) {
    if (isCovered(key) && theirs.get(key) !== leafOf(stored)) device.docs(feed).set(key, { ...stored, spoiled: true })
    if (stored.kind !== 'none') theirs.delete(key)
  }
  if (isMessages(feed)) return
  // What only the reader has was not written by this org. A key that the relay never showed here has to be read first.
  if ([...theirs.keys()].some((key) => !device.docs(feed).has(key))) reread(device, feed)
  else for (const key of theirs.keys()) disown(device, feed, key)
}
