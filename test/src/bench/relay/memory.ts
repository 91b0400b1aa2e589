import { median } from '../measure.js'
import { against, atMost } from './figure.js'
import { FilledFeed } from './filled-feed.js'
import { openIdle, openIdleBare } from './idle.js'
import type { Measurement, Options } from './report.js'
import { ServerProcess } from './server-process.js'

const megabyte = 1024 * 1024
/** Keys of the relay that is held against: it does the same work and keeps next to nothing. */
const fewKeys = 1_000
/** How long a server is left alone before its memory is read. */
const settleMs = 10_000

/** What docs cost the relay in memory: relays after many docs beside some that took as many publishes over few keys. */
export async function benchMemory({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const docs = quick ? 10_000 : 100_000
  const full = await startAll(rounds, () => startRelay())
  const few = await startAll(rounds, () => startRelay())
  const untouched = await startAll(1, () => startRelay())
  try {
    for (let round = 0; round < rounds; round++) {
      await fill(full[round], docs, docs)
      await fill(few[round], docs, fewKeys)
    }
    await settle(quick)
    const [fullBytes, fewBytes] = [await memories(full), await memories(few)]
    const grown = (median(fullBytes) - median(fewBytes)) / megabyte
    return {
      figures: [atMost({ name: `relay memory after ${docs} docs, beyond one with ${fewKeys}`, unit: 'MB', ours: grown }, 20)],
      details: {
        megabytes: { full: inMegabytes(fullBytes), few: inMegabytes(fewBytes), justStarted: inMegabytes(await memories(untouched)) },
      },
    }
  } finally {
    for (const server of [...full, ...few, ...untouched]) await server.stop()
  }
}

/** What a socket that says nothing costs, with us after its hello, beside one at a bare ws server. */
export async function benchIdle({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const sockets = quick ? 500 : 2_000
  const relays = await startAll(rounds, () => startRelay(['--sockets-per-address', '100000']))
  const bares = await startAll(rounds, () => ServerProcess.peer('bare-ws'))
  const openAll = async (count: number): Promise<(() => void)[]> => {
    const closers: (() => void)[] = []
    for (const relay of relays) closers.push(await openIdle(relay.url, count))
    for (const bare of bares) closers.push(await openIdleBare(bare.url, count))
    return closers
  }
  let closers: (() => void)[] = []
  try {
    // A first lot opens and goes, so that what a server needs once is there before it counts.
    for (const close of await openAll(200)) close()
    await settle(quick)
    const before = { relays: await memories(relays), bares: await memories(bares) }
    closers = await openAll(sockets)
    await settle(quick)
    const after = { relays: await memories(relays), bares: await memories(bares) }
    const perSocket = (kind: keyof typeof after): number =>
      median(after[kind].map((bytes, round) => bytes - (before[kind][round] ?? bytes))) / sockets / 1024
    return {
      figures: [
        against({ name: 'memory per idle socket', unit: 'KB', ours: perSocket('relays') }, 'bare ws', perSocket('bares'), { atMost: 1.3 }),
      ],
      details: {
        sockets,
        relayMegabytes: [inMegabytes(before.relays), inMegabytes(after.relays)],
        bareMegabytes: [inMegabytes(before.bares), inMegabytes(after.bares)],
      },
    }
  } finally {
    for (const close of closers) close()
    for (const server of [...relays, ...bares]) await server.stop()
  }
}

/** As many servers of a kind as there are rounds, side by side: memory does not mind, and one wait serves all. */
async function startAll(count: number, start: () => Promise<ServerProcess>): Promise<readonly ServerProcess[]> {
  const servers: ServerProcess[] = []
  while (servers.length < count) servers.push(await start())
  return servers
}

async function fill(server: ServerProcess | undefined, count: number, keys: number): Promise<void> {
  if (!server) return
  const filled = await FilledFeed.open(server.url)
  await filled.publish(count, keys)
  filled.close()
}

function memories(servers: readonly ServerProcess[]): Promise<number[]> {
  return Promise.all(servers.map((server) => server.memory()))
}

function inMegabytes(bytes: readonly number[]): number[] {
  return bytes.map((each) => Math.round((each / megabyte) * 10) / 10)
}

function settle(quick: boolean): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, quick ? 2_000 : settleMs))
}
