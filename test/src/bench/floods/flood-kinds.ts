import { type ClientMessage, encodeClientFrame, feedName, limits, parseKey, zeroEpoch } from '@entente/protocol'
import { createConnection, createDevice, fromStart, offerOf, RelayClient, type TestConnection } from '@entente/relay-server/testing'
import { frameOf, HostileLine, repeated, type Tally, type Target } from './hostile-line.js'

/** What a hostile device has made beforehand. */
export interface Kit {
  readonly connection: TestConnection
  /** Frames, each as it goes over the wire. */
  readonly frames: Readonly<Record<FrameName, { readonly bytes: Uint8Array; readonly count: number }>>
}

type FrameName = 'pings' | 'pingFrames' | 'controlPings' | 'subscribes' | 'attaches' | 'resubscribes' | 'offers' | 'docs' | 'gatewayAsks'

/** One try of an attack, from a new connection to its end; it is made again and again. */
type Attack = (target: Target, tally: Tally, kit: Kit) => Promise<void>

/** Bytes in one write of many small frames. */
const chunkBytes = 64 * 1024
const entries = 2_000

/** Frames with a session, over and over until the relay ends it. */
function withHello(frame: FrameName): Attack {
  return async (target, tally, { connection, frames }) => {
    const line = new HostileLine(target, tally)
    if ((await line.upgrade()) !== 101 || !(await line.sayHello(connection.vera))) return line.cut()
    await line.write(frameOf(encodeClientFrame(followAll(connection))), 2)
    await line.flood(frames[frame].bytes, frames[frame].count)
    line.cut()
  }
}

function withoutHello(frame: FrameName): Attack {
  return async (target, tally, { frames }) => {
    const line = new HostileLine(target, tally)
    if ((await line.upgrade()) === 101) await line.flood(frames[frame].bytes, frames[frame].count)
    line.cut()
  }
}

function refusedRequest(path: string, headers = ''): Attack {
  return async (target, tally) => {
    const line = new HostileLine(target, tally)
    await line.upgrade(path, headers)
    line.cut()
  }
}

/** All floods, by name. */
export const floodKinds: Readonly<Record<string, Attack>> = {
  'pings in full frames': withHello('pings'),
  'a ping a frame': withHello('pingFrames'),
  'WebSocket pings': withHello('controlPings'),
  'WebSocket pings without hello': withoutHello('controlPings'),
  'full frames without hello': withoutHello('subscribes'),
  'full frames of subscriptions': withHello('subscribes'),
  'full frames of attachments': withHello('attaches'),
  'asking for gateway tokens': withHello('gatewayAsks'),
  'subscribing again to one feed': withHello('resubscribes'),
  'refused offers': withHello('offers'),
  'refused docs of 250 KB': withHello('docs'),
  'sessions opened and left': async (target, tally, { connection }) => {
    const line = new HostileLine(target, tally)
    if ((await line.upgrade()) === 101) await line.sayHello(connection.vera)
    line.cut()
  },
  'sockets opened and left': async (target, tally) => {
    const line = new HostileLine(target, tally)
    await line.upgrade()
    line.cut()
  },
  'hellos with bad signatures': async (target, tally, { connection }) => {
    const line = new HostileLine(target, tally)
    if ((await line.upgrade()) === 101) {
      await line.sayHello(connection.vera, (token) => `${token.slice(0, -8)}AAAAAAAA`)
      await line.closed()
    }
    line.cut()
  },
  'upgrades of no path': refusedRequest('/elsewhere'),
  'upgrades of another page': refusedRequest('/socket', 'Origin: https://elsewhere.example\r\n'),
  'gateway tokens that are forged': refusedRequest(
    `/gateway/${'A'.repeat(22)}%2Fvendor%2Flead/k?token=eyJhbGciOiJIUzI1NiIsInR5cCI6ImVudGVudGUtZ2F0ZXdheStqd3QifQ.e30.${'A'.repeat(43)}`,
  ),
  'plain requests': async (target, tally) => {
    const line = new HostileLine(target, tally)
    const { bytes, count } = repeated(Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'), 4_096)
    await line.flood(bytes, count)
    line.cut()
  },
}

function followAll(connection: TestConnection): ClientMessage[] {
  return [
    { type: 'attach', connection: connection.id, vendor: connection.vendor.id, partner: connection.partner.id, salt: connection.salt },
    { type: 'subscribe', feed: 1, name: historyOf(connection), ...fromStart },
    { type: 'subscribe', feed: 2, name: connection.feed('vendor', 'opportunity'), ...fromStart },
  ]
}

function historyOf({ vendor }: TestConnection): ReturnType<typeof feedName> {
  return feedName({ kind: 'team', org: vendor.id, topic: 'messages' })
}

/** Founds the attacker's own org, fills a feed of its own, and makes its frames. The relay is open to all. */
export async function prepareKit(url: string): Promise<Kit> {
  const connection = await createConnection()
  const client = await RelayClient.connect(url, await createDevice(connection.vendor))
  await client.read(1, historyOf(connection))
  for (let at = 0; at < entries; at += 500) {
    const offers = Array.from({ length: 500 }, (_, id) => ({ id: at + id, ...offerOf(`m${at + id}`, 'message', new Uint8Array(200)) }))
    client.send({ type: 'publish', feed: 1, offers })
    await client.until(() => client.heard.some((one) => one.type === 'accepted' && one.ids.includes(at + 499)) || undefined, 'a history')
  }
  await client.close()
  return { connection, frames: makeFrames(connection) }
}

function makeFrames(connection: TestConnection): Kit['frames'] {
  const most: number = limits.messagesPerFrame
  const full = (make: (index: number) => ClientMessage, count = most): { bytes: Uint8Array; count: number } => {
    const messages: ClientMessage[] = []
    let size = 0
    while (messages.length < count) {
      const message = make(messages.length)
      size += encodeClientFrame([message]).length
      if (size > limits.frameBytes) break
      messages.push(message)
    }
    return { bytes: frameOf(encodeClientFrame(messages)), count: messages.length }
  }
  const ping = encodeClientFrame([{ type: 'ping' }])
  const { vendor, partner, salt } = connection
  const subscribe = (feed: number): ClientMessage => ({ type: 'subscribe', feed, name: historyOf(connection), ...fromStart })
  const doc = {
    id: 1,
    seen: 99,
    key: parseKey('d'),
    kind: 'doc',
    whole: true,
    epoch: zeroEpoch,
    bytes: new Uint8Array(250_000).fill(1),
  } as const
  return {
    pings: full(() => ({ type: 'ping' })),
    pingFrames: repeated(frameOf(ping), chunkBytes),
    controlPings: repeated(frameOf(new Uint8Array(), 0x89), chunkBytes),
    subscribes: full((index) => subscribe(index % 1_000)),
    attaches: full((index) => ({
      type: 'attach',
      connection: connection.id,
      vendor: vendor.id,
      partner: partner.id,
      salt: `${salt}${index}`,
    })),
    resubscribes: { bytes: frameOf(encodeClientFrame([subscribe(1)])), count: 1 },
    offers: full(
      () => ({
        type: 'publish',
        feed: 1,
        offers: Array.from({ length: limits.entriesPerFrame }, (_, id) => ({
          id,
          ...offerOf(`m${id}`, 'message', new Uint8Array(40)),
          seen: 7,
        })),
      }),
      1,
    ),
    docs: full(() => ({ type: 'publish', feed: 2, offers: [doc] }), 1),
    gatewayAsks: full((id) => ({ type: 'askGateway', id, feed: 2, key: parseKey('d') })),
  }
}
