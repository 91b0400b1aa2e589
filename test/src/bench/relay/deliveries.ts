import { inTurn, median } from '../measure.js'
import { against } from './figure.js'
import { createHistories } from './payload.js'
import type { Measurement, Options } from './report.js'
import { type PeerName, ServerProcess } from './server-process.js'
import { bareWire, type Stage, stagePeer, stageRelay, type Wire } from './stage.js'
import { createWholeDoc, hocuspocusWire, hocuspocusWireEach, yWebsocketWire } from './yjs-wire.js'

const docs = 1_000
const readers = 10
/** Updates on their way at any time, for every server: as many as there are docs, since a record's next change follows the one before. */
const underWay = 1_000
/** Turns that are not counted, so that all servers' code is compiled as it is where they have served for a while. */
const warmUpTurns = 20
const measuredTurns = 60
const quickTurns = 4

interface Run {
  /** Updates that reached a reader, per second, over all readers. */
  readonly perSecond: number
  /** The same per second of the server's processor time, which other load on the machine does not touch. */
  readonly perServerSecond: number
  /** How much of one core the server took. */
  readonly serverCores: number
  /** And this process, with the writer and all readers. */
  readonly clientCores: number
}

/** Deliveries per second from one writer to ten readers, updates spread over a thousand docs. Servers in turn, a fresh process each time. */
export async function benchDeliveries({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const turns = warmUpTurns + (quick ? quickTurns : measuredTurns)
  const histories = createHistories(docs, turns)
  const records = createWholeDoc(docs, turns)
  const peer = (name: PeerName, wire: Wire) => () => run(turns, ServerProcess.peer(name), (server) => stagePeer(server, wire, readers))
  const contestants = {
    ours: () => run(turns, startRelay(), (server) => stageRelay(server, histories, readers)),
    bareWs: peer('bare-ws', bareWire(histories)),
    yWebsocket: peer('y-websocket', yWebsocketWire(records)),
    hocuspocus: peer('hocuspocus', hocuspocusWire(records)),
    hocuspocusDocEach: peer('hocuspocus', hocuspocusWireEach(histories)),
  }
  const runs = await inTurn(rounds, contestants)
  const rate = (name: keyof typeof contestants): number => median(runs[name].map(({ perSecond }) => perSecond))
  const ours = { name: '1 writer → 10 readers, 1,000 docs', unit: 'deliveries/s', ours: rate('ours') }
  return {
    figures: [
      against(ours, 'bare ws loop', rate('bareWs'), { atLeast: 1.2 }),
      against(ours, 'y-websocket', rate('yWebsocket'), { atLeast: 5 }),
      against(ours, 'Hocuspocus', Math.max(rate('hocuspocus'), rate('hocuspocusDocEach')), { atLeast: 6 }),
    ],
    details: { updateBytes: histories[0]?.updates[0]?.length, updateBytesInOneDoc: records.updates[0]?.length, runs },
  }
}

async function run(turns: number, starting: Promise<ServerProcess>, setUp: (server: ServerProcess) => Promise<Stage>): Promise<Run> {
  const server = await starting
  try {
    const stage = await setUp(server)
    await pump(stage, 0, warmUpTurns * docs)
    const busy = await server.busyMs()
    const own = process.cpuUsage()
    const start = performance.now()
    await pump(stage, warmUpTurns * docs, turns * docs)
    const tookMs = performance.now() - start
    const serverMs = (await server.busyMs()) - busy
    const { user, system } = process.cpuUsage(own)
    stage.close()
    const deliveries = (turns - warmUpTurns) * docs * readers
    return {
      perSecond: (deliveries * 1000) / tookMs,
      perServerSecond: (deliveries * 1000) / serverMs,
      serverCores: serverMs / tookMs,
      clientCores: (user + system) / 1000 / tookMs,
    }
  } finally {
    await server.stop()
  }
}

/** Sends updates as fast as they are delivered, refilling by halves, and resolves when everybody has them all. */
function pump(stage: Stage, from: number, to: number): Promise<void> {
  let sent = from
  return new Promise((resolve) => {
    const go = (): void => {
      const done = stage.done()
      if (done >= to) {
        stage.onProgress = () => undefined
        resolve()
      } else if (sent < to && sent - done <= underWay / 2) {
        const next = Math.min(to, done + underWay)
        stage.send(sent, next)
        sent = next
      }
    }
    stage.onProgress = go
    go()
  })
}
