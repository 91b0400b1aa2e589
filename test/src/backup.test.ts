import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Entry, feedName, type FeedName } from '@entente/protocol'
import { createDevice, createOrg, offerOf, RelayClient, type TestDevice } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { relayCommand, RelayProcess } from './node/relay-process.js'

const keys = 30

let directory: string
let relay: RelayProcess
let restored: RelayProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-backup-'))
  relay = new RelayProcess(join(directory, 'data'))
  restored = new RelayProcess(join(directory, 'restored'))
  await relay.start()
})
afterEach(async () => {
  await relay.kill()
  await restored.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[AK1] backs up under load: each of several copies has everything that was acknowledged before its command began', async () => {
  const org = await createOrg()
  const [vera, reader] = await Promise.all([createDevice(org), createDevice(org)])
  const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
  const writer = await RelayClient.connect(relay.url, vera)
  await writer.read(1, feed)
  const acknowledged = new Map<string, number>()
  const working = publishUntilCut(writer, acknowledged)
  for (const name of ['first.db', 'second.db', 'third.db']) {
    // Every key has been published, and the load goes on.
    const round = acknowledged.get('k0') ?? 0
    await expect.poll(() => [acknowledged.size, (acknowledged.get('k0') ?? 0) > round], { timeout: 15_000 }).toEqual([keys, true])
    const before = new Map(acknowledged)
    const file = join(directory, name)
    expect(await relayCommand('backup', file, '--data', relay.directory)).toMatchObject({ code: 0, stderr: '' })
    const during = acknowledged.get('k0') ?? 0
    expect(during).toBeGreaterThan(before.get('k0') ?? 0)
    expect(await relayCommand('check', '--data', relay.directory)).toMatchObject({ code: 0 })
    expect(await relayCommand('restore', file, '--data', restored.directory)).toMatchObject({ code: 0 })
    await restored.start()
    const found = await readAll(restored, reader, feed)
    await restored.kill('SIGTERM')
    expect(before.size).toBe(keys)
    for (const [key, value] of before) expect(valueOf(found.get(key)), `${key} in ${name}`).toBeGreaterThanOrEqual(value)
  }
  await relay.kill('SIGKILL')
  await working
  // Everything the relay acknowledged over all this is still with it.
  await relay.start()
  const found = await readAll(relay, reader, feed)
  for (const [key, value] of acknowledged) expect(valueOf(found.get(key)), key).toBeGreaterThanOrEqual(value)
})

it('does not restore under a running relay', async () => {
  const file = join(directory, 'copy.db')
  expect(await relayCommand('backup', file, '--data', relay.directory)).toMatchObject({ code: 0 })
  const { code, stderr } = await relayCommand('restore', file, '--data', relay.directory)
  expect(code).toBe(1)
  expect(stderr).toContain('Another relay')
})

/** Goes on publishing growing numbers under many keys at once, each key's after its last was acknowledged, until the line is cut. */
async function publishUntilCut(writer: RelayClient, acknowledged: Map<string, number>): Promise<void> {
  const sequences = new Map<string, number>()
  // Messages that were taken in go, because everything else walks through those that remain.
  const takeIn = (): void => {
    const rest = writer.heard.filter((message) => {
      if (message.type === 'entries') for (const { key, sequence } of message.entries) sequences.set(key, sequence)
      return message.type !== 'entries'
    })
    writer.heard.splice(0, writer.heard.length, ...rest)
  }
  const workOn = async (key: string): Promise<void> => {
    for (let value = 1; ; value++) {
      const seen = sequences.get(key) ?? 0
      const outcome = await writer.publish(1, { ...offerOf(key, 'message', new TextEncoder().encode(String(value))), seen })
      if (outcome.code !== 'ACCEPTED') throw new Error(`Offer refused: ${outcome.code}`)
      acknowledged.set(key, value)
      await writer.until(() => {
        takeIn()
        return (sequences.get(key) ?? 0) > seen || undefined
      }, `the entry of ${key}`)
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: keys }, (_, index) => workOn(`k${index}`)))
  for (const end of ends) if (end.status === 'rejected' && !String(end.reason).includes('closed')) throw end.reason
}

async function readAll(from: RelayProcess, device: TestDevice, feed: FeedName): Promise<ReadonlyMap<string, Entry>> {
  const client = await RelayClient.connect(from.url, device)
  const entries = await client.read(1, feed)
  await client.close()
  return new Map(entries.map((entry) => [entry.key, entry]))
}

function valueOf(entry: Entry | undefined): number {
  return entry ? Number.parseInt(new TextDecoder().decode(entry.bytes), 10) : 0
}
