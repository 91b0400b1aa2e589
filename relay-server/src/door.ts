import {
  compareEpochs,
  type EntryKind,
  type Epoch,
  type FeedName,
  type Key,
  loadDoc,
  parseFeedName,
  parseKey,
  ProtocolError,
} from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { WebSocket } from 'ws'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'
import { DoorTokens, type Pass } from './door-token.js'
import { type Log, reasonOf } from './log.js'
import { Bucket } from './rate.js'
import type { Commit, KeyName, Store, Write } from './store/store.js'

/** Close codes of the door. From 4400 to 4499 a stock provider takes them for final and leaves it to its page to come back with another token. */
const doorClosed = { expired: 4401, readOnly: 4403, ended: 4410, tooFast: 4429 } as const

/** A stock provider asks once per connection and says that it is there every 15 seconds; each answer loads a doc, so who asks on and on is shown out. */
const messagesPerSecond = 10
const messagesAtOnce = 40

// The words of the y-websocket protocol.
const messageSync = 0
const messageAwareness = 1
const emptyAwareness = new Uint8Array([messageAwareness, 1, 0])

interface Visitor {
  readonly socket: WebSocket
  readonly pass: Pass
}

/** One doc that somebody looks at, and the last sequence of it that all who do were sent. */
interface Room {
  readonly visitors: Set<Visitor>
  sequence: number
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
  readonly #tokens: DoorTokens
  readonly #feeds = new Map<FeedName, Map<Key, Room>>()

  constructor(store: Store, log: Log, lifeMs: number, slowReaderBytes: number) {
    this.#store = store
    this.#tokens = new DoorTokens(store.secret())
    this.#log = log
    this.#lifeMs = lifeMs
    this.#slowReaderBytes = slowReaderBytes
  }

  /** A token for a doc, or undefined where there is none under this name. */
  async admit(name: KeyName, now: number): Promise<{ readonly token: string; readonly expires: number } | undefined> {
    const [state] = await this.#store.keyStates([name])
    if (state?.kind !== 'doc') return undefined
    const expires = now + this.#lifeMs
    return { token: await this.#tokens.sign({ name, epoch: state.epoch, expires }), expires }
  }

  /** What a token opens, or undefined where it opens nothing or another doc. */
  async check(name: KeyName, token: string, now: number): Promise<Pass | undefined> {
    const pass = await this.#tokens.read(token, now)
    return pass?.name.feed === name.feed && pass.name.key === name.key ? pass : undefined
  }

  enter(socket: WebSocket, pass: Pass): void {
    const visitor: Visitor = { socket, pass }
    const room = this.#room(pass.name)
    room.visitors.add(visitor)
    const pace = new Bucket(messagesPerSecond, messagesAtOnce, performance.now())
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (socket.readyState !== socket.OPEN) return
      if (pace.take(1, performance.now()) > 0) return socket.close(doorClosed.tooFast, 'too many messages')
      if (!isBinary) return socket.close(1003)
      this.#answer(visitor, data).catch((error: unknown) => {
        this.#log.warn('door-failed', { reason: reasonOf(error) })
        socket.close(1011)
      })
    })
    socket.on('error', (error) => this.#log.debug('socket-error', { reason: reasonOf(error) }))
    socket.on('close', () => {
      room.visitors.delete(visitor)
      if (room.visitors.size === 0) this.#leaveRoom(pass.name, room)
    })
  }

  /** How many sockets look at a doc. */
  get visitors(): number {
    let visitors = 0
    for (const rooms of this.#feeds.values()) for (const room of rooms.values()) visitors += room.visitors.size
    return visitors
  }

  /** Feeds of which a doc is open here. */
  feeds(): Iterable<FeedName> {
    return this.#feeds.keys()
  }

  /** Passes a committed update on, and closes the door on a doc that was replaced or erased. */
  fanOut(writes: readonly Write[], { sequences }: Commit): void {
    if (this.#feeds.size === 0) return
    writes.forEach((write, index) => {
      const room = this.#feeds.get(write.feed)?.get(write.key)
      const sequence = sequences[index]
      if (!room || !sequence) return
      if (room.sequence === write.seen) room.sequence = sequence
      this.#tell(room, write, write.bytes)
    })
  }

  /** Another relay on the same store may have written to a feed: what is open of it is read anew. */
  async grew(feed: FeedName): Promise<void> {
    for (const [key, room] of this.#feeds.get(feed) ?? []) {
      const doc = await this.#store.doc({ feed, key })
      if (doc?.sequence === room.sequence) continue
      room.sequence = doc?.sequence ?? 0
      this.#tell(room, { kind: doc ? 'doc' : 'erased', epoch: doc?.epoch }, doc && Y.encodeStateAsUpdate(loadDoc(doc.states)))
    }
  }

  /** Ends what has expired, and says a word to the others: a stock provider takes a line silent for 30 seconds for dead. */
  sweep(now: number): void {
    for (const visitor of this.#visitors()) {
      if (visitor.pass.expires <= now) visitor.socket.close(doorClosed.expired, 'the token has expired')
      else this.#send(visitor, emptyAwareness)
    }
  }

  /** Closes every door because the relay goes. */
  leave(): void {
    for (const { socket } of this.#visitors()) socket.close(1001)
  }

  #room({ feed, key }: KeyName): Room {
    const rooms = this.#feeds.get(feed) ?? new Map<Key, Room>()
    const room = rooms.get(key) ?? { visitors: new Set(), sequence: 0 }
    this.#feeds.set(feed, rooms.set(key, room))
    return room
  }

  #leaveRoom({ feed, key }: KeyName, room: Room): void {
    const rooms = this.#feeds.get(feed)
    if (rooms?.get(key) !== room) return
    rooms.delete(key)
    if (rooms.size === 0) this.#feeds.delete(feed)
  }

  *#visitors(): Iterable<Visitor> {
    for (const rooms of this.#feeds.values()) for (const room of rooms.values()) yield* room.visitors
  }

  #tell(room: Room, { kind, epoch }: { readonly kind: EntryKind; readonly epoch: Epoch | undefined }, bytes: Uint8Array | undefined): void {
    for (const visitor of room.visitors) {
      const isSame = kind === 'doc' && epoch !== undefined && compareEpochs(epoch, visitor.pass.epoch) === 0
      if (!isSame || !bytes) visitor.socket.close(doorClosed.ended, 'this doc has ended')
      else
        this.#send(
          visitor,
          syncMessage((encoder) => sync.writeUpdate(encoder, bytes)),
        )
    }
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
