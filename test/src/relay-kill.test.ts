import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feedName } from '@entente/protocol'
import { createDevice, createOrg, headOffer, offerOf, RelayClient, TestPostgres } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { killUnderLoad } from './faults/kill.js'
import { RelayProcess } from './node/relay-process.js'

const times = 12

let directory: string
let relay: RelayProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-kill-'))
  relay = new RelayProcess(join(directory, 'data'))
})
afterEach(async () => {
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it(`[AK1] loses nothing that it acknowledged or fanned out, and stores nothing twice, killed ${times} times under load`, async () => {
  await killAndCount([])
})

it(`[AK1] the same on PostgreSQL, killed ${times} times`, async () => {
  const postgres = await TestPostgres.start()
  try {
    await killAndCount(['--store', postgres.url(await postgres.newDatabase())])
  } finally {
    await relay.kill()
    await postgres.remove()
  }
})

it('[AK1, HD1] keeps a head that it took over a kill, at its own sequence, and takes the next one after it', async () => {
  await relay.start()
  const org = await createOrg()
  const device = await createDevice(org)
  const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
  const before = await RelayClient.connect(relay.url, device)
  await before.read(1, feed)
  await before.publish(1, offerOf('hello', 'message'))
  expect((await before.publish(1, headOffer(1))).code).toBe('ACCEPTED')
  await relay.kill('SIGKILL')
  await relay.start()
  const after = await RelayClient.connect(relay.url, device)
  const [, head] = await after.read(1, feed)
  expect(head).toMatchObject({ sequence: 2, key: 'head', kind: 'head', bytes: headOffer(1).bytes })
  expect((await after.publish(1, headOffer(1, 2))).code).toBe('BEHIND')
  expect((await after.publish(1, headOffer(2, 2))).code).toBe('ACCEPTED')
})

async function killAndCount(flags: readonly string[]): Promise<void> {
  await relay.start(flags)
  const report = await killUnderLoad(relay, { times, seed: 20_260_731, keysPerFeed: 12, flags })
  expect(report).toMatchObject({
    killed: times,
    lostAcknowledged: 0,
    lostFannedOut: 0,
    storedTwice: 0,
    wronglyRefused: 0,
    differing: 0,
    unaccounted: 0,
    repeated: 0,
    lostCursors: 0,
    bad: 0,
  })
  // Else the kills came before the load, or never between a commit and its acknowledgement, and the zeros above say nothing.
  expect(report.acknowledged).toBeGreaterThan(times * 3)
  expect(report.storedUnacknowledged).toBeGreaterThan(0)
  expect(report.offeredAgain).toBeGreaterThan(0)
}
