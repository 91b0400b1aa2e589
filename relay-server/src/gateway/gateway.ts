import {
  compareEpochs,
  type ConnectionId,
  connectionOfDocs,
  type DeviceId,
  type EntryKind,
  type Epoch,
  type FeedName,
  type Key,
  loadDoc,
  parseFeed,
  policyFeedsOf,
  rosterFeedOf,
} from '@entente/protocol'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import { type TokenHolder, GatewayTokens, type Pass } from './gateway-token.js'
import { emptyAwareness, isEmptyUpdate, missingMessage, readSync, updateMessage } from './gateway-wire.js'
import { type Log, reasonOf } from '../log.js'
import type { Metrics } from '../observe/metrics.js'
import type { PolicyCache } from '../publish/policy-cache.js'
import type { Burden } from '../flow/burden.js'
import type { TimeSlices } from '../flow/time-slices.js'
import { TokenBucket } from '../flow/token-bucket.js'
import { SingleFlight } from '../flow/single-flight.js'
import type { WithdrawnSlots } from '../deliver/withdrawn-slots.js'
import type { Commit, KeyName, Store, StoredDoc, Write } from '../store/store.js'

/** Close codes of the gateway. A stock provider treats codes from 4400 to 4499 as final, and its page decides whether to come back with another token. */
const gatewayClosed = { expired: 4401, readOnly: 4403, ended: 4410, tooFast: 4429 } as const

/** Rate limit of a visitor. A stock provider asks once per connection and reports every 15 seconds. Each answer loads a doc, so a flood ends the socket. */
const messagesPerSecond = 10
const messagesAtOnce = 40

/** Sockets that one device's tokens for one doc may have open: its tabs. */
const socketsPerToken = 8

interface Visitor {
  readonly socket: WebSocket
  readonly pass: Pass
  /** When the token expires, on the monotonic clock of `performance.now()`. */
  readonly until: number
}

export interface GatewayOptions {
  readonly store: Store
  readonly policies: PolicyCache
  readonly withdrawnSlots: WithdrawnSlots
  readonly turns: TimeSlices
  readonly log: Log
  readonly metrics: Pick<Metrics, 'gatewayClosed' | 'droppedSlowReader'>
  /** Lifetime of a token, in ms. */
  readonly lifeMs: number
  /** Bytes that may wait for a visitor before the gateway drops it. */
  readonly slowReaderBytes: number
  /** Whether the relay still serves the device that asked for a token. */
  readonly isServed: (holder: TokenHolder) => Promise<boolean>
}

/** One open doc, its visitors, and the last sequence that all of them were sent. */
interface Room {
  readonly visitors: Set<Visitor>
  sequence: number
}

/**
 * The y-websocket gateway (rules GW1 to GW7). A token lets a stock y-websocket provider read one doc, in its present epoch. Only here and in compaction does
 * the relay load a Y.Doc, for as long as one answer takes.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #tokens: GatewayTokens
  readonly #feeds = new Map<FeedName, Map<Key, Room>>()
  readonly #rechecks = new SingleFlight(() => this.#recheck())

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#tokens = new GatewayTokens(options.store.secret())
  }

  /** Signs a token for a doc. @returns undefined if no doc has this name */
  async admit(holder: TokenHolder, name: KeyName, now: number): Promise<{ readonly token: string; readonly expires: number } | undefined> {
    const [state] = await this.#options.store.keyStates([name])
    if (state?.kind !== 'doc' || (await this.#options.policies.hasConnectionEnded(name.feed))) return undefined
    const expires = now + this.#options.lifeMs
    return { token: await this.#tokens.sign({ holder, name, epoch: state.epoch, expires }), expires }
  }

  /** Checks a token. @returns undefined if it does not open this doc */
  async check(name: KeyName, token: string, now: number): Promise<Pass | undefined> {
    const pass = await this.#tokens.read(token, now)
    if (pass?.name.feed !== name.feed || pass.name.key !== name.key) return undefined
    if (await this.#options.policies.hasConnectionEnded(name.feed)) return undefined
    return (await this.#options.isServed(pass.holder)) ? pass : undefined
  }

  /** Whether a device's tokens for a doc, however many it asked for, have as many sockets as they may (rule GW8). */
  isFull({ holder, name }: Pass): boolean {
    const visitors = this.#feeds.get(name.feed)?.get(name.key)?.visitors ?? []
    let sockets = 0
    for (const { pass } of visitors) if (pass.holder.device === holder.device) sockets++
    return sockets >= socketsPerToken
  }

  /** @param burden of the address that the visitor comes from */
  enter(socket: WebSocket, pass: Pass, burden: Burden): void {
    const leftMs = Math.min(pass.expires - Date.now(), this.#options.lifeMs)
    const visitor: Visitor = { socket, pass, until: performance.now() + leftMs }
    const room = this.#room(pass.name)
    room.visitors.add(visitor)
    const rateLimit = new TokenBucket(messagesPerSecond, messagesAtOnce, performance.now())
    const isTooFast = (): boolean => {
      if (socket.readyState !== socket.OPEN) return true
      if (rateLimit.take(1, performance.now()) === 0) return false
      this.#close(visitor, gatewayClosed.tooFast, 'too many messages')
      return true
    }
    socket.on('ping', (data) => {
      if (!isTooFast()) socket.pong(data)
    })
    socket.on('pong', isTooFast)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isTooFast()) return
      if (!isBinary) return this.#close(visitor, 1003)
      this.#options.turns
        .take(burden, () => this.#answer(visitor, data))
        .catch((error: unknown) => {
          this.#options.log.warn('gateway-failed', { reason: reasonOf(error) })
          this.#close(visitor, 1011)
        })
    })
    socket.on('error', (error) => this.#options.log.debug('socket-error', { reason: reasonOf(error) }))
    socket.on('close', () => {
      room.visitors.delete(visitor)
      if (room.visitors.size === 0) this.#leaveRoom(pass.name, room)
    })
  }

  /** The number of gateway sockets. */
  get visitors(): number {
    let visitors = 0
    for (const rooms of this.#feeds.values()) for (const room of rooms.values()) visitors += room.visitors.size
    return visitors
  }

  /** Feeds that matter here: those of open docs, those that would carry the end of their connections, and those in which a roster would remove a visitor's device. */
  *feeds(): Iterable<FeedName> {
    for (const feed of this.#feeds.keys()) {
      yield feed
      yield* policyFeedsOf(feed)
    }
    for (const { pass } of this.#visitors()) yield rosterFeedOf(pass.holder.org)
  }

  /** Closes the sockets of visitors whose token belongs to a device that the relay no longer serves (rule GW6). */
  recheck(): Promise<void> {
    return this.#rechecks.ask(undefined)
  }

  async #recheck(): Promise<void> {
    const verdicts = new Map<DeviceId, Promise<boolean>>()
    for (const visitor of this.#visitors()) {
      const { holder } = visitor.pass
      const verdict = verdicts.get(holder.device) ?? this.#options.isServed(holder)
      verdicts.set(holder.device, verdict)
      if (!(await verdict)) this.#close(visitor, gatewayClosed.expired, 'the relay serves the device that asked no more')
    }
  }

  /** Sends committed updates to visitors, and closes the sockets of a doc that was replaced or erased. */
  fanOut(writes: readonly Write[], { sequences }: Commit): void {
    if (this.#feeds.size === 0) return
    writes.forEach((write, index) => {
      const room = this.#feeds.get(write.feed)?.get(write.key)
      const sequence = sequences[index]
      if (!room || !sequence) return
      if (room.sequence === write.seen) room.sequence = sequence
      this.#notify(room, write, write.bytes)
    })
  }

  /** Reads the open docs of a feed again, because another relay on the same store may have written to it. */
  async grew(feed: FeedName): Promise<void> {
    if ([...this.#visitors()].some(({ pass }) => rosterFeedOf(pass.holder.org) === feed)) await this.recheck()
    for (const [key, room] of this.#feeds.get(feed) ?? []) {
      const doc = await this.#options.store.doc({ feed, key })
      if (doc?.sequence === room.sequence) continue
      room.sequence = doc?.sequence ?? 0
      this.#notify(
        room,
        { kind: doc ? 'doc' : 'erased', epoch: doc?.epoch },
        doc && Y.encodeStateAsUpdate(await this.#load({ feed, key }, doc)),
      )
    }
  }

  /** Whether a doc of a connection is open here. */
  hasDocsOf(connection: ConnectionId): boolean {
    for (const feed of this.#feeds.keys()) if (connectionOfDocs(parseFeed(feed)) === connection) return true
    return false
  }

  /**
   * Closes the sockets of all docs of a connection that has ended (rule GW7), or of which something was withdrawn (rule PO10): what a visitor has read of that is
   * only gone once its page opens the doc again.
   */
  end(connection: ConnectionId): void {
    for (const [feed, rooms] of this.#feeds) {
      if (connectionOfDocs(parseFeed(feed)) !== connection) continue
      for (const room of rooms.values())
        for (const visitor of room.visitors) this.#close(visitor, gatewayClosed.ended, 'the connection has ended, or a field was withdrawn')
    }
  }

  /** Closes expired sockets, and sends the others an empty message: a stock provider drops a connection that is silent for 30 seconds. */
  sweep(): void {
    const now = performance.now()
    for (const visitor of this.#visitors()) {
      if (visitor.until <= now) this.#close(visitor, gatewayClosed.expired, 'the token has expired')
      else this.#send(visitor, emptyAwareness)
    }
  }

  /** Closes every gateway socket because the relay stops or its store was replaced. */
  leave(): void {
    for (const visitor of this.#visitors()) this.#close(visitor, 1001)
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

  #notify(
    room: Room,
    { kind, epoch }: { readonly kind: EntryKind; readonly epoch: Epoch | undefined },
    bytes: Uint8Array | undefined,
  ): void {
    for (const visitor of room.visitors) {
      const isSame = kind === 'doc' && epoch !== undefined && compareEpochs(epoch, visitor.pass.epoch) === 0
      if (!isSame || !bytes) this.#close(visitor, gatewayClosed.ended, 'this doc has ended')
      else this.#send(visitor, updateMessage(bytes))
    }
  }

  async #answer(visitor: Visitor, data: Uint8Array): Promise<void> {
    const said = readSync(data)
    if (said.type === 'other') return
    if (said.type === 'update') {
      if (!isEmptyUpdate(said.bytes)) this.#close(visitor, gatewayClosed.readOnly, 'this gateway is for reading')
      return
    }
    const doc = await this.#options.store.doc(visitor.pass.name)
    if (!doc || compareEpochs(doc.epoch, visitor.pass.epoch) !== 0) {
      this.#close(visitor, gatewayClosed.ended, 'this doc has ended')
      return
    }
    const loaded = await this.#load(visitor.pass.name, doc)
    this.#send(visitor, missingMessage(Y.encodeStateAsUpdate(loaded, said.bytes)))
  }

  async #load(name: KeyName, doc: StoredDoc): Promise<Y.Doc> {
    return loadDoc(await this.#options.withdrawnSlots.hideIn(name, doc))
  }

  #send({ socket }: Visitor, message: Uint8Array): void {
    if (socket.readyState !== socket.OPEN) return
    socket.send(message)
    if (socket.bufferedAmount <= this.#options.slowReaderBytes) return
    this.#options.metrics.droppedSlowReader()
    socket.terminate()
  }

  #close({ socket }: Visitor, code: number, reason?: string): void {
    if (socket.readyState !== socket.OPEN) return
    this.#options.metrics.gatewayClosed(code)
    socket.close(code, reason)
  }
}
