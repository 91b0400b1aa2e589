import { join } from 'node:path'
import { feedName, type FeedName } from '@entente/protocol'
import { createDevice, createOrg, offerOf, RelayClient, type TestDevice } from '@entente/relay-server/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SmallDisk } from './faults/small-disk.js'
import { RelayProcess } from './node/relay-process.js'

const noMemory = await SmallDisk.whyNot('memory')
const noDevice = await SmallDisk.whyNot('device')
const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`)

const large = 60_000

describe('the relay’s disk (row 33)', () => {
  let disk: SmallDisk
  let relay: RelayProcess
  let feed: FeedName
  let vera: RelayClient
  let colleague: RelayClient
  let device: TestDevice
  let offered: number

  const begin = async (kind: 'memory' | 'device', megabytes: number): Promise<void> => {
    disk = await SmallDisk.mount(kind, megabytes)
    relay = new RelayProcess(join(disk.directory, 'data'))
    await relay.start()
    const org = await createOrg()
    feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    const [writer, reader] = await Promise.all([createDevice(org), createDevice(org)])
    device = reader
    vera = await RelayClient.connect(relay.url, writer)
    colleague = await RelayClient.connect(relay.url, reader)
    for (const client of [vera, colleague]) await client.read(1, feed)
  }
  beforeEach(() => {
    offered = 0
  })
  afterEach(async () => {
    await relay.kill()
    await disk.remove()
  })

  /** Offers one message after the other until one is not taken, then some more. @returns the keys by outcome */
  const offerUntilRefused = async (): Promise<{ accepted: string[]; refused: string[] }> => {
    const accepted: string[] = []
    const refused: string[] = []
    while (refused.length < 5) {
      const key = `m${offered++}`
      const outcome = await vera.publish(1, offerOf(key, 'message', new Uint8Array(large)))
      if (outcome.code === 'ACCEPTED') accepted.push(key)
      else {
        expect(outcome).toMatchObject({ code: 'UNAVAILABLE' })
        expect(outcome.retryMs).toBeGreaterThan(0)
        refused.push(key)
      }
      if (accepted.length > 1_000) throw new Error('The disk never got full.')
    }
    return { accepted, refused }
  }
  const readKeys = async (): Promise<readonly string[]> => {
    const client = await RelayClient.connect(relay.url, device)
    const entries = await client.read(1, feed)
    await client.close()
    return entries.map((entry) => entry.key)
  }
  const ready = async (): Promise<number> => (await fetch(`${relay.origin}/readyz`)).status
  const fannedOut = (): readonly string[] =>
    colleague.heard.flatMap((message) => (message.type === 'entries' ? message.entries.map((entry) => entry.key) : []))
  /** The same offers go in, in the end, and nobody started anything anew. */
  const offerAgain = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys)
      await expect
        .poll(async () => (await vera.publish(1, offerOf(key, 'message', new Uint8Array(large)))).code, { timeout: 5_000 })
        .toBe('ACCEPTED')
  }

  it.skipIf(noMemory)(
    `[AK1] full: takes nothing, goes on to be read, says that it is not ready, and goes on when there is room${because(noMemory)}`,
    async () => {
      await begin('memory', 8)
      const before = await vera.publish(1, offerOf('first', 'message', new Uint8Array(large)))
      expect(before.code).toBe('ACCEPTED')
      expect(await ready()).toBe(200)
      await disk.fill()
      const { accepted, refused } = await offerUntilRefused()
      await expect.poll(ready, { timeout: 2_000, interval: 100 }).toBe(503)
      expect(await readKeys()).toEqual(['first', ...accepted])
      expect(fannedOut()).toEqual(['first', ...accepted])
      expect((await fetch(`${relay.origin}/healthz`)).status).toBe(200)
      await disk.empty()
      await offerAgain(refused)
      await expect.poll(ready, { timeout: 2_000, interval: 100 }).toBe(200)
      expect((await readKeys()).toSorted()).toEqual(['first', ...accepted, ...refused].toSorted())
      expect(fannedOut()).toEqual(['first', ...accepted, ...refused])
      await relay.kill('SIGKILL')
      await relay.start()
      expect((await readKeys()).length).toBe(1 + accepted.length + refused.length)
    },
  )

  it.skipIf(noDevice)(`[AK1] forbidden to write: the same, and goes on when it is allowed again${because(noDevice)}`, async () => {
    await begin('device', 32)
    expect((await vera.publish(1, offerOf('first', 'message'))).code).toBe('ACCEPTED')
    await disk.forbid(true)
    const { accepted, refused } = await offerUntilRefused()
    expect(accepted).toEqual([])
    await expect.poll(ready, { timeout: 2_000, interval: 100 }).toBe(503)
    expect(await readKeys()).toEqual(['first'])
    expect(fannedOut()).toEqual(['first'])
    await disk.forbid(false)
    await offerAgain(refused)
    await expect.poll(ready, { timeout: 2_000, interval: 100 }).toBe(200)
    expect(fannedOut()).toEqual(['first', ...refused])
  })

  it.skipIf(noDevice)(
    `[AK1] turned read-only by its file system: the same, and all that was taken is there when it is mounted anew${because(noDevice)}`,
    async () => {
      await begin('device', 32)
      expect((await vera.publish(1, offerOf('first', 'message'))).code).toBe('ACCEPTED')
      await disk.fail()
      const { accepted, refused } = await offerUntilRefused()
      expect(accepted).toEqual([])
      await expect.poll(ready, { timeout: 2_000, interval: 100 }).toBe(503)
      expect(await readKeys()).toEqual(['first'])
      expect(fannedOut()).toEqual(['first'])
      await relay.kill('SIGTERM')
      expect(await relay.ended).toBe(0)
      await disk.mountAgain()
      await relay.start()
      expect(await readKeys()).toEqual(['first'])
      expect(refused).toHaveLength(5)
    },
  )

  it.skipIf(noMemory)(`does not start on a disk that it cannot write, says so, and leaves it as it was${because(noMemory)}`, async () => {
    await begin('memory', 8)
    await vera.publish(1, offerOf('first', 'message'))
    await relay.kill('SIGTERM')
    await disk.remount('ro')
    relay.output.length = 0
    await expect(relay.start()).rejects.toThrow('ended with 1')
    expect(relay.output.join('')).toMatch(/^entente-relay: The data in \S+ cannot be written \(.*read-only/)
    await disk.remount('rw')
    await relay.start()
    expect(await readKeys()).toEqual(['first'])
  })

  it.skipIf(noMemory)(`does not start on a full disk, and says so${because(noMemory)}`, async () => {
    await begin('memory', 8)
    await relay.kill('SIGTERM')
    await relay.loseDisk()
    await disk.fill()
    relay.output.length = 0
    await expect(relay.start()).rejects.toThrow('ended with 1')
    expect(relay.output.join('')).toMatch(/^entente-relay: (The data in \S+ cannot be written|.*no space left)/)
    await disk.empty()
    await relay.start()
    expect(await readKeys()).toEqual([])
  })
})
