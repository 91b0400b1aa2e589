import { connect } from 'node:net'
import { feedName, parseKey } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Gateway } from './gateway/gateway.js'
import {
  agree,
  createConnection,
  createDevice,
  createOrg,
  docOffer,
  feedNumbers,
  HeartbeatChecks,
  offerOf,
  RelayClient,
  ShiftedClock,
  type TestDevice,
  TestRelay,
} from './testing/index.js'

const day = 24 * 60 * 60 * 1000
const heartbeatMs = 150

describe('a relay whose clock jumps', () => {
  let relay: TestRelay
  let vera: TestDevice
  let client: RelayClient
  let clock: ShiftedClock
  let checks: HeartbeatChecks

  beforeEach(async () => {
    clock = new ShiftedClock()
    checks = new HeartbeatChecks()
    relay = await TestRelay.start({ heartbeatMs, messagesPerSecond: 100, burst: 1 })
    vera = await createDevice(await createOrg())
    client = await RelayClient.connect(relay.url, vera)
    await client.read(1, team())
  })
  afterEach(async () => {
    clock.restore()
    checks.restore()
    await relay.stop()
  })

  const team = (): ReturnType<typeof feedName> => feedName({ kind: 'team', org: vera.org, topic: 'messages' })
  /** One session is checked three times in a heartbeat. */
  const beats = (count: number): Promise<void> => checks.pass(count * 3)

  it.each([
    ['a day ahead', day],
    ['a day back', -day],
  ])('%s keeps its sessions, and takes what they offer at their rate', async (_, jump) => {
    clock.offset = jump
    // Each publish costs two of the hundred, its frame and its offer, and the hello and the reading had theirs.
    for (let index = 0; index < 40; index++) expect((await client.publish(1, offerOf(`m${index}`, 'message'))).code).toBe('ACCEPTED')
    await beats(6)
    expect(client.closeCode).toBeUndefined()
    for (let index = 0; index < 40; index++) expect((await client.publish(1, offerOf(`n${index}`, 'message'))).code).toBe('ACCEPTED')
  })

  it('to and fro keeps its sessions', async () => {
    const jumping = setInterval(() => (clock.offset = clock.offset === day ? -day : day), heartbeatMs / 5)
    await beats(10)
    clearInterval(jumping)
    expect(client.closeCode).toBeUndefined()
    expect(relay.lines.some((line) => line.includes('silent-session-dropped'))).toBe(false)
  })

  it('[RL1] gives no room for a flood', async () => {
    clock.offset = day
    const offers = Array.from({ length: 60 }, (_, id) => ({ id, ...offerOf(`k${id}`, 'message') }))
    client.send({ type: 'publish', feed: 1, offers })
    await client.next('accepted')
    clock.offset = 2 * day
    client.send({ type: 'publish', feed: 1, offers: offers.map((offer) => ({ ...offer, id: offer.id + 100 })) })
    expect((await client.next('refused')).code).toBe('RATE')
  })

  it.each([
    ['a day ahead', day],
    ['a day back', -day],
  ])('[HB1] %s still drops a half-open line in time', async (_, jump) => {
    const silent = connect(relay.port, '127.0.0.1')
    silent.write(
      'GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    silent.on('error', () => {})
    silent.resume()
    await new Promise((resolve) => silent.once('data', resolve))
    clock.offset = jump
    const began = checks.count
    await new Promise((resolve) => silent.once('close', resolve))
    // Of two sessions, for eight heartbeats.
    expect(checks.count - began).toBeLessThan(2 * 3 * 8)
  })

  it.each([
    ['a day ahead', day],
    ['a day back', -day],
  ])('[ID4] %s opens new sessions: no clock decides who a device is', async (_, jump) => {
    clock.offset = jump
    const anew = new RelayClient(relay.url)
    const { nonce } = await anew.next('challenge')
    anew.send(vera.hello(nonce, anew.relayName))
    await anew.next('welcome')
  })
})

it.each([
  ['a day ahead', day],
  ['a day back', -day],
])('[GW3] the gateway stays open for as long as its token was promised, when the clock jumps %s', async (_, jump) => {
  const gatewayTokenMs = 1_500
  const { sweep } = Gateway.prototype
  const sweeps: number[] = []
  const noted = vi.spyOn(Gateway.prototype, 'sweep').mockImplementation(function noteSweep(this: Gateway) {
    sweeps.push(performance.now())
    sweep.call(this)
  })
  const clock = new ShiftedClock()
  const relay = await TestRelay.start({ heartbeatMs, gatewayTokenMs })
  try {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, relay.url)
    await vera.publish(feedNumbers.vendorOpportunity, docOffer('r1', new Uint8Array([1])))
    paul.send({ type: 'askGateway', id: 1, feed: feedNumbers.vendorOpportunity, key: parseKey('r1') })
    const { token } = await paul.next('gatewayToken')
    const path = `/gateway/${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/r1?token=${token}`
    const socket = new WebSocket(relay.url.replace('http', 'ws') + path)
    const began = performance.now()
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    clock.offset = jump
    expect(await closed).toBe(4401)
    const openMs = performance.now() - began
    expect(openMs).toBeGreaterThan(1_000)
    // By the first sweep after its end; another may follow before the socket hears of it.
    expect(sweeps.filter((at) => at > began + gatewayTokenMs).length).toBeLessThanOrEqual(2)
  } finally {
    noted.mockRestore()
    clock.restore()
    await relay.stop()
  }
})
