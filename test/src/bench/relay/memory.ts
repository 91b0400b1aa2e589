import { against, atMost } from './figure.js'
import { FilledFeed } from './filled-feed.js'
import type { Measurement, Options } from './report.js'
import { openIdle, openIdleBare } from './idle.js'
import { ServerProcess } from './server-process.js'

const megabyte = 1024 * 1024
/** Keys of the relay that is held against: it does the same work and keeps next to nothing. */
const fewKeys = 1_000
/** How long a server is left alone before its memory is read. */
const settleMs = 10_000

/** What docs cost the relay in memory: a relay after many docs beside one that took as many publishes over few keys. */
export async function benchMemory({ quick }: Options): Promise<Omit<Measurement, 'name'>> {
  const docs = quick ? 10_000 : 100_000
  const full = await ServerProcess.relay()
  const empty = await ServerProcess.relay()
  const untouched = await ServerProcess.relay()
  try {
    for (const [server, keys] of [
      [full, docs],
      [empty, fewKeys],
    ] as const) {
      const filled = await FilledFeed.open(server.url)
      await filled.publish(docs, keys)
      filled.close()
    }
    await settle(quick)
    const [fullBytes, emptyBytes, untouchedBytes] = await Promise.all([full.memory(), empty.memory(), untouched.memory()])
    const grown = (fullBytes - emptyBytes) / megabyte
    return {
      figures: [atMost({ name: `relay memory after ${docs} docs, beyond one with ${fewKeys}`, unit: 'MB', ours: grown }, 20)],
      details: {
        megabytes: { full: fullBytes / megabyte, fewKeys: emptyBytes / megabyte, justStarted: untouchedBytes / megabyte },
      },
    }
  } finally {
    await Promise.all([full.stop(), empty.stop(), untouched.stop()])
  }
}

/** What a socket that says nothing costs, with us after its hello, beside one at a bare ws server. */
export async function benchIdle({ quick }: Options): Promise<Omit<Measurement, 'name'>> {
  const sockets = quick ? 500 : 2_000
  const relay = await ServerProcess.relay(['--sockets-per-address', '100000'])
  const bare = await ServerProcess.peer('bare-ws')
  try {
    // A first lot opens and goes, so that what a server needs once is there before it counts.
    for (const close of [await openIdle(relay.url, 200), await openIdleBare(bare.url, 200)]) close()
    await settle(quick)
    const before = await Promise.all([relay.memory(), bare.memory()])
    await openIdle(relay.url, sockets)
    await openIdleBare(bare.url, sockets)
    await settle(quick)
    const after = await Promise.all([relay.memory(), bare.memory()])
    const perSocket = (index: 0 | 1): number => (after[index] - before[index]) / sockets / 1024
    return {
      figures: [against({ name: 'memory per idle socket', unit: 'KB', ours: perSocket(0) }, 'bare ws', perSocket(1), { atMost: 1.3 })],
      details: { sockets, megabytes: { before: before.map((bytes) => bytes / megabyte), after: after.map((bytes) => bytes / megabyte) } },
    }
  } finally {
    await Promise.all([relay.stop(), bare.stop()])
  }
}

function settle(quick: boolean): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, quick ? 2_000 : settleMs))
}
