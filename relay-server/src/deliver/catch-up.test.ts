import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Entry, type FeedName, loadDoc, parseKey, readSlots } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TimeSlices } from '../flow/time-slices.js'
import {
  agree,
  createConnection,
  docOffer,
  editor,
  feedNumbers,
  fromStart,
  offerOf,
  RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const feed = feedNumbers.vendorOpportunity

describe('catching up', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let name: FeedName

  beforeEach(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    name = connection.feed('vendor', 'opportunity')
    ;({ vera } = await agree(connection, relay.url))
  })
  afterEach(() => relay.stop())

  const welcomed = async (): Promise<{ client: RelayClient; incarnation: number }> => {
    const client = new RelayClient(relay.url)
    await client.sayHello(connection.paul)
    const { incarnation } = await client.next('welcome')
    client.send({
      type: 'attach',
      connection: connection.id,
      vendor: connection.vendor.id,
      partner: connection.partner.id,
      salt: 'a-salt-for-tests',
    })
    return { client, incarnation }
  }

  const figure = async (metric: string): Promise<number> => {
    const figures = await (await relay.ask('/metrics')).text()
    return Number(new RegExp(`^${metric} (.*)$`, 'm').exec(figures)?.[1])
  }

  it.each(['the same number', 'another number each'])(
    '[RL4] ends a session that follows the same feed again and again under %s, and serves one that does now and then (row 74)',
    async (how) => {
      await vera.publish(feed, docOffer('r1', bytes('a')))
      const { client: mallory } = await welcomed()
      const { client: paul } = await welcomed()
      const follow = (number: number) => ({ type: 'subscribe' as const, feed: number, name, ...fromStart })
      const numbers = Array.from({ length: 900 }, (_, index) => (how === 'the same number' ? 5 : index))
      for (let round = 0; round < 3; round++) mallory.send(...numbers.map(follow))
      expect((await mallory.next('failed')).code).toBe('RATE')
      expect(await mallory.closed()).toBe(1008)
      for (let round = 0; round < 200; round++) paul.send(follow(5))
      await expect.poll(() => paul.heard.filter(({ type }) => type === 'entries').length, { timeout: 10_000 }).toBeGreaterThan(0)
      paul.send({ type: 'ping' })
      await paul.next('pong')
    },
  )

  it('[CU1] gives what came after a cursor, and nothing else', async () => {
    const first = docOffer('r1', bytes('a'))
    const edit = editor(first.bytes)
    await vera.publish(feed, first)
    await vera.publish(feed, docOffer('r2', bytes('b')))
    await vera.publish(feed, { ...first, whole: false, seen: 1, bytes: edit(bytes('c')) })
    const { client, incarnation } = await welcomed()
    const entries = await client.read(1, name, { after: 2, incarnation, position: 3 })
    expect(entries.map((entry) => [entry.sequence, entry.key, entry.whole])).toEqual([[3, 'r1', false]])
    expect((await client.read(2, name)).map((entry) => entry.sequence)).toEqual([1, 2, 3])
  })

  it('[CU1] gives the same from each cursor over a restart, without reading for one at the head, and nothing of what was erased', async () => {
    const first = docOffer('r1', bytes('0'))
    const edit = editor(first.bytes)
    await vera.publish(feed, first)
    await vera.publish(feed, docOffer('r2', bytes('secret')))
    for (let seen = 1; seen <= 12; seen++)
      await vera.publish(feed, { ...first, whole: false, seen: seen === 1 ? 1 : seen + 1, bytes: edit(bytes(String(seen))) })
    const { client: before, incarnation } = await welcomed()
    let client = before
    const answers = async (): Promise<(readonly Entry[])[]> => {
      const all: (readonly Entry[])[] = []
      for (let after = 1; after <= 14; after++) all.push(await client.read(1, name, { after, incarnation, position: after }))
      return all
    }
    const readBefore = await figure('entente_catch_up_pages_total')
    const answered = await answers()
    expect(answered.map((entries) => entries.map((entry) => entry.sequence))).toEqual(
      Array.from({ length: 14 }, (_, index) => Array.from({ length: 13 - index }, (_, next) => index + 2 + next)),
    )
    expect((await figure('entente_catch_up_pages_total')) - readBefore).toBe(13)
    await relay.restart()
    ;({ client } = await welcomed())
    expect(await answers()).toEqual(answered)
    vera = await connection.open(relay.url, connection.vera)
    await vera.read(feed, name)
    // Erased: from now on nobody is sent what it held, whatever they have seen.
    await vera.publish(feed, {
      key: parseKey('r2'),
      kind: 'erased',
      whole: true,
      epoch: { version: 1, number: 1 },
      bytes: bytes('gone'),
      seen: 2,
    })
    const entries = await client.read(1, name, { after: 1, incarnation, position: 1 })
    expect(entries.filter((entry) => entry.key === 'r2').map((entry) => [entry.kind, entry.bytes.length])).toEqual([['erased', 4]])
  })

  it('[CU5] holds no more for a reader than what it may let wait, however many feeds of large entries it comes back to (row 28)', async () => {
    await relay.stop()
    relay = await TestRelay.start({ slowReaderBytes: 512 * 1024 })
    const all = Array.from({ length: 24 }, (_, index) => connection.again(`salt-${index}`))
    const attachTo = ({ id, vendor, partner, salt }: TestConnection) =>
      ({ type: 'attach', connection: id, vendor: vendor.id, partner: partner.id, salt }) as const
    const writer = await RelayClient.connect(relay.url, connection.vera)
    const reader = await RelayClient.connect(relay.url, connection.paul)
    for (const client of [writer, reader]) client.send(...all.map(attachTo))
    for (const [index, one] of all.entries()) {
      await writer.read(index + 1, one.feed('vendor', 'messages'))
      for (const key of ['a', 'b']) await writer.publish(index + 1, offerOf(key, 'message', new Uint8Array(250_000)))
    }
    reader.send(
      ...all.map((one, index) => ({ type: 'subscribe' as const, feed: index + 1, name: one.feed('vendor', 'messages'), ...fromStart })),
    )
    const heard = (): number => reader.heard.flatMap((one) => (one.type === 'entries' ? one.entries : [])).length
    await reader.until(() => (heard() === 48 ? true : undefined), 'all entries')
    expect(reader.closeCode).toBeUndefined()
  })

  it('[CU2] answers six subscriptions of one frame in one or two frames', async () => {
    for (let index = 0; index < 20; index++) await vera.publish(feed, docOffer(`r${index}`, bytes('a')))
    const { client } = await welcomed()
    client.frames.length = 0
    const topics = [1, 2, 3].map((number) => ({ number, topic: (['lead', 'opportunity', 'messages'] as const)[number - 1] ?? 'lead' }))
    client.send(
      ...topics.flatMap(({ number, topic }) =>
        (['vendor', 'partner'] as const).map((side, index) => ({
          type: 'subscribe' as const,
          feed: number + index * 3,
          name: connection.feed(side, topic),
          after: 0,
          incarnation: 0,
          position: 0,
        })),
      ),
    )
    for (const number of [1, 2, 3, 4, 5, 6]) await client.next('entries', (message) => message.feed === number && message.live)
    expect(client.frames.length).toBeLessThanOrEqual(2)
  })

  it('[CU3] misses nothing and repeats nothing while Vera goes on publishing', async () => {
    const docs = Array.from({ length: 600 }, (_, index) => docOffer(`r${index}`, new Uint8Array(500).fill(index)))
    for (let from = 0; from < 600; from += 200) {
      vera.send({ type: 'publish', feed, offers: docs.slice(from, from + 200).map((doc, index) => ({ id: 1_000 + from + index, ...doc })) })
    }
    await vera.next('accepted', (message) => message.ids.includes(1_599))
    const { client } = await welcomed()
    client.subscribe(1, name)
    for (let index = 0; index < 300; index++) vera.offer(feed, docOffer(`late${index}`, bytes('x')))
    const sequences: number[] = []
    let live = false
    while (sequences.length < 900) {
      const message = await client.next('entries')
      if (live) expect(message.live).toBe(true)
      live ||= message.live
      sequences.push(...message.entries.map((entry: Entry) => entry.sequence))
    }
    expect(sequences).toEqual(Array.from({ length: 900 }, (_, index) => index + 1))
  })

  it('[RL5] reads small pages while others wait for their turn', async () => {
    const feed = feedNumbers.vendorMessages
    for (let index = 0; index < 200; index++) vera.offer(feed, offerOf(`m${index}`, 'message'))
    await expect
      .poll(() => vera.heard.flatMap((one) => (one.type === 'accepted' ? one.ids : [])).length, { timeout: 15_000 })
      .toBeGreaterThanOrEqual(201)
    const busy = vi.spyOn(TimeSlices.prototype, 'isBusy', 'get').mockReturnValue(true)
    try {
      const { client, incarnation } = await welcomed()
      client.send({ type: 'subscribe', feed: 9, name: connection.feed('vendor', 'messages'), ...fromStart, incarnation: 0 })
      expect(incarnation).toBeGreaterThan(0)
      const told = () => client.heard.flatMap((one) => (one.type === 'entries' && one.feed === 9 ? [one] : []))
      await expect.poll(() => told().some(({ live }) => live), { timeout: 15_000 }).toBe(true)
      expect(Math.max(...told().map(({ entries }) => entries.length))).toBeLessThan(50)
      expect(told().reduce((sum, { entries }) => sum + entries.length, 0)).toBeGreaterThanOrEqual(200)
    } finally {
      busy.mockRestore()
    }
  })

  it('[CU4] gives a compacted doc as one state at its last sequence', async () => {
    const first = docOffer('r1', bytes('0'))
    const edit = editor(first.bytes)
    await vera.publish(feed, first)
    for (let seen = 1; seen <= 20; seen++) await vera.publish(feed, { ...first, whole: false, seen, bytes: edit(bytes(String(seen))) })
    await expect
      .poll(async () => {
        const { client } = await welcomed()
        const entries = await client.read(1, name)
        await client.close()
        const value = readSlots(loadDoc(entries.map((entry) => entry.bytes))).get('0')
        return { entries: entries.length < 8, value: new TextDecoder().decode(value) }
      })
      .toEqual({ entries: true, value: '20' })
    expect((await vera.publish(feed, { ...first, whole: false, seen: 21, bytes: edit(bytes('21')) })).code).toBe('ACCEPTED')
  })

  it('[IN2] answers LOST to a cursor ahead of the head, and to an incarnation it does not know (row 35)', async () => {
    await vera.publish(feed, docOffer('r1', bytes('a')))
    const position = 1
    const { client, incarnation } = await welcomed()
    for (const from of [
      { after: 2, incarnation, position },
      { after: 1, incarnation: incarnation + 1, position },
      { after: 1, incarnation, position: position + 1 },
      { after: 1, incarnation: 0, position: 0 },
      { after: 0, incarnation: incarnation + 1, position: 0 },
    ]) {
      client.subscribe(1, name, from)
      expect(await client.next('refused'), JSON.stringify(from)).toMatchObject({ what: 'feed', subject: 1, code: 'LOST' })
      expect((await client.publish(1, docOffer('x', bytes('a')))).code).toBe('FEED')
    }
    expect((await client.read(1, name, { after: 1, incarnation, position })).length).toBe(0)
  })

  it('[IN2] knows its cursors over a restart, and answers LOST once its disk is gone', async () => {
    await vera.publish(feed, docOffer('r1', bytes('a')))
    const position = 1
    const { incarnation } = await welcomed()
    await relay.restart()
    const after = await welcomed()
    expect((await after.client.read(1, name, { after: 1, incarnation, position })).length).toBe(0)
    await relay.restart((data) => rm(data, { recursive: true }))
    const lost = await welcomed()
    lost.client.subscribe(1, name, { after: 1, incarnation, position })
    expect((await lost.client.next('refused')).code).toBe('LOST')
    expect(await lost.client.read(1, name)).toEqual([])
  })

  it('[IN2] answers LOST when an older copy of its disk was put back', async () => {
    await vera.publish(feed, docOffer('r1', bytes('a')))
    let putBack = async (): Promise<void> => {}
    await relay.restart(async () => {
      putBack = await relay.backUp()
    })
    const again = await connection.open(relay.url, connection.vera)
    await again.read(feed, name)
    await again.publish(feed, docOffer('r2', bytes('b')))
    const { incarnation } = await welcomed()
    await relay.restart(() => putBack())
    // The copy catches up in numbers; that must not hide the loss.
    const vera3 = await connection.open(relay.url, connection.vera)
    await vera3.read(feed, name)
    await vera3.publish(feed, docOffer('r9', bytes('other')))
    const { client } = await welcomed()
    client.subscribe(1, name, { after: 2, incarnation, position: 2 })
    expect((await client.next('refused')).code).toBe('LOST')
  })

  it('[SR1] drops a reader that reads no answers, at the bound of what may wait for it (row 28)', async () => {
    await relay.stop()
    relay = await TestRelay.start({ slowReaderBytes: 512 * 1024, messagesPerSecond: 10_000_000 })
    const client = await RelayClient.connect(relay.url, connection.paul)
    client.socket.pause()
    // To a feed that it does not follow: each offer is refused, at once.
    const offers = Array.from({ length: 2_000 }, (_, id) => ({ ...offerOf('r1', 'erased', new Uint8Array()), id }))
    for (let frames = 0; !relay.lines.some((line) => line.includes('slow-reader-dropped')); frames++) {
      expect(frames).toBeLessThan(500)
      client.send({ type: 'publish', feed: 99, offers })
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.socket.resume()
    await client.closed()
  })

  it('keeps sealed bytes as they came, in the file of the store', async () => {
    await vera.publish(feed, docOffer('r1', bytes('a-sealed-value')))
    await relay.restart(async (data) => {
      expect((await readFile(join(data, 'relay.db'))).includes('a-sealed-value')).toBe(true)
    })
  })
})
