import type { MessageOf, ErrorCode, FeedName, Key } from '@entente/protocol'
import { ProtocolError } from '@entente/protocol'
import type { Clock } from '../port/clock.js'
import type { WatchNetwork } from '../port/network.js'
import type { RandomBytes } from '../port/random.js'
import type { OpenSocket, Socket } from '../port/socket.js'
import type { Tabs } from '../port/tabs.js'
import type { Replica } from '../replica/index.js'
import type { Stamper } from '../row/stamper.js'
import { Backoff } from './backoff.js'
import type { GatewayToken } from './gateway-requests.js'
import type { RefusedOffers } from './refused-offers.js'
import { LeaderAsks } from './leader-asks.js'
import { Repairs } from './repairs.js'
import { type Hello, type Scope, Session, type SessionEnd } from './session.js'

export interface LinkOptions {
  readonly replica: Replica
  /** Address of the relay's socket, `ws://…` or `wss://…`. */
  readonly url: string
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: RandomBytes
  readonly tabs: Tabs
  readonly stamper: Stamper
  readonly hello: Hello
  /** The highest roster of the own org that this device has taken in. */
  readonly roster?: () => Promise<string | undefined>
  readonly watchNetwork?: WatchNetwork
  /** Default: all. After it has changed, `goOn` is called. */
  readonly scope?: () => Scope
  /** Where refused offers are noted for pages. */
  readonly refused?: RefusedOffers
  /** Notes a failure, in words without values. */
  readonly problem?: (what: string) => void
}

export interface LinkStatus {
  readonly state: 'offline' | 'connecting' | 'online' | 'refused'
  /** Why the relay refused the session. */
  readonly reason?: ErrorCode
  /** Whether the person cut the wire. */
  readonly cut: boolean
  readonly waiting: number
  /** When everything was last in sync, in milliseconds since 1970. */
  readonly lastSynced?: number
  readonly leader: boolean
  /**
   * Why this tab leads no more, and waits for no turn either. `elsewhere`: another engine that it does not hear leads the same store. `outdated`: a newer
   * version is at work.
   */
  readonly stoodDown: 'elsewhere' | 'outdated' | undefined
  /** Relay's clock minus the device's, milliseconds. */
  readonly clockOffset: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly framesIn: number
  readonly framesOut: number
  readonly entriesIn: number
}

/** How long a line may take until the relay's welcome. */
const welcomeMs = 10_000

/** What the leading tab says of its line to the other tabs, which have none. */
type LineNews = Pick<LinkStatus, 'state' | 'reason' | 'lastSynced' | 'clockOffset'>

/** Between the tabs of an org: a tab asks, and the leading one tells, also whenever its line changes. */
type TabMessage = { readonly type: 'line'; readonly news?: LineNews }

/** Keeps one line to the relay open from the leading tab, whatever happens to it. */
export class Link {
  readonly #options: LinkOptions
  /** What only the tab that leads can do. */
  readonly asks: LeaderAsks
  readonly #backoff: Backoff
  readonly #repairs: Repairs
  readonly #listeners = new Set<() => void>()
  readonly #mailboxListeners = new Set<(message: MessageOf<'mailbox'>) => void>()
  readonly #unwatch: () => void
  #stepDown: (() => void) | undefined
  #unwatchNetwork: (() => void) | undefined
  #isStarted = false
  /** Identifies one time that this tab leads, from the moment when it was told to. */
  #turn: object | undefined
  #stoodDown: LinkStatus['stoodDown']
  #cancelLook: () => void = () => undefined
  #line: { readonly socket: Socket; readonly session: Session } | undefined
  #cancelTimer: () => void = () => undefined
  #state: LinkStatus['state'] = 'offline'
  #reason: ErrorCode | undefined
  /** Whether the relay refused the last hello, as one of a device that it does not know. */
  #isUnknown = false
  #leader = false
  /** What the tab that leads last said of its line. */
  #heard: Omit<LineNews, 'clockOffset'> = { state: 'connecting' }
  #stopListening: (() => void) | undefined
  #cut = false
  #lastSynced: number | undefined
  #counts = { bytesIn: 0, bytesOut: 0, framesIn: 0, framesOut: 0, entriesIn: 0 }

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    this.#repairs = new Repairs(options.clock)
    const { replica, tabs, clock, stamper } = options
    this.asks = new LeaderAsks(tabs, clock, stamper.session)
    this.asks.answer(askingGateway, ([feed, key]: readonly [FeedName, Key]) => this.#askGateway(feed, key))
    const ends = [replica.watchFeeds(() => this.#progress()), replica.watchLead(() => this.#loseLead())]
    this.#unwatch = () => ends.forEach((end) => end())
  }

  /** Connects as soon as this tab leads. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const { tabs, watchNetwork } = this.#options
    const ask = (): void => tabs.tell({ type: 'line' } satisfies TabMessage)
    this.#stopListening = tabs.listen((message) => this.#hearTab(message), ask)
    ask()
    this.#unwatchNetwork = watchNetwork?.((isThere) => this.#networkChanged(isThere))
    this.#waitToLead()
  }

  stop(): void {
    this.#unwatch()
    this.#isStarted = false
    this.#stepDown?.()
    this.#stepDown = undefined
    this.#stopListening?.()
    this.#unwatchNetwork?.()
    this.#cancelLook()
    this.asks.giveUp()
    this.asks.standDown()
    this.#turn = undefined
    this.#drop()
    this.#show('offline')
    this.#leader = false
  }

  /** A newer version of the library is at work: this tab leads no more, and does not wait for its turn. */
  retire(): void {
    this.#stepDown?.()
    this.#stepDown = undefined
    this.#cancelLook()
    this.#stoodDown = 'outdated'
    this.#standDown()
  }

  #waitToLead(): void {
    this.#stepDown = this.#options.tabs.lead(
      () => this.#lead(),
      () => this.#standDown(),
    )
  }

  #lead(): void {
    const { replica, problem } = this.#options
    const turn = (this.#turn = {})
    replica.lead().then(
      () => {
        // The replica reads the store before it leads. `stop` may have been called meanwhile, or another tab leads.
        if (this.#turn !== turn) return
        this.#leader = true
        this.asks.lead()
        this.#lookLater(() => replica.lookAtLead())
        this.#connect()
      },
      (error: unknown) => {
        if (this.#turn !== turn) return
        problem?.(error instanceof Error ? error.message : 'This tab could not take the lead.')
      },
    )
  }

  /** Another tab leads. This one goes on as one that follows. */
  #standDown(): void {
    this.#turn = undefined
    this.#options.replica.standDown()
    this.#cancelLook()
    this.#leader = false
    this.asks.standDown()
    this.#drop()
    this.#state = 'offline'
    this.#heard = { state: this.#stoodDown ? 'offline' : 'connecting' }
    this.#options.tabs.tell({ type: 'line' } satisfies TabMessage)
    this.#notify()
  }

  /** The store says that another tab leads. Either the word of the tabs is on its way, or there is another engine that this tab does not hear. */
  #loseLead(): void {
    this.#stepDown?.()
    this.#stepDown = undefined
    this.#standDown()
    if (!this.#isStarted) return
    this.#cancelLook = this.#options.clock.after(hearingMs, () => {
      this.#stoodDown = 'elsewhere'
      this.#heard = { state: 'offline' }
      this.#options.problem?.(elsewhereMessage)
      this.#lookLater(() => this.#leadIfFree())
      this.#notify()
    })
  }

  /** The engine that this tab does not hear may have been closed. */
  async #leadIfFree(): Promise<void> {
    if ((await this.#options.replica.isLeadFree()) && this.#isStarted && this.#stoodDown === 'elsewhere') this.#waitAgain()
  }

  #waitAgain(): void {
    this.#stoodDown = undefined
    this.#cancelLook()
    this.#waitToLead()
  }

  #lookLater(look: () => Promise<void>): void {
    this.#cancelLook = this.#options.clock.after(lookMs, () => {
      this.#lookLater(look)
      // A store that is closed says nothing, and nobody leads it.
      look().catch(() => undefined)
    })
  }

  /** The cut-the-wire switch: no line until `mend`. */
  cut(): void {
    this.#cut = true
    this.#drop()
    this.#show('offline')
  }

  /** Connects again at once. Also of use when the network is known to be back. */
  mend(): void {
    this.#cut = false
    this.#backoff.reset()
    if (!this.#line) this.#connect()
  }

  status(): LinkStatus {
    return {
      ...(this.#leader || !this.#isStarted ? this.#news() : this.#heard),
      stoodDown: this.#stoodDown,
      cut: this.#cut,
      waiting: this.#options.replica.waiting(),
      leader: this.#leader,
      clockOffset: this.clockOffset,
      ...this.#counts,
    }
  }

  /** Relay's clock minus the device's, in milliseconds. For whoever asks often: the status counts what waits. */
  get clockOffset(): number {
    return this.#options.stamper.offset
  }

  /** Whether this tab leads. For whoever looks at each change: the status counts what waits. */
  get isLeading(): boolean {
    return this.#leader
  }

  /** Whether this tab leads and its line is up. */
  get isOnline(): boolean {
    return this.#leader && this.#state === 'online'
  }

  /** Calls back when the status may have changed. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls back with the relay's messages about mailboxes. */
  onMailbox(listener: (message: MessageOf<'mailbox'>) => void): () => void {
    this.#mailboxListeners.add(listener)
    return () => this.#mailboxListeners.delete(listener)
  }

  /** Reads a feed again from its beginning: what this device holds of it is not what its owner signed. Does nothing without a line. */
  reread(feed: FeedName): void {
    this.#line?.session.reread(feed)
  }

  /** Whether a feed that the relay serves has not been read to its end. */
  isCatchingUp(feed: FeedName): boolean {
    return this.#line?.session.isCatchingUp(feed) ?? false
  }

  /** Asks for a token by which a stock y-websocket provider may read one doc: the tab that leads asks the relay. @throws ProtocolError */
  async askGateway(feed: FeedName, key: Key): Promise<GatewayToken> {
    return (await this.asks.ask(askingGateway, [feed, key], gatewayMs)) as GatewayToken
  }

  #askGateway(feed: FeedName, key: Key): Promise<GatewayToken> {
    if (!this.#line)
      return Promise.reject(new ProtocolError('UNAVAILABLE', 'There is no line to the relay. Ask again when this device is online.'))
    return this.#line.session.askGateway(feed, key)
  }

  /** Whether all feeds are up to date and nothing waits. */
  get isSynced(): boolean {
    const isSent = this.#options.replica.isSettled || this.#scope() === 'read'
    return this.#state === 'online' && isSent && this.#line?.session.isIdle === true
  }

  /** The device goes further than before. */
  goOn(): void {
    this.#line?.session.goOn()
  }

  readonly #scope = (): Scope => this.#options.scope?.() ?? 'all'

  /** Resolves when all feeds are up to date and nothing waits. */
  synced(): Promise<void> {
    if (this.isSynced) return Promise.resolve()
    return new Promise((resolve) => {
      const unwatch = this.watch(() => {
        if (!this.isSynced) return
        unwatch()
        resolve()
      })
    })
  }

  /** Nobody waits for silence to tell that the network is gone, nor for a pause to end when it is back. */
  #networkChanged(isThere: boolean): void {
    if (!isThere && this.#line) return this.#lose({})
    if (!isThere || this.#line) return
    this.#backoff.reset()
    this.#connect()
  }

  #connect(): void {
    if (!this.#leader || this.#cut || this.#line) return
    this.#cancelTimer()
    this.#show('connecting')
    const { url, openSocket, clock, replica, hello, problem } = this.#options
    const lose = (end: SessionEnd): void => {
      if (this.#line?.session === session) this.#lose(end)
    }
    const session = new Session({
      replica,
      scope: this.#scope,
      clock,
      host: hostOf(url),
      hello,
      isUnknown: this.#isUnknown,
      send: (frame) => this.#send(frame),
      repairs: this.#repairs,
      ...(this.#options.refused && { refused: this.#options.refused }),
      ...(this.#options.roster && { roster: this.#options.roster }),
      events: {
        onWelcome: (welcome) => this.#welcome(welcome),
        onMailbox: (message) => this.#mailboxListeners.forEach((listener) => listener(message)),
        onEntries: (count) => {
          this.#counts.entriesIn += count
          this.#notify()
        },
        onProgress: () => this.#progress(),
        onProblem: (what) => problem?.(what),
        onEnd: lose,
      },
    })
    const socket = openSocket(url, {
      onOpen: () => undefined,
      onFrame: (frame) => {
        this.#counts.bytesIn += frame.length
        this.#counts.framesIn++
        session.receive(frame)
      },
      onClose: () => lose({}),
    })
    this.#line = { socket, session }
    this.#cancelTimer = clock.after(welcomeMs, () => lose({}))
  }

  #send(frame: Uint8Array): void {
    if (!this.#line) return
    this.#counts.bytesOut += frame.length
    this.#counts.framesOut++
    this.#line.socket.send(frame)
  }

  #welcome({ time }: MessageOf<'welcome'>): void {
    const { clock, stamper, problem } = this.#options
    this.#cancelTimer()
    const offset = time - clock.now()
    const days = Math.round(Math.abs(offset - stamper.offset) / dayMs)
    if (days >= 1)
      problem?.(
        `The relay’s time moved by ${days} days against this device’s clock. Edits are dated by the relay’s time. Check both clocks.`,
      )
    stamper.offset = offset
    this.#reason = undefined
    this.#isUnknown = false
    this.#show('online')
  }

  #progress(): void {
    if (this.isSynced) {
      this.#backoff.reset()
      this.#lastSynced = this.#options.clock.now()
    }
    this.#notify()
  }

  /** The line is gone: connects again after a random pause, or after the pause that the relay asked for. */
  #lose({ code, retryMs = 0 }: SessionEnd): void {
    if (this.isSynced) this.#lastSynced = this.#options.clock.now()
    this.#drop()
    // A relay that lost its disk does not know the device. The next hello brings the rosters, and only then a refusal counts (rule RO4).
    const asksForRosters = code === 'AUTH' && !this.#isUnknown
    if (asksForRosters) this.#isUnknown = true
    const refusal = asksForRosters ? undefined : code
    this.#reason = refusal
    const own = this.#backoff.next()
    const delay = Math.max(own, Math.floor(this.#backoff.fraction() * retryMs), refusal ? refusedMs : 0)
    this.#cancelTimer = this.#options.clock.after(delay, () => this.#connect())
    this.#show(refusal ? 'refused' : 'offline')
  }

  #drop(): void {
    this.#cancelTimer()
    const line = this.#line
    this.#line = undefined
    line?.session.close()
    line?.socket.close()
  }

  #news(): LineNews {
    return {
      state: this.#state,
      clockOffset: this.#options.stamper.offset,
      ...(this.#reason && { reason: this.#reason }),
      ...(this.#lastSynced !== undefined && { lastSynced: this.#lastSynced }),
    }
  }

  #tellTabs(): void {
    if (this.#leader) this.#options.tabs.tell({ type: 'line', news: this.#news() } satisfies TabMessage)
  }

  #hearTab(message: unknown): void {
    this.asks.hear(message)
    if (!isTabMessage(message)) return
    if (!message.news) return this.#tellTabs()
    // Of two that tell, the one that leads no more is about to notice.
    if (this.#leader) return
    this.#heard = message.news
    if (!this.#stepDown && this.#stoodDown !== 'outdated') this.#waitAgain()
    this.#options.stamper.offset = message.news.clockOffset
    this.#notify()
  }

  #show(state: LinkStatus['state']): void {
    this.#state = state
    this.#tellTabs()
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** The name of the question for a token of the gateway, and how long an answer may take, in milliseconds. */
const askingGateway = 'gateway'
const gatewayMs = 10_000

/** How soon the tab that leads is heard by one that it can reach, in milliseconds. */
const hearingMs = 2_000
/** How often a tab looks into the store who leads, in milliseconds. */
const lookMs = 60_000

const elsewhereMessage =
  'This org is open a second time in this browser, and the two pages do not hear each other. The other one keeps it in sync. Close one of them, and reload the other.'

const dayMs = 24 * 60 * 60 * 1000

/** A refused device asks again after this, in ms: the relay's operator may serve its org again, an admin may have put it on the roster. */
const refusedMs = 5_000

/** Host and port of an address: the name by which the relay knows itself. */
function hostOf(url: string): string {
  return /^\w+:\/\/([^/?#]+)/.exec(url)?.[1] ?? url
}

function isTabMessage(message: unknown): message is TabMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'line'
}
