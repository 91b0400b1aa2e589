import type { Device } from './device.js'
import { type Feed, hour, isMessages, ownerOf } from './names.js'
import { leafOf, leavesOf } from './tree.js'

/** Tells the writers of a feed what this device holds of it, since it differs from their head after reading again. One message stands for buckets and leaves. */
export function tellLeaves(device: Device, feed: Feed): void {
  device.outbox.set(`leaves ${device.name}`, JSON.stringify([feed, [...leavesOf(device, feed)]]))
}

/** A writer publishes anew what differs, hourly at most. */
export function takeLeaves(device: Device, text: string): void {
  const [feed, list] = JSON.parse(text) as [Feed, [string, string][]]
  if (ownerOf(feed) !== device.org || isMessages(feed)) return
  const reading = device.reading(feed)
  if (device.now - reading.repairedAt < hour) return
  reading.repairedAt = device.now
  const theirs = new Map(list)
  for (const [key, stored] of device.docs(feed)) {
    if (theirs.get(key) !== leafOf(stored)) device.docs(feed).set(key, { ...stored, spoiled: true })
    theirs.delete(key)
  }
}
