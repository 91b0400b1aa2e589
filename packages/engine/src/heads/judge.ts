import {
  areCursorsOf,
  type FeedName,
  feedName,
  type HeadClaims,
  messagesTopic,
  type OrgId,
  otherSide,
  parseFeed,
  parseOrgId,
} from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { SerialQueue } from '../flow/serial-queue.js'
import { verifyHead } from '../identity/decision.js'
import { withdrawnAt } from '../replica/desired-state.js'
import { textOf } from '../replica/feed-role.js'
import type { CoveredFeed } from '../replica/index.js'
import type { FreshnessTable, VerifiedHead } from './freshness.js'

/** The pause before what differed is read again, or looked for again, in ms. */
export const againMs = 10 * 60_000

/** For how long something known may stay away while the line is up, in ms (rule HD6). */
const heldMs = 60_000

/** How long a withdrawal may be on its way to an owner who signs meanwhile, and by how much two clocks may differ, in ms. */
const withdrawalMs = 60_000

/** How often that is looked at, in ms. */
const lookMs = 15_000

/**
 * Compares each head with what this device holds (rules HD5, HD6). Where they differ the feed is read again first: most often an entry was lost on the way. What
 * differs then is told, and its keys are looked for.
 */
export class HeadJudge {
  readonly #context: EngineContext
  readonly #freshness: FreshnessTable
  readonly #queue = new SerialQueue()
  /** When each feed was last read again for its head. */
  readonly #reread = new Map<FeedName, number>()
  /** Feeds that are behind what is known of them: since when, and where they stood. */
  readonly #behind = new Map<FeedName, { readonly since: number; readonly cursor: number }>()
  readonly #unwatch: () => void
  #cancelLook: () => void = () => undefined
  #wasOnline = false

  constructor(context: EngineContext, freshness: FreshnessTable) {
    this.#context = context
    this.#freshness = freshness
    this.#unwatch = context.replica.heads.watch((feed) => {
      const covered = context.replica.heads.covered(feed)
      if (covered) this.#enqueue(() => this.#compare(feed, covered))
    })
    this.#lookLater()
  }

  /** Takes in the newest head that another device of this org has verified (rule HD7). */
  hear(feed: FeedName, token: string): void {
    this.#enqueue(async () => {
      const head = await this.#verify(feed, token)
      if (!head || head === 'stranger' || head.time <= (this.#freshness.get(feed).newest?.time ?? 0)) return
      await this.#freshness.change(feed, { newest: head })
    })
  }

  stop(): void {
    this.#unwatch()
    this.#cancelLook()
  }

  #enqueue(work: () => Promise<void>): void {
    void this.#queue
      .run(work)
      .catch((error: unknown) => this.#context.problem(error instanceof Error ? error.message : 'A head could not be compared.'))
  }

  async #compare(feed: FeedName, { token, covers, incarnation, root, deferred }: CoveredFeed): Promise<void> {
    const head = await this.#verify(feed, token)
    if (head === 'stranger') return this.#lookForRoster(feed)
    if (!head || head.sequence !== covers) return
    const { newest, confirmed, trouble } = this.#freshness.get(feed)
    // A head that is repeated, or of an incarnation whose entries may be lost, says nothing of the present.
    if (head.time < (newest?.time ?? 0) || head.incarnation !== incarnation) return
    // Its signer had not heard of a rotation that this device knows, because the relay has lost it.
    if (head.generation < this.#context.replica.generationOf(feed)) return
    if (head.root !== root && !this.#isBeforeWithdrawal(feed, head)) return this.#differ(feed, head)
    if (head.root !== root) return this.#freshness.change(feed, { newest: head })
    if (deferred) {
      await this.#freshness.change(feed, { newest: head })
      // What came late counts now, and with it the feed may be confirmed.
      await this.#context.replica.readCovered(feed, head.generation, covers)
      if (this.#context.replica.heads.covered(feed)?.deferred !== false) return
    }
    if (newest?.token === head.token && confirmed === head.time && !trouble) return
    await this.#freshness.change(feed, { newest: head, confirmed: head.time, trouble: undefined })
  }

  /**
   * Whether a head was signed before its owner heard that a slot was withdrawn. A device that reads the feed since then gets less than was signed (rule PO10), until
   * the owner comes, begins its docs anew and signs them.
   */
  #isBeforeWithdrawal(feed: FeedName, { time }: VerifiedHead): boolean {
    const parsed = parseFeed(feed)
    if (parsed.kind !== 'connection') return false
    const at = withdrawnAt(this.#context.rows.get('Agreement', parsed.connection), parsed.topic)
    return at > 0 && time <= at + withdrawalMs
  }

  async #verify(feed: FeedName, token: string): Promise<VerifiedHead | 'stranger' | undefined> {
    const owner = ownerOf(feed, this.#context)
    const claims = owner && (await verifyHead(token, owner, this.#context.rosters))
    if (claims === 'stranger') return claims
    if (claims?.feed !== feed) return undefined
    const { incarnation, sequence, root, generation, time } = claims
    await this.#noteReceipts(feed, claims)
    await this.#noteHeld(feed, claims)
    return { token, incarnation, sequence, root, generation, time, cursors: Object.fromEntries(claims.cursors) }
  }

  /** An own head tells what stood at the relay, and a peer's how far its device has read the own feeds of the connection (rule RC1). */
  async #noteReceipts(feed: FeedName, { incarnation, sequence, time, cursors }: HeadClaims): Promise<void> {
    const parsed = parseFeed(feed)
    if (parsed.kind !== 'connection' || !areCursorsOf(parsed, cursors)) return
    if (!this.#context.replica.isOwn(feed))
      for (const [read, cursor] of cursors) await this.#freshness.note(read, 'read', incarnation, cursor, time)
    else if (parsed.topic !== messagesTopic) await this.#freshness.note(feed, 'relayed', incarnation, sequence, time)
  }

  /** Whether the peer holds what this org has said to it: compared where nothing was said since (rule HD9). */
  async #noteHeld(feed: FeedName, { holds, incarnation, cursors, time }: HeadClaims): Promise<void> {
    const parsed = parseFeed(feed)
    if (holds === undefined || parsed.kind !== 'connection' || parsed.topic !== messagesTopic || this.#context.replica.isOwn(feed)) return
    const own = feedName({ ...parsed, side: otherSide(parsed.side) })
    const cursor = cursors.get(own)
    const stand = this.#context.replica.heads.holding(own)
    if (!stand || cursor === undefined || stand.incarnation !== incarnation || this.#context.replica.heads.hasAbove(own, cursor)) return
    const known = this.#freshness.get(own).held
    if (time <= (known?.same ?? 0)) return
    const isSame = holds === stand.root
    await this.#freshness.change(own, { held: isSame ? { same: time, differs: false } : { ...known, differs: true } })
  }

  async #differ(feed: FeedName, newest: VerifiedHead): Promise<void> {
    const now = this.#context.clock.now()
    const { trouble } = this.#freshness.get(feed)
    if (this.#readAgain(feed, againMs)) return this.#freshness.change(feed, { newest })
    const present = trouble?.kind === 'differs' ? trouble : { kind: 'differs' as const, since: now, keys: [] }
    await this.#freshness.change(feed, { newest, trouble: present })
  }

  /** A signer that no roster known here names may be on one that was held back: the owner's messages are read again, with a pause. */
  #lookForRoster(feed: FeedName): void {
    const parsed = parseFeed(feed)
    if (parsed.kind === 'mailbox') return
    this.#readAgain(feedName({ ...parsed, topic: messagesTopic }), againMs)
  }

  /** Reads a feed again, unless it was within this time. */
  #readAgain(feed: FeedName, pauseMs: number): boolean {
    const now = this.#context.clock.now()
    const last = this.#reread.get(feed)
    if (last !== undefined && now - last < pauseMs) return false
    this.#reread.set(feed, now)
    this.#context.link.reread(feed)
    return true
  }

  #lookLater(): void {
    this.#cancelLook = this.#context.clock.after(lookMs, () => {
      this.#look()
      this.#lookLater()
    })
  }

  /** Tells of feeds of which something is known that does not come, while the line is up (rule HD6). */
  #look(): void {
    const { link, clock, replica } = this.#context
    const wasOnline = this.#wasOnline
    this.#wasOnline = link.status().state === 'online'
    if (!this.#wasOnline) return this.#behind.clear()
    const now = clock.now()
    for (const feed of replica.followed().feeds) {
      const { cursor } = replica.position(feed)
      const { trouble } = this.#freshness.get(feed)
      if (trouble?.kind === 'differs') this.#readAgain(feed, wasOnline ? againMs : 0)
      if (!this.#isBehind(feed, cursor)) {
        this.#behind.delete(feed)
        if (trouble?.kind === 'held') this.#enqueue(() => this.#freshness.change(feed, { trouble: undefined }))
        continue
      }
      const behind = this.#behind.get(feed)
      if (behind?.cursor !== cursor) this.#behind.set(feed, { since: now, cursor })
      else if (now - behind.since >= heldMs && !trouble)
        this.#enqueue(() => this.#freshness.change(feed, { trouble: { kind: 'held', since: behind.since, keys: [] } }))
    }
  }

  #isBehind(feed: FeedName, cursor: number): boolean {
    const { link, replica } = this.#context
    const { newest } = this.#freshness.get(feed)
    const isToldOfMore = newest !== undefined && newest.incarnation === replica.position(feed).incarnation && newest.sequence > cursor
    return isToldOfMore || link.isCatchingUp(feed)
  }
}

/** The org that writes a feed. Undefined where no row tells it. */
export function ownerOf(feed: FeedName, { org, rows }: Pick<EngineContext, 'org' | 'rows'>): OrgId | undefined {
  const parsed = parseFeed(feed)
  if (parsed.kind === 'team') return parsed.org === org.id ? org.id : undefined
  if (parsed.kind === 'mailbox') return undefined
  const owner = textOf(rows.get('Connection', parsed.connection), parsed.side)
  return owner === undefined ? undefined : parseOrgId(owner)
}
