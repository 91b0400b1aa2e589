import { type FeedName, feedName, parseMailboxId } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GroupCommit } from '../publish/group-commit.js'
import { Mailboxes } from '../publish/mailbox.js'
import { SendQueue } from '../session/send-queue.js'
import { SessionSocket } from '../session/session-socket.js'
import { createDevice, createOrg, offerOf, RelayClient, type TestDevice, TestRelay } from '../testing/index.js'

const messages = 120
const messageBytes = 50_000

describe('a long catching up', () => {
  let relay: TestRelay
  let devices: readonly TestDevice[]
  let feed: FeedName
  let writer: RelayClient

  beforeEach(async () => {
    relay = await TestRelay.start({ slowReaderBytes: 2 * 1024 * 1024 })
    const org = await createOrg()
    devices = await Promise.all(Array.from({ length: 6 }, () => createDevice(org)))
    feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    writer = await connect(0)
    writer.subscribe(1, feed)
    for (let index = 0; index < messages; index += 4) {
      const four = [0, 1, 2, 3].map((more) => offerOf(`m${index + more}`, 'message', new Uint8Array(messageBytes)))
      writer.send({ type: 'publish', feed: 1, offers: four.map((offer, more) => ({ ...offer, id: 1_000 + index + more })) })
      await writer.next('accepted', (message) => message.ids.includes(1_000 + index + 3))
    }
  })
  afterEach(() => relay.stop())

  const connect = async (index: number): Promise<RelayClient> => {
    const device = devices[index]
    if (!device) throw new Error('There are not as many devices.')
    return RelayClient.connect(relay.url, device)
  }

  it('[CU5] waits for a reader that takes its time, instead of holding the feed in memory or dropping the reader', async () => {
    const drained = vi.spyOn(SendQueue.prototype, 'drained')
    const slow = await connect(1)
    slow.subscribe(1, feed)
    await slow.next('entries')
    slow.socket.pause()
    // The relay has sent what it may, and waits for the socket to take it.
    await vi.waitFor(() => expect(drained).toHaveBeenCalled())
    drained.mockRestore()
    expect(relay.lines.some((line) => line.includes('slow-reader-dropped'))).toBe(false)
    slow.socket.resume()
    await slow.next('entries', (message) => message.live)
    const sequences = slow.heard.flatMap((message) => (message.type === 'entries' ? message.entries : [])).map((entry) => entry.sequence)
    expect(sequences.length).toBeGreaterThan(messages - 10)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
  })

  it('[CU5] of many at once lets live entries through before it has ended', async () => {
    const readers = await Promise.all([1, 2, 3, 4].map(connect))
    const watcher = await connect(5)
    watcher.subscribe(1, feed, { after: messages, incarnation: (await watcherIncarnation()).incarnation, position: messages })
    await watcher.until(() => watcher.heard.some((message) => message.type === 'entries' && message.live), 'the watcher to be live')
    const ends = Promise.all(
      readers.map(async (reader) => {
        reader.subscribe(1, feed)
        await reader.next('entries', (message) => message.live)
        return performance.now()
      }),
    )
    await new Promise((resolve) => setImmediate(resolve))
    writer.send({ type: 'publish', feed: 1, offers: [{ ...offerOf('live', 'message'), id: 9_999 }] })
    await watcher.next('entries', (message) => message.entries.some((entry) => entry.key === 'live'))
    const live = performance.now()
    expect(Math.max(...(await ends))).toBeGreaterThan(live)
  })

  const watcherIncarnation = async (): Promise<{ readonly incarnation: number }> => {
    const client = new RelayClient(relay.url)
    const [, device] = devices
    if (device) await client.sayHello(device)
    return client.next('welcome')
  }
})

it('reads no further from a session whose offers, however small, the disk does not take', async () => {
  const relay = await TestRelay.start()
  const stuck = vi.spyOn(GroupCommit.prototype, 'offer').mockImplementation(() => {})
  const paused = vi.spyOn(SessionSocket.prototype, 'pause')
  try {
    const org = await createOrg()
    const client = await RelayClient.connect(relay.url, await createDevice(org))
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    for (let frame = 0; frame < 12; frame++) {
      const offers = Array.from({ length: 2_000 }, (_, id) => ({ ...offerOf(`k${id}`, 'erased', new Uint8Array()), id }))
      client.send({ type: 'publish', feed: 1, offers })
    }
    client.send({ type: 'ping' })
    await vi.waitFor(() => {
      expect(stuck.mock.calls.length).toBeGreaterThan(1)
      expect(paused.mock.contexts.at(-1)).toHaveProperty('isPaused', true)
    }, 10_000)
    expect(stuck.mock.calls.length).toBeLessThan(12)
    expect(client.heard.some((message) => message.type === 'pong')).toBe(false)
  } finally {
    stuck.mockRestore()
    paused.mockRestore()
    await relay.stop()
  }
})

it('reads no further from a session that sends on while one of its messages waits for the store', async () => {
  const relay = await TestRelay.start({ bytesPerSecond: 1024 ** 3 })
  let goOn = (): void => {}
  const waiting = new Promise<void>((resolve) => (goOn = resolve))
  const slow = vi.spyOn(Mailboxes.prototype, 'claim').mockImplementation(() => waiting)
  const taken = vi.spyOn(GroupCommit.prototype, 'offer').mockImplementation(() => {})
  const paused = vi.spyOn(SessionSocket.prototype, 'pause')
  try {
    const org = await createOrg()
    const client = await RelayClient.connect(relay.url, await createDevice(org))
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    client.send({ type: 'claim', mailbox: parseMailboxId('A'.repeat(22)), claim: new Uint8Array(32) })
    const offer = offerOf('k', 'message', new Uint8Array(200_000))
    for (let id = 0; id < 100; id++) client.send({ type: 'publish', feed: 1, offers: [{ ...offer, id }] })
    await vi.waitFor(() => expect(paused).toHaveBeenCalled(), 10_000)
    // What the relay does not read stays with the client, beyond what the system keeps between the two.
    await expect.poll(() => client.socket.bufferedAmount).toBeGreaterThan(1_000_000)
    goOn()
    await expect.poll(() => taken.mock.calls.length).toBeGreaterThan(5)
  } finally {
    slow.mockRestore()
    taken.mockRestore()
    paused.mockRestore()
    await relay.stop()
  }
})

describe('a flood of large frames', () => {
  let relay: TestRelay
  let clients: readonly RelayClient[]

  beforeEach(async () => {
    relay = await TestRelay.start()
    const org = await createOrg()
    const device = await createDevice(org)
    clients = await Promise.all(Array.from({ length: 16 }, () => RelayClient.connect(relay.url, device)))
    await Promise.all(clients.map((client) => client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))))
  })

  afterEach(() => relay.stop())

  it('[RL5] is decoded four frames at a time, until most of their offers are judged or for a tenth of a second (row 73)', async () => {
    const begun: number[] = []
    const stuck = vi.spyOn(GroupCommit.prototype, 'offer').mockImplementation(() => void begun.push(performance.now()))
    try {
      const offers = Array.from({ length: 2_000 }, (_, id) => ({ ...offerOf(`k${id}`, 'erased', new Uint8Array()), id }))
      for (const client of clients) client.send({ type: 'publish', feed: 1, offers })
      await expect.poll(() => begun.length, { timeout: 15_000 }).toBe(clients.length)
      // Four rounds, of which the last begins three tenths of a second after the first.
      expect((begun.at(-1) ?? 0) - (begun[0] ?? 0)).toBeGreaterThan(250)
    } finally {
      stuck.mockRestore()
    }
  })

  it('[RL5] is read a few sessions in a turn', async () => {
    let turn = 0
    let isOver = false
    const count = (): void => void (turn++, isOver || setImmediate(count))
    count()
    const inTurn = new Map<number, number>()
    const { resume } = SessionSocket.prototype
    const read = vi.spyOn(SessionSocket.prototype, 'resume').mockImplementation(function (this: SessionSocket) {
      inTurn.set(turn, (inTurn.get(turn) ?? 0) + 1)
      resume.call(this)
    })
    try {
      const large = { ...offerOf('large', 'message', new Uint8Array(60_000)), seen: 7 }
      const offers = Array.from({ length: 4 }, (_, id) => ({ ...large, id }))
      for (const client of clients) client.send({ type: 'publish', feed: 1, offers })
      await Promise.all(clients.map((client) => client.next('refused', ({ subject }) => subject === 3)))
      // Each was held up once at least, at its first chunk.
      expect([...inTurn.values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(clients.length)
      expect(Math.max(...inTurn.values())).toBeLessThanOrEqual(4)
    } finally {
      isOver = true
      read.mockRestore()
    }
  })
})
