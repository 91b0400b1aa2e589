import { type FeedName, feedName, headKey, messagesTopic, otherSide, parseFeed } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { connectionFeed, connectionTopics, isConfirmed, textOf } from '../replica/feed-role.js'
import type { Followed } from '../replica/index.js'
import type { FreshnessTable, VerifiedHead } from './freshness.js'

/** How long a feed is at rest before its head is signed, in ms: a random time between the two, so that of several devices mostly one signs. */
const leastRestMs = 2_000
const mostRestMs = 5_000
/** A feed that never rests gets a head as often as this, in ms. */
const busyMs = 30_000
/** A feed that rests gets another head as often as this, in ms, so that readers see how old their copy is at most. */
const renewMs = 60 * 60_000
/** How often it is looked whether a head is due again, in ms. */
const lookMs = 60_000

interface Plan {
  /** When the feed changed first since its last head. */
  readonly since: number
  readonly cancel: () => void
}

/** Signs the heads of the org's own feeds while this tab holds the line (rule HD4). */
export class HeadSigner {
  readonly #context: EngineContext
  readonly #freshness: FreshnessTable
  readonly #plans = new Map<FeedName, Plan>()
  /** Feeds whose head could not be signed when it was due. */
  readonly #waiting = new Set<FeedName>()
  readonly #ends: readonly (() => void)[]
  #cancelLook: () => void = () => undefined
  /** When this device signed each feed last, by its clock. */
  readonly #signedAt = new Map<FeedName, number>()
  readonly #isHeld: () => boolean
  #isOnline = false
  /** What was followed when all feeds were planned last. */
  #considered: Followed | undefined

  /** @param isHeld whether this device must not say yet that what it holds is the latest (rule RK5) */
  constructor(context: EngineContext, freshness: FreshnessTable, isHeld: () => boolean = () => false) {
    this.#context = context
    this.#freshness = freshness
    this.#isHeld = isHeld
    const { link, replica } = context
    this.#ends = [
      replica.watchFeeds((changed) => {
        for (const feed of new Set(changed.filter(({ key }) => key !== headKey).map(({ feed }) => feed))) {
          const signed = replica.isOwn(feed) ? feed : this.#receiptOf(feed)
          if (signed) this.#plan(signed)
        }
      }),
      // A head names the generation of its feed's keys, and so counts for what is sealed under those before.
      replica.keyring.watch(() => {
        this.#considered = undefined
        if (this.#isOnline) this.#goOn()
      }),
      link.watch(() => {
        this.#isOnline = link.isOnline
        if (!this.#isOnline) this.#considered = undefined
        else this.#goOn()
      }),
    ]
    this.#lookLater()
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#cancelLook()
    for (const { cancel } of this.#plans.values()) cancel()
    this.#plans.clear()
  }

  /** Plans what could not be signed before, and every feed after the line has come up or another feed is followed. */
  #goOn(): void {
    const { replica } = this.#context
    const followed = replica.followed()
    if (this.#considered !== followed) for (const feed of followed.feeds) if (replica.isOwn(feed)) this.#waiting.add(feed)
    this.#considered = followed
    for (const feed of this.#waiting) if (!this.#plans.has(feed)) this.#plan(feed)
  }

  /** A change puts the head off until the feed rests, but not for ever. */
  #plan(feed: FeedName): void {
    const { clock, random } = this.#context
    const present = this.#plans.get(feed)
    present?.cancel()
    const now = clock.now()
    const since = present?.since ?? now
    const rest = leastRestMs + ((random(1)[0] ?? 0) / 256) * (mostRestMs - leastRestMs)
    const delay = Math.max(0, Math.min(rest, since + busyMs - now))
    this.#waiting.delete(feed)
    this.#plans.set(feed, { since, cancel: clock.after(delay, () => this.#due(feed, since)) })
  }

  #due(feed: FeedName, since: number): void {
    this.#plans.delete(feed)
    this.#sign(feed, since).catch((error: unknown) =>
      this.#context.problem(error instanceof Error ? error.message : 'A head could not be signed.'),
    )
  }

  async #sign(feed: FeedName, since: number): Promise<void> {
    const { replica, identity, clock } = this.#context
    if (!replica.followed().feeds.includes(feed)) return
    const stand = this.#isOnline && !this.#isHeld() && this.#mayBeSigned(feed) ? replica.heads.toSign(feed) : undefined
    const isTooEarly = stand?.busy === true && clock.now() - since < busyMs
    if (!stand || isTooEarly) return void this.#waiting.add(feed)
    const { incarnation, sequence, root } = stand
    const { newest } = this.#freshness.get(feed)
    const generation = replica.generationOf(feed)
    const cursors = this.#cursorsBeside(feed, incarnation)
    const isSame = newest?.root === root && newest.incarnation === incarnation && newest.generation === generation
    if (isSame && !this.#hasRead(feed, newest, cursors) && !this.#isDueAgain(feed)) return
    const holds = this.#holdsBeside(feed, incarnation)
    const claims = { feed, incarnation, sequence, root, generation, cursors, ...(holds !== undefined && { holds }) }
    const token = await identity.signHead(claims, newest?.time)
    this.#signedAt.set(feed, clock.now())
    replica.heads.publish(feed, { sequence, token })
  }

  /** Before both orgs have compared the codes, nothing of value is in a feed of docs. */
  #mayBeSigned(feed: FeedName): boolean {
    const parsed = parseFeed(feed)
    const { keyring, org } = this.#context.replica
    if (parsed.kind === 'mailbox' || (parsed.topic !== messagesTopic && keyring.isOwnDue(org))) return false
    if (parsed.kind === 'team') return true
    if (parsed.topic !== messagesTopic && keyring.isSendingDue(parsed.connection, parsed.side)) return false
    const row = this.#context.rows.get('Connection', parsed.connection)
    return textOf(row, 'state') === 'Enabled' && (parsed.topic === 'messages' || isConfirmed(row))
  }

  /** The own feed whose head tells a peer that its docs were read. */
  #receiptOf(feed: FeedName): FeedName | undefined {
    const parsed = parseFeed(feed)
    return parsed.kind === 'connection' && parsed.topic !== messagesTopic
      ? feedName({ ...parsed, side: otherSide(parsed.side) })
      : undefined
  }

  /** Whether docs of the peer were read since the newest head. The peer’s own heads do not count: two orgs would answer each other for ever. */
  #hasRead(feed: FeedName, newest: VerifiedHead, cursors: Readonly<Record<string, number>>): boolean {
    const read = this.#receiptOf(feed)
    return read !== undefined && (cursors[read] ?? 0) > 0 && this.#context.replica.heads.hasAbove(read, newest.cursors[read] ?? 0)
  }

  /** How far this device has read the peer's feeds, in the present incarnation (rule RC1). */
  #cursorsBeside(feed: FeedName, incarnation: number): Readonly<Record<string, number>> {
    const parsed = parseFeed(feed)
    if (parsed.kind !== 'connection') return {}
    const cursors: Record<string, number> = {}
    for (const topic of connectionTopics) {
      const read = connectionFeed(parsed.connection, otherSide(parsed.side), topic)
      const position = this.#context.replica.position(read)
      if (position.incarnation === incarnation && position.cursor > 0) cursors[read] = position.cursor
    }
    return cursors
  }

  /** The hash over what this device holds of the peer's messages, in the head of its own (rule HD9). */
  #holdsBeside(feed: FeedName, incarnation: number): string | undefined {
    const parsed = parseFeed(feed)
    if (parsed.kind !== 'connection' || parsed.topic !== messagesTopic) return undefined
    const held = this.#context.replica.heads.holding(feedName({ ...parsed, side: otherSide(parsed.side) }))
    return held?.incarnation === incarnation ? held.root : undefined
  }

  /** Whether the newest head is an hour old. One that a wrong clock dated ahead is renewed as often. */
  #isDueAgain(feed: FeedName): boolean {
    const { newest } = this.#freshness.get(feed)
    const { clock, link } = this.#context
    const age = clock.now() + link.clockOffset - (newest?.time ?? 0)
    return newest !== undefined && Math.abs(age) >= renewMs && clock.now() - (this.#signedAt.get(feed) ?? 0) >= renewMs
  }

  #lookLater(): void {
    this.#cancelLook = this.#context.clock.after(lookMs, () => {
      const { replica } = this.#context
      for (const feed of replica.followed().feeds) if (replica.isOwn(feed) && this.#isDueAgain(feed)) this.#waiting.add(feed)
      if (this.#isOnline) this.#goOn()
      this.#lookLater()
    })
  }
}
