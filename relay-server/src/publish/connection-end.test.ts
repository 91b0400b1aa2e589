import { type FeedName, parseKey } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openLibsqlStore } from '../store/libsql/libsql.js'
import {
  controlEntryOf,
  agree,
  createConnection,
  docOffer,
  feedNumbers,
  offerOf,
  type RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const value = new Uint8Array([1])

describe('the end of a connection', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let paul: RelayClient
  let docs: FeedName

  beforeEach(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    docs = connection.feed('vendor', 'opportunity')
    ;({ vera, paul } = await agree(connection, relay.url))
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', value))
  })
  afterEach(() => relay.stop())

  /** Vera's org registers that it has ended the connection. @returns the relay's answer */
  const end = async (): Promise<string> => (await vera.publish(feedNumbers.vendorMessages, policy(true))).code
  const policy = (ended: boolean, seen = 1) => {
    const bytes = controlEntryOf({ version: 1, slots: { lead: ['0'], opportunity: ['0'] }, ...(ended ? { ended: true as const } : {}) })
    return { ...offerOf('policy', 'control', bytes), seen }
  }
  const refusalOf = async (client: RelayClient, feed: number): Promise<string> =>
    (await client.next('refused', ({ what, subject }) => what === 'feed' && subject === feed)).code
  const connections = async (): Promise<number> => {
    const store = await openLibsqlStore(relay.data, { beside: true })
    const { usage } = await store.account(connection.vendor.id)
    await store.close()
    return usage.connections
  }

  it('[PO5] ends the reading of the other org’s docs, at once and for whoever comes back', async () => {
    expect(await end()).toBe('ACCEPTED')
    expect(await refusalOf(paul, feedNumbers.vendorOpportunity)).toBe('FEED')
    expect(await refusalOf(vera, feedNumbers.partnerOpportunity)).toBe('FEED')
    const again = await connection.open(relay.url, connection.paul)
    await expect(again.read(9, docs)).rejects.toThrow('FEED')
    // What was said, and an org's own docs, stay for it to read.
    expect((await again.read(1, connection.feed('vendor', 'messages'))).map(({ key }) => key)).toEqual(['policy'])
    expect(await again.read(2, connection.feed('partner', 'opportunity'))).toEqual([])
  })

  it('[PO5] takes no docs from then on, but erasures and messages, and no policy that takes the end back', async () => {
    await end()
    const { code } = await vera.publish(feedNumbers.vendorOpportunity, docOffer('r2', value))
    expect(code).toBe('FEED')
    expect((await paul.publish(feedNumbers.partnerOpportunity, docOffer('p1', value))).code).toBe('FEED')
    const erasure = { ...offerOf('r1', 'erased'), epoch: { version: 1, number: 1 }, seen: 1 }
    expect((await vera.publish(feedNumbers.vendorOpportunity, erasure)).code).toBe('ACCEPTED')
    expect((await paul.publish(feedNumbers.partnerMessages, offerOf('bye', 'message'))).code).toBe('ACCEPTED')
    expect((await vera.publish(feedNumbers.vendorMessages, policy(false, 2))).code).toBe('FEED')
  })

  it('[PO5] takes the connection out of the org’s account, once', async () => {
    expect(await connections()).toBe(1)
    await end()
    expect(await connections()).toBe(0)
    expect((await vera.publish(feedNumbers.vendorMessages, policy(true, 2))).code).toBe('ACCEPTED')
    expect(await connections()).toBe(0)
  })

  it('[PO5] counts no connection of which a relay that lost its disk hears as ended at once', async () => {
    await relay.stop()
    relay = await TestRelay.start()
    const client = await connection.open(relay.url, connection.vera)
    await client.read(1, connection.feed('vendor', 'messages'))
    expect((await client.publish(1, policy(true, 0))).code).toBe('ACCEPTED')
    expect(await connections()).toBe(0)
  })

  it('[GW7] closes the gateway on its docs, for whoever looks and whoever comes', async () => {
    paul.send({ type: 'askGateway', id: 9, feed: feedNumbers.vendorOpportunity, key: parseKey('r1') })
    const { token } = await paul.next('gatewayToken')
    const address = `${relay.url.replace('http', 'ws')}/gateway/${encodeURIComponent(docs)}/r1?token=${token}`
    const page = new WebSocket(address)
    await new Promise((resolve) => page.once('open', resolve))
    const closed = new Promise((resolve) => page.once('close', resolve))
    await end()
    expect(await closed).toBe(4410)
    expect(await (await relay.ask('/metrics')).text()).toContain('\nentente_gateway_closed_total{code="4410"} 1\n')
    const late = new WebSocket(address)
    expect(await new Promise((resolve) => late.once('error', ({ message }) => resolve(message)))).toContain('401')
    const own = await connection.open(relay.url, connection.vera)
    await own.read(3, docs)
    own.send({ type: 'askGateway', id: 1, feed: 3, key: parseKey('r1') })
    expect((await own.next('refused')).code).toBe('FEED')
  })
})
