import { parseKey } from '@entente/protocol'
import { WebSocket } from 'ws'
import { type History, inOrder } from './payload.js'
import { agreeAt, encodeOffer, RelayLine } from './relay-line.js'
import type { ServerProcess } from './server-process.js'

/** One writer and some readers at one server, all docs there already and everybody up to date. */
export interface Stage {
  /** Sends the updates from one number to another (without it), in the order of `inOrder`; all of them are made beforehand. */
  send(from: number, to: number): void
  /** The number up to which every reader has all updates, and the writer, where the server acknowledges, its acknowledgement. */
  done(): number
  /** Called whenever something came in. */
  onProgress: () => void
  close(): void
}

/** Our relay: the docs of one feed; the writer's frames take what there is to send, as the engine's do. */
export async function stageRelay(server: ServerProcess, histories: readonly History[], readers: number): Promise<Stage> {
  const feed = await agreeAt(server.url)
  const writer = await RelayLine.open(feed, feed.connection.vera)
  await writer.follow()
  const lines: RelayLine[] = []
  for (let reader = 0; reader < readers; reader++) {
    const line = await RelayLine.open(feed, feed.connection.paul)
    await line.follow()
    lines.push(line)
  }
  const docs = histories.length
  const base = { kind: 'doc', epoch: { version: 1, number: 0 } } as const
  const keys = histories.map(({ key }) => parseKey(key))
  // One writer, one feed: the relay numbers entries in the order in which they were offered, the whole docs first.
  const updates = inOrder(histories, (bytes, doc, number) =>
    encodeOffer({ ...base, id: number, seen: number + 1, key: keys[doc] ?? missing(), whole: false, bytes }),
  )
  const stage: Stage = {
    send: (from, to) => writer.offerEncoded(updates.slice(from, to)),
    done: () => lines.reduce((least, { entries }) => Math.min(least, entries), writer.accepted) - docs,
    onProgress: () => undefined,
    close: () => [writer, ...lines].forEach((line) => line.close()),
  }
  const heard = onceATurn(() => stage.onProgress())
  for (const line of [writer, ...lines]) line.onHeard = heard
  writer.offer(histories.map(({ whole }, doc) => ({ ...base, id: doc, seen: 0, key: keys[doc] ?? missing(), whole: true, bytes: whole })))
  await reached(stage, 0)
  return stage
}

/** How one of the peers wants its messages: made beforehand, so that the writer only sends. */
export interface Wire {
  /** The path to connect to. */
  readonly path: string
  /** What a client says first. */
  readonly greeting: readonly Uint8Array[]
  /** Answers to the greeting after which a client is ready. */
  readonly answers: number
  readonly wholes: readonly Uint8Array[]
  /** All updates, in the order of `inOrder`. */
  readonly messages: readonly Uint8Array[]
  /** Whether a frame brings an update. */
  isUpdate(frame: Uint8Array): boolean
}

/** Any other server: one message an update, each counted by each reader. */
export async function stagePeer(server: ServerProcess, wire: Wire, readers: number): Promise<Stage> {
  const heard = Array.from({ length: readers }, () => 0)
  const writer = await connect(server, wire)
  const sockets = await Promise.all(heard.map(() => connect(server, wire)))
  const before = wire.wholes.length
  const stage: Stage = {
    send: (from, to) => {
      for (const message of wire.messages.slice(from, to)) writer.send(message)
    },
    done: () => heard.reduce((least, count) => Math.min(least, count)) - before,
    onProgress: () => undefined,
    close: () => [writer, ...sockets].forEach((socket) => socket.terminate()),
  }
  const progress = onceATurn(() => stage.onProgress())
  sockets.forEach((socket, reader) => {
    socket.on('message', (frame: Buffer) => {
      if (!wire.isUpdate(frame)) return
      heard[reader] = (heard[reader] ?? 0) + 1
      progress()
    })
  })
  for (const whole of wire.wholes) writer.send(whole)
  await reached(stage, 0)
  return stage
}

/** Opens a socket, greets and waits for the answers to it. */
async function connect(server: ServerProcess, wire: Wire): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url}${wire.path}`, { perMessageDeflate: false })
  const answered = new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    if (wire.answers === 0) return resolve()
    // From the start: a server may speak first, in the very packet that opens the socket.
    let left = wire.answers
    const count = (): void => {
      if (--left > 0) return
      socket.off('message', count)
      resolve()
    }
    socket.on('message', count)
  })
  await new Promise((resolve) => socket.once('open', resolve))
  for (const message of wire.greeting) socket.send(message)
  await answered
  return socket
}

/** The same call, at most once in a turn of the loop: what a socket brings in one turn is looked at together. */
function onceATurn(call: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      call()
    })
  }
}

/** Resolves when everything up to a number is done. */
export function reached(stage: Stage, number: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (stage.done() < number) return
      stage.onProgress = () => undefined
      resolve()
    }
    stage.onProgress = look
    look()
  })
}

/** The bare loop: the update itself and nothing else. */
export function bareWire(histories: readonly History[]): Wire {
  const wholes = histories.map(({ whole }) => whole)
  return {
    path: '/',
    greeting: [],
    answers: 0,
    wholes,
    messages: inOrder(histories, (bytes) => bytes),
    isUpdate: () => true,
  }
}

function missing(): never {
  throw new Error('An update that was not made beforehand was asked for.')
}
