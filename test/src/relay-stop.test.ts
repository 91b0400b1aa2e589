import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FeedName, feedName, type RelayMessage } from '@entente/protocol'
import { createDevice, offerOf, RelayClient, type TestDevice } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startLoad } from './faults/load.js'
import { RelayProcess } from './node/relay-process.js'

const keysPerFeed = 12

let directory: string
let relay: RelayProcess
let strangers: Socket[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-stop-'))
  relay = new RelayProcess(join(directory, 'data'))
  strangers = []
  await relay.start()
})
afterEach(async () => {
  for (const socket of strangers) socket.destroy()
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[AK1] stops at SIGTERM under load within ten seconds, tells everyone when to come back, and keeps what it acknowledged', async () => {
  const load = await startLoad(relay, { seed: 4, keysPerFeed })
  const heard: RelayMessage[] = []
  const lines = await load.work((message) => heard.push(message))
  await readNothing(await createDevice(load.connection.vendor))
  for (const words of ['', 'GET / HTTP/1.1\r\n', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n']) strangers.push(await dial(words))
  await expect.poll(() => load.findings.acknowledged, { timeout: 15_000 }).toBeGreaterThan(100)
  const began = performance.now()
  relay.signal('SIGTERM')
  expect(await Promise.all(lines.map((line) => line.closed))).toEqual(lines.map(() => 1001))
  expect(await relay.ended).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  const leaving = heard.filter((message) => message.type === 'leaving')
  expect(leaving).toHaveLength(lines.length)
  for (const message of leaving) expect(message.retryMs).toBeGreaterThan(0)
  await relay.start()
  await load.check()
  expect(load.findings).toMatchObject({ lostAcknowledged: 0, lostFannedOut: 0, storedTwice: 0, wronglyRefused: 0 })
  expect(load.findings.acknowledged).toBeGreaterThan(100)
})

it('answers what it has taken before it stops', async () => {
  const load = await startLoad(relay, { seed: 5, keysPerFeed })
  const vera = await RelayClient.connect(relay.url, load.connection.vera)
  await vera.read(1, teamFeed(load.connection.vera))
  const ids = Array.from({ length: 500 }, (_, index) => vera.offer(1, offerOf(`m${index}`, 'message')))
  vera.send({ type: 'ping' })
  await vera.next('pong')
  relay.signal('SIGTERM')
  expect(await vera.closed()).toBe(1001)
  const answered = vera.heard.flatMap((message) => (message.type === 'accepted' ? message.ids : []))
  expect(answered.toSorted((a, b) => a - b)).toEqual(ids)
  expect(await relay.ended).toBe(0)
})

it('stops while a device offers without a pause', async () => {
  const load = await startLoad(relay, { seed: 6, keysPerFeed })
  const vera = await RelayClient.connect(relay.url, load.connection.vera)
  await vera.read(1, teamFeed(load.connection.vera))
  const acknowledged = () => vera.heard.flatMap((message) => (message.type === 'accepted' ? message.ids : []))
  let offered = 0
  const offering = setInterval(() => {
    for (let count = 0; count < 20; count++) vera.offer(1, offerOf(`m${offered++}`, 'message', new Uint8Array(1_000)))
  }, 1)
  await expect.poll(() => acknowledged().length, { timeout: 15_000 }).toBeGreaterThan(100)
  const began = performance.now()
  relay.signal('SIGTERM')
  expect(await vera.closed()).toBe(1001)
  clearInterval(offering)
  expect(await relay.ended).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  const answered = acknowledged()
  await relay.start()
  const later = await RelayClient.connect(relay.url, load.connection.vera)
  const kept = (await later.read(1, teamFeed(load.connection.vera))).length
  expect(answered.length).toBeGreaterThan(100)
  expect(kept).toBeGreaterThanOrEqual(answered.length)
})

/** A device that subscribes, is sent more than the network takes, and reads none of it. */
async function readNothing(device: TestDevice): Promise<void> {
  const client = await RelayClient.connect(relay.url, device)
  await client.read(1, teamFeed(device))
  client.socket.pause()
  for (let index = 0; index < 60; index++) client.offer(1, offerOf(`large${index}`, 'message', new Uint8Array(100_000)))
}

function teamFeed(device: TestDevice): FeedName {
  return feedName({ kind: 'team', org: device.org, topic: 'messages' })
}

/** A connection that says these words and then nothing, and does not close. */
async function dial(words: string): Promise<Socket> {
  const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  if (words) socket.write(words)
  return socket
}
