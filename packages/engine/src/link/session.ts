import {
  type MessageOf,
  type ClientMessage,
  decodeRelayFrame,
  type ErrorCode,
  type FeedName,
  type Key,
  limits,
  parseFeed,
  ProtocolError,
  protocolVersions,
  type RelayMessage,
} from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { Clock } from '../port/clock.js'
import type { FeedOffers, Replica } from '../replica/index.js'
import { batchesOf, sizeOf } from './batches.js'
import { GatewayRequests, type GatewayToken } from './gateway-requests.js'
import { Heartbeat } from './heartbeat.js'
import { InFlight } from './in-flight.js'
import { mailboxRequests } from './mailboxes.js'
import { Outbox } from './outbox.js'
import { isGeneral, Pauses } from './pauses.js'

/** What the device is to sign: the relay's nonce (base64url) and clock (ms since 1970), its host as dialled, the version to be spoken. */
export interface Introduction {
  readonly nonce: string
  readonly host: string
  readonly version: number
  readonly time: number
  /** What the relay's operator gave the org to be let in with. */
  readonly join?: string
}

/** Shows who this device is, by a token over the introduction and the org's certificate. */
export type Hello = (introduction: Introduction) => Promise<{ readonly token: string; readonly certificate: string }>

export interface SessionOptions {
  readonly replica: Replica
  readonly clock: Clock
  readonly host: string
  readonly hello: Hello
  readonly send: (frame: Uint8Array) => void
  readonly events: SessionEvents
}

/** How long to wait before a claim is shown again, by the tries that are left, in ms: soon at first, then so that a vendor has time to come online. */
const claimPauses: readonly number[] = [0, 300_000, 30_000, 5_000, 1_000]

/** What a session tells the link. After `onEnd` it says nothing more. */
export interface SessionEvents {
  onWelcome(welcome: MessageOf<'welcome'>): void
  onMailbox(mailbox: MessageOf<'mailbox'>): void
  onEntries(count: number): void
  /** Something may have become live, acknowledged or refused. */
  onProgress(): void
  onProblem(what: string): void
  onEnd(end: SessionEnd): void
}

/** Why a session cannot go on. */
export interface SessionEnd {
  /** Where the relay refused it. */
  readonly code?: ErrorCode
  /** Where the relay said when to come back, in ms. */
  readonly retryMs?: number
}

/**
 * One conversation with the relay over one line: challenge, then hello, attaching and subscribing at once, welcome, publishing. Messages are taken one after
 * the other, each fully done before the next, so that an acknowledgement is never seen before its entry has been absorbed.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #outbox: Outbox
  readonly #pauses: Pauses
  readonly #inFlight = new InFlight()
  readonly #feedByNumber = new Map<number, FeedName>()
  readonly #numberByFeed = new Map<FeedName, number>()
  readonly #live = new Set<FeedName>()
  readonly #refusedFeeds = new Set<FeedName>()
  readonly #said = new Set<string>()
  readonly #gateway = new GatewayRequests()
  readonly #unwatch: () => void
  #heartbeat: Heartbeat | undefined
  #introduced = false
  #incarnation: number | undefined
  #inbox: Promise<unknown> = Promise.resolve()
  #behind = 0
  #sending: 'no' | 'yes' | 'again' = 'no'
  #lastNumber = 0
  #ended = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.send)
    this.#pauses = new Pauses(options.clock, () => this.#work())
    this.#unwatch = options.replica.watchWork(() => this.#work())
  }

  /** Whether every feed is up to date and nothing of this session is under way. */
  get isIdle(): boolean {
    if (this.#incarnation === undefined || this.#behind > 0 || this.#inFlight.count > 0 || this.#sending !== 'no') return false
    return this.#options.replica.followed().feeds.every((feed) => this.#live.has(feed) || this.#refusedFeeds.has(feed))
  }

  receive(frame: Uint8Array): void {
    if (this.#ended) return
    this.#heartbeat?.hear()
    let messages: readonly RelayMessage[]
    try {
      messages = decodeRelayFrame(frame)
    } catch (error) {
      this.#fail(error)
      return
    }
    for (const message of messages) {
      // The only one that does not wait its turn: it tells that the line lives, however much is still to be done.
      if (message.type === 'ping') this.#say({ type: 'pong' })
      else this.#enqueue(message)
    }
  }

  /** Asks for a token with which a stock y-websocket provider may read one doc. @throws ProtocolError with the relay's code */
  askGateway(feed: FeedName, key: Key): Promise<GatewayToken> {
    const number = this.#numberByFeed.get(feed)
    if (number === undefined)
      return Promise.reject(new ProtocolError('FEED', 'This feed is not followed at the moment. Try again when online.'))
    return this.#gateway.ask((id) => this.#say({ type: 'askGateway', id, feed: number, key }))
  }

  /** Ends the session from this side. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unwatch()
    this.#heartbeat?.stop()
    this.#pauses.stop()
    this.#gateway.giveUp()
  }

  #enqueue(message: RelayMessage): void {
    this.#behind++
    this.#inbox = this.#inbox
      .then(() => (this.#ended ? undefined : this.#take(message)))
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#behind--
        if (this.#behind === 0 && !this.#ended) this.#options.events.onProgress()
      })
  }

  async #take(message: RelayMessage): Promise<void> {
    const { events } = this.#options
    switch (message.type) {
      case 'challenge':
        return this.#introduce(message)
      case 'welcome':
        return this.#begin(message)
      case 'entries':
        return this.#absorb(message)
      case 'accepted':
        return this.#accept(message)
      case 'refused':
        return this.#hearNo(message)
      case 'mailbox':
        if (message.state === 'wrong' && message.triesLeft > 0) return this.#claimLater(message)
        this.#retryFeeds()
        return events.onMailbox(message)
      case 'gatewayToken':
        return this.#gateway.take(message)
      case 'failed':
        return this.#end({ code: message.code, retryMs: message.retryMs })
      case 'leaving':
        return this.#end({ retryMs: message.retryMs })
      case 'ping':
      case 'pong':
        return
    }
  }

  async #introduce({ oldest, newest, nonce, time }: MessageOf<'challenge'>): Promise<void> {
    const version = Math.min(newest, protocolVersions.newest)
    if (version < oldest || version < protocolVersions.oldest) return this.#end({ code: 'VERSION' })
    const { hello, host } = this.#options
    const shown = await hello({ nonce: toBase64UrlEncoded(nonce), host, version, time })
    if (this.#ended) return
    this.#say({ type: 'hello', ...shown })
    this.#introduced = true
    // What to follow is known already, so it goes with the hello and saves a way to the relay and back.
    this.#work()
  }

  #begin(welcome: MessageOf<'welcome'>): void {
    const { clock, events } = this.#options
    this.#incarnation = welcome.incarnation
    this.#heartbeat = new Heartbeat(
      clock,
      welcome.heartbeatMs || limits.heartbeatMs,
      () => this.#say({ type: 'ping' }),
      () => this.#end({}),
    )
    events.onWelcome(welcome)
    this.#work()
  }

  async #absorb({ feed: number, position, live, entries }: MessageOf<'entries'>): Promise<void> {
    const feed = this.#feedByNumber.get(number)
    if (feed === undefined || this.#incarnation === undefined) return
    await this.#options.replica.absorb(feed, { incarnation: this.#incarnation, position, live, entries })
    if (entries.length > 0) {
      this.#options.events.onEntries(entries.length)
      if (feed.endsWith('/messages')) this.#pauses.resumeFeeds()
    }
    if (live && this.#numberByFeed.get(feed) === number) this.#live.add(feed)
    this.#work()
  }

  #accept({ ids }: MessageOf<'accepted'>): void {
    for (const id of ids) {
      const flight = this.#inFlight.take(id)
      if (flight) this.#pauses.resumeKey(flight.feed, flight.key)
    }
    this.#work()
  }

  async #hearNo(refused: MessageOf<'refused'>): Promise<void> {
    switch (refused.what) {
      case 'offer':
        this.#refuseOffer(refused)
        break
      case 'feed':
        await this.#refuseFeed(refused)
        break
      case 'gateway':
        this.#gateway.refuse(refused)
        break
      case 'attach':
      case 'mailbox':
        this.#options.events.onProblem(`The relay refused a request (${refused.code}): ${refused.detail}`)
    }
    this.#work()
  }

  #refuseOffer({ subject, code, retryMs, detail }: MessageOf<'refused'>): void {
    const flight = this.#inFlight.take(subject)
    if (!flight) return
    const { feed, key, seen } = flight
    if (isGeneral(code)) this.#pauses.pauseAll(retryMs)
    else if (code === 'QUOTA') this.#pauses.noRoom(feed, key, retryMs)
    else if (code === 'WAIT') this.#pauses.pauseFeed(feed)
    else if (code === 'BEHIND' || code === 'STALE_EPOCH') {
      // Normally what was missed has been absorbed by now, and the next projection names it.
      if (this.#options.replica.sequence(feed, key) === seen) this.#pauses.pauseKey(feed, key)
    } else {
      this.#pauses.blockKey(feed, key)
      this.#options.events.onProblem(`The relay refused an entry of ${feed} (${code}): ${detail}`)
    }
  }

  async #refuseFeed({ subject, code, detail }: MessageOf<'refused'>): Promise<void> {
    const feed = this.#feedByNumber.get(subject)
    if (feed === undefined) return
    this.#live.delete(feed)
    this.#feedByNumber.delete(subject)
    this.#numberByFeed.delete(feed)
    if (code === 'LOST') return this.#options.replica.lost(feed)
    this.#refusedFeeds.add(feed)
    // A mailbox that the peer has not claimed yet, or no longer has, is nothing to worry about.
    if (code !== 'FEED') this.#options.events.onProblem(`The relay refused the feed ${feed} (${code}): ${detail}`)
  }

  /** After a mailbox has changed hands, feeds that were refused may be there. */
  #retryFeeds(): void {
    this.#refusedFeeds.clear()
    this.#work()
  }

  /** Does whatever there is to do now: follows new feeds, sends what waits. */
  #work(): void {
    if (this.#ended || !this.#introduced) return
    this.#follow()
    if (this.#sending !== 'no') {
      this.#sending = 'again'
      return
    }
    if (this.#options.replica.waiting() === 0) return
    this.#sending = 'yes'
    this.#send()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        const again = this.#sending === 'again'
        this.#sending = 'no'
        if (again) this.#work()
        else if (!this.#ended) this.#options.events.onProgress()
      })
  }

  #follow(): void {
    const { replica } = this.#options
    for (const [name, message] of mailboxRequests(replica.rows)) this.#sayOnce(name, message)
    const { feeds, parties } = replica.followed()
    for (const each of parties) this.#sayOnce(`attach ${each.connection}`, { type: 'attach', ...each })
    for (const feed of feeds) {
      if (this.#numberByFeed.has(feed) || this.#refusedFeeds.has(feed)) continue
      const number = (this.#lastNumber += 1)
      this.#feedByNumber.set(number, feed)
      this.#numberByFeed.set(feed, number)
      const { cursor, incarnation, position } = replica.position(feed)
      this.#say({ type: 'subscribe', feed: number, name: feed, after: cursor, incarnation, position })
    }
  }

  async #send(): Promise<void> {
    const { count, bytes } = this.#inFlight.room
    if (count <= 0 || bytes <= 0) return
    const isFree = (feed: FeedName, key: Key): boolean => !this.#inFlight.has(feed, key) && !this.#pauses.isPaused(feed, key)
    const live = this.#options.replica.followed().feeds.filter((feed) => this.#live.has(feed))
    // Messages and control entries first: they are few and small, and a revocation must not stand behind all records of an import.
    const feeds = [...live.filter(isOfMessages), ...live.filter((feed) => !isOfMessages(feed))]
    for (const offers of await this.#options.replica.offers(feeds, isFree, { count, bytes })) {
      if (!this.#ended) this.#publish(offers)
    }
  }

  /** Says a feed's offers in messages that fit into frames. */
  #publish({ feed, offers }: FeedOffers): void {
    const number = this.#numberByFeed.get(feed)
    if (number === undefined || !this.#live.has(feed)) return
    for (const batch of batchesOf(offers)) {
      const numbered = batch.map((offer) => ({
        ...offer,
        id: this.#inFlight.add({ feed, key: offer.key, seen: offer.seen, bytes: sizeOf(offer) }),
      }))
      this.#say({ type: 'publish', feed: number, offers: numbered })
    }
  }

  /** The relay may only not know the invitation yet: its vendor was offline, or is a moment late (rule MB8). The claim itself cannot be wrong. */
  #claimLater({ mailbox, triesLeft }: MessageOf<'mailbox'>): void {
    this.#options.clock.after(claimPauses[triesLeft] ?? 1_000, () => {
      this.#said.delete(`claim ${mailbox}`)
      this.#work()
    })
  }

  #sayOnce(name: string, message: ClientMessage): void {
    if (this.#said.has(name)) return
    this.#said.add(name)
    this.#say(message)
  }

  #say(message: ClientMessage): void {
    if (!this.#ended) this.#outbox.say(message)
  }

  #fail(error: unknown): void {
    this.#options.events.onProblem(error instanceof Error ? error.message : 'The session failed.')
    this.#end({})
  }

  #end(end: SessionEnd): void {
    if (this.#ended) return
    this.close()
    this.#options.events.onEnd(end)
  }
}

function isOfMessages(feed: FeedName): boolean {
  return parseFeed(feed).topic === 'messages'
}
