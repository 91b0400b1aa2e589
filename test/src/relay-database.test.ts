import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feedName } from '@entente/protocol'
import { createDevice, createOrg, offerOf, RelayClient, TestPostgres } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RelayProcess } from './node/relay-process.js'

let directory: string
let relay: RelayProcess
let postgres: TestPostgres

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-database-'))
  postgres = await TestPostgres.start()
  relay = new RelayProcess(join(directory, 'data'))
})
afterEach(async () => {
  await relay.kill()
  await postgres.remove()
  await rm(directory, { recursive: true, force: true })
})

it.each(['stop', 'stopHard'] as const)(
  '[AK1] outlives its database (%s): takes nothing meanwhile, says that it is not ready, and goes on when it is back (row 33)',
  async (how) => {
    await relay.start(['--store', postgres.url(await postgres.newDatabase())])
    const org = await createOrg()
    const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    const [writer, reader] = await Promise.all([createDevice(org), createDevice(org)])
    let vera = await RelayClient.connect(relay.url, writer)
    await vera.read(1, feed)
    const ready = async (): Promise<number> => (await fetch(`${relay.origin}/readyz`)).status
    const offer = async (key: string): Promise<string> => (await vera.publish(1, offerOf(key, 'message'))).code
    expect(await offer('before')).toBe('ACCEPTED')
    expect(await ready()).toBe(200)
    await postgres[how]()
    for (const key of ['a', 'b', 'c']) expect(await offer(key)).toBe('UNAVAILABLE')
    const began = performance.now()
    await expect.poll(ready, { timeout: 5_000, interval: 100 }).toBe(503)
    expect(performance.now() - began).toBeLessThan(2_000)
    expect((await fetch(`${relay.origin}/healthz`)).status).toBe(200)
    await postgres.startAgain()
    // Devices are told to come back, because what the database holds now need not be what it held; an offer under way then has an open outcome,
    // and is BEHIND when it is made again after it was stored.
    const offerAgain = async (key: string): Promise<string> => {
      if (vera.closeCode !== undefined) {
        expect(vera.closeCode).toBe(1001)
        vera = await RelayClient.connect(relay.url, writer)
        await vera.read(1, feed)
      }
      return offer(key).catch(() => 'OPEN')
    }
    for (const key of ['a', 'b', 'c']) await expect.poll(() => offerAgain(key), { timeout: 10_000 }).toMatch(/ACCEPTED|BEHIND/)
    await expect.poll(ready, { timeout: 5_000, interval: 100 }).toBe(200)
    const later = await RelayClient.connect(relay.url, reader)
    expect((await later.read(1, feed)).map((entry) => entry.key)).toEqual(['before', 'a', 'b', 'c'])
  },
)
