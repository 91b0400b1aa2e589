import {
  type MessageOf,
  admitUpdate,
  type ClientMessage,
  compareEpochs,
  connectionId,
  type ConnectionId,
  connectionOfDocs,
  decodeClientFrame,
  decodeControlEntry,
  decodeHead,
  decodeRoster,
  type Roster,
  emptyVector,
  encodeRelayFrame,
  type Entry,
  type ErrorCode,
  existenceSlot,
  type FeedName,
  hasSlot,
  headKey,
  holdsMessages,
  limits,
  type MailboxId,
  mailboxIdOf,
  type Offer,
  type OrgId,
  otherSide,
  parseFeed,
  parseOrgId,
  policyKey,
  ProtocolError,
  protocolVersions,
  rosterFeedOf,
  rosterNumber,
  signingKeyOf,
  type RelayMessage,
  slotsOf,
  takesBack,
} from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import { fromBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { OpenSocket } from '../port/socket.js'
import { randomInteger } from '../row/stamper.js'
import { claimHash } from '../seal/keys.js'
import {
  emptyRelay,
  entriesAfter,
  feedOf,
  type Kept,
  keptOf,
  knowsPosition,
  policiesOf,
  rostersOf,
  policyOf,
  type RelayState,
  statesOf,
  withCompacted,
  withdrawnOf,
  withEntry,
  withIncarnation,
} from './relay-state.js'

/** Rules that a test disables to show that each is needed. */
export type DisabledRelayRule = 'compare-and-set' | 'incarnations'

export interface MemoryRelayOptions {
  readonly clock: Clock
  readonly random: RandomBytes
  /** True where the test calls `commit` for each batch that is to reach the disk. Otherwise each batch reaches it at once. */
  readonly manualCommit?: boolean
  readonly disabledRules?: ReadonlySet<DisabledRelayRule>
  /** How many entries a chunk of an answer to a subscription holds. Default 200. */
  readonly entriesPerChunk?: number
  /** Refuses offers that the rules would take, as a relay without room does. */
  readonly refuses?: (feed: FeedName, offer: Offer) => ErrorCode | undefined
  /** Whether a device that its org has removed is refused, as the real relay does (rules ID2 and RO3). Otherwise it reads on, as at a relay that plays with a thief. */
  readonly shutsOut?: boolean
  /** Hears of each offer that has arrived, of which device, and why it was refused, if it was. */
  readonly onOffer?: (heard: {
    readonly feed: FeedName
    readonly offer: Offer
    readonly device: string | undefined
    readonly refused: ErrorCode | undefined
  }) => void
}

/** The host by which devices dial the relay in memory. */
export const memoryRelayHost = 'relay.example'

/** What the relay knows of one socket. The session belongs to no org until its hello. */
interface RelaySession {
  readonly send: (frame: Uint8Array) => void
  readonly close: () => void
  readonly feeds: Map<number, FeedName>
  readonly parties: Map<ConnectionId, { readonly vendor: OrgId; readonly partner: OrgId }>
  org: OrgId | undefined
  /** The device that its hello names. */
  device: string | undefined
  /** Whether the org's root key opened it, which only reads the team (rule ID8). */
  isRoot: boolean
  /** The highest number of a roster that it brought. */
  brought: number
  saying: RelayMessage[]
}

/** The relay's end of a socket, for a test that carries frames itself. */
export interface RelayEnd {
  /** Takes a frame of the device. After the session has ended, the frame is ignored. @throws ProtocolError for a frame that does not decode */
  receive(frame: Uint8Array): void
  /** The socket is gone: the session ends. */
  gone(): void
}

/**
 * A relay in memory, for tests of what stands on a relay and for simulations that kill it.
 *
 * Guarantee: it keeps the real relay's rules of feeds, sequences, compare and set, policies, incarnations and mailboxes. It checks no signature: a hello is
 * believed. It has no limits of size or rate, and no gateway: a request for one is refused as UNAVAILABLE.
 */
export class MemoryRelay {
  /** Milliseconds by which the relay's clock is wrong. */
  skew = 0
  readonly #options: MemoryRelayOptions
  readonly #sessions = new Set<RelaySession>()
  /** The number of each org's roster. It is not on disk, so that devices bring theirs after each restart (rule RO4). */
  #rosters = new Map<OrgId, number>()
  /** The highest number that each org has published since this relay began (rule RO6). */
  #publishedRosters = new Map<OrgId, number>()
  /** What was published or brought under each number of an org's roster: no other gets it (rule RO5). */
  #rostersByName = new Map<string, Roster>()
  /** Refuses every hello with UNAVAILABLE, as a relay does whose store does not answer. */
  isBusy = false
  /** What is on disk, and what it will be after the next commit. */
  #durable: RelayState = emptyRelay
  #state: RelayState = emptyRelay
  #batch: (() => void)[] = []
  #own = new WeakSet<object>()

  constructor(options: MemoryRelayOptions) {
    this.#options = options
    this.restart(emptyRelay)
  }

  /** What is on disk. A value: it does not change when the relay goes on. */
  get state(): RelayState {
    return this.#durable
  }

  /** Whether anything waits for `commit`. */
  get isDirty(): boolean {
    return this.#batch.length > 0
  }

  /** Ends every session in good order, and tells it when to return. @param retryMs milliseconds */
  leave(retryMs: number): void {
    for (const session of this.#sessions) {
      this.#say(session, { type: 'leaving', retryMs })
      this.#flush(session)
    }
  }

  /** Ends every session at once, as a power cut does, and begins a new incarnation of what is on disk, or of an older disk. */
  restart(disk: RelayState = this.#durable): void {
    const sessions = [...this.#sessions]
    this.#sessions.clear()
    for (const session of sessions) session.close()
    this.#batch = []
    this.#rosters = new Map()
    this.#publishedRosters = new Map()
    this.#rostersByName = new Map()
    this.#own = new WeakSet()
    this.#durable = this.#state = withIncarnation(disk, randomInteger(this.#options.random))
  }

  /** The batch reaches the disk: only now are its entries fanned out and acknowledged. */
  commit(): void {
    const batch = this.#batch
    this.#batch = []
    this.#durable = this.#state
    this.#own = new WeakSet()
    for (const tell of batch) tell()
    for (const session of this.#sessions) this.#flush(session)
  }

  /** Compacts a doc. Does nothing while a batch waits for `commit`. */
  compact(feed: FeedName, key: Entry['key']): void {
    if (this.isDirty) return
    this.#durable = this.#state = withCompacted(this.#durable, feed, key)
  }

  /** Lies: the disk holds something else from now on, in the same incarnation. Does nothing while a batch waits for `commit`. */
  tamper(disk: RelayState): void {
    if (!this.isDirty) this.#durable = this.#state = disk
  }

  /**
   * Lies: tells a feed's readers an entry that nobody offered. Does nothing while a batch waits for `commit`.
   *
   * @param isKept whether the disk holds it too
   */
  plant(feed: FeedName, entry: Omit<Entry, 'sequence'>, isKept: boolean): void {
    if (this.isDirty) return
    const { head, keys } = feedOf(this.#durable, feed)
    const sequence = head + 1
    const planted = isKept ? new Map(keys).set(entry.key, keptOf(entry, sequence, keys.get(entry.key))) : keys
    this.#durable = this.#state = {
      ...this.#durable,
      feeds: new Map(this.#durable.feeds).set(feed, { head: sequence, keys: planted }),
    }
    this.#fanOut(feed, { ...entry, sequence })
    for (const session of this.#sessions) this.#flush(session)
  }

  /** Opens a session whose frames the test carries. */
  connect(send: (frame: Uint8Array) => void, close: () => void): RelayEnd {
    const nonce = this.#options.random(16)
    const session: RelaySession = {
      send,
      close,
      feeds: new Map(),
      parties: new Map(),
      org: undefined,
      device: undefined,
      isRoot: false,
      brought: 0,
      saying: [],
    }
    this.#sessions.add(session)
    this.#say(session, { type: 'challenge', ...protocolVersions, nonce, time: this.#now() })
    this.#flush(session)
    return {
      receive: (frame) => this.#receive(session, frame),
      gone: () => this.#sessions.delete(session),
    }
  }

  /** Opens sockets that carry frames by themselves, each when the clock is next turned. */
  readonly openSocket: OpenSocket = (_url, events) => {
    let open = true
    const later = (call: () => void): void => void this.#options.clock.after(0, () => open && call())
    let end: RelayEnd | undefined
    later(() => {
      events.onOpen()
      end = this.connect(
        (frame) => later(() => events.onFrame(frame)),
        () =>
          later(() => {
            open = false
            events.onClose()
          }),
      )
    })
    return {
      send: (frame) => later(() => end?.receive(frame)),
      close: () => {
        open = false
        end?.gone()
      },
    }
  }

  #receive(session: RelaySession, frame: Uint8Array): void {
    if (!this.#sessions.has(session)) return
    for (const message of decodeClientFrame(frame)) this.#take(session, message)
    if (!this.#options.manualCommit) this.commit()
    this.#flush(session)
  }

  #take(session: RelaySession, message: ClientMessage): void {
    if (session.isRoot && !['subscribe', 'ping', 'pong'].includes(message.type)) return this.#fail(session, 'AUTH')
    switch (message.type) {
      case 'hello':
        return this.#enter(session, readHello(message.token))
      case 'attach':
        return this.#attach(session, message)
      case 'invite':
        return this.#invite(session, message)
      case 'claim':
        return this.#claim(session, message)
      case 'subscribe':
        return this.#subscribe(session, message)
      case 'publish':
        for (const offer of message.offers) this.#publish(session, message.feed, offer)
        return
      case 'askGateway':
        return this.#refuse(session, 'gateway', message.id, 'UNAVAILABLE')
      case 'roster':
        return this.#takeBrought(session, message.roster)
      case 'ping':
        return this.#say(session, { type: 'pong' })
      case 'pong':
        return
    }
  }

  /** A brought roster is known, and has its number for good, as one that is published. One that does not follow is as if it had not been brought. */
  #takeBrought(session: RelaySession, token: string): void {
    const roster = decodeRoster(token)
    const { org, number } = roster
    if (!this.#follows(roster, true)) return
    session.brought = Math.max(session.brought, number)
    // Of those below the highest one the relay keeps none, as it needs none.
    if (number > (this.#highestRoster(org)?.number ?? 0)) this.#rostersByName.set(`${org} roster.${number}`, roster)
  }

  /** Whether a roster is none above the highest one, or follows it but for its signature (rule RO1). @param isPath whether some between them may be left out (rule RO7) */
  #follows(roster: Roster, isPath = false): boolean {
    const before = this.#highestRoster(roster.org)
    try {
      return (before && roster.number <= before.number) || signingKeyOf(roster, before, isPath) !== undefined
    } catch {
      return false
    }
  }

  /** The highest roster of an org that the relay has seen. */
  #highestRoster(org: OrgId): Roster | undefined {
    const published = rostersOf(this.#state, org).at(-1)
    const brought = [...this.#rostersByName.values()].filter((roster) => roster.org === org)
    return [...brought, ...(published ? [published] : [])].sort((a, b) => a.number - b.number).at(-1)
  }

  #enter(session: RelaySession, { org, device, roster, isRoot }: ReturnType<typeof readHello>): void {
    if (this.isBusy) return this.#fail(session, 'UNAVAILABLE')
    const known = Math.max(this.#rosters.get(org) ?? 0, session.brought)
    // The real relay has it from its disk.
    const isKnown = known > 0 || feedOf(this.#durable, rosterFeedOf(org)).head > 0
    if (isRoot ? !isKnown : roster > known) return this.#fail(session, 'AUTH')
    if (!isRoot && this.#isShutOut(org, device)) return this.#fail(session, 'AUTH')
    if (!isRoot) this.#rosters.set(org, known)
    session.org = org
    session.device = device
    session.brought = Math.max(session.brought, roster)
    session.isRoot = isRoot
    const incarnation = this.#durable.incarnations.at(-1)?.id ?? 0
    this.#say(session, { type: 'welcome', time: this.#now(), incarnation, heartbeatMs: limits.heartbeatMs })
  }

  /** Whether the highest roster of the org that the relay has seen does not list the device. */
  #isShutOut(org: OrgId, device: string | undefined): boolean {
    if (!this.#options.shutsOut || device === undefined) return false
    const roster = this.#highestRoster(org)
    return roster !== undefined && ![...roster.devices.keys()].some((id) => id === device)
  }

  /** Ends the sessions of whom a new roster does not list. */
  #shutOut(org: OrgId | undefined): void {
    for (const session of this.#sessions)
      if (org !== undefined && session.org === org && !session.isRoot && this.#isShutOut(org, session.device)) this.#fail(session, 'AUTH')
  }

  #fail(session: RelaySession, code: ErrorCode): void {
    this.#say(session, { type: 'failed', code, oldest: 0, newest: 0, retryMs: 0, detail: '' })
    this.#flush(session)
    this.#sessions.delete(session)
    // Not at once: the last message arrives before the socket closes.
    this.#options.clock.after(2, () => session.close())
  }

  #attach(session: RelaySession, { connection, vendor, partner, salt }: MessageOf<'attach'>): void {
    const isParty = session.org === vendor || session.org === partner
    if (isParty && connectionId(vendor, partner, salt) === connection) session.parties.set(connection, { vendor, partner })
    else this.#refuse(session, 'attach', 0, 'FEED')
  }

  #subscribe(session: RelaySession, { feed: number, name, after, incarnation, position }: MessageOf<'subscribe'>): void {
    if (!this.#access(session, name) || this.#isOver(session, name)) return this.#refuse(session, 'feed', number, 'FEED')
    const isFresh = after === 0 && incarnation === 0
    const isKnown =
      isFresh ||
      this.#options.disabledRules?.has('incarnations') ||
      (knowsPosition(this.#durable, name, incarnation, position) && after <= feedOf(this.#durable, name).head)
    if (!isKnown) return this.#refuse(session, 'feed', number, 'LOST')
    session.feeds.set(number, name)
    const entries = entriesAfter(this.#durable, name, after, this.#access(session, name)?.writes)
    const size = this.#options.entriesPerChunk ?? 200
    for (let start = 0; start < entries.length; start += size) this.#sendEntries(session, number, entries.slice(start, start + size), false)
    this.#sendEntries(session, number, [], true)
  }

  #publish(session: RelaySession, number: number, offer: Offer): void {
    const feed = session.feeds.get(number)
    const verdict = feed === undefined ? 'FEED' : (this.#options.refuses?.(feed, offer) ?? this.#judge(session, feed, offer))
    if (feed !== undefined)
      this.#options.onOffer?.({ feed, offer, device: session.device, refused: typeof verdict === 'string' ? verdict : undefined })
    if (feed === undefined || typeof verdict === 'string') {
      const version = feed === undefined ? 0 : (policiesOf(this.#state, feed).joined?.version ?? 0)
      this.#batch.push(() => this.#refuse(session, 'offer', offer.id, typeof verdict === 'string' ? verdict : 'FEED', version))
      return
    }
    this.#state = withEntry(this.#state, feed, offer.key, verdict, this.#own)
    const kept = feedOf(this.#state, feed).keys.get(offer.key)
    if (!kept) return
    const bytes = kept.kind !== 'doc' ? kept.bytes : offer.whole ? kept.merged : (kept.tail.at(-1)?.[1] ?? kept.merged)
    const entry: Entry = { sequence: kept.sequence, key: offer.key, kind: kept.kind, whole: offer.whole, epoch: kept.epoch, bytes }
    this.#batch.push(() => {
      this.#fanOut(feed, entry)
      this.#say(session, { type: 'accepted', ids: [offer.id] })
      if (rosterNumber(offer.key) !== undefined) this.#shutOut(session.org)
      if (offer.key === policyKey && policiesOf(this.#durable, feed).isEnded) this.#endReading()
    })
  }

  #fanOut(feed: FeedName, entry: Entry): void {
    for (const session of this.#sessions)
      for (const [number, name] of session.feeds) if (name === feed) this.#sendEntries(session, number, [entry], true)
  }

  /** No org reads the other's docs any more, in a connection that has ended (rule PO5). */
  #endReading(): void {
    for (const session of this.#sessions)
      for (const [number, name] of session.feeds) {
        if (!this.#isOver(session, name)) continue
        session.feeds.delete(number)
        this.#refuse(session, 'feed', number, 'FEED')
      }
  }

  #isOver(session: RelaySession, feed: FeedName): boolean {
    const access = this.#access(session, feed)
    return (
      access !== undefined && !access.writes && connectionOfDocs(parseFeed(feed)) !== undefined && policiesOf(this.#durable, feed).isEnded
    )
  }

  /** What the key will hold, or why not: the rules of publishing in their order. */
  #judge(session: RelaySession, feed: FeedName, offer: Offer): ((sequence: number) => Kept) | ErrorCode {
    const access = this.#access(session, feed)
    if (!access) return 'FEED'
    if (!access.writes) return 'WRITER'
    const published = session.org === undefined ? 0 : (this.#publishedRosters.get(session.org) ?? 0)
    if (session.brought < published && rosterNumber(offer.key) === undefined) return 'AUTH'
    const last = feedOf(this.#state, feed).keys.get(offer.key)
    const parsed = parseFeed(feed)
    const isAgreed = connectionOfDocs(parsed) !== undefined
    if (parsed.kind === 'mailbox' && offer.kind !== 'message') return 'TYPE'
    if ((offer.kind === 'head') !== (offer.key === headKey)) return 'FIELD'
    if (offer.kind === 'head' && decodeHead(offer.bytes).sequence !== feedOf(this.#state, feed).head) return 'BEHIND'
    if (offer.kind !== 'erased' && offer.kind !== 'head' && (offer.kind === 'doc') === holdsMessages(parsed)) return 'TYPE'
    if (offer.kind === 'control' && offer.key !== policyKey && rosterNumber(offer.key) === undefined) return 'FIELD'
    if (!this.#options.disabledRules?.has('compare-and-set') && offer.seen !== (last?.sequence ?? 0)) return 'BEHIND'
    if (offer.kind === 'control' && offer.key !== policyKey) {
      const [name, roster] = [`${session.org} ${offer.key}`, decodeRoster(decodeUtf8(decodeControlEntry(offer.bytes).copy))]
      if ((this.#rostersByName.get(name) ?? roster).token !== roster.token) return 'BEHIND'
      if (!this.#follows(roster)) return 'AUTH'
      this.#rostersByName.set(name, roster)
      if (session.org)
        this.#publishedRosters.set(session.org, Math.max(this.#publishedRosters.get(session.org) ?? 0, rosterNumber(offer.key) ?? 0))
      if (session.org) this.#rosters.set(session.org, Math.max(this.#rosters.get(session.org) ?? 0, rosterNumber(offer.key) ?? 0))
    }
    const policies = policiesOf(this.#state, feed)
    if (offer.kind === 'control' && offer.key === policyKey) {
      const before = last?.kind === 'control' ? policyOf(last.bytes) : undefined
      const policy = policyOf(offer.bytes)
      if (policy.version < (before?.version ?? 0)) return 'STALE_EPOCH'
      if (before && takesBack(before, policy)) return 'FIELD'
      if (before?.ended && !policy.ended) return 'FEED'
    }
    if (!holdsMessages(parsed) && offer.kind === 'erased' && last && compareEpochs(offer.epoch, last.epoch) <= 0) return 'STALE_EPOCH'
    if (isAgreed && offer.kind === 'doc' && policies.isEnded) return 'FEED'
    if (isAgreed && offer.kind === 'doc') {
      if (offer.epoch.version < (policies.joined?.version ?? policies.highest)) return 'STALE_EPOCH'
      if (offer.epoch.version !== policies.joined?.version) return 'WAIT'
    }
    if (offer.kind !== 'doc') {
      const { kind, epoch, bytes } = offer
      return (sequence) => ({ kind, epoch, sequence, bytes })
    }
    if (
      offer.whole
        ? last && compareEpochs(offer.epoch, last.epoch) <= 0
        : last?.kind !== 'doc' || compareEpochs(offer.epoch, last.epoch) !== 0
    )
      return 'STALE_EPOCH'
    if (!offer.whole && last?.kind === 'doc' && hasSlot(statesOf(last), withdrawnOf(this.#state, feed, last.epoch.version))) return 'FIELD'
    const { joined } = policies
    const slots = parsed.kind === 'connection' ? new Set([...(joined ? slotsOf(joined, parsed.topic) : []), existenceSlot]) : undefined
    const base = !offer.whole && last?.kind === 'doc' ? last : undefined
    try {
      const { bytes, vector } = admitUpdate(offer.bytes, base?.vector ?? emptyVector, slots)
      const { epoch } = offer
      return base
        ? (sequence) => ({ ...base, sequence, vector, tail: [...base.tail, [sequence, bytes] as const] })
        : (sequence) => ({ kind: 'doc', epoch, sequence, merged: bytes, mergedSequence: sequence, tail: [], vector })
    } catch (error) {
      if (error instanceof ProtocolError) return error.code
      throw error
    }
  }

  #access({ org, parties, isRoot }: RelaySession, feed: FeedName): { readonly writes: boolean } | undefined {
    const parsed = parseFeed(feed)
    if (isRoot && parsed.kind !== 'team') return undefined
    if (org === undefined) return undefined
    if (parsed.kind === 'team') return parsed.org === org ? { writes: true } : undefined
    const { side } = parsed
    const known = parsed.kind === 'mailbox' ? this.#state.mailboxes.get(parsed.mailbox) : parties.get(parsed.connection)
    if (!known || (known[side] !== org && known[otherSide(side)] !== org)) return undefined
    return { writes: known[side] === org }
  }

  #invite(session: RelaySession, { mailbox, claimHash: hash, expires }: MessageOf<'invite'>): void {
    const known = this.#state.mailboxes.get(mailbox)
    if (!session.org || (known && known.vendor !== session.org) || mailboxIdOf(hash) !== mailbox)
      return this.#refuse(session, 'mailbox', 0, 'VOID')
    if (!known) this.#keepMailbox(mailbox, { vendor: session.org, claimHash: hash, expires, partner: undefined, tries: 0 })
    this.#tellMailbox(session, mailbox)
  }

  #claim(session: RelaySession, { mailbox, claim }: MessageOf<'claim'>): void {
    const known = this.#state.mailboxes.get(mailbox)
    const triesLeft = limits.invitationTries - (known?.tries ?? 0)
    if (!session.org || !known)
      return this.#say(session, { type: 'mailbox', mailbox, state: 'wrong', triesLeft: Math.max(0, triesLeft - 1) })
    if (triesLeft <= 0 || known.expires <= this.#now()) return this.#tellMailbox(session, mailbox)
    if (!sameBytes(claimHash(claim), known.claimHash)) {
      this.#keepMailbox(mailbox, { ...known, tries: known.tries + 1 })
      if (triesLeft > 1) return this.#say(session, { type: 'mailbox', mailbox, state: 'wrong', triesLeft: triesLeft - 1 })
    } else if (known.partner !== undefined && known.partner !== session.org) {
      return this.#say(session, { type: 'mailbox', mailbox, state: 'taken', triesLeft })
    } else this.#keepMailbox(mailbox, { ...known, partner: session.org })
    for (const each of this.#sessions) if (each === session || each.org === known.vendor) this.#tellMailbox(each, mailbox)
  }

  #tellMailbox(session: RelaySession, mailbox: MailboxId): void {
    const known = this.#state.mailboxes.get(mailbox)
    if (!known) return
    const triesLeft = limits.invitationTries - known.tries
    const state = triesLeft <= 0 ? 'void' : known.expires <= this.#now() ? 'expired' : known.partner ? 'claimed' : 'open'
    this.#say(session, { type: 'mailbox', mailbox, state, triesLeft: Math.max(0, triesLeft) })
  }

  #keepMailbox(mailbox: MailboxId, kept: NonNullable<ReturnType<RelayState['mailboxes']['get']>>): void {
    this.#state = { ...this.#state, mailboxes: new Map(this.#state.mailboxes).set(mailbox, kept) }
    this.#batch.push(() => undefined)
  }

  #sendEntries(session: RelaySession, feed: number, entries: readonly Entry[], live: boolean): void {
    const last = session.saying.at(-1)
    const name = session.feeds.get(feed)
    const position = name ? feedOf(this.#durable, name).head : 0
    // Entries of one turn share a message.
    if (last?.type === 'entries' && last.feed === feed && last.live && live && last.entries.length < 1_000) {
      session.saying[session.saying.length - 1] = { ...last, position, entries: [...last.entries, ...entries] }
    } else this.#say(session, { type: 'entries', feed, position, live, entries })
  }

  #refuse(
    session: RelaySession,
    what: 'offer' | 'feed' | 'attach' | 'gateway' | 'mailbox',
    subject: number,
    code: ErrorCode,
    version = 0,
  ): void {
    this.#say(session, { type: 'refused', what, subject, code, version, retryMs: 0, detail: 'The relay in memory says no.' })
  }

  #say(session: RelaySession, message: RelayMessage): void {
    session.saying.push(message)
  }

  #flush(session: RelaySession): void {
    if (session.saying.length === 0 || !this.#sessions.has(session)) return
    const messages = session.saying
    session.saying = []
    session.send(encodeRelayFrame(messages))
  }

  #now(): number {
    return Math.max(0, this.#options.clock.now() + this.skew)
  }
}

const hello = v.object({ org: v.pipe(v.string(), v.transform(parseOrgId)), roster: v.optional(v.number(), 0) })

const helloHeader = v.object({ kid: v.optional(v.string()), jwk: v.optional(v.unknown()) })

/** The org and the device that a hello names, its roster, and whether its root key said it. Its signature is the real relay's business. */
function readHello(token: string): v.InferOutput<typeof hello> & { readonly device: string | undefined; readonly isRoot: boolean } {
  const [header = '', claims = ''] = token.split('.')
  const { kid, jwk } = header === 'none' ? {} : v.parse(helloHeader, jsonOf(header))
  return { ...v.parse(hello, jsonOf(claims)), device: kid, isRoot: jwk !== undefined }
}

const jsonOf = (part: string): unknown => JSON.parse(decodeUtf8(fromBase64UrlEncoded(part)))

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
