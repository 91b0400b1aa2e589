import { createDoc, limits } from '@entente/protocol'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  agree,
  createConnection,
  docOffer,
  editor,
  feedNumbers,
  type RelayClient,
  type TestConnection,
  TestRelay,
} from '../testing/index.js'

const feed = feedNumbers.vendorOpportunity
const value = new Uint8Array([1, 2, 3])

describe('a hostile update over a real socket', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let key = 0

  beforeAll(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    ;({ vera } = await agree(connection, relay.url))
  })
  afterAll(() => relay.stop())

  const publish = async (bytes: Uint8Array): Promise<string> => (await vera.publish(feed, { ...docOffer(`h${key++}`, value), bytes })).code

  it('[AD1] of version 2 gets FRAME (row 19)', async () => {
    const doc = new Y.Doc()
    doc.getMap('v').set('0', value)
    expect(await publish(Y.encodeStateAsUpdateV2(doc))).toBe('FRAME')
  })

  it.each([
    ['a huge number of clients', 'FRAME', [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a huge number of structs', 'FRAME', [1, 0xff, 0xff, 0xff, 0x7f, 1, 0]],
    ['a huge number of skipped clocks', 'FRAME', [1, 1, 1, 0, 10, 0xff, 0xff, 0xff, 0xff, 0x07, 0]],
    ['a huge garbage struct', 'FRAME', [1, 1, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x07, 0]],
    ['a huge number of deletions', 'FRAME', [0, 1, 1, 0xff, 0xff, 0xff, 0x7f]],
    ['a huge length of bytes', 'FRAME', [1, 1, 1, 0, 0x23, 1, 1, 0x76, 1, 0x30, 0xff, 0xff, 0xff, 0x7f]],
    [
      'an any-value nested deep',
      'TYPE',
      [1, 1, 1, 0, 0x28, 1, 1, 0x76, 1, 0x30, 1, ...Array.from({ length: 200 }, () => [117, 1]).flat(), 127, 0],
    ],
  ])('[AD10] with %s gets %s at once and costs no memory (row 20)', async (_, code, bomb) => {
    const before = process.memoryUsage().rss
    const began = performance.now()
    expect(await publish(new Uint8Array(bomb))).toBe(code)
    expect(performance.now() - began).toBeLessThan(200)
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('[AD1] with trailing bytes gets FRAME (row 21)', async () => {
    expect(await publish(new Uint8Array([...createDoc(new Map([['0', value]]), 7), 0]))).toBe('FRAME')
  })

  it('[AD4] with clocks that do not follow gets FRAME (row 22)', async () => {
    const first = docOffer(`h${key++}`, value)
    const edit = editor(first.bytes)
    await vera.publish(feed, first)
    edit(value)
    const second = edit(value)
    const last = await vera.next('entries', (message) => message.feed === feed && message.entries.some((entry) => entry.key === first.key))
    const seen = last.entries.find((entry) => entry.key === first.key)?.sequence ?? 0
    expect((await vera.publish(feed, { ...first, whole: false, seen, bytes: second })).code).toBe('FRAME')
  })

  it('[AD8] with deletions outside the doc gets FRAME (row 23)', async () => {
    expect(
      await publish(
        encoding.encode((encoder) => {
          for (const part of [0, 1, 9, 1, 0, 5]) encoding.writeVarUint(encoder, part)
        }),
      ),
    ).toBe('FRAME')
  })

  it('[AD3] with content other than sealed bytes gets TYPE (row 24)', async () => {
    const contents: ((map: Y.Map<unknown>) => void)[] = [
      (map) => map.set('0', new Y.Doc()),
      (map) => map.set('0', new Y.Map()),
      (map) => map.set('0', new Y.Text('x')),
      (map) => map.set('0', new Y.Array()),
      (map) => map.set('0', 'plain'),
    ]
    for (const content of contents) {
      const doc = new Y.Doc()
      content(doc.getMap('v'))
      expect(await publish(Y.encodeStateAsUpdate(doc))).toBe('TYPE')
    }
  })

  it('[AD5] with a second root gets FIELD (row 25)', async () => {
    const doc = new Y.Doc()
    doc.getMap('other').set('0', value)
    expect(await publish(Y.encodeStateAsUpdate(doc))).toBe('FIELD')
  })

  it('[AD3] with a value over its limit gets SIZE (row 26)', async () => {
    expect(await publish(createDoc(new Map([['0', new Uint8Array(limits.valueBytes + 1)]]), 7))).toBe('SIZE')
    expect(await publish(createDoc(new Map([['0', new Uint8Array(limits.valueBytes)]]), 7))).toBe('ACCEPTED')
  })

  it('leaves nothing behind: what was refused is nowhere in the feed', async () => {
    expect((await vera.publish(feed, docOffer('after', value))).code).toBe('ACCEPTED')
    const entries = await vera.read(9, connection.feed('vendor', 'opportunity'))
    expect(entries.every((entry) => entry.bytes.length > 2)).toBe(true)
    expect(entries.length).toBe(3)
  })
})
