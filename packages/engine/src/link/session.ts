import {
  type MessageOf,
  type ClientMessage,
  connectionOfDocs,
  decodeRelayFrame,
  type ErrorCode,
  type FeedName,
  holdsMessages,
  type Key,
  limits,
  type MailboxId,
  messageFeedsOf,
  parseFeed,
  parseKey,
  ProtocolError,
  rosterFeedOf,
  protocolVersions,
  type RelayMessage,
  headKey,
} from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { SerialQueue } from '../flow/serial-queue.js'
import type { Clock } from '../port/clock.js'
import type { FeedOffers, Replica } from '../replica/index.js'
import { batchesOf, sizeOf } from './batches.js'
import { GatewayRequests, type GatewayToken } from './gateway-requests.js'
import { Heartbeat } from './heartbeat.js'
import { InFlight } from './in-flight.js'
import { mailboxRequests } from './mailboxes.js'
import { Outbox } from './outbox.js'
import { isGeneral, Pauses } from './pauses.js'
import type { RefusedOffers } from './refused-offers.js'
import type { Repairs } from './repairs.js'

/** What a device introduces itself by: the relay's nonce (base64url) and clock (ms since 1970), the host that was dialled, the protocol version. */
export interface Introduction {
  readonly nonce: string
  readonly host: string
  readonly version: number
  readonly time: number
  /** The join token by which the relay's operator lets the org in. */
  readonly join?: string
  /** Whether the relay seems not to know the device, so that it needs the org's rosters (rule RO4). */
  readonly isUnknown: boolean
  /** The highest roster of the own org that this device has read from the relay, at least 1. */
  readonly readRoster: number
}

/** What proves the device's key: a token over the introduction. The rosters go before it. */
export interface Introduced {
  readonly token: string
  readonly rosters: readonly string[]
}

export type Hello = (introduction: Introduction) => Promise<Introduced>

/**
 * How far a device goes for now. `all`: everywhere. `team`: it reads everything and publishes in its team only, because what it holds may be old. `read`: it reads its
 * team's feeds and does nothing else, as the org's root key does (rule ID8).
 */
export type Scope = 'all' | 'team' | 'read'

export interface SessionOptions {
  readonly replica: Replica
  readonly scope: () => Scope
  readonly clock: Clock
  readonly host: string
  readonly hello: Hello
  /** Whether the relay refused the device before, as one that it does not know. */
  readonly isUnknown: boolean
  readonly send: (frame: Uint8Array) => void
  readonly events: SessionEvents
  readonly repairs: Repairs
  readonly refused?: RefusedOffers
  /** The highest roster of the own org. */
  readonly roster?: () => Promise<string | undefined>
}

/** The least pause before a feed is read again, in ms: its owner may be about to publish. */
const rereadMs = 1_000

/** A roster is shown again after this, in ms: the shortest pause of an offer is longer. */
const showAgainMs = 100

/** So many offers are made in one go: some 20 ms of work for docs of ten fields. */
const offersAtOnce = 50

/** So many entries that came one after the other are taken in by one transaction. */
const mostTogether = 100

/** While docs are on their way, what becomes due within this time is sent together, in ms. */
const gatherMs = 50

/** After so many pauses for the other side's policy in which no message came, it is not the other side. */
const mostWaits = 3

/** So many entries are opened ahead in one task, and in all: as many as are absorbed in one go. */
const [aheadAtOnce, mostAhead] = [50, 200]

/** The pause before a claim is shown again, in ms, by the tries that are left. Short at first; then a vendor has time to come online. */
const claimPauses: readonly number[] = [0, 300_000, 30_000, 5_000, 1_000]

/** What a session reports to the link. `onEnd` is its last call. */
export interface SessionEvents {
  onWelcome(welcome: MessageOf<'welcome'>): void
  onMailbox(mailbox: MessageOf<'mailbox'>): void
  onEntries(count: number): void
  /** A feed may have become live, an offer acknowledged or refused. */
  onProgress(): void
  onProblem(what: string): void
  onEnd(end: SessionEnd): void
}

/** Why a session cannot go on. */
export interface SessionEnd {
  /** Why the relay refused it. */
  readonly code?: ErrorCode
  /** The pause that the relay asked for, in ms. */
  readonly retryMs?: number
}

/**
 * One authenticated conversation over one line: challenge; hello, attach and subscribe at once; welcome; publish. The session handles one message at a time
 * and finishes it before the next, so an acknowledgement never counts before its entry is absorbed.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #outbox: Outbox
  readonly #pauses: Pauses
  /** The messages that are not done yet, in their order. */
  readonly #inbox = new SerialQueue()
  /** Messages that wait for their turn. */
  readonly #waiting: RelayMessage[] = []
  readonly #inFlight = new InFlight()
  readonly #feedByNumber = new Map<number, FeedName>()
  readonly #numberByFeed = new Map<FeedName, number>()
  readonly #live = new Set<FeedName>()
  /** What was told of this session: once each. */
  readonly #told = new Set<string>()
  readonly #refusedFeeds = new Set<FeedName>()
  /** Feeds that the relay has lost, as it said in this session. */
  readonly #lostFeeds = new Set<FeedName>()
  /** How often each claim was shown in vain. */
  readonly #vainClaims = new Map<MailboxId, number>()
  readonly #said = new Set<string>()
  readonly #gateway = new GatewayRequests()
  /** The peers' feeds that will be read again, each with what calls that off. */
  readonly #rereads = new Map<FeedName, () => void>()
  /** Those of them that the last time brought the same entries to leave out. They go on, and nobody waits for them. */
  readonly #vainRereads = new Set<FeedName>()
  /** The sequence of the last entry that was left out, by feed and key. */
  readonly #leftOut = new Map<string, number>()
  readonly #unwatch: () => void
  #heartbeat: Heartbeat | undefined
  #introduced = false
  #incarnation: number | undefined
  #behind = 0
  #sending: 'no' | 'yes' | 'again' = 'no'
  #isGathering = false
  #lastNumber = 0
  #ended = false
  #isShowing = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.send)
    this.#pauses = new Pauses(options.clock, () => this.#work())
    const { replica } = options
    const unwatch = [
      replica.watchWork(() => this.#work()),
      replica.keyring.watch(() => this.#work()),
      replica.rows.watch((changes) => {
        if (changes.some(({ object }) => object === 'Roster') && this.#incarnation !== undefined) this.#showRoster()
        for (const { object, id } of changes)
          for (const map of replica.recordMaps.mapsOfRecord(object, id)) this.#pauses.unblockKey(parseKey(map))
      }),
    ]
    this.#unwatch = () => unwatch.forEach((end) => end())
  }

  /** Whether every feed is up to date and nothing of this session is under way. */
  get isIdle(): boolean {
    if (this.#incarnation === undefined || this.#behind > 0 || this.#inFlight.count > 0 || this.#sending !== 'no') return false
    if (this.#rereads.size > this.#vainRereads.size) return false
    return this.#followed().every((feed) => this.#live.has(feed) || this.#refusedFeeds.has(feed))
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
      // A ping does not wait its turn: its answer shows that the line lives, however much work waits.
      if (message.type === 'ping') this.#say({ type: 'pong' })
      else this.#enqueue(message)
    }
  }

  /** Asks for a token by which a stock y-websocket provider may read one doc. @throws ProtocolError with the relay's code */
  askGateway(feed: FeedName, key: Key): Promise<GatewayToken> {
    const number = this.#numberByFeed.get(feed)
    if (number === undefined)
      return Promise.reject(new ProtocolError('FEED', 'This tab does not follow the feed. Ask again when it is online.'))
    return this.#gateway.ask((id) => this.#say({ type: 'askGateway', id, feed: number, key }))
  }

  /** Whether a feed that the relay serves has not been read to its end. */
  isCatchingUp(feed: FeedName): boolean {
    return this.#numberByFeed.has(feed) && !this.#live.has(feed)
  }

  /** The device goes further than before. */
  goOn(): void {
    this.#work()
  }

  /** Ends the session from this side. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unwatch()
    this.#heartbeat?.stop()
    this.#pauses.stop()
    for (const cancel of this.#rereads.values()) cancel()
    this.#gateway.giveUp()
  }

  #enqueue(message: RelayMessage): void {
    this.#behind++
    this.#waiting.push(message)
    void this.#inbox.run(async () => {
      try {
        // Nothing is left of it where its entries were taken in with those before them.
        const next = this.#waiting.shift()
        if (next && !this.#ended) await this.#take(next)
      } catch (error) {
        this.#fail(error)
      }
      this.#behind--
      if (this.#behind === 0 && !this.#ended) this.#options.events.onProgress()
    })
  }

  async #take(message: RelayMessage): Promise<void> {
    switch (message.type) {
      case 'challenge':
        return this.#introduce(message)
      case 'welcome':
        return this.#begin(message)
      case 'entries':
        return this.#absorb(this.#withNext(message))
      case 'accepted':
        return this.#accept(message)
      case 'refused':
        return this.#takeRefusal(message)
      case 'mailbox':
        return this.#takeMailbox(message)
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
    const { hello, host, isUnknown, replica } = this.#options
    const readRoster = highestRoster(replica.inbox(rosterFeedOf(replica.org)).keys())
    const { token, rosters } = await hello({ nonce: toBase64UrlEncoded(nonce), host, version, time, isUnknown, readRoster })
    if (this.#ended) return
    for (const roster of rosters) this.#say({ type: 'roster', roster })
    this.#say({ type: 'hello', token })
    this.#introduced = true
    // The feeds to follow are known already. Subscribing with the hello saves a round trip.
    this.#work()
  }

  #begin(welcome: MessageOf<'welcome'>): void {
    const { clock, events } = this.#options
    this.#incarnation = welcome.incarnation
    this.#heartbeat = new Heartbeat(
      clock,
      welcome.heartbeatMs,
      () => this.#say({ type: 'ping' }),
      () => this.#end({}),
    )
    events.onWelcome(welcome)
    this.#work()
  }

  /** Entries with those of the same feed that wait next: one transaction for all. The acknowledgements between them come later than what they acknowledge. */
  #withNext(message: MessageOf<'entries'>): MessageOf<'entries'> {
    let all = message
    for (let index = 0; index < this.#waiting.length;) {
      const next = this.#waiting[index]
      if (next?.type === 'accepted') {
        index++
        continue
      }
      if (next?.type !== 'entries' || next.feed !== all.feed || all.entries.length + next.entries.length > mostTogether) break
      this.#waiting.splice(index, 1)
      all = { ...next, entries: [...all.entries, ...next.entries] }
    }
    return all
  }

  async #absorb({ feed: number, position, live, entries }: MessageOf<'entries'>): Promise<void> {
    const feed = this.#feedByNumber.get(number)
    if (feed === undefined || this.#incarnation === undefined) return
    const chunk = { incarnation: this.#incarnation, position, live, entries }
    const refused = await this.#options.replica.absorb(feed, chunk, {
      took: (count) => {
        if (count > 0) this.#options.events.onEntries(count)
      },
      handedOver: () => this.#openNext(),
    })
    if (this.#options.replica.isPaused(feed)) {
      // Without a number the feed is subscribed to again once reading goes on.
      this.#live.delete(feed)
      this.#feedByNumber.delete(number)
      this.#numberByFeed.delete(feed)
      return this.#work()
    }
    if (refused.length > 0) this.#repair(feed, refused)
    if (live && feed.endsWith('/messages'))
      for (const [held, keys] of await this.#options.replica.giveUpHeld(feed)) this.#repair(held, keys)
    if (entries.length > 0 && feed.endsWith('/messages')) this.#pauses.resumeFeeds()
    if (live && this.#numberByFeed.get(feed) === number) this.#live.add(feed)
    this.#work()
  }

  /** The store is at work on entries: the next ones are opened meanwhile, in tasks of their own. */
  #openNext(): void {
    const { clock, replica } = this.#options
    const next = this.#waiting.find(({ type }) => type === 'entries')
    if (next?.type !== 'entries') return
    const feed = this.#feedByNumber.get(next.feed)
    if (feed === undefined) return
    for (let start = 0; start < mostAhead; start += aheadAtOnce) {
      const some = next.entries.slice(start, start + aheadAtOnce)
      if (some.length > 0) clock.after(0, () => replica.openAhead(feed, some))
    }
  }

  /** Entries were left out: an owner publishes their keys anew, a reader reads the feed again. Either waits the longer the more often it happens (rule AN2). */
  #repair(feed: FeedName, keys: readonly Key[]): void {
    const { replica, repairs } = this.#options
    if (replica.isOwn(feed)) {
      for (const key of keys) this.#pauses.pauseKeyFor(feed, key, repairs.next(`${feed}#${key}`))
      return
    }
    let isVain = true
    for (const key of keys) {
      const [name, sequence] = [`${feed}#${key}`, replica.sequence(feed, key)]
      isVain &&= this.#leftOut.get(name) === sequence
      this.#leftOut.set(name, sequence)
    }
    this.reread(feed, isVain)
  }

  /** Reads a feed again from its beginning, after a pause. @param isVain whether the last time brought just what it is for */
  reread(feed: FeedName, isVain = false): void {
    const { replica, repairs, clock } = this.#options
    if (!isVain) this.#vainRereads.delete(feed)
    if (this.#rereads.has(feed)) return
    if (isVain) this.#vainRereads.add(feed)
    const again = (): Promise<void> =>
      this.#inbox.run(async () => {
        if (this.#ended) return
        this.#rereads.delete(feed)
        this.#vainRereads.delete(feed)
        const number = this.#numberByFeed.get(feed)
        if (number === undefined) return
        this.#live.delete(feed)
        this.#feedByNumber.delete(number)
        // The feed keeps its number until then. Without one it would be subscribed to at once, from where it was read to.
        await replica.lost(feed)
        this.#numberByFeed.delete(feed)
        this.#work()
      })
    const cancel = clock.after(repairs.next(feed) || rereadMs, () => void again().catch((error: unknown) => this.#fail(error)))
    this.#rereads.set(feed, cancel)
  }

  #accept({ ids }: MessageOf<'accepted'>): void {
    for (const id of ids) {
      const flight = this.#inFlight.take(id)
      if (!flight) continue
      const { feed, key, seen } = flight
      // The entry comes before its acknowledgement (rule PB3). Without it the key is still due, and would be offered again at once.
      if (this.#options.replica.sequence(feed, key) !== seen) {
        this.#pauses.resumeKey(feed, key)
        this.#options.refused?.taken(feed, key)
      } else {
        this.#options.refused?.note(feed, key, 'hidden')
        this.#pauses.pauseKey(feed, key)
        this.#tellOnce(`The relay says that it has entries of ${feed}, and does not show them. This device goes on more slowly.`)
      }
    }
    this.#work()
  }

  async #takeRefusal(refused: MessageOf<'refused'>): Promise<void> {
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
    const { feed, key, seen, whole } = flight
    if (isGeneral(code)) {
      if (this.#pauses.pauseAll(retryMs)) {
        this.#options.refused?.note(feed, key, code)
        this.#tellOnce(`The relay has accepted nothing for a while (${code}). This device tries again.`)
      }
    } else if (code === 'AUTH') {
      // An admin has changed the devices of the org. This one shows the roster once it has taken it in (rule RO6).
      this.#pauses.pauseKey(feed, key)
      this.#showRoster()
    } else if (code === 'QUOTA') {
      this.#options.refused?.note(feed, key, code)
      this.#pauses.noRoom(feed, key, retryMs)
    } else if (code === 'WAIT') this.#awaitPolicies(feed)
    else if (code === 'FIELD' && connectionOfDocs(parseFeed(feed)) !== undefined) {
      // The peer has withdrawn a slot, and its message is on the way.
      if (this.#pauses.pauseFeed(feed) > 1) this.#tellOnce(`The relay refused an entry of ${feed} (FIELD): ${detail}`)
    } else if (code === 'FEED' && connectionOfDocs(parseFeed(feed)) !== undefined) {
      // The peer has ended the connection. Its message is on the way or just came: then what is due is an erasure, which the relay takes.
      if (this.#pauses.pauseKey(feed, key) > 2) this.#tellOnce(`The relay refused an entry of ${feed} (FEED): ${detail}`)
    } else if (code === 'BEHIND' || code === 'STALE_EPOCH') {
      // Normally the missed entry has been absorbed by now, and the next offer names it.
      if (this.#options.replica.sequence(feed, key) !== seen) return
      const times = this.#pauses.pauseKey(feed, key)
      // Nothing comes: the relay's copy is another than the one that this device read (rule AN3). Heads often come too late, and are signed again.
      if (times > 1 && key !== headKey) this.reread(feed)
    } else if (code === 'FRAME' && !whole) {
      // The update does not follow: the relay's copy is another than the one that this device read. A whole doc needs none (rule AN5).
      const { replica, repairs } = this.#options
      this.#pauses.pauseKeyFor(feed, key, repairs.next(`${feed}#${key}`))
      replica.publishAgain(feed, [key]).catch((error: unknown) => this.#fail(error))
    } else {
      this.#options.refused?.note(feed, key, code)
      this.#pauses.blockKey(feed, key)
      this.#options.events.onProblem(`The relay refused an entry of ${feed} (${code}): ${detail}`)
    }
  }

  /** Tells the relay which roster this device has taken in: once for all offers that were refused together. */
  #showRoster(): void {
    const { roster: find, clock } = this.#options
    if (!find || this.#isShowing) return
    this.#isShowing = true
    clock.after(showAgainMs, () => (this.#isShowing = false))
    find().then(
      (roster) => roster !== undefined && this.#say({ type: 'roster', roster }),
      (error: unknown) => this.#fail(error),
    )
  }

  /** This device has read that both sides registered the version. If nothing comes, the relay lost one of the policies, and whose it was publishes it again (rule AN3). */
  #awaitPolicies(feed: FeedName): void {
    const parsed = parseFeed(feed)
    if (this.#pauses.pauseFeed(feed) < mostWaits || parsed.kind !== 'connection') return
    for (const messages of messageFeedsOf(parsed.connection)) this.reread(messages)
  }

  async #refuseFeed({ subject, code, detail }: MessageOf<'refused'>): Promise<void> {
    const feed = this.#feedByNumber.get(subject)
    if (feed === undefined) return
    this.#live.delete(feed)
    this.#feedByNumber.delete(subject)
    if (code === 'LOST') {
      // The feed keeps its number until then. Without one it would be subscribed to at once, from the position that is lost.
      await this.#lose(feed)
      this.#numberByFeed.delete(feed)
      return
    }
    this.#numberByFeed.delete(feed)
    this.#refusedFeeds.add(feed)
    // The peer may not have claimed the mailbox yet, or may have left it: no problem to report.
    if (code !== 'FEED') this.#options.events.onProblem(`The relay refused the feed ${feed} (${code}): ${detail}`)
  }

  /** A relay that loses a feed twice in one session does not tell the truth: the store's incarnation stays the same (rule RS4). */
  async #lose(feed: FeedName): Promise<void> {
    if (this.#lostFeeds.has(feed)) {
      this.#options.events.onProblem(`The relay says again that it has lost the feed ${feed}. This device comes back later.`)
      return this.#end({ code: 'LOST' })
    }
    this.#lostFeeds.add(feed)
    await this.#options.replica.lost(feed)
  }

  /** A mailbox has changed, so feeds that were refused may be open now. */
  #retryFeeds(): void {
    this.#refusedFeeds.clear()
    this.#work()
  }

  /** Subscribes to new feeds and publishes dirty keys. */
  #work(): void {
    if (this.#ended || !this.#introduced) return
    this.#follow()
    if (this.#sending !== 'no') {
      this.#sending = 'again'
      return
    }
    if (!this.#options.replica.hasOffers || this.#options.scope() === 'read') return
    this.#sending = 'yes'
    this.#send()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        const again = this.#sending === 'again'
        this.#sending = 'no'
        if (again) this.#work()
        if (this.#sending === 'no' && !this.#ended) this.#options.events.onProgress()
      })
  }

  #followed(): readonly FeedName[] {
    const { feeds } = this.#options.replica.followed()
    return this.#options.scope() === 'read' ? feeds.filter(isOfTeam) : feeds
  }

  #follow(): void {
    const { replica, scope } = this.#options
    if (scope() !== 'read') {
      for (const [name, message] of mailboxRequests(replica.rows)) this.#sayOnce(name, message)
      for (const each of replica.followed().parties) this.#sayOnce(`attach ${each.connection}`, { type: 'attach', ...each })
    }
    for (const feed of this.#followed()) {
      if (this.#numberByFeed.has(feed) || this.#refusedFeeds.has(feed)) continue
      const number = (this.#lastNumber += 1)
      this.#feedByNumber.set(number, feed)
      this.#numberByFeed.set(feed, number)
      const { cursor, incarnation, position } = replica.position(feed)
      this.#say({ type: 'subscribe', feed: number, name: feed, after: cursor, incarnation, position })
    }
  }

  async #send(): Promise<void> {
    const isRefused = (feed: FeedName, key: Key): boolean => this.#pauses.isRefused(feed, key)
    let isOnlyRoster = false
    const isFree = (feed: FeedName, key: Key): boolean =>
      !this.#inFlight.has(feed, key) && !this.#pauses.isPaused(feed, key) && (!isOnlyRoster || key.startsWith('roster.'))
    const send = async (isDue: (feed: FeedName) => boolean): Promise<number> => {
      const { count, bytes } = this.#inFlight.room
      if (this.#ended || count <= 0 || bytes <= 0) return 0
      const { replica, scope } = this.#options
      const isAll = scope() === 'all'
      if (this.#awaitsRoster()) return 0
      isOnlyRoster = this.#bringsRoster()
      const feeds = replica.followed().feeds.filter((feed) => this.#live.has(feed) && (isAll || isOfTeam(feed)) && isDue(feed))
      const most = { count: Math.min(count, offersAtOnce), bytes }
      const offered = await replica.offers(feeds, isFree, most, isRefused)
      for (const offers of offered) if (!this.#ended) this.#publish(offers)
      return offered.reduce((sum, { offers }) => sum + offers.length, 0)
    }
    // A piece at a time: the page draws in between, and the first leave while the others are made.
    for (let made = offersAtOnce; made >= offersAtOnce;) {
      // Messages and control entries first: they are few and small, and a roster must not wait for all records of an import.
      made = await send(isOfMessages)
      if (this.#isGathering && this.#inFlight.count > 0) continue
      made += await send((feed) => !isOfMessages(feed))
    }
    this.#gather()
  }

  #gather(): void {
    if (this.#isGathering || this.#inFlight.count === 0) return
    this.#isGathering = true
    this.#options.clock.after(gatherMs, () => {
      this.#isGathering = false
      this.#work()
    })
  }

  /** Whether this device has yet to read or to take in a roster of its org: whoever was removed while it was away has the keys under which it would publish (rule RO6). */
  #awaitsRoster(): boolean {
    const { replica, roster } = this.#options
    const feed = rosterFeedOf(replica.org)
    if (!roster || !this.#numberByFeed.has(feed)) return false
    if (!this.#live.has(feed)) return true
    return highestRoster(replica.inbox(feed).keys()) > Math.max(1, replica.keyring.takenRoster)
  }

  /** Whether a roster that this device knows is not at the relay: it goes alone, because what goes with it would be sealed under keys that whoever it removes has. */
  #bringsRoster(): boolean {
    const { replica, roster } = this.#options
    const feed = rosterFeedOf(replica.org)
    return roster !== undefined && highestRoster(replica.waitingKeys(feed)) > highestRoster(replica.inbox(feed).keys())
  }

  /** Sends a feed's offers in messages that fit into frames. */
  #publish({ feed, offers }: FeedOffers): void {
    const number = this.#numberByFeed.get(feed)
    if (number === undefined || !this.#live.has(feed)) return
    for (const { key } of offers)
      if (this.#pauses.offered(feed, key)) this.#tellOnce(`This device sends one entry of ${feed} again and again. It goes on more slowly.`)
    for (const batch of batchesOf(offers)) {
      const numbered = batch.map((offer) => ({
        ...offer,
        id: this.#inFlight.add({ feed, key: offer.key, seen: offer.seen, bytes: sizeOf(offer), whole: offer.whole }),
      }))
      this.#say({ type: 'publish', feed: number, offers: numbered })
    }
  }

  #tellOnce(problem: string): void {
    if (this.#told.has(problem)) return
    this.#told.add(problem)
    this.#options.events.onProblem(problem)
  }

  /**
   * The relay may not know the invitation yet, because the vendor was offline or is a moment late (rule MB8). The claim itself cannot be wrong. It is shown
   * as often as an invitation has tries, whatever the relay says is left.
   */
  #takeMailbox(message: MessageOf<'mailbox'>): void {
    const { mailbox, state } = message
    const times = (this.#vainClaims.get(mailbox) ?? 0) + 1
    const triesLeft = Math.min(message.triesLeft, limits.invitationTries - times)
    if (state !== 'wrong' || triesLeft <= 0) {
      this.#retryFeeds()
      return this.#options.events.onMailbox(state === 'wrong' ? { ...message, triesLeft: 0 } : message)
    }
    this.#vainClaims.set(mailbox, times)
    this.#options.clock.after(claimPauses[triesLeft] ?? 0, () => {
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
    // Another tab leads, or the line is gone: what was under way is the next session's.
    if (this.#ended) return
    this.#options.events.onProblem(error instanceof Error ? error.message : 'The session failed.')
    this.#end({})
  }

  #end(end: SessionEnd): void {
    if (this.#ended) return
    this.close()
    this.#options.events.onEnd(end)
  }
}

/** The highest number that keys of rosters name, at least 1: the first roster removes nobody. */
function highestRoster(keys: Iterable<Key>): number {
  let highest = 1
  for (const key of keys) {
    const number = key.startsWith('roster.') ? Number(key.slice('roster.'.length)) : 0
    // One that names no number, as a device may have written it, is above nothing.
    if (number > highest) highest = number
  }
  return highest
}

function isOfTeam(feed: FeedName): boolean {
  return parseFeed(feed).kind === 'team'
}

function isOfMessages(feed: FeedName): boolean {
  return holdsMessages(parseFeed(feed))
}
