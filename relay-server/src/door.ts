import { randomBytes } from 'node:crypto'
import { compareEpochs, type Epoch, type FeedName, type Key, loadDoc, parseFeedName, parseKey, ProtocolError } from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { WebSocket } from 'ws'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'
import { type Log, reasonOf } from './log.js'
import type { Commit, KeyName, Store, Write } from './store/store.js'

/** Tokens given out and not yet expired; beyond, the oldest goes. */
const keptTokens = 10_000

/** Close codes of the door. */
const doorClosed = { ended: 4001, readOnly: 4003 } as const

// The words of the y-websocket protocol.
const messageSync = 0
const messageAwareness = 1
const emptyAwareness = new Uint8Array([messageAwareness, 1, 0])

interface Pass {
  readonly name: KeyName
  readonly epoch: Epoch
  /** ms since 1970 */
  readonly expires: number
}

interface Visitor {
  readonly socket: WebSocket
  readonly pass: Pass
}

/**
 * The y-websocket door (rules DR1 to DR4): whoever shows a token may read one doc, in its present epoch, with a stock y-websocket provider. Here, and only
 * here and in compaction, a Y.Doc is loaded, for as long as one answer takes.
 */
export class Doors {
  readonly #store: Store
  readonly #log: Log
  readonly #lifeMs: number
  readonly #slowReaderBytes: number
  readonly #passes = new Map<string, Pass>()
  readonly #visitors = new Map<string, Set<Visitor>>()

  constructor(store: Store, log: Log, lifeMs: number, slowReaderBytes: number) {
    this.#store = store
    this.#log = log
    this.#lifeMs = lifeMs
    this.#slowReaderBytes = slowReaderBytes
  }

  /** A token for a doc, or undefined where there is none under this name. */
  async admit(name: KeyName, now: number): Promise<{ readonly token: string; readonly expires: number } | undefined> {
    const [state] = await this.#store.keyStates([name])
    if (state?.kind !== 'doc') return undefined
    const token = randomBytes(16).toString('base64url')
    const expires = now + this.#lifeMs
    this.#passes.set(token, { name, epoch: state.epoch, expires })
    if (this.#passes.size > keptTokens) {
      const [oldest] = this.#passes.keys()
      if (oldest !== undefined) this.#passes.delete(oldest)
    }
    return { token, expires }
  }

  /** What a token opens, or undefined where it opens nothing or another doc. */
  check(name: KeyName, token: string, now: number): Pass | undefined {
    const pass = this.#passes.get(token)
    return pass && pass.expires > now && pass.name.feed === name.feed && pass.name.key === name.key ? pass : undefined
  }

  enter(socket: WebSocket, pass: Pass): void {
    const visitor: Visitor = { socket, pass }
    const id = visitorId(pass.name)
    this.#visitors.set(id, (this.#visitors.get(id) ?? new Set()).add(visitor))
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) return socket.close(1003)
      this.#answer(visitor, data).catch((error: unknown) => {
        this.#log.warn('door-failed', { reason: reasonOf(error) })
        socket.close(1011)
      })
    })
    socket.on('error', (error) => this.#log.debug('socket-error', { reason: reasonOf(error) }))
    socket.on('close', () => {
      const visitors = this.#visitors.get(id)
      visitors?.delete(visitor)
      if (visitors?.size === 0) this.#visitors.delete(id)
    })
  }

  /** Passes a committed update on, and closes the door on a doc that was replaced or erased. */
  fanOut(writes: readonly Write[], commit: Commit): void {
    if (this.#visitors.size === 0) return
    writes.forEach((write, index) => {
      if (!commit.sequences[index]) return
      for (const visitor of this.#visitors.get(visitorId(write)) ?? []) {
        if (write.kind !== 'doc' || compareEpochs(write.epoch, visitor.pass.epoch) !== 0)
          visitor.socket.close(doorClosed.ended, 'this doc has ended')
        else
          this.#send(
            visitor,
            syncMessage((encoder) => sync.writeUpdate(encoder, write.bytes)),
          )
      }
    })
  }

  /** Ends what has expired, and says a word to the others: a stock provider takes a line silent for 30 seconds for dead. */
  sweep(now: number): void {
    for (const [token, pass] of this.#passes) if (pass.expires <= now) this.#passes.delete(token)
    for (const visitors of this.#visitors.values()) {
      for (const visitor of visitors) {
        if (visitor.pass.expires <= now) visitor.socket.close(doorClosed.ended, 'the token has expired')
        else this.#send(visitor, emptyAwareness)
      }
    }
  }

  /** Closes every door because the relay goes. */
  leave(): void {
    for (const visitors of this.#visitors.values()) for (const { socket } of visitors) socket.close(1001)
  }

  async #answer(visitor: Visitor, data: Uint8Array): Promise<void> {
    const said = readSync(data)
    if (said.type === 'other') return
    if (said.type === 'update') {
      if (!isEmptyUpdate(said.bytes)) visitor.socket.close(doorClosed.readOnly, 'this door is for reading')
      return
    }
    const doc = await this.#store.doc(visitor.pass.name)
    if (!doc || compareEpochs(doc.epoch, visitor.pass.epoch) !== 0) {
      visitor.socket.close(doorClosed.ended, 'this doc has ended')
      return
    }
    const loaded = loadDoc(doc.states)
    const missing = Y.encodeStateAsUpdate(loaded, said.bytes)
    this.#send(
      visitor,
      syncMessage((encoder) => {
        encoding.writeVarUint(encoder, sync.messageYjsSyncStep2)
        encoding.writeVarUint8Array(encoder, missing)
      }),
    )
  }

  #send({ socket }: Visitor, message: Uint8Array): void {
    if (socket.readyState !== socket.OPEN) return
    socket.send(message)
    if (socket.bufferedAmount > this.#slowReaderBytes) socket.terminate()
  }
}

/** The doc that a path of the door names: `/door/<feed, URL-encoded>/<key>`. */
export function readDoorPath(path: string): KeyName | undefined {
  const [, door, feed = '', key = '', ...rest] = path.split('/')
  if (door !== 'door' || rest.length > 0) return undefined
  try {
    return { feed: parseFeedName(decodeURIComponent(feed)), key: parseKey(decodeURIComponent(key)) }
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof URIError) return undefined
    throw error
  }
}

type Said = { readonly type: 'step1' | 'update'; readonly bytes: Uint8Array } | { readonly type: 'other' }

/** Awareness and whatever else a provider says is not for a reader's door and goes unheard. */
function readSync(data: Uint8Array): Said {
  try {
    const decoder = decoding.createDecoder(data)
    if (decoding.readVarUint(decoder) !== messageSync) return { type: 'other' }
    const step = decoding.readVarUint(decoder)
    const bytes = decoding.readVarUint8Array(decoder)
    return { type: step === sync.messageYjsSyncStep1 ? 'step1' : 'update', bytes }
  } catch {
    return { type: 'other' }
  }
}

/** What every provider sends when it has nothing: no structs, no deletions. */
function isEmptyUpdate(bytes: Uint8Array): boolean {
  return bytes.length === 2 && bytes[0] === 0 && bytes[1] === 0
}

function syncMessage(write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, messageSync)
    write(encoder)
  })
}

function visitorId({ feed, key }: { readonly feed: FeedName; readonly key: Key }): string {
  return `${feed}\n${key}`
}
