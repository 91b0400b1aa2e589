import { afterEach, beforeEach, expect, it } from 'vitest'
import { agree, createConnection, feedNumbers, fromStart, RelayClient, type TestConnection, TestRelay } from '../testing/index.js'

let relay: TestRelay
let connection: TestConnection

beforeEach(async () => {
  relay = await TestRelay.start()
  connection = await createConnection()
  await agree(connection, relay.url)
})
afterEach(() => relay.stop())

// A subscription that comes just when those before it are done must not be forgotten; when that is, chance decides, so it is tried often.
it('[CU1] answers every subscription, whenever it comes while others are being answered', async () => {
  const feeds = [
    { feed: feedNumbers.vendorMessages, name: connection.feed('vendor', 'messages') },
    { feed: feedNumbers.vendorOpportunity, name: connection.feed('vendor', 'opportunity') },
    { feed: feedNumbers.partnerMessages, name: connection.feed('partner', 'messages') },
    { feed: feedNumbers.partnerOpportunity, name: connection.feed('partner', 'opportunity') },
  ]
  const attach = { connection: connection.id, vendor: connection.vendor.id, partner: connection.partner.id, salt: connection.salt }
  for (let round = 0; round < 40; round++) {
    const paul = new RelayClient(relay.url)
    await paul.sayHello(connection.paul)
    const { incarnation } = await paul.next('welcome')
    // A cursor is looked up before it is followed, which takes other subscriptions other times.
    const from = (index: number): typeof fromStart => (((round >> index) & 1) === 0 ? fromStart : { after: 0, incarnation, position: 0 })
    const subscriptions = feeds.map(({ feed, name }, index) => ({ type: 'subscribe' as const, feed, name, ...from(index) }))
    if (round % 2 === 0) paul.send({ type: 'attach', ...attach }, ...subscriptions)
    else {
      paul.send({ type: 'attach', ...attach })
      for (const subscription of subscriptions) paul.send(subscription)
    }
    const live = (): number => paul.heard.filter((message) => message.type === 'entries' && message.live).length
    await expect.poll(live, { timeout: 1_000, interval: 2, message: `feeds live in round ${round}` }).toBe(feeds.length)
    await paul.close()
  }
})
