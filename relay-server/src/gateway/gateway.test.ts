import { feedName, readSlots } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { runOrgs } from '../command/orgs.js'
import {
  agree,
  createConnection,
  createDevice,
  docOffer,
  editor,
  feedNumbers,
  offerOf,
  type RelayClient,
  rosterOffer,
  type TestConnection,
  TestRelay,
  upgradeStatus,
  without,
} from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const feed = feedNumbers.vendorOpportunity

describe('the y-websocket gateway', () => {
  let relay: TestRelay
  let connection: TestConnection
  let vera: RelayClient
  let paul: RelayClient
  let edit: (value: Uint8Array) => Uint8Array
  const providers: WebsocketProvider[] = []

  beforeEach(async () => {
    relay = await TestRelay.start()
    connection = await createConnection()
    ;({ vera, paul } = await agree(connection, relay.url))
    const first = docOffer('r1', bytes('a'))
    edit = editor(first.bytes)
    await vera.publish(feed, first)
  })
  afterEach(async () => {
    for (const provider of providers.splice(0)) provider.destroy()
    await relay.stop()
  })

  const askToken = async (client: RelayClient, key = 'r1'): Promise<string> => {
    client.send({ type: 'askGateway', id: 9, feed, key: docOffer(key, bytes('')).key })
    const { token, expires } = await client.next('gatewayToken')
    expect(expires).toBeGreaterThan(Date.now())
    return token
  }
  const room = (key = 'r1'): string => `${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/${key}`
  const open = (token: string, doc = new Y.Doc()): { doc: Y.Doc; provider: WebsocketProvider; codes: number[] } => {
    const provider = new WebsocketProvider(`${relay.url.replace('http', 'ws')}/gateway`, room(), doc, {
      params: { token },
      // The package's own type for this option is the browser's class, which ws implements.
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    })
    providers.push(provider)
    const codes: number[] = []
    provider.on('connection-close', (event) => {
      if (event) codes.push(event.code)
    })
    return { doc, provider, codes }
  }
  const shown = (doc: Y.Doc): string => new TextDecoder().decode(readSlots(doc).get('0'))

  it('[GW1] shows one doc to a stock provider, and every update as it comes', async () => {
    const { doc, provider } = open(await askToken(paul))
    await synced(provider)
    expect(shown(doc)).toBe('a')
    const update = { ...docOffer('r1', bytes('')), whole: false }
    await vera.publish(feed, { ...update, seen: 1, bytes: edit(bytes('b')) })
    await expect.poll(() => shown(doc)).toBe('b')
    await vera.publish(feed, { ...update, seen: 2, bytes: edit(bytes('c')) })
    await expect.poll(() => shown(doc)).toBe('c')
  })

  it('[GW8] opens eight sockets to a device’s tokens for a doc, and no ninth, however many tokens it asked for (row 78)', async () => {
    const status = (token: string) => upgradeStatus(relay, {}, { path: `/gateway/${room()}?token=${token}`, stay: true })
    const tokens = [await askToken(paul), await askToken(paul), await askToken(vera)]
    for (let socket = 0; socket < 8; socket++) expect(await status(tokens[socket % 2] ?? '')).toBe(101)
    expect(await status(tokens[0] ?? '')).toBe(429)
    expect(await status(tokens[1] ?? '')).toBe(429)
    expect(await status(tokens[2] ?? '')).toBe(101)
  })

  it('[GW2] is for reading: a page that writes is closed with 4403, and nothing changes', async () => {
    const { doc, provider, codes } = open(await askToken(paul))
    await synced(provider)
    doc.getMap('v').set('0', bytes('mine'))
    await expect.poll(() => codes).toContain(4403)
    const [entry] = await (await connection.open(relay.url, connection.paul)).read(1, connection.feed('vendor', 'opportunity'))
    expect(entry?.bytes).toEqual(docOffer('r1', bytes('a')).bytes)
    expect(await (await relay.ask('/metrics')).text()).toContain('\nentente_gateway_closed_total{code="4403"} 1\n')
  })

  it('[GW2] leaves a provider that wrote where it is: it stays closed by itself, and the next page is served', async () => {
    const { doc, provider } = open(await askToken(paul))
    await synced(provider)
    const finals: number[] = []
    let dials = 0
    provider.on('closed', ({ code }) => finals.push(code))
    provider.on('status', ({ status }) => (dials += status === 'connecting' ? 1 : 0))
    doc.getMap('v').set('0', bytes('mine'))
    await expect.poll(() => finals).toEqual([4403])
    // Longer than a provider ever waits between two tries.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect([dials, provider.ws]).toEqual([0, null])
    const next = open(await askToken(paul))
    await synced(next.provider)
    expect(shown(next.doc)).toBe('a')
  })

  it('[GW3] closes with 4410 when the doc begins a new epoch, and when it is erased', async () => {
    const before = open(await askToken(paul))
    await synced(before.provider)
    await vera.publish(feed, { ...docOffer('r1', bytes('anew'), 1, '0', 1), seen: 1 })
    await expect.poll(() => before.codes).toContain(4410)
    const after = open(await askToken(paul))
    await synced(after.provider)
    expect(shown(after.doc)).toBe('anew')
    await vera.publish(feed, { ...offerOf('r1', 'erased'), epoch: { version: 1, number: 2 }, seen: 2 })
    await expect.poll(() => after.codes).toContain(4410)
  })

  it('[GW3] closes with 4401 when the token has had its time', async () => {
    await relay.stop()
    relay = await TestRelay.start({ gatewayTokenMs: 1_500, heartbeatMs: 150 })
    ;({ vera, paul } = await agree(connection, relay.url))
    await vera.publish(feed, docOffer('r1', bytes('a')))
    const { provider, codes } = open(await askToken(paul))
    await synced(provider)
    await expect.poll(() => codes, { timeout: 10_000 }).toContain(4401)
  })

  it('[GW3] goes on where it was when the page sets another token and connects, before or after the end of the first', async () => {
    await relay.stop()
    relay = await TestRelay.start({ gatewayTokenMs: 2_000, heartbeatMs: 100 })
    ;({ vera, paul } = await agree(connection, relay.url))
    await vera.publish(feed, docOffer('r1', bytes('a')))
    const { doc, provider, codes } = open(await askToken(paul))
    await synced(provider)
    for (const [value, seen] of [
      ['b', 1],
      ['c', 2],
    ] as const) {
      if (value === 'c') await expect.poll(() => codes, { timeout: 10_000 }).toContain(4401)
      await vera.publish(feed, { ...docOffer('r1', bytes('')), whole: false, seen, bytes: edit(bytes(value)) })
      provider.params = { token: await askToken(paul) }
      provider.disconnect()
      provider.connect()
      await expect.poll(() => shown(doc)).toBe(value)
    }
  })

  it('[GW3] does not open under the token of an epoch that is over', async () => {
    const token = await askToken(paul)
    await vera.publish(feed, { ...docOffer('r1', bytes('anew'), 1, '0', 1), seen: 1 })
    const { doc, codes } = open(token)
    await expect.poll(() => codes).toContain(4410)
    expect(readSlots(doc).size).toBe(0)
  })

  it('[GW6] closes for the pages of a device that is removed from the roster, and opens to its tokens no more', async () => {
    const device = await createDevice(connection.partner, { role: 'member' })
    const [admin, lost] = [await connection.open(relay.url, connection.paul), await connection.open(relay.url, device)]
    await Promise.all([
      lost.read(2, connection.feed('vendor', 'opportunity')),
      admin.read(1, feedName({ kind: 'team', org: connection.partner.id, topic: 'messages' })),
    ])
    lost.send({ type: 'askGateway', id: 9, feed: 2, key: docOffer('r1', bytes('')).key })
    const { token } = await lost.next('gatewayToken')
    const [theirs, ours] = [open(token), open(await askToken(paul))]
    await Promise.all([theirs, ours].map(({ provider }) => synced(provider)))
    expect((await admin.publish(1, rosterOffer(connection.partner, without(connection.partner, device)))).code).toBe('ACCEPTED')
    await expect.poll(() => theirs.codes).toContain(4401)
    expect(await refusal(`${relay.url.replace('http', 'ws')}/gateway/${room()}?token=${token}`)).toBe(401)
    expect(ours.codes).toEqual([])
  })

  it('[GW6] closes for the pages of an org that the relay serves no more', async () => {
    const [theirs, ours] = [open(await askToken(paul)), open(await askToken(vera))]
    await Promise.all([theirs, ours].map(({ provider }) => synced(provider)))
    const location = { data: relay.data, store: undefined }
    await runOrgs({ command: 'orgs', action: 'revoke', org: connection.partner.id, location }, () => {})
    await expect.poll(() => theirs.codes, { timeout: 5_000 }).toContain(4401)
    expect(ours.codes).toEqual([])
  })

  it('[GW5] shows a page out that asks on and on, and nobody else', async () => {
    const { doc, provider, codes } = open(await askToken(paul))
    const other = open(await askToken(paul))
    await synced(provider)
    const step1 = new Uint8Array([0, 0, 1, 0])
    for (let n = 0; n < 200; n++) provider.ws?.send(step1)
    await expect.poll(() => codes).toContain(4429)
    expect(shown(doc)).toBe('a')
    await expect.poll(() => shown(other.doc)).toBe('a')
    expect(other.codes).toEqual([])
  })

  it('[GW4] opens only with a token, and only the doc it is for, with 401 (row 36)', async () => {
    await vera.publish(feed, docOffer('r2', bytes('b')))
    const token = await askToken(paul)
    const base = relay.url.replace('http', 'ws')
    for (const path of [
      `${room('r2')}?token=${token}`,
      `${room()}?token=AAAAAAAAAAAAAAAAAAAAAA`,
      room(),
      `%ZZ/r1?token=${token}`,
      `nothing/r1?token=${token}`,
    ]) {
      expect(await refusal(`${base}/gateway/${path}`), path).toBe(401)
    }
  })

  it('[GW4] gives no token for a doc that is not there or not for the one who asks', async () => {
    for (const ask of [
      { feed, key: 'never' },
      { feed: 99, key: 'r1' },
    ]) {
      paul.send({ type: 'askGateway', id: 4, feed: ask.feed, key: docOffer(ask.key, bytes('')).key })
      expect(await paul.next('refused')).toMatchObject({ what: 'gateway', subject: 4, code: 'FEED' })
    }
  })
})

function refusal(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.on('unexpected-response', (_, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.on('open', () => reject(new Error('The gateway opened.')))
    socket.on('error', () => {})
  })
}

/** Resolves once a page has its doc, which may have come while its test was busy with something else. */
async function synced(provider: WebsocketProvider): Promise<void> {
  if (!provider.synced) await new Promise((resolve) => provider.once('sync', resolve))
}
