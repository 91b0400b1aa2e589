import { feedName, readSlots } from '@entente/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import {
  agree,
  createConnection,
  createDevice,
  docOffer,
  editor,
  feedNumbers,
  rosterOffer,
  TestPostgres,
  TestRelay,
  without,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const feed = feedNumbers.vendorOpportunity

describe('the gateway of two relays on one store', () => {
  let database: TestPostgres
  let north: TestRelay
  let south: TestRelay
  const providers: WebsocketProvider[] = []

  beforeAll(async () => {
    database = await TestPostgres.start()
  }, 60_000)
  afterAll(() => database.remove())
  beforeEach(async () => {
    const store = database.url(await database.newDatabase())
    ;[north, south] = [await TestRelay.start({ store }), await TestRelay.start({ store })]
  })
  afterEach(async () => {
    for (const provider of providers.splice(0)) provider.destroy()
    await Promise.all([north.stop(), south.stop()])
  })

  it('[GW1, GW3, GW6] opens at the one with a token of the other, shows what comes in there, and closes as that one would', async () => {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, north.url)
    const first = docOffer('r1', bytes('a'))
    const edit = editor(first.bytes)
    await vera.publish(feed, first)
    const page = async (): Promise<{ doc: Y.Doc; codes: readonly number[] }> => {
      paul.send({ type: 'askGateway', id: 9, feed, key: first.key })
      const { token } = await paul.next('gatewayToken')
      const room = `${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/r1`
      const doc = new Y.Doc()
      const provider = new WebsocketProvider(`${south.url.replace('http', 'ws')}/gateway`, room, doc, {
        params: { token },
        WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
        disableBc: true,
      })
      providers.push(provider)
      const codes: number[] = []
      provider.on('connection-close', (event) => event && codes.push(event.code))
      await new Promise((resolve) => provider.once('sync', resolve))
      return { doc, codes }
    }
    const shown = (doc: Y.Doc): string => new TextDecoder().decode(readSlots(doc).get('0'))

    const before = await page()
    expect(shown(before.doc)).toBe('a')
    await vera.publish(feed, { ...docOffer('r1', bytes('')), whole: false, seen: 1, bytes: edit(bytes('b')) })
    await expect.poll(() => shown(before.doc)).toBe('b')
    await vera.publish(feed, { ...docOffer('r1', bytes('anew'), 1, '0', 1), seen: 2 })
    await expect.poll(() => before.codes).toContain(4410)

    const after = await page()
    expect(shown(after.doc)).toBe('anew')
    // Paul’s device has no session at the relay in the south, which hears of its removal all the same.
    const colleague = await createDevice(connection.partner)
    const admin = await connection.open(north.url, colleague)
    await admin.read(1, feedName({ kind: 'team', org: connection.partner.id, topic: 'messages' }))
    await admin.publish(1, rosterOffer(connection.partner, without(connection.partner, connection.paul)))
    await expect.poll(() => after.codes, { timeout: 5_000 }).toContain(4401)
  })
})
