import { randomBytes } from 'node:crypto'
import {
  type ClientMessage,
  type ConnectionId,
  connectionId,
  decodeClientFrame,
  type DeviceId,
  type ErrorCode,
  limits,
  type OrgId,
  ProtocolError,
  protocolVersions,
  type RelayMessage,
  type Role,
} from '@entente/protocol'
import type { WebSocket } from 'ws'
import type { Parties } from './access.js'
import { admitOrg } from './admission.js'
import type { SessionReport } from './admin.js'
import type { Batch, Publisher } from './batch.js'
import type { CatchUpTools } from './catch-up.js'
import type { RelayConfig } from './config.js'
import type { Doors } from './door.js'
import type { Subscription } from './fan-out.js'
import { verifyHello } from './hello.js'
import { type Log, reasonOf } from './log.js'
import type { Caller, Mailboxes } from './mailbox.js'
import type { Asked } from './message.js'
import type { Reader } from './metrics.js'
import { Outbox } from './outbox.js'
import type { Presence } from './presence.js'
import { Pace } from './rate.js'
import { isRevoked } from './revocation.js'
import { Silence } from './silence.js'
import { type Subscriber, Subscriptions } from './subscriptions.js'

/** A session that offers faster than the disk takes is not read from beyond this. */
const waitingOfferBytes = 4 * 1024 * 1024

/** What the sessions of a relay share. */
export interface Relay extends CatchUpTools {
  readonly config: RelayConfig
  readonly names: readonly string[]
  readonly log: Log
  readonly batch: Batch
  readonly mailboxes: Mailboxes
  readonly doors: Doors
  readonly sessions: Set<Session>
  readonly presence: Presence<Session>
}

interface Identity {
  readonly org: OrgId
  readonly device: DeviceId
  readonly role: Role
  /** Seconds since 1970: the end of the certificate. */
  readonly expires: number
}

/** One device's socket: who it is, what it reads, and the messages it sends, taken strictly one after the other. */
export class Session implements Publisher, Caller, Subscriber, Reader {
  readonly #relay: Relay
  readonly #log: Log
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #nonce = randomBytes(16)
  readonly #attached = new Map<ConnectionId, Parties>()
  readonly #subscriptions: Subscriptions
  readonly #pace: Pace
  readonly #silence: Silence
  readonly #helloTimer: NodeJS.Timeout
  readonly #openedAt = performance.now()
  readonly #inbox: ClientMessage[] = []
  #working = false
  #identity: Identity | undefined
  #helloSeen = false
  #ended = false
  #framesBeforeHello = 0
  #waitingBytes = 0

  constructor(socket: WebSocket, relay: Relay, log: Log) {
    const now = performance.now()
    const { config } = relay
    this.#relay = relay
    this.#log = log
    this.#socket = socket
    this.#silence = new Silence(config.heartbeatMs, now)
    this.#pace = new Pace(config, now)
    this.#outbox = new Outbox(socket, config.slowReaderBytes, () => this.#droppedForSlowness())
    this.#helloTimer = setTimeout(() => this.fail('AUTH', `No hello within ${config.helloMs} ms.`), config.helloMs)
    this.#subscriptions = new Subscriptions(relay, this)
    relay.sessions.add(this)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary))
    socket.on('pong', () => this.#heard())
    socket.on('ping', () => this.#heard())
    socket.on('error', (error) => log.debug('socket-error', { reason: reasonOf(error) }))
    socket.on('close', (code) => this.#close(code))
    this.say({ type: 'challenge', ...protocolVersions, nonce: this.#nonce, time: Date.now() })
  }

  get org(): OrgId {
    return this.#known().org
  }

  get role(): Role {
    return this.#known().role
  }

  get device(): DeviceId | undefined {
    return this.#identity?.device
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes
  }

  oldestMs(now: number): number {
    return this.#outbox.oldestMs(now)
  }

  say(message: RelayMessage): void {
    if (message.type === 'refused') this.#relay.metrics.refused(message.code)
    else if (message.type === 'failed') this.#relay.metrics.failed(message.code)
    this.#outbox.say(message)
  }

  sayEncoded(message: Uint8Array): void {
    this.#outbox.sayEncoded(message)
  }

  get isBusy(): boolean {
    return this.#outbox.isBusy
  }

  get isFull(): boolean {
    return this.#outbox.isFull
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  drained(): Promise<void> {
    return this.#outbox.drained()
  }

  settled(bytes: number): void {
    this.#waitingBytes -= bytes
    if (this.#waitingBytes < waitingOfferBytes && this.#socket.isPaused) this.#socket.resume()
  }

  /** Ends the session with the reason. */
  fail(code: ErrorCode, detail: string, retryMs = 0): void {
    if (this.#ended) return
    const range = code === 'VERSION' ? protocolVersions : { oldest: 0, newest: 0 }
    this.#log.info('session-failed', { ...this.#who(), code, detail })
    this.say({ type: 'failed', code, ...range, retryMs, detail: detail.slice(0, 500) })
    this.#end(1008)
  }

  /** Ends the session because the relay goes. */
  leave(retryMs: number): void {
    if (this.#ended) return
    this.say({ type: 'leaving', retryMs })
    this.#end(1001)
  }

  /** To be called every now and then: asks a silent line whether it is there, and gives it up when it stays silent (rule HB1). */
  beat(): void {
    if (this.#identity && this.#identity.expires * 1000 + clockToleranceMs < Date.now())
      return this.fail('AUTH', 'The device’s certificate has expired.')
    const now = performance.now()
    if (this.#outbox.oldestMs(now) > this.#relay.config.slowReaderMs) return this.#outbox.drop()
    const silence = this.#silence.judge(now)
    if (silence === 'ASK') this.#socket.ping()
    if (silence !== 'GONE') return
    this.#log.info('silent-session-dropped', this.#who())
    this.#socket.terminate()
  }

  /** What the admin page shows of this session. @param now on the clock of `performance.now()` */
  report(now: number): SessionReport {
    return {
      ...this.#who(),
      role: this.#identity?.role,
      openedMs: Math.round(now - this.#openedAt),
      feeds: this.#subscriptions.count,
      queuedBytes: this.#outbox.queuedBytes,
      oldestMs: Math.round(this.#outbox.oldestMs(now)),
      behind: this.#subscriptions.behind,
    }
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#heard()
    if (this.#ended) return
    if (!isBinary) {
      this.#ended = true
      this.#socket.close(1003, 'frames are binary')
      return
    }
    if (!this.#identity && ++this.#framesBeforeHello >= limits.framesBeforeHello)
      return this.fail('AUTH', 'Too many frames before the hello.')
    try {
      const messages = decodeClientFrame(data)
      if (this.#isTooFast(data, messages)) return
      this.#inbox.push(...messages)
    } catch (error) {
      return this.#failFor(error)
    }
    if (!this.#working) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = true
    try {
      for (let message = this.#inbox.shift(); message && !this.#ended; message = this.#inbox.shift()) {
        const doing = this.#handle(message)
        if (doing) await doing
      }
    } catch (error) {
      this.#failFor(error)
    }
    this.#working = false
  }

  #failFor(error: unknown): void {
    if (error instanceof ProtocolError) return this.fail(error.code, error.message)
    this.#log.error('message-failed', { ...this.#who(), reason: reasonOf(error) })
    this.fail('UNAVAILABLE', 'The relay could not do this; come back later.', 2_000)
  }

  #handle(message: ClientMessage): Promise<void> | undefined {
    if (message.type === 'hello') return this.#hello(message)
    // What comes before the hello is not for us to answer; the frames are counted and the clock runs.
    if (!this.#identity) return undefined
    const now = Date.now()
    switch (message.type) {
      case 'attach':
        return this.#attach(message)
      case 'invite':
        return this.#relay.mailboxes.invite(this, message, now)
      case 'claim':
        return this.#relay.mailboxes.claim(this, message, now)
      case 'subscribe':
        return this.#subscriptions.add(message, this.#attached, now)
      case 'publish':
        return this.#publish(message)
      case 'askDoor':
        return this.#askDoor(message)
      case 'ping':
        this.say({ type: 'pong' })
        return undefined
      case 'pong':
        return undefined
    }
  }

  async #hello(message: Asked<'hello'>): Promise<void> {
    const { config, names, store } = this.#relay
    if (this.#helloSeen) throw new ProtocolError('AUTH', 'This socket has had its hello; a nonce serves once.')
    this.#helloSeen = true
    const { certificate, join } = await verifyHello(message, this.#nonce, names)
    await admitOrg(certificate.iss, join, config, store)
    if (await isRevoked(certificate.iss, certificate.sub, store)) throw new ProtocolError('AUTH', 'This device has been revoked.')
    if (this.#ended) return
    clearTimeout(this.#helloTimer)
    this.#identity = { org: certificate.iss, device: certificate.sub, role: certificate.role, expires: certificate.exp }
    this.#relay.presence.add(this)
    this.#log.info('session-opened', this.#who())
    this.say({ type: 'welcome', time: Date.now(), opening: store.opening(), heartbeatMs: config.heartbeatMs })
  }

  #attach({ connection, vendor, partner, salt }: Asked<'attach'>): undefined {
    const isProven = connectionId(vendor, partner, salt) === connection && (this.org === vendor || this.org === partner)
    if (isProven && this.#attached.size < limits.feedsPerSession) this.#attached.set(connection, { vendor, partner })
    else this.#refuse('attach', 0, 'FEED', 'There is no such connection for you.')
  }

  follow(subscription: Subscription): void {
    this.#subscriptions.follow(subscription)
  }

  refuseFeed(feed: number, code: ErrorCode, detail: string): void {
    this.#refuse('feed', feed, code, detail)
  }

  readFailed(error: unknown): void {
    this.#log.error('catch-up-failed', { ...this.#who(), reason: reasonOf(error) })
    this.fail('UNAVAILABLE', 'The relay could not read the feed; come back later.', 2_000)
  }

  #publish({ feed, offers }: Asked<'publish'>): undefined {
    const subscription = this.#subscriptions.get(feed)
    if (!subscription) {
      for (const offer of offers) this.#refuse('offer', offer.id, 'FEED', 'There is no such feed for you.')
      return
    }
    for (const offer of offers) this.#waitingBytes += offer.bytes.length
    if (this.#waitingBytes > waitingOfferBytes) this.#socket.pause()
    this.#relay.batch.offer(this, subscription.access, offers)
  }

  async #askDoor({ id, feed, key }: Asked<'askDoor'>): Promise<void> {
    const subscription = this.#subscriptions.get(feed)
    const token = subscription && (await this.#relay.doors.admit(this.#known(), { feed: subscription.access.name, key }, Date.now()))
    if (token) this.say({ type: 'door', id, ...token })
    else this.#refuse('door', id, 'FEED', 'There is no such doc for you.')
  }

  /** Rule RL1. Offers over the rate are refused with a delay; whoever goes on regardless, or floods with anything else, is shown out. */
  #isTooFast(data: Uint8Array, messages: readonly ClientMessage[]): boolean {
    const excess = this.#pace.take(data.length, messages, performance.now())
    if (!excess) return false
    const { offers, isFlood, retryMs } = excess
    if (isFlood) this.fail('RATE', 'Too many messages; come back after the delay.', retryMs)
    else for (const offer of offers) this.#refuse('offer', offer.id, 'RATE', 'Too many offers; come back after the delay.', retryMs)
    return true
  }

  #refuse(what: 'offer' | 'feed' | 'attach' | 'door', subject: number, code: ErrorCode, detail: string, retryMs = 0): void {
    this.say({ type: 'refused', what, subject, code, version: 0, retryMs, detail })
  }

  #known(): Identity {
    if (!this.#identity) throw new Error('A session was asked who it is before its hello.')
    return this.#identity
  }

  #who(): { org: string | undefined; device: string | undefined } {
    return { org: this.#identity?.org, device: this.#identity?.device }
  }

  #droppedForSlowness(): void {
    this.#log.warn('slow-reader-dropped', this.#who())
    this.#relay.metrics.droppedSlowReader()
  }

  #heard(): void {
    this.#silence.heard(performance.now())
  }

  #end(code: number): void {
    this.#ended = true
    this.#outbox.flush()
    this.#socket.resume()
    this.#socket.close(code)
    // A peer that does not answer the closing is not waited for.
    setTimeout(() => this.#socket.terminate(), 2_000).unref()
  }

  #close(code: number): void {
    this.#ended = true
    clearTimeout(this.#helloTimer)
    this.#outbox.closed()
    this.#subscriptions.removeAll()
    if (this.#identity) this.#relay.presence.remove(this)
    this.#relay.mailboxes.leave(this)
    this.#relay.sessions.delete(this)
    this.#log.debug('session-closed', { ...this.#who(), code })
  }
}

/** The clock of a device whose certificate ends may be behind by this. */
const clockToleranceMs = 5 * 60 * 1000
