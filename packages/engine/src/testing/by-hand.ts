import { type Entry, type FeedName, type Offer, sides } from '@entente/protocol'
import { connectionFeed, teamFeed } from '../replica/feed-role.js'
import type { MemoryDevice } from './device.js'
import type { MemoryReplica } from './replica.js'
import { sampleConnection } from './sample-connection.js'

// A test that is the relay: it takes a device's offers, and gives devices what entries it likes.

/** What a device offers in a feed now. */
export async function offersNow({ replica }: Pick<MemoryDevice, 'replica'>, feed: FeedName): Promise<readonly Omit<Offer, 'id'>[]> {
  const most = { count: 100, bytes: 1_000_000 }
  return (await replica.offers([feed], () => true, most)).flatMap(({ offers }) => offers)
}

/** What a device offers in a connection's feed once its team has all of its rows. */
export async function offersOf(device: Pick<MemoryDevice, 'replica'>, feed: FeedName): Promise<readonly Omit<Offer, 'id'>[]> {
  await acknowledgeTeam(device)
  return offersNow(device, feed)
}

/** Gives a device back what it offers its team, until that is all. */
export async function acknowledgeTeam(device: Pick<MemoryDevice, 'replica'>): Promise<void> {
  const team = teamFeed(device.replica.org, 'rows')
  await absorb(device, team)
  for (let offers = await offersNow(device, team); offers.length > 0; offers = await offersNow(device, team)) {
    const { cursor } = device.replica.position(team)
    await absorb(device, team, ...offers.map((offer, index) => offerToEntry(offer, cursor + 1 + index)))
  }
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
