import { median } from '../measure.js'
import { against, atMost, told } from './figure.js'
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
    const [fullLive, fewLive] = [await memoriesInUse(full), await memoriesInUse(few)]
    const grown = (median(fullBytes) - median(fewBytes)) / megabyte
    const grownLive = (median(fullLive) - median(fewLive)) / megabyte
    const name = `relay memory after ${docs} docs, beyond one with ${fewKeys}`
    return {
      figures: [told({ name: `${name}, garbage and all`, unit: 'MB', ours: grown }), atMost({ name, unit: 'MB', ours: grownLive }, 20)],
      details: {
        megabytes: { full: inMegabytes(fullBytes), few: inMegabytes(fewBytes), justStarted: inMegabytes(await memories(untouched)) },
        withoutGarbage: { full: inMegabytes(fullLive), few: inMegabytes(fewLive) },
      },
    }
  } finally {
    for (const server of [...full, ...few, ...untouched]) await server.stop()
  }
}

/** Servers of each kind at once: the sockets of all of them are held by this process, which may open some 20,000 files. */
const idleServers = 2

/**
 * What one more socket that says nothing costs, with us after its hello, each of another org, beside one at a bare ws server. It is counted over the
 * sockets after the first thousand, so that what a server needs once is there.
 */
export async function benchIdle({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const sockets = quick ? 500 : 2_000
  const servers = Math.min(rounds, idleServers)
  const relays = await startAll(servers, () => startRelay(['--sockets-per-address', '100000']))
  const bares = await startAll(servers, () => ServerProcess.peer('bare-ws'))
  const openAll = async (count: number): Promise<(() => void)[]> => {
    const closers: (() => void)[] = []
    for (const relay of relays) closers.push(await openIdle(relay.url, count))
    for (const bare of bares) closers.push(await openIdleBare(bare.url, count))
    return closers
  }
  const closers: (() => void)[] = []
  try {
    closers.push(...(await openAll(sockets / 2)))
    await settle(quick)
    const before = { relays: await memories(relays), bares: await memories(bares) }
    const liveBefore = { relays: await memoriesInUse(relays), bares: await memoriesInUse(bares) }
    closers.push(...(await openAll(sockets)))
    await settle(quick)
    const after = { relays: await memories(relays), bares: await memories(bares) }
    const perSocket = (now: readonly number[], then: readonly number[]): number =>
      median(now.map((bytes, round) => bytes - (then[round] ?? bytes))) / sockets / 1024
    const live = { relays: await memoriesInUse(relays), bares: await memoriesInUse(bares) }
    const name = 'memory per idle socket'
    return {
      figures: [
        against(
          { name: `${name}, garbage and all`, unit: 'KB', ours: perSocket(after.relays, before.relays) },
          'bare ws',
          perSocket(after.bares, before.bares),
          {
            atMost: 1.3,
          },
        ),
        against({ name, unit: 'KB', ours: perSocket(live.relays, liveBefore.relays) }, 'bare ws', perSocket(live.bares, liveBefore.bares), {
          atMost: 1.3,
        }),
      ],
      details: {
        sockets,
        relayMegabytes: [inMegabytes(before.relays), inMegabytes(after.relays)],
        relayWithoutGarbage: [inMegabytes(liveBefore.relays), inMegabytes(live.relays)],
        bareWithoutGarbage: [inMegabytes(liveBefore.bares), inMegabytes(live.bares)],
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

/** The same after a collection: how much garbage V8 happens to keep around is not the relay's doing and differs by tens of megabytes. */
async function memoriesInUse(servers: readonly ServerProcess[]): Promise<number[]> {
  for (const server of servers) await server.collectGarbage()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return memories(servers)
}

function inMegabytes(bytes: readonly number[]): number[] {
  return bytes.map((each) => Math.round((each / megabyte) * 10) / 10)
}

function settle(quick: boolean): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, quick ? 2_000 : settleMs))
}
