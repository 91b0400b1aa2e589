import {
  type MessageOf,
  admitUpdate,
  type ClientMessage,
  compareEpochs,
  connectionId,
  type ConnectionId,
  decodeClientFrame,
  decodePolicy,
  emptyVector,
  encodeRelayFrame,
  type Entry,
  type ErrorCode,
  type FeedName,
  limits,
  type Offer,
  type OrgId,
  otherSide,
  parseFeed,
  parseOrgId,
  policyKey,
  ProtocolError,
  protocolVersions,
  type RelayMessage,
} from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import { fromBase64UrlEncoded } from 'lib0/buffer'
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
  knowsPosition,
  policiesOf,
  type RelayState,
  withCompacted,
  withEntry,
  withIncarnation,
} from './relay-state.js'

/** Rules that a test leaves out to see that they are needed. */
export type RelayLeftOut = 'compare-and-set' | 'incarnations'

export interface MemoryRelayOptions {
  readonly clock: Clock
  readonly random: RandomBytes
  /** True where a test says itself when a batch reaches the disk, by `commit`; else that happens at once. */
  readonly manualCommit?: boolean
  readonly leftOut?: ReadonlySet<RelayLeftOut>
  readonly entriesPerChunk?: number
  /** Refuses what its own rules would take, as one does that has no room. */
  readonly refuses?: (feed: FeedName, offer: Offer) => ErrorCode | undefined
  /** Hears of each refused offer. */
  readonly onRefused?: (refused: { readonly feed: FeedName; readonly offer: Offer; readonly code: ErrorCode }) => void
}

/** By what devices dial it. */
export const memoryRelayHost = 'relay.example'

interface Line {
  readonly send: (frame: Uint8Array) => void
  readonly close: () => void
  readonly feeds: Map<number, FeedName>
  readonly parties: Map<ConnectionId, { readonly vendor: OrgId; readonly partner: OrgId }>
  org: OrgId | undefined
  saying: RelayMessage[]
}

/** The relay's end of a line. */
export interface RelayEnd {
  receive(frame: Uint8Array): void
  gone(): void
}

/**
 * A relay in memory that keeps the rules of the real one (feeds, sequences, compare-and-set, policies, openings, mailboxes) without its walls: it
 * believes who says hello. For tests of what stands on it, and for simulations that kill it.
 */
export class MemoryRelay {
  /** Milliseconds by which the relay's clock is wrong. */
  skew = 0
  readonly #options: MemoryRelayOptions
  readonly #lines = new Set<Line>()
  /** What is on disk, and what it will be after the next commit. */
  #durable: RelayState = emptyRelay
  #state: RelayState = emptyRelay
  #batch: (() => void)[] = []
  #own = new WeakSet<object>()

  constructor(options: MemoryRelayOptions) {
    this.#options = options
    this.restart(emptyRelay)
  }

  /** What is on disk. */
  get state(): RelayState {
    return this.#durable
  }

  /** Whether anything waits for `commit`. */
  get isDirty(): boolean {
    return this.#batch.length > 0
  }

  /** Ends at once, as a power cut does, and comes back with what was on disk, or with an older disk. */
  restart(disk: RelayState = this.#durable): void {
    const lines = [...this.#lines]
    this.#lines.clear()
    for (const line of lines) line.close()
    this.#batch = []
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
    for (const line of this.#lines) this.#flush(line)
  }

  /** Compacts a doc, between batches. */
  compact(feed: FeedName, key: Entry['key']): void {
    if (this.isDirty) return
    this.#durable = this.#state = withCompacted(this.#durable, feed, key)
  }

  /** A line that a test carries frame by frame. */
  connect(send: (frame: Uint8Array) => void, close: () => void): RelayEnd {
    const nonce = this.#options.random(16)
    const line: Line = { send, close, feeds: new Map(), parties: new Map(), org: undefined, saying: [] }
    this.#lines.add(line)
    this.#say(line, { type: 'challenge', ...protocolVersions, nonce, time: this.#now() })
    this.#flush(line)
    return {
      receive: (frame) => this.#receive(line, frame),
      gone: () => this.#lines.delete(line),
    }
  }

  /** Lines that carry frames by themselves, each in its own turn. */
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

  #receive(line: Line, frame: Uint8Array): void {
    if (!this.#lines.has(line)) return
    for (const message of decodeClientFrame(frame)) this.#take(line, message)
    if (!this.#options.manualCommit) this.commit()
    this.#flush(line)
  }

  #take(line: Line, message: ClientMessage): void {
    switch (message.type) {
      case 'hello':
        return this.#welcome(line, orgOfCertificate(message.certificate))
      case 'attach':
        return this.#attach(line, message)
      case 'invite':
        return this.#invite(line, message)
      case 'claim':
        return this.#claim(line, message)
      case 'subscribe':
        return this.#subscribe(line, message)
      case 'publish':
        for (const offer of message.offers) this.#publish(line, message.feed, offer)
        return
      case 'askGateway':
        return this.#refuse(line, 'gateway', message.id, 'UNAVAILABLE')
      case 'ping':
        return this.#say(line, { type: 'pong' })
      case 'pong':
        return
    }
  }

  #welcome(line: Line, org: OrgId): void {
    line.org = org
    const incarnation = this.#durable.incarnations.at(-1)?.id ?? 0
    this.#say(line, { type: 'welcome', time: this.#now(), incarnation, heartbeatMs: limits.heartbeatMs })
  }

  #attach(line: Line, { connection, vendor, partner, salt }: MessageOf<'attach'>): void {
    const isParty = line.org === vendor || line.org === partner
    if (isParty && connectionId(vendor, partner, salt) === connection) line.parties.set(connection, { vendor, partner })
    else this.#refuse(line, 'attach', 0, 'FEED')
  }

  #subscribe(line: Line, { feed: number, name, after, incarnation, position }: MessageOf<'subscribe'>): void {
    if (!this.#access(line, name) || this.#isOver(line, name)) return this.#refuse(line, 'feed', number, 'FEED')
    const isFresh = after === 0 && incarnation === 0
    const isKnown =
      isFresh ||
      this.#options.leftOut?.has('incarnations') ||
      (knowsPosition(this.#durable, name, incarnation, position) && after <= feedOf(this.#durable, name).head)
    if (!isKnown) return this.#refuse(line, 'feed', number, 'LOST')
    line.feeds.set(number, name)
    const entries = entriesAfter(this.#durable, name, after)
    const size = this.#options.entriesPerChunk ?? 200
    for (let start = 0; start < entries.length; start += size) this.#sendEntries(line, number, entries.slice(start, start + size), false)
    this.#sendEntries(line, number, [], true)
  }

  #publish(line: Line, number: number, offer: Offer): void {
    const feed = line.feeds.get(number)
    const verdict = feed === undefined ? 'FEED' : (this.#options.refuses?.(feed, offer) ?? this.#judge(line, feed, offer))
    if (feed === undefined || typeof verdict === 'string') {
      if (feed !== undefined && typeof verdict === 'string') this.#options.onRefused?.({ feed, offer, code: verdict })
      const version = feed === undefined ? 0 : (policiesOf(this.#state, feed).joined?.version ?? 0)
      this.#batch.push(() => this.#refuse(line, 'offer', offer.id, typeof verdict === 'string' ? verdict : 'FEED', version))
      return
    }
    this.#state = withEntry(this.#state, feed, offer.key, verdict, this.#own)
    const kept = feedOf(this.#state, feed).keys.get(offer.key)
    if (!kept) return
    const bytes = kept.kind !== 'doc' ? kept.bytes : offer.whole ? kept.merged : (kept.tail.at(-1)?.[1] ?? kept.merged)
    const entry: Entry = { sequence: kept.sequence, key: offer.key, kind: kept.kind, whole: offer.whole, epoch: kept.epoch, bytes }
    this.#batch.push(() => {
      for (const each of this.#lines) for (const [its, name] of each.feeds) if (name === feed) this.#sendEntries(each, its, [entry], true)
      this.#say(line, { type: 'accepted', ids: [offer.id] })
      if (offer.key === policyKey && policiesOf(this.#durable, feed).isEnded) this.#endReading()
    })
  }

  /** No org reads the other's docs any more, in a connection that has ended (rule PO5). */
  #endReading(): void {
    for (const line of this.#lines)
      for (const [number, name] of line.feeds) {
        if (!this.#isOver(line, name)) continue
        line.feeds.delete(number)
        this.#refuse(line, 'feed', number, 'FEED')
      }
  }

  #isOver(line: Line, feed: FeedName): boolean {
    const access = this.#access(line, feed)
    return access !== undefined && !access.writes && access.topic !== 'messages' && policiesOf(this.#durable, feed).isEnded
  }

  /** What the key will hold, or why not: the rules of publishing in their order. */
  #judge(line: Line, feed: FeedName, offer: Offer): ((sequence: number) => Kept) | ErrorCode {
    const access = this.#access(line, feed)
    if (!access) return 'FEED'
    if (!access.writes) return 'WRITER'
    const last = feedOf(this.#state, feed).keys.get(offer.key)
    const isAgreed = access.topic === 'lead' || access.topic === 'opportunity'
    const isMessages = access.topic === 'messages'
    if (offer.kind !== 'erased' && (offer.kind === 'doc') === isMessages) return 'TYPE'
    if (offer.kind === 'control' && offer.key !== policyKey && !offer.key.startsWith('revoked.')) return 'FIELD'
    if (!this.#options.leftOut?.has('compare-and-set') && offer.seen !== (last?.sequence ?? 0)) return 'BEHIND'
    const policies = policiesOf(this.#state, feed)
    if (offer.kind === 'control' && offer.key === policyKey) {
      const before = last?.kind === 'control' ? decodePolicy(last.bytes) : undefined
      const policy = decodePolicy(offer.bytes)
      if (policy.version < (before?.version ?? 0)) return 'STALE_EPOCH'
      if (before?.ended && !policy.ended) return 'FEED'
    }
    if (isAgreed && offer.kind === 'erased' && last && offer.epoch.version < last.epoch.version) return 'STALE_EPOCH'
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
    const slots = isAgreed ? new Set(policies.joined?.slots[access.topic === 'lead' ? 'lead' : 'opportunity']) : undefined
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

  #access({ org, parties }: Line, feed: FeedName): { readonly writes: boolean; readonly topic: string } | undefined {
    const parsed = parseFeed(feed)
    if (org === undefined) return undefined
    if (parsed.kind === 'team') return parsed.org === org ? { writes: true, topic: parsed.topic } : undefined
    const { connection, side, topic } = parsed
    const mailbox = this.#state.mailboxes.get(connection)
    const known = parties.get(connection) ?? (mailbox && topic === 'messages' ? mailbox : undefined)
    if (!known || (known[side] !== org && known[otherSide(side)] !== org)) return undefined
    return { writes: known[side] === org, topic }
  }

  #invite(line: Line, { mailbox, claimHash: hash, expires }: MessageOf<'invite'>): void {
    const known = this.#state.mailboxes.get(mailbox)
    if (!line.org || (known && known.vendor !== line.org)) return this.#refuse(line, 'mailbox', 0, 'VOID')
    if (!known) this.#keepMailbox(mailbox, { vendor: line.org, claimHash: hash, expires, partner: undefined, tries: 0 })
    this.#tellMailbox(line, mailbox)
  }

  #claim(line: Line, { mailbox, claim }: MessageOf<'claim'>): void {
    const known = this.#state.mailboxes.get(mailbox)
    const triesLeft = limits.invitationTries - (known?.tries ?? 0)
    if (!line.org || !known) return this.#say(line, { type: 'mailbox', mailbox, state: 'wrong', triesLeft: Math.max(0, triesLeft - 1) })
    if (triesLeft <= 0 || known.expires <= this.#now()) return this.#tellMailbox(line, mailbox)
    if (!sameBytes(claimHash(claim), known.claimHash)) {
      this.#keepMailbox(mailbox, { ...known, tries: known.tries + 1 })
      if (triesLeft > 1) return this.#say(line, { type: 'mailbox', mailbox, state: 'wrong', triesLeft: triesLeft - 1 })
    } else if (known.partner !== undefined && known.partner !== line.org) {
      return this.#say(line, { type: 'mailbox', mailbox, state: 'taken', triesLeft })
    } else this.#keepMailbox(mailbox, { ...known, partner: line.org })
    for (const each of this.#lines) if (each === line || each.org === known.vendor) this.#tellMailbox(each, mailbox)
  }

  #tellMailbox(line: Line, mailbox: ConnectionId): void {
    const known = this.#state.mailboxes.get(mailbox)
    if (!known) return
    const triesLeft = limits.invitationTries - known.tries
    const state = triesLeft <= 0 ? 'void' : known.expires <= this.#now() ? 'expired' : known.partner ? 'claimed' : 'open'
    this.#say(line, { type: 'mailbox', mailbox, state, triesLeft: Math.max(0, triesLeft) })
  }

  #keepMailbox(mailbox: ConnectionId, kept: NonNullable<ReturnType<RelayState['mailboxes']['get']>>): void {
    this.#state = { ...this.#state, mailboxes: new Map(this.#state.mailboxes).set(mailbox, kept) }
    this.#batch.push(() => undefined)
  }

  #sendEntries(line: Line, feed: number, entries: readonly Entry[], live: boolean): void {
    const last = line.saying.at(-1)
    const name = line.feeds.get(feed)
    const position = name ? feedOf(this.#durable, name).head : 0
    // Entries of one turn share a message.
    if (last?.type === 'entries' && last.feed === feed && last.live && live && last.entries.length < 1_000) {
      line.saying[line.saying.length - 1] = { ...last, position, entries: [...last.entries, ...entries] }
    } else this.#say(line, { type: 'entries', feed, position, live, entries })
  }

  #refuse(line: Line, what: 'offer' | 'feed' | 'attach' | 'gateway' | 'mailbox', subject: number, code: ErrorCode, version = 0): void {
    this.#say(line, { type: 'refused', what, subject, code, version, retryMs: 0, detail: 'The relay in memory says no.' })
  }

  #say(line: Line, message: RelayMessage): void {
    line.saying.push(message)
  }

  #flush(line: Line): void {
    if (line.saying.length === 0 || !this.#lines.has(line)) return
    const messages = line.saying
    line.saying = []
    line.send(encodeRelayFrame(messages))
  }

  #now(): number {
    return Math.max(0, this.#options.clock.now() + this.skew)
  }
}

/** The org that a certificate is issued by. Its signature is the real relay's business. */
function orgOfCertificate(certificate: string): OrgId {
  const [, claims = ''] = certificate.split('.')
  const parsed: unknown = JSON.parse(decodeUtf8(fromBase64UrlEncoded(claims)))
  const issuer = typeof parsed === 'object' && parsed !== null && 'iss' in parsed ? parsed.iss : undefined
  return parseOrgId(typeof issuer === 'string' ? issuer : '')
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
