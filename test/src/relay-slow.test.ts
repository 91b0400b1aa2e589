import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feedName } from '@entente/protocol'
import { createDevice, createOrg, offerOf, RelayClient } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RelayProcess } from './node/relay-process.js'

const readers = 200
const messageBytes = 1_000
const sentBytes = 10_000_000
/** What a relay may need for all of them together: about half a megabyte each, a frame under way and what lies before it. */
const roomBytes = 100 * 1024 * 1024

let directory: string
let relay: RelayProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-slow-'))
  relay = new RelayProcess(join(directory, 'data'))
  await relay.start()
})
afterEach(async () => {
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it(`[SR1] needs little memory for ${readers} readers that do not read, and goes on serving one that does (row 28)`, async () => {
  const org = await createOrg()
  const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
  const [writer, reader] = await Promise.all([createDevice(org), createDevice(org)])
  const vera = await RelayClient.connect(relay.url, writer)
  await vera.read(1, feed)
  let offered = 0
  const offer = async (bytes: number): Promise<void> => {
    for (let sent = 0; sent < bytes; sent += messageBytes) vera.offer(1, offerOf(`m${offered++}`, 'message', new Uint8Array(messageBytes)))
    await vera.publish(1, offerOf(`m${offered++}`, 'message'))
    vera.heard.length = 0
  }
  // So that what it keeps at hand for publishing is there before it is measured.
  await offer(5_000_000)
  const quick = await RelayClient.connect(relay.url, reader)
  let received = (await quick.read(1, feed)).length
  quick.heard.length = 0
  quick.socket.on('message', () => {
    for (const message of quick.heard.splice(0)) if (message.type === 'entries') received += message.entries.length
  })
  // They have read what is there: only what comes from now on waits for them.
  const known = offered
  const slow = await Promise.all(
    Array.from({ length: readers }, async () => {
      const client = new RelayClient(relay.url)
      await client.sayHello(reader)
      const { incarnation } = await client.next('welcome')
      await client.read(1, feed, { after: known, incarnation, position: known })
      client.socket.pause()
      return client
    }),
  )
  const before = await relay.memory()
  let most = before
  for (let sent = 0; sent < sentBytes; sent += 500_000) {
    await offer(500_000)
    most = Math.max(most, await relay.memory())
  }
  await expect.poll(() => received, { timeout: 10_000 }).toBe(offered)
  for (const client of slow) client.socket.terminate()
  expect(most - before).toBeLessThan(roomBytes)
})
