import { type FeedName, feedName } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDevice, createOrg, fromStart, offerOf, type Position, RelayClient, type TestDevice, TestRelay } from '../testing/index.js'

const messageBytes = 50_000

describe('a reader that does not read', () => {
  let relay: TestRelay
  let feed: FeedName
  let vera: RelayClient
  let paul: TestDevice
  let offered: number

  beforeEach(async () => {
    offered = 0
    // It is not to be taken for silent, as it answers nothing, before it is found to be slow.
    relay = await TestRelay.start({ slowReaderMs: 300, heartbeatMs: 2_400 })
    const org = await createOrg()
    feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    paul = await createDevice(org)
    vera = await RelayClient.connect(relay.url, await createDevice(org))
    await vera.read(1, feed)
  })
  afterEach(() => relay.stop())

  const drops = (): number => relay.lines.filter((line) => line.includes('slow-reader-dropped')).length
  const offerUntilDropped = async (atOnce: number): Promise<void> => {
    while (drops() === 0) {
      for (let count = 0; count < atOnce; count++) vera.offer(1, offerOf(`m${offered++}`, 'message', new Uint8Array(messageBytes)))
      vera.send({ type: 'ping' })
      await vera.next('pong')
      // About fifty megabytes a second, which fills the reader's socket and is within a session's rate until the reader's time is over.
      await new Promise((resolve) => setTimeout(resolve, atOnce))
      if (offered > 2_000) throw new Error('The reader was never dropped.')
    }
    const sequences = (): number =>
      new Set(vera.heard.flatMap((one) => (one.type === 'entries' ? one.entries : [])).map((entry) => entry.sequence)).size
    await expect.poll(sequences, { timeout: 5_000 }).toBe(offered)
  }
  /** Reads from a position. @returns the sequences heard and the position to come back with */
  const sit = async (from: Position): Promise<{ client: RelayClient; heard: () => number[]; position: () => Position }> => {
    const client = new RelayClient(relay.url)
    await client.sayHello(paul)
    const { incarnation } = await client.next('welcome')
    client.subscribe(1, feed, from)
    const frames = () => client.heard.flatMap((message) => (message.type === 'entries' ? [message] : []))
    await client.until(() => frames().find((message) => message.live), 'the feed to be live')
    const heard = (): number[] => frames().flatMap(({ entries }) => entries.map((entry) => entry.sequence))
    return {
      client,
      heard,
      position: () => ({ after: heard().at(-1) ?? from.after, incarnation, position: frames().at(-1)?.position ?? 0 }),
    }
  }

  it('[SR1] is dropped when it has let entries wait for too long, comes back with its cursor, and misses nothing and gets nothing twice (row 28)', async () => {
    const first = await sit(fromStart)
    first.client.socket.pause()
    await offerUntilDropped(1)
    first.client.socket.resume()
    await first.client.closed()
    expect(first.heard().length).toBeLessThan(offered)
    const second = await sit(first.position())
    expect([...first.heard(), ...second.heard()]).toEqual(Array.from({ length: offered }, (_, index) => index + 1))
  })

  it('[SR1] holds nobody else up', async () => {
    const slow = await sit(fromStart)
    slow.client.socket.pause()
    const quick = await sit(fromStart)
    await offerUntilDropped(10)
    await expect.poll(() => quick.heard().length).toBe(offered)
    expect(quick.client.closeCode).toBeUndefined()
  })
})
