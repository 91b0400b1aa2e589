import { type Entry, type FeedName, type Offer, sides } from '@entente/protocol'
import { connectionFeed } from '../replica/feed-role.js'
import type { MemoryDevice } from './device.js'
import type { MemoryReplica } from './replica.js'
import { sampleConnection } from './sample-connection.js'

// A test that is the relay: it takes a device's offers, and gives devices what entries it likes.

/** What a device offers in a feed now. */
export async function offersOf({ replica }: Pick<MemoryDevice, 'replica'>, feed: FeedName): Promise<readonly Omit<Offer, 'id'>[]> {
  const most = { count: 100, bytes: 1_000_000 }
  return (await replica.offers([feed], () => true, most)).flatMap(({ offers }) => offers)
}

/** An offer as the entry that an honest relay makes of it. */
export function offerToEntry({ key, kind, whole, epoch, bytes }: Omit<Offer, 'id'>, sequence: number): Entry {
  return { sequence, key, kind, whole, epoch, bytes }
}

/** Gives a device entries of a feed, which is live from then on. @throws StoreError where the store refuses */
export async function absorb({ replica }: Pick<MemoryDevice, 'replica'>, feed: FeedName, ...entries: Entry[]): Promise<void> {
  await replica.absorb(feed, { incarnation: 1, position: 1, live: true, entries })
}

/** Carries the policies of both orgs to these devices, of which the first two are the vendor's and the partner's, and makes their feeds of leads live. */
export async function registerPolicies(...devices: readonly [MemoryReplica, MemoryReplica, ...MemoryReplica[]]): Promise<void> {
  for (const [index, side] of sides.entries()) {
    const feed = connectionFeed(sampleConnection, side, 'messages')
    const [policy] = devices[index] ? await offersOf(devices[index], feed) : []
    if (policy) for (const device of devices) await absorb(device, feed, offerToEntry(policy, 1))
  }
  for (const device of devices) for (const side of sides) await absorb(device, connectionFeed(sampleConnection, side, 'lead'))
}
