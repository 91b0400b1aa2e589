import { type FeedName, loadDoc, parseKey, type Policy, readSlots } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  agree,
  controlEntryOf,
  createConnection,
  docOffer,
  editor,
  feedNumbers,
  offerOf,
  RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const secret = 'the-withdrawn-amount'
const feed = feedNumbers.vendorOpportunity

describe('a slot that an org has withdrawn', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let paul: RelayClient
  let docs: FeedName
  const first = docOffer('r1', text(`${secret} 1`))
  let edit: ReturnType<typeof editor>

  beforeEach(async () => {
    relay = await TestRelay.start()
    edit = editor(first.bytes)
    connection = await createConnection()
    docs = connection.feed('vendor', 'opportunity')
    ;({ vera, paul } = await agree(connection, relay.url))
    await vera.publish(feed, first)
    await update(edit(text('a stage'), '1'), 1)
    await update(edit(text(`${secret} 2`)), 2)
  })
  afterEach(() => relay.stop())

  const update = async (bytes: Uint8Array, seen: number): Promise<string> =>
    (await vera.publish(feed, { ...first, whole: false, bytes, seen })).code
  const withdraw = async (who: 'vera' | 'paul'): Promise<void> => {
    const policy: Policy = { version: 1, slots: { lead: ['0', '1'], opportunity: ['0', '1'] }, withdrawn: { opportunity: ['0'] } }
    const [client, number] = who === 'vera' ? [vera, feedNumbers.vendorMessages] : [paul, feedNumbers.partnerMessages]
    expect((await client.publish(number, { ...offerOf('policy', 'control', controlEntryOf(policy)), seen: 1 })).code).toBe('ACCEPTED')
  }
  const incarnation = async (): Promise<number> => {
    const client = new RelayClient(relay.url)
    await client.sayHello(connection.paul)
    return (await client.next('welcome')).incarnation
  }
  const read = async (device: 'vera' | 'paul', after = 0) => {
    const from = { after, incarnation: after === 0 ? 0 : await incarnation(), position: after }
    const client = await connection.open(relay.url, connection[device])
    return client.read(1, docs, from)
  }

  it.each(['vera', 'paul'] as const)('[PO10] by %s reaches no reader any more, and its owner still', async (who) => {
    await withdraw(who)
    const shown = await read('paul')
    expect(shown.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(shown.some(({ bytes }) => Buffer.from(bytes).includes(secret))).toBe(false)
    expect([...readSlots(loadDoc(shown.map(({ bytes }) => bytes)))]).toEqual([['1', text('a stage')]])
    const own = await read('vera')
    expect(readSlots(loadDoc(own.map(({ bytes }) => bytes))).get('0')).toEqual(text(`${secret} 2`))
  })

  it('[PO10] reaches nobody who had read a part before: what comes then follows what that reader has', async () => {
    const [base] = await read('paul')
    await withdraw('paul')
    const later = await read('paul', 1)
    expect(later.map(({ sequence, whole }) => [sequence, whole])).toEqual([
      [2, false],
      [3, false],
    ])
    expect(later.some(({ bytes }) => Buffer.from(bytes).includes(secret))).toBe(false)
    const slots = readSlots(loadDoc([base?.bytes ?? text(''), ...later.map(({ bytes }) => bytes)]))
    expect([...slots]).toEqual([['1', text('a stage')]])
  })

  it('[PO10] keeps its doc as it is until the owner has begun it anew', async () => {
    expect(await update(edit(text('another stage'), '1'), 3)).toBe('ACCEPTED')
    await withdraw('paul')
    expect(await update(edit(text(`${secret} 3`)), 4)).toBe('FIELD')
    expect(await update(edit(text('a third stage'), '1'), 4)).toBe('FIELD')
    const anew = { ...docOffer('r1', text('a third stage'), 1, '1', 1), seen: 4 }
    expect((await vera.publish(feed, anew)).code).toBe('ACCEPTED')
    expect(await update(editor(anew.bytes, 9)(text('a fourth stage'), '1'), 5)).toBe('STALE_EPOCH')
    const next = { ...anew, whole: false, bytes: editor(anew.bytes, 9)(text('a fourth stage'), '1'), seen: 5 }
    expect((await vera.publish(feed, next)).code).toBe('ACCEPTED')
    const other = docOffer('r2', text('a stage'), 1, '1')
    expect((await vera.publish(feed, other)).code).toBe('ACCEPTED')
  })

  it('[PO10, GW7] reaches no page at the gateway, whether it looks or comes', async () => {
    const key = parseKey('r1')
    const dial = async (): Promise<{ page: WebSocket; closed: Promise<number>; heard: Buffer[] }> => {
      paul.send({ type: 'askGateway', id: 9, feed, key })
      const { token } = await paul.next('gatewayToken')
      const page = new WebSocket(`${relay.url.replace('http', 'ws')}/gateway/${encodeURIComponent(docs)}/r1?token=${token}`)
      const heard: Buffer[] = []
      page.on('message', (data: Buffer) => heard.push(data))
      const closed = new Promise<number>((resolve) => page.once('close', resolve))
      await new Promise((resolve) => page.once('open', resolve))
      // The first step of the sync protocol, with an empty state vector.
      page.send(new Uint8Array([0, 0, 1, 0]))
      await expect.poll(() => heard.some((data) => data.includes('a stage'))).toBe(true)
      return { page, closed, heard }
    }
    const before = await dial()
    expect(before.heard.some((data) => data.includes(secret))).toBe(true)
    await withdraw('paul')
    expect(await before.closed).toBe(4410)
    const after = await dial()
    expect(after.heard.some((data) => data.includes(secret))).toBe(false)
    after.page.terminate()
  })
})
