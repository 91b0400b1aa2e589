import {
  type MessageOf,
  type ClientMessage,
  decodeGreeting,
  type DeviceId,
  encodeRelayFrame,
  type ErrorCode,
  limits,
  type Offer,
  openClientFrame,
  type OpenFrame,
  type OrgId,
  parseFeed,
  ProtocolError,
  protocolVersions,
  type RelayMessage,
} from '@entente/protocol'
import type { InboundBacklog } from './inbound-backlog.js'
import { heldBytes, type Publisher } from '../publish/acknowledge.js'
import { fitToWait, type GroupCommit } from '../publish/group-commit.js'
import type { RelayConfig } from '../config/config.js'
import type { Gateway } from '../gateway/gateway.js'
import type { Subscription } from '../deliver/fan-out.js'
import { type Authenticator, drawNonce, type Identity } from '../auth/authenticator.js'
import { BroughtRosters, type Rosters } from '../auth/rosters.js'
import { type Log, type LogFields, reasonOf } from '../log.js'
import type { Caller, Mailboxes } from '../publish/mailbox.js'
import type { ObservedSession } from '../observe/metrics.js'
import { SendQueue, type SendQueueOwner } from './send-queue.js'
import type { Presence } from '../auth/presence.js'
import { Burden } from '../flow/burden.js'
import type { TimeSlices } from '../flow/time-slices.js'
import { costOf, RateLimit } from './rate-limit.js'
import type { SocketListener, SessionSocket } from './session-socket.js'
import { Heartbeat } from './heartbeat.js'
import type { LargeFrame, LargeFrames } from './large-frames.js'
import type { Address } from './stranger.js'
import { type Subscriber, Subscriptions, type SubscriptionTools } from '../deliver/subscriptions.js'

/** The parts of a relay that its sessions share. */
export interface SessionTools extends SubscriptionTools {
  readonly config: RelayConfig
  readonly log: Log
  readonly groupCommit: GroupCommit
  readonly inboundBacklog: InboundBacklog
  readonly mailboxes: Mailboxes
  readonly gateway: Gateway
  readonly authenticator: Authenticator
  readonly rosters: Rosters
  readonly sessions: Set<Session>
  /** Those whose device has not said its hello, the oldest first. */
  readonly silent: Set<Session>
  readonly presence: Presence<Session>
  /** The turns of all sessions, and of those who ask for one. */
  readonly turns: TimeSlices
  /** The turns in which large chunks are read. */
  readonly reads: TimeSlices
  readonly largeFrames: LargeFrames
}

/** A session's messages are handled for this long, in ms, before the other sessions have their turn. It is short, because many sessions may have some. */
const sliceMs = 0.1
/** But at least so many: the feeds that one step of catching up answers in one frame. */
const handledAtLeast = 16
/** Messages of a long frame that are decoded in one go. */
const decodedTogether = 64
/** Short messages that are encoded in one go, and fit a frame. */
const encodedTogether = 512
/** Beyond this many waiting bytes the relay does not read from a session until it has handled some. */
const inboxBytes = 32 * 1024
/** What a waiting frame takes in memory beside its bytes, in bytes, roughly. */
const frameOverhead = 256
/** What it costs to judge and to refuse an offer, in ms. */
const refusalMs = 0.05
/** What a request counts as that costs 1 by `costOf`, in ms: the work that it sets off is done elsewhere. */
const msPerRequest = 0.05
/** What it costs to receive a byte, in ms, before anybody knows what it says. */
const msPerByte = 1 / (1024 * 1024)

/** A large frame is in hand until its messages are handled and no more of its session's offers than this wait. */
const fewOffers = 512
/** A check that failed counts as so many sockets of its address: a device that is turned away need not come back at once. */
const failedHelloCost = 4
const aPing: readonly ClientMessage[] = [{ type: 'ping' }]

/** A frame as it came, or a ping of the WebSocket. */
interface Arrived {
  readonly bytes: Uint8Array
  readonly kind: 'frame' | 'ping' | 'pong'
}

/** What has arrived and is not handled. Nothing of it is decoded before its turn, and nothing of a stranger's before the hello has been checked. */
interface Inbox {
  readonly arrived: Arrived[]
  /** What they take in memory. */
  bytes: number
  /** The frame that is being decoded. None of it is handled before all of it has been. */
  opened: { readonly bytes: Uint8Array; readonly frame: OpenFrame<ClientMessage> } | undefined
  /** The messages of the frame in hand, and which of them is next. */
  messages: readonly ClientMessage[]
  at: number
}

/** Whether a frame is being decoded, or messages of one are left. */
function isInHand({ opened, messages, at }: Inbox): boolean {
  return opened !== undefined || at < messages.length
}

const wholeMs = (): number => Math.round(performance.now())

/** What a device has sent until its session opens. */
interface BeforeHello {
  frames: number
  bytes: number
}

/** One session, as the admin page lists it: ids and figures only. */
export interface SessionReport {
  /** Undefined before the hello. */
  readonly org: string | undefined
  readonly device: string | undefined
  readonly role: string | undefined
  readonly openedMs: number
  readonly feeds: number
  /** What waits for the reader, and for how long the oldest of it has. */
  readonly queuedBytes: number
  readonly oldestMs: number
  /** Entries between what it was given and the heads of its feeds. */
  readonly behind: number
}

/**
 * One device's socket: its identity, its subscriptions, and its messages, handled strictly one after the other. Most sessions are idle most of the time, so
 * the parts that only a busy session needs exist only while it needs them.
 */
export class Session implements Publisher, Caller, Subscriber, ObservedSession, SendQueueOwner, SocketListener {
  readonly #relay: SessionTools
  readonly #id: string
  readonly #socket: SessionSocket
  readonly #sendQueue: SendQueue
  readonly #heartbeat: Heartbeat
  readonly #openedAt = Math.round(performance.now())
  readonly #address: Address
  readonly #burden: Burden
  /** Present until a hello answers it. */
  #nonce: Uint8Array | undefined
  /** Present from the first roster to the hello. */
  #brought: BroughtRosters | undefined
  #helloTimer: NodeJS.Timeout | undefined
  #identity: Identity | undefined
  /** The number of the highest roster of its org that the device has taken in. */
  #knownRoster = 0
  #subscriptions: Subscriptions | undefined
  #rateLimit: RateLimit | undefined
  #inbox: Inbox | undefined
  #ended = false
  /** Whether the answer to a frame is about to be complete; then it leaves at once instead of at the turn's end. */
  #isAwaited = false
  /** The encoded welcome, held until the first answer to a message behind the hello, or the turn in which they are handled. */
  #welcome: Uint8Array | undefined
  #before: BeforeHello | undefined
  #waitingBytes = 0
  /** Whether it waits for its turn to be read. */
  #isReadLater = false
  /** Its offers that wait for an answer. */
  #offers = 0
  /** The large frame in hand. */
  #large: LargeFrame | undefined

  /**
   * @param id the id in the session's log lines
   * @param address where the device is
   */
  constructor(socket: SessionSocket, relay: SessionTools, id: string, address: Address) {
    const { config } = relay
    this.#relay = relay
    this.#id = id
    this.#socket = socket
    this.#heartbeat = new Heartbeat(config.heartbeatMs, this.#openedAt)
    this.#sendQueue = new SendQueue(socket, config.slowReaderBytes, this)
    this.#helloTimer = setTimeout(() => this.fail('AUTH', `No hello within ${config.helloMs} ms.`), config.helloMs)
    const nonce = (this.#nonce = drawNonce())
    this.#before = { frames: 0, bytes: 0 }
    this.#address = address
    // Whoever leaves and comes again takes along what it has used.
    this.#burden = new Burden(address.burden.lately())
    address.silent++
    relay.sessions.add(this)
    relay.silent.add(this)
    // A flood of silent sockets from many addresses is held up by its own, which are older than an honest device's: that says its hello at once.
    if (relay.silent.size > config.silentSockets)
      for (const oldest of relay.silent) {
        oldest.fail('RATE', 'Too many sockets wait for a hello.', 1_000)
        break
      }
    socket.listener = this
    this.send({ type: 'challenge', ...protocolVersions, nonce, time: Date.now() })
    this.#sendQueue.flush()
  }

  get org(): OrgId {
    return this.#known().org
  }

  get device(): DeviceId | undefined {
    return this.#identity?.device
  }

  get queuedBytes(): number {
    return this.#sendQueue.queuedBytes
  }

  oldestMs(now: number): number {
    return this.#sendQueue.oldestMs(now)
  }

  send(message: RelayMessage): void {
    if (message.type === 'refused') this.#relay.metrics.refused(message.code)
    else if (message.type === 'failed') this.#relay.metrics.failed(message.code)
    this.#sendWelcome()
    this.#sendQueue.send(message)
  }

  sendAll(messages: readonly RelayMessage[]): void {
    for (const message of messages) if (message.type === 'refused') this.#relay.metrics.refused(message.code)
    this.#sendWelcome()
    for (let at = 0; at < messages.length; at += encodedTogether)
      this.#sendQueue.sendEncoded(encodeRelayFrame(messages.slice(at, at + encodedTogether)))
  }

  sendEncoded(message: Uint8Array): void {
    const welcome = this.#welcome
    this.#welcome = undefined
    // The send queue sends a long message as a frame of its own, so a welcome before it would cost a frame too.
    this.#sendQueue.sendEncoded(welcome ? Buffer.concat([welcome, message]) : message)
  }

  get isBusy(): boolean {
    return this.#sendQueue.isBusy
  }

  get isFull(): boolean {
    return this.#sendQueue.isFull
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  drained(): Promise<void> {
    return this.#sendQueue.drained()
  }

  settled(bytes: number): void {
    this.#offers--
    this.#endLarge()
    this.#free(bytes)
  }

  #free(bytes: number): void {
    this.#waitingBytes -= bytes
    this.#relay.inboundBacklog.add(-bytes)
    this.#readOn()
  }

  refused(offers: number): void {
    this.#burden.add(offers * refusalMs)
    this.#rateLimit?.refused(offers, Math.round(performance.now()))
  }

  get overdrawnMs(): number {
    return this.#rateLimit?.overdrawnMs(wholeMs) ?? 0
  }

  get burden(): Burden {
    return this.#burden
  }

  /** Ends the session with the reason. */
  fail(code: ErrorCode, detail: string, retryMs = 0): void {
    if (this.#ended) return
    const range = code === 'VERSION' ? protocolVersions : { oldest: 0, newest: 0 }
    this.#relay.log.info('session-failed', { ...this.#who(), code, detail })
    this.send({ type: 'failed', code, ...range, retryMs, detail: detail.slice(0, 500) })
    this.#end()
    this.#socket.hangUp(1008)
  }

  /** Ends the session because the relay stops or its store was replaced. */
  leave(retryMs: number): void {
    if (this.#ended) return
    this.send({ type: 'leaving', retryMs })
    this.#end()
    this.#socket.close(1001)
  }

  /** To be called periodically: pings a silent peer, and gives it up when it stays silent (rule HB1). */
  beat(): void {
    const now = Math.round(performance.now())
    if (this.#rateLimit?.isUnused(now)) this.#rateLimit = undefined
    if (this.#sendQueue.oldestMs(now) > this.#relay.config.slowReaderMs) return this.#sendQueue.drop()
    const heartbeat = this.#heartbeat.judge(now)
    if (heartbeat === 'PING') this.#socket.ping()
    if (heartbeat !== 'GONE') return
    this.#relay.log.info('silent-session-dropped', this.#who())
    this.#socket.terminate()
  }

  /** The session as the admin page shows it. @param now on the clock of `performance.now()` */
  report(now: number): SessionReport {
    return {
      org: this.#identity?.org,
      device: this.#identity?.device,
      role: this.#identity?.role,
      openedMs: Math.round(now - this.#openedAt),
      feeds: this.#subscriptions?.count ?? 0,
      queuedBytes: this.#sendQueue.queuedBytes,
      oldestMs: Math.round(this.#sendQueue.oldestMs(now)),
      behind: this.#subscriptions?.behind ?? 0,
    }
  }

  // Pings of the WebSocket are as cheap to send as messages of our own, so they count as much.
  onPing(data: Buffer): void {
    if (!this.#before) this.#receive(data, 'ping')
    else if (this.#isPatientWith(this.#before, 0)) this.#socket.pong(data)
  }

  onPong(data: Buffer): void {
    if (!this.#before) this.#receive(data, 'pong')
    else this.#isPatientWith(this.#before, 0)
  }

  onError(error: Error): void {
    this.#relay.log.debug('socket-error', { session: this.#id, reason: reasonOf(error) })
  }

  /** Rule RL5: reading costs time too, long before a frame is complete. */
  onBulk(): void {
    if (this.#ended || this.#isReadLater) return
    this.#isReadLater = true
    this.#socket.pause()
    void this.#relay.reads.take(this.#burden, () => {
      this.#isReadLater = false
      this.#readOn()
      // One chunk or two arrive until then.
      return new Promise<void>((resolve) => setImmediate(resolve))
    })
  }

  onFrame(data: Buffer, isBinary: boolean): void {
    if (!isBinary && !this.#ended) {
      this.#end()
      return this.#socket.close(1003)
    }
    if (!this.#before || this.#isPatientWith(this.#before, data.length)) this.#receive(data, 'frame')
  }

  /** Rules ID7, RL3. @returns whether a stranger may send one frame more */
  #isPatientWith(before: BeforeHello, bytes: number): boolean {
    if (this.#ended) return false
    this.#receivedSomething()
    before.bytes += bytes
    if (++before.frames >= limits.framesBeforeHello) this.fail('AUTH', 'Too many frames before the session has opened.')
    else if (before.bytes > limits.beforeHelloBytes) this.fail('RATE', 'Too many bytes before the session has opened.')
    return !this.#ended
  }

  #receivedSomething(): void {
    this.#heartbeat.received(Math.round(performance.now()))
  }

  /** Rule RL5: what arrives is worked on in its order, a slice of time at a time, and the socket of a session that has something waiting is not read. */
  #receive(bytes: Uint8Array, kind: Arrived['kind']): void {
    this.#receivedSomething()
    if (this.#ended) return
    this.#burden.add(bytes.length * msPerByte)
    this.#hold(bytes.length + frameOverhead)
    if (!this.#inbox)
      return void this.#work(
        (this.#inbox = { arrived: [{ bytes, kind }], bytes: bytes.length + frameOverhead, opened: undefined, messages: [], at: 0 }),
      )
    this.#inbox.arrived.push({ bytes, kind })
    this.#inbox.bytes += bytes.length + frameOverhead
    if (this.#inbox.bytes > inboxBytes) this.#socket.pause()
  }

  async #work(inbox: Inbox): Promise<void> {
    try {
      while (!this.#ended && (isInHand(inbox) || inbox.arrived.length > 0)) {
        if (this.#isNextLarge(inbox)) {
          await this.#large?.ended
          this.#large = await this.#relay.largeFrames.begin(this.#burden)
        }
        await this.#relay.turns.take(this.#burden, () => this.#slice(inbox))
        this.#endLarge()
      }
    } catch (error) {
      this.#failFor(error)
    }
    this.#inbox = undefined
    for (const { bytes } of inbox.arrived) this.#free(bytes.length + frameOverhead)
    this.#endLarge()
    this.#readOn()
    this.#answer()
    if (this.#welcome) setImmediate(() => this.#sendWelcome())
  }

  #isNextLarge(inbox: Inbox): boolean {
    return !isInHand(inbox) && this.#relay.largeFrames.isLarge(inbox.arrived[0]?.bytes)
  }

  #endLarge(): void {
    if (!this.#large || (!this.#ended && (this.#offers > fewOffers || (this.#inbox && isInHand(this.#inbox))))) return
    this.#large.end()
    this.#large = undefined
  }

  /** Handles messages one after the other, for a slice of time. */
  async #slice(inbox: Inbox): Promise<void> {
    const ends = performance.now() + sliceMs
    for (let handled = 0; !this.#ended; handled++) {
      const isNewFrame = inbox.at >= inbox.messages.length
      if (handled > 0 && (isNewFrame || handled >= handledAtLeast) && performance.now() >= ends) return
      if (handled > 0 && this.#isNextLarge(inbox)) return
      if (inbox.opened) {
        this.#decode(inbox.opened, inbox)
        continue
      }
      if (isNewFrame) {
        const next = inbox.arrived.shift()
        if (!next) return
        inbox.bytes -= next.bytes.length + frameOverhead
        this.#free(next.bytes.length + frameOverhead)
        this.#open(next, inbox)
        continue
      }
      const message = inbox.messages[inbox.at++]
      const doing = message && this.#handle(message)
      if (doing) await doing
    }
  }

  #open({ bytes, kind }: Arrived, inbox: Inbox): void {
    if (kind !== 'frame') {
      if (!this.#isTooFast(bytes, aPing) && kind === 'ping') this.#socket.pong(bytes)
    } else if (this.#nonce) this.#handNext(this.#readGreeting(bytes, inbox), inbox)
    else inbox.opened = { bytes, frame: openClientFrame(bytes) }
  }

  #decode({ bytes, frame }: NonNullable<Inbox['opened']>, inbox: Inbox): void {
    if (!frame.decode(decodedTogether)) return
    inbox.opened = undefined
    if (!this.#isTooFast(bytes, frame.messages)) this.#handNext(frame.messages, inbox)
  }

  #handNext(messages: readonly ClientMessage[], inbox: Inbox): void {
    inbox.messages = messages
    inbox.at = 0
  }

  /** A frame of a stranger: nothing of it is read but the hello (rules ID5, ID7). */
  #readGreeting(bytes: Uint8Array, inbox: Inbox): readonly ClientMessage[] {
    const greeting = decodeGreeting(bytes)
    if (!greeting) throw new ProtocolError('AUTH', 'A session begins with its hello.')
    if (greeting.messages.at(-1)?.type === 'hello') this.#relay.silent.delete(this)
    if (greeting.rest.length > 0) {
      this.#hold(greeting.rest.length + frameOverhead)
      inbox.arrived.unshift({ bytes: greeting.rest, kind: 'frame' })
      inbox.bytes += greeting.rest.length + frameOverhead
    }
    return greeting.messages
  }

  /** Goes on reading, unless enough is waiting. */
  #readOn(): void {
    if (this.#ended || this.#isReadLater || !this.#socket.isPaused) return
    if (this.#inbox && this.#inbox.bytes > inboxBytes) return
    if (!this.#relay.inboundBacklog.isEnough(this.#waitingBytes)) this.#socket.resume()
  }

  caughtUp(): void {
    this.#isAwaited = true
    this.#answer()
  }

  /** Rule CU2: the welcome and the answers to one frame leave in one frame, once the last answer is ready. */
  #answer(): void {
    if (!this.#isAwaited || this.#inbox || this.#subscriptions?.isCatchingUp) return
    this.#isAwaited = false
    this.#sendWelcome()
    this.#sendQueue.flush()
  }

  #sendWelcome(): void {
    const welcome = this.#welcome
    this.#welcome = undefined
    if (welcome) this.#sendQueue.sendEncoded(welcome)
  }

  /** Counts waiting bytes, and pauses the socket of a device that sends faster than the relay works. */
  #hold(bytes: number): void {
    this.#waitingBytes += bytes
    this.#relay.inboundBacklog.add(bytes)
    if (this.#relay.inboundBacklog.isEnough(this.#waitingBytes)) this.#socket.pause()
  }

  #failFor(error: unknown): void {
    if (error instanceof ProtocolError) return this.fail(error.code, error.message)
    this.#relay.log.error('message-failed', { ...this.#who(), reason: reasonOf(error) })
    this.fail('UNAVAILABLE', 'The relay failed to handle a message; come back later.', 2_000)
  }

  #handle(message: ClientMessage): Promise<void> | undefined {
    if (message.type === 'hello') return this.#enter(message)
    if (message.type === 'roster') return this.#bring(message)
    const now = Date.now()
    if (this.#identity && !this.#identity.device && !this.#mayRoot(message)) return undefined
    switch (message.type) {
      case 'attach':
        if (!this.#following().attach(message)) this.#refuse('attach', 0, 'FEED', 'Your org has no such connection.')
        return undefined
      case 'invite':
        return this.#relay.mailboxes.invite(this, message, now)
      case 'claim':
        return this.#relay.mailboxes.claim(this, message, now)
      case 'subscribe':
        return this.#following().add(message, now)
      case 'publish':
        return this.#publish(message)
      case 'askGateway':
        return this.#askGateway(message)
      case 'ping':
        this.send({ type: 'pong' })
        return undefined
      case 'pong':
        return undefined
    }
  }

  /** The root key reads the feeds of its org's team, and does nothing else (rule ID8). */
  #mayRoot(message: ClientMessage): boolean {
    if (message.type === 'ping' || message.type === 'pong') return true
    if (message.type !== 'subscribe') this.fail('AUTH', 'The root key of an org only reads the feeds of its team.')
    else if (parseFeed(message.name).kind === 'team') return true
    else this.#refuse('feed', message.feed, 'FEED', 'Your org has no such feed.')
    return false
  }

  /** Before the hello a roster tells the relay who the device is. Afterwards it tells that the device has taken that one in (rule RO6). */
  #bring({ roster }: MessageOf<'roster'>): Promise<void> | undefined {
    if (!this.#nonce) {
      const highest = this.#relay.rosters.published(this.org)
      if (highest?.token === roster) this.#knownRoster = highest.number
      return undefined
    }
    this.#brought ??= new BroughtRosters(this.#relay.rosters)
    return this.#brought.take(roster)
  }

  async #enter(hello: MessageOf<'hello'>): Promise<void> {
    const { config, store } = this.#relay
    const nonce = this.#nonce
    if (!nonce) throw new ProtocolError('AUTH', 'This socket already had its hello; a nonce serves once.')
    this.#nonce = undefined
    const identity = await this.#identify(hello, nonce)
    if (this.#ended) return
    clearTimeout(this.#helloTimer)
    this.#helloTimer = undefined
    this.#identity = identity
    this.#knownRoster = identity.roster
    this.#relay.presence.add(this)
    this.#isAwaited = true
    const incarnation = store.incarnation()
    this.#welcome = encodeRelayFrame([{ type: 'welcome', time: Date.now(), incarnation, heartbeatMs: config.heartbeatMs }])
    this.#leaveDoor()
    // The device need not wait for the log line to be written.
    setImmediate(() => this.#relay.log.info('session-opened', this.#who()))
  }

  async #identify(hello: MessageOf<'hello'>, nonce: Uint8Array): Promise<Identity> {
    try {
      const brought = this.#brought
      this.#brought = undefined
      return await this.#relay.authenticator.identify(hello, nonce, brought)
    } catch (error) {
      if (error instanceof ProtocolError) this.#address.charge(failedHelloCost)
      throw error
    }
  }

  /** It is no stranger any more, or has left. */
  #leaveDoor(): void {
    this.#relay.silent.delete(this)
    if (this.#before) this.#address.silent--
    this.#before = undefined
  }

  follow(subscription: Subscription): void {
    this.#following().follow(subscription)
  }

  dismiss(subscription: Subscription): void {
    this.#following().dismiss(subscription)
  }

  refuseFeed(feed: number, code: ErrorCode, detail: string): void {
    this.#refuse('feed', feed, code, detail)
  }

  readFailed(error: unknown): void {
    this.#relay.log.error('catch-up-failed', { ...this.#who(), reason: reasonOf(error) })
    this.fail('UNAVAILABLE', 'The relay could not read the feed; come back later.', 2_000)
  }

  #publish({ feed, offers }: MessageOf<'publish'>): undefined {
    const subscription = this.#subscriptions?.get(feed)
    if (!subscription) {
      return this.#refuseOffers(offers, 'FEED', 'Your org has no such feed.')
    }
    // Whoever has published a roster has it. All else waits, so that nothing is sealed to who was removed after the others know of that.
    const isBehind = (this.#relay.rosters.published(this.org)?.number ?? 0) > this.#knownRoster
    const early = isBehind ? offers.filter(({ key }) => !key.startsWith('roster.')) : []
    if (early.length > 0) this.#refuseOffers(early, 'AUTH', 'Your org has a later roster. Take it in, show it, and offer again.')
    const taken = early.length > 0 ? offers.filter(({ key }) => key.startsWith('roster.')) : offers
    if (taken.length === 0) return undefined
    for (const offer of taken) this.#hold(heldBytes(offer))
    this.#offers += taken.length
    this.#relay.groupCommit.offer(this, subscription.access, fitToWait(taken))
  }

  async #askGateway({ id, feed, key }: MessageOf<'askGateway'>): Promise<void> {
    const subscription = this.#subscriptions?.get(feed)
    const { org, device } = this.#known()
    const name = subscription && { feed: subscription.access.name, key }
    const token = name && device && (await this.#relay.gateway.admit({ org, device }, name, Date.now()))
    if (token) this.send({ type: 'gatewayToken', id, ...token })
    else this.#refuse('gateway', id, 'FEED', 'Your org has no such doc.')
  }

  /** Rule RL1. Refuses offers over the rate with a delay, and ends a session that ignores the delay or floods with other messages. */
  #isTooFast(data: Uint8Array, messages: readonly ClientMessage[]): boolean {
    const now = Math.round(performance.now())
    this.#rateLimit ??= new RateLimit(this.#relay.config, now)
    const excess = this.#rateLimit.take(data.length, messages, now)
    this.#burden.add(costOf(messages) * msPerRequest)
    if (!excess) return false
    const { offers, isFlood, retryMs } = excess
    if (isFlood) this.fail('RATE', 'Too many messages; come back after the delay.', retryMs)
    else this.#refuseOffers(offers, 'RATE', 'Too many offers; come back after the delay.', retryMs)
    return true
  }

  #refuseOffers(offers: readonly Offer[], code: ErrorCode, detail: string, retryMs = 0): undefined {
    this.sendAll(offers.map(({ id }) => ({ type: 'refused', what: 'offer', subject: id, code, version: 0, retryMs, detail })))
  }

  #refuse(what: 'feed' | 'attach' | 'gateway', subject: number, code: ErrorCode, detail: string, retryMs = 0): void {
    this.send({ type: 'refused', what, subject, code, version: 0, retryMs, detail })
  }

  #known(): Identity {
    if (!this.#identity) throw new Error('A session was asked who it is before its hello.')
    return this.#identity
  }

  #following(): Subscriptions {
    return (this.#subscriptions ??= new Subscriptions(this.#relay, this))
  }

  /** The fields of the session's log lines. */
  #who(): LogFields {
    return { session: this.#id, org: this.#identity?.org, device: this.#identity?.device }
  }

  droppedForSlowness(): void {
    this.#relay.log.warn('slow-reader-dropped', this.#who())
    this.#relay.metrics.droppedSlowReader()
  }

  #end(): void {
    this.#ended = true
    this.#relay.silent.delete(this)
    this.#sendQueue.flush()
    this.#socket.resume()
    // The relay does not wait for the peer's half of the close.
    setTimeout(() => this.#socket.terminate(), 2_000).unref()
  }

  onClose(code: number): void {
    this.#ended = true
    this.#address.burden.atLeast(this.#burden.lately())
    clearTimeout(this.#helloTimer)
    this.#leaveDoor()
    this.#sendQueue.closed()
    this.#subscriptions?.removeAll()
    if (this.#identity) this.#relay.presence.remove(this)
    this.#relay.mailboxes.leave(this)
    this.#relay.sessions.delete(this)
    this.#relay.log.debug('session-closed', { ...this.#who(), code })
  }
}
