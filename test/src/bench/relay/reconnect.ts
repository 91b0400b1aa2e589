import { createDoc, encodeStateVector, type StateVector, vectorOfDoc, writeSlots } from '@entente/protocol'
import type { Position } from '@entente/relay-server/testing'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { inTurn, median } from '../measure.js'
import { against, atMost } from './figure.js'
import { FilledFeed } from './filled-feed.js'
import { client, createHistories, keyOf, sealed } from './payload.js'
import { RelayLine } from './relay-line.js'
import type { Measurement, Options } from './report.js'
import { ServerProcess } from './server-process.js'
import { type Stage, stagePeer } from './stage.js'
import { docName, helloTo, hocuspocusWireEach, isNamedSync, isSync, named, step1, step2, syncMessage, yWebsocketWire } from './yjs-wire.js'

const docs = 10_000
const changed = 100
const repeats = 50
/** Returns that are not counted, so that the code of all servers, and of the devices, is compiled as it is where it has served for a while. */
const warmUps = 500

/** What a device that comes back hears, from opening its socket to being up to date. */
interface Back {
  readonly ms: number
  /** The part of it from asking for what is new on; before it comes the socket and, with us, the device's signature. The relay's checks of it come after. */
  readonly askedMs: number
  readonly bytes: number
  readonly frames: number
}

/** A device with mirrors of 10,000 docs comes back after a hundred of them have changed, and after none has. */
export async function benchReconnect({ rounds, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const returns = await Promise.all([setUpRelay(startRelay), setUpYWebsocket(), setUpHocuspocus()])
  const [relay, yWebsocket, hocuspocus] = returns
  try {
    const none = await relay.unchanged()
    const contestants = { ours: relay.changed, yWebsocket: yWebsocket.changed }
    await inTurn(warmUps, contestants)
    const all = await inTurn(rounds * repeats, contestants)
    const each = await inTurn(rounds, { hocuspocus: hocuspocus.changed })
    const ms = (backs: readonly Back[]): number => median(backs.map((back) => back.ms))
    const askedMs = (backs: readonly Back[]): number => median(backs.map((back) => back.askedMs))
    const [ours] = all.ours
    const time = { name: `reconnect, ${docs} docs, ${changed} changed`, unit: 'ms', ours: ms(all.ours) }
    return {
      figures: [
        atMost({ name: `${time.name}: heard`, unit: 'bytes', ours: ours?.bytes ?? Number.NaN }, 20_000),
        atMost({ name: `${time.name}: heard`, unit: 'frames', ours: ours?.frames ?? Number.NaN }, 6),
        atMost({ name: `reconnect, ${docs} docs, none changed: heard`, unit: 'bytes', ours: none.bytes }, 100),
        against(time, 'y-websocket, one doc for all', ms(all.yWebsocket), { atMost: 2 }),
        against(
          { ...time, name: `${time.name}: from asking on`, ours: askedMs(all.ours) },
          'y-websocket, one doc for all',
          askedMs(all.yWebsocket),
        ),
        against(time, 'Hocuspocus, a doc each', ms(each.hocuspocus), { atMost: 0.01 }),
      ],
      details: {
        noneChanged: none,
        ours: all.ours,
        yWebsocket: all.yWebsocket,
        hocuspocus: each.hocuspocus,
      },
    }
  } finally {
    for (const one of returns) await one.stop()
  }
}

async function setUpRelay(startRelay: Options['startRelay']) {
  const server = await startRelay()
  const filled = await FilledFeed.fill(server.url, docs)
  const before = await filled.position()
  await filled.change(docs, docs / changed)
  const after = await filled.position()
  const { paul } = filled.feed.connection
  const comeBack = async (from: Position, entries: number): Promise<Back> => {
    const start = performance.now()
    const { line, askedAt } = await RelayLine.comeBack(filled.feed, paul, from)
    const now = performance.now()
    line.close()
    if (line.entries !== entries) throw new Error(`The relay told ${line.entries} entries instead of ${entries}.`)
    return { ms: now - start, askedMs: now - askedAt, bytes: line.bytes, frames: line.frames }
  }
  return {
    changed: () => comeBack(before, changed),
    unchanged: () => comeBack(after, 0),
    stop: () => server.stop(),
  }
}

/** One doc for all records: the client tells its state vector and gets what is newer. */
async function setUpYWebsocket() {
  const server = await ServerProcess.peer('y-websocket')
  const whole = createDoc(new Map(Array.from({ length: docs }, (_, doc) => [keyOf(doc), sealed(doc)])), client)
  // Not as one of ours is loaded: a doc of so many records is larger than the relay takes.
  const editor = new Y.Doc()
  Y.applyUpdate(editor, whole)
  editor.clientID = client + 2
  const updates = Array.from({ length: changed }, (_, index) =>
    writeSlots(editor, new Map([[keyOf((index * docs) / changed), sealed(index)]])),
  )
  const stage = await stagePeer(server, yWebsocketWire({ whole, updates }), 1)
  await sendAll(stage, changed)
  const vector = encodeStateVector(vectorOfDoc(whole))
  const comeBack = (): Promise<Back> => listen(`${server.url}/${docName}`, [syncMessage(step1, vector)], 1, (frame) => isSync(frame, step2))
  return { changed: comeBack, stop: () => server.stop() }
}

/** A doc each, kept in memory by the writer, who stays; the client asks for all of them at once over one socket. */
async function setUpHocuspocus() {
  const server = await ServerProcess.peer('hocuspocus')
  const histories = createHistories(docs, 1)
  await stagePeer(server, hocuspocusWireEach(histories), 1)
  const vector = (whole: Uint8Array): StateVector => vectorOfDoc(whole)
  const asks = histories.flatMap(({ key, whole }) => [helloTo(key), named(key, syncMessage(step1, encodeStateVector(vector(whole))))])
  const comeBack = (): Promise<Back> => listen(server.url, asks, docs, (frame) => isNamedSync(frame, step2))
  return { changed: comeBack, stop: () => server.stop() }
}

async function sendAll(stage: Stage, count: number): Promise<void> {
  stage.send(0, count)
  while (stage.done() < count) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** Opens a socket, asks, and closes it when as many answers have come. */
function listen(url: string, asks: readonly Uint8Array[], answers: number, isAnswer: (frame: Uint8Array) => boolean): Promise<Back> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    let [bytes, frames, left, asked] = [0, 0, answers, start]
    socket.once('error', reject)
    socket.once('open', () => {
      asked = performance.now()
      asks.forEach((ask) => socket.send(ask))
    })
    socket.on('message', (frame: Buffer) => {
      bytes += frame.length
      frames++
      if (!isAnswer(frame) || --left > 0) return
      const now = performance.now()
      resolve({ ms: now - start, askedMs: now - asked, bytes, frames })
      socket.terminate()
    })
  })
}
