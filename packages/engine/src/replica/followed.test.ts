import { type FeedName, parseKey } from '@entente/protocol'
import { expect, it } from 'vitest'
import { absorb, offersOf } from '../testing/by-hand.js'
import { ManualClock } from '../testing/clock.js'
import { type MemoryDevice, openMemoryDevice } from '../testing/device.js'
import { seededRandom } from '../testing/random.js'
import { MemoryStore } from '../testing/store.js'
import { MemoryBrowser } from '../testing/tabs.js'
import { agreementEdits, connectionEdits, mapEdit, sampleConnection, sampleSecret, vendorOrg } from '../testing/sample-connection.js'
import { messageRowId } from './feed-key.js'
import { connectionFeed, teamFeed, teamTopics } from './feed-role.js'

const ownFeeds = (['lead', 'opportunity', 'messages'] as const).map((topic) => connectionFeed(sampleConnection, 'vendor', topic))
const [leads, opportunities, messages] = ownFeeds as [FeedName, FeedName, FeedName]
const teamFeeds: ReadonlySet<FeedName> = new Set(teamTopics.map((topic) => teamFeed(vendorOrg, topic)))
const clock = new ManualClock()
let seed = 1

/** Vera's device: a tab of hers, or her device after a restart on the same store. */
const openVera = (store: MemoryStore, options: { browser?: MemoryBrowser } = {}): Promise<MemoryDevice> =>
  openMemoryDevice({
    org: vendorOrg,
    store,
    openSocket: () => ({ send: () => undefined, close: () => undefined }),
    clock,
    random: seededRandom(seed++),
    ...(options.browser && { tabs: options.browser.open() }),
  })

/** What Vera follows beside her team's feeds. It must be what a device that starts on her store finds. */
async function feedsOf(vera: MemoryDevice, store: MemoryStore): Promise<readonly FeedName[]> {
  expect(vera.replica.followed()).toEqual((await openVera(store)).replica.followed())
  return beyondTeam(vera)
}

const beyondTeam = (vera: MemoryDevice): readonly FeedName[] => vera.replica.followed().feeds.filter((feed) => !teamFeeds.has(feed))

it('keeps what it follows while records are edited and entries come', async () => {
  const store = new MemoryStore()
  const vera = await openVera(store)
  await vera.rows.save([...connectionEdits('vendor'), ...agreementEdits('vendor', 1, [0])])
  const followed = vera.replica.followed()
  expect(beyondTeam(vera)).toHaveLength(6)
  await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit('map-of-ada', 'ada')])
  await absorb(vera, connectionFeed(sampleConnection, 'partner', 'messages'))
  for (const feed of ownFeeds) await absorb(vera, feed)
  expect(vera.replica.followed()).toBe(followed)
  expect(await feedsOf(vera, store)).toEqual(beyondTeam(vera))
})

it('follows the mailbox of an invitation from the invitation to its end', async () => {
  const store = new MemoryStore()
  const vera = await openVera(store)
  expect(await feedsOf(vera, store)).toEqual([])
  await vera.rows.save([{ object: 'Invitation', id: sampleConnection, values: { side: 'vendor', secret: sampleSecret, state: 'open' } }])
  expect(await feedsOf(vera, store)).toHaveLength(2)
  await vera.rows.save([{ object: 'Invitation', id: sampleConnection, values: { state: 'done' } }, ...connectionEdits('vendor')])
  expect(await feedsOf(vera, store)).toHaveLength(6)
})

it('follows the team feeds once the org’s key is here', async () => {
  const store = new MemoryStore()
  const vera = await openVera(store)
  expect(vera.replica.followed().feeds).toEqual([])
  await vera.rows.save([{ object: 'Key', id: 'team', values: { secret: sampleSecret } }])
  expect(vera.replica.followed().feeds).toEqual([...teamFeeds])
})

it('[CN8, IN3] follows an ended connection’s feeds until its docs are erased, and again when the relay has lost one', async () => {
  const store = new MemoryStore()
  const vera = await openVera(store)
  await vera.rows.save([
    ...connectionEdits('vendor'),
    ...agreementEdits('vendor', 1, [0]),
    { object: 'Lead', id: 'ada', values: { Name: 'Ada' } },
    mapEdit('map-of-ada', 'ada'),
  ])
  for (const feed of ownFeeds) await absorb(vera, feed)
  for (const [index, offer] of (await offersOf(vera, messages)).entries()) await absorb(vera, messages, { ...offer, sequence: index + 1 })
  await vera.rows.save([{ object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } }])
  expect(await feedsOf(vera, store)).toEqual(expect.arrayContaining([leads, opportunities, messages]))
  const [erasure] = await offersOf(vera, leads)
  if (!erasure) throw new Error('nothing to erase')
  await absorb(vera, leads, { ...erasure, sequence: 1 })
  expect(await feedsOf(vera, store)).toEqual([messages])
  await vera.replica.lost(opportunities)
  expect(await feedsOf(vera, store)).toHaveLength(3)
  await absorb(vera, opportunities)
  expect(await feedsOf(vera, store)).toEqual([messages])
  // A message that is said after the end waits in one of them.
  await vera.rows.save([{ object: 'Message', id: messageRowId(messages, parseKey('note')), values: { body: 'late' } }])
  expect(await feedsOf(vera, store)).toHaveLength(3)
})

it('follows what another tab of the browser connects and ends', async () => {
  const [store, browser] = [new MemoryStore(), new MemoryBrowser()]
  const [vera, otherTab] = [await openVera(store, { browser }), await openVera(store, { browser })]
  expect(await feedsOf(vera, store)).toEqual([])
  await otherTab.rows.save(connectionEdits('vendor'))
  await expect.poll(() => beyondTeam(vera)).toHaveLength(6)
  await otherTab.rows.save([{ object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } }])
  await expect.poll(() => beyondTeam(vera)).toHaveLength(3)
  for (const feed of ownFeeds) await absorb(otherTab, feed)
  await expect.poll(() => beyondTeam(vera)).toEqual([messages])
  expect(await feedsOf(vera, store)).toEqual([messages])
})

it('follows by what the store holds once it leads', async () => {
  const store = new MemoryStore()
  const first = await openVera(store)
  await first.rows.save([...connectionEdits('vendor'), { object: 'Connection', id: sampleConnection, values: { state: 'Disabled' } }])
  const second = await openVera(store)
  expect(beyondTeam(second)).toHaveLength(3)
  // The first reads the feeds to their end, and the second, which is in another browser, does not hear of it.
  for (const feed of ownFeeds) await absorb(first, feed)
  await second.replica.lead()
  expect(await feedsOf(second, store)).toEqual([messages])
})
