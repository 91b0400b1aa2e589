import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Entry, feedName, type FeedName } from '@entente/protocol'
import { createDevice, createOrg, offerOf, RelayClient, type TestDevice } from '@entente/relay-server/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RelayProcess } from './node/relay-process.js'

const rounds = 12
const keys = 40

let directory: string
let relay: RelayProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-kill-'))
  relay = new RelayProcess(join(directory, 'data'))
  await relay.start()
})
afterEach(async () => {
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it(`[AK1] loses nothing that it acknowledged or fanned out, killed ${rounds} times under load (promise 2)`, async () => {
  const org = await createOrg()
  const [vera, reader] = await Promise.all([createDevice(org), createDevice(org)])
  const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
  const last = new Map<string, Entry>()
  let acknowledged = 0
  for (let round = 0; round < rounds; round++) {
    const writer = await RelayClient.connect(relay.url, vera)
    for (const entry of await writer.read(1, feed)) last.set(entry.key, entry)
    const watcher = await RelayClient.connect(relay.url, reader)
    await watcher.read(1, feed)
    const working = publishUntilCut(writer, last, round)
    await new Promise((resolve) => setTimeout(resolve, 40 + ((round * 37) % 160)))
    await relay.kill('SIGKILL')
    const taken = await working
    const seen = watcher.heard.flatMap((message) => (message.type === 'entries' ? message.entries : []))
    await relay.start()
    const found = await readAll(reader, feed)
    for (const { key, value } of taken) expect(valueOf(found.get(key)), `${key} in round ${round}`).toBeGreaterThanOrEqual(value)
    for (const entry of seen)
      expect(found.get(entry.key)?.sequence, `${entry.key} in round ${round}`).toBeGreaterThanOrEqual(entry.sequence)
    acknowledged += taken.length
  }
  expect(acknowledged).toBeGreaterThan(rounds * 10)
})

/** Goes on publishing growing numbers, each key's after its last was acknowledged, until the line is cut. */
async function publishUntilCut(
  writer: RelayClient,
  last: ReadonlyMap<string, Entry>,
  round: number,
): Promise<readonly { key: string; value: number }[]> {
  const taken: { key: string; value: number }[] = []
  const workOn = async (key: string): Promise<void> => {
    let seen = last.get(key)?.sequence ?? 0
    let value = valueOf(last.get(key))
    for (;;) {
      value++
      const outcome = await writer.publish(1, { ...offerOf(key, 'message', new TextEncoder().encode(`${value} of ${round}`)), seen })
      if (outcome.code !== 'ACCEPTED') throw new Error(`Offer refused: ${outcome.code}`)
      taken.push({ key, value })
      const mine = await writer.until(
        () =>
          writer.heard
            .flatMap((message) => (message.type === 'entries' ? message.entries : []))
            .find((entry) => entry.key === key && entry.sequence > seen),
        `the entry of ${key}`,
      )
      seen = mine.sequence
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: keys }, (_, index) => workOn(`k${index}`)))
  for (const end of ends) if (end.status === 'rejected' && !String(end.reason).includes('closed')) throw end.reason
  return taken
}

async function readAll(device: TestDevice, feed: FeedName): Promise<ReadonlyMap<string, Entry>> {
  const client = await RelayClient.connect(relay.url, device)
  const entries = await client.read(1, feed)
  await client.close()
  return new Map(entries.map((entry) => [entry.key, entry]))
}

function valueOf(entry: Entry | undefined): number {
  return entry ? Number.parseInt(new TextDecoder().decode(entry.bytes), 10) : 0
}
