import type { Chance } from '../faults/chance.js'
import { docSlots, joinDoc, stateOf } from './docs.js'
import type { Entry, GenerationClaims, HeadClaims, Offer, RosterClaims } from './entries.js'
import { existence, type Feed, feeds, isMessages, isTeam, messagesOf, type Org, ownerOf } from './names.js'
import { joinPolicies, readPolicy } from './policy.js'
import { chainTo, follows, generationKey, isListed, type Roster, rosterKey } from './rosters.js'
import type { Rule } from './rules.js'
import type { Signed } from './signatures.js'

/** What a feed holds: its last sequence, and the entries of each key (a whole doc, then its updates). */
export interface Held {
  head: number
  readonly keys: Map<string, readonly Entry[]>
}

export interface Incarnation {
  readonly id: number
  readonly heads: ReadonlyMap<Feed, number>
}

/** What the relay's disk holds. */
export interface Disk {
  readonly feeds: Map<Feed, Held>
  readonly incarnations: Incarnation[]
  readonly rosters: Map<Org, Roster>
}

/** An answer to a read. `singly` says that the entries came one by one, live; else they are what the feed holds now. `end` says that no more follows. */
export interface Answer {
  readonly lost: boolean
  readonly entries: readonly Entry[]
  readonly head: number
  readonly incarnation: number
  readonly singly: boolean
  readonly end: boolean
}

export type Refusal = 'BEHIND' | 'STALE_EPOCH' | 'WAIT' | 'AUTH' | 'FIELD' | 'FRAME'

/** The relay as it should be: it orders, keeps, forwards, and reads nothing but public copies and the form of docs. */
export class Relay {
  disk: Disk = emptyDisk()
  /** Counts what happened to the relay: while it stands, a device that has read all has nothing new to read. */
  changes = 0
  readonly #chance: Chance
  readonly #without: ReadonlySet<Rule>
  #logs = new Map<Feed, Entry[]>()
  #live = new Map<string, Set<Feed>>()
  #ids = 0

  constructor(chance: Chance, without: ReadonlySet<Rule>) {
    this.#chance = chance
    this.#without = without
    this.start(this.disk)
  }

  get incarnation(): number {
    return this.disk.incarnations.at(-1)?.id ?? 0
  }

  /** Starts with a disk: as it was, an older one, or an empty one. All sessions end. */
  start(disk: Disk): void {
    this.changes++
    const heads = new Map([...disk.feeds].map(([feed, held]) => [feed, held.head]))
    this.disk = { ...copyOf(disk), incarnations: [...disk.incarnations, { id: ++this.#ids, heads }] }
    this.#logs = new Map()
    this.#live = new Map()
  }

  held(feed: Feed): Held {
    let held = this.disk.feeds.get(feed)
    if (!held) {
      held = { head: 0, keys: new Map() }
      this.disk.feeds.set(feed, held)
    }
    return held
  }

  /** The entry that came last. */
  newest(feed: Feed): Entry | undefined {
    return this.#logs.get(feed)?.at(-1)
  }

  /** Nothing that was told before holds any more: all are answered from the disk. */
  forget(): void {
    this.changes++
    this.#logs = new Map()
    for (const live of this.#live.values()) live.clear()
  }

  /** Ends all sessions, so that nobody is answered from what was told before. */
  endSessions(): void {
    this.changes++
    this.#logs = new Map()
    this.#live = new Map()
  }

  /** Opens a session: the device brings its chain of rosters where the relay knows less. */
  hello(session: string, device: string, org: Org, roster: Roster | undefined): boolean {
    for (const one of chainTo(roster, this.disk.rosters.get(org)?.claims.number ?? 0)) {
      if (follows(org, this.disk.rosters.get(org), one)) this.disk.rosters.set(org, one)
    }
    this.#live.set(session, new Set())
    return this.admits(org, device)
  }

  admits(org: Org, device: string): boolean {
    return this.#without.has('roster') || isListed(this.disk.rosters.get(org), device)
  }

  /** The joint policy by the public copies. */
  policy(): ReturnType<typeof joinPolicies> {
    const [vendor, partner] = (['V', 'P'] as const).map((org) => {
      const copy = this.held(messagesOf(org)).keys.get('policy')?.at(-1)?.copy
      return copy === undefined ? undefined : readPolicy(copy)
    })
    return joinPolicies(vendor, partner)
  }

  read(session: string, feed: Feed, cursor: number, incarnation: number | undefined, most: number): Answer {
    const held = this.held(feed)
    const { head } = held
    const now = this.incarnation
    if (cursor > 0 && !this.#reached(feed, cursor, incarnation))
      return { lost: true, entries: [], head, incarnation: now, singly: false, end: false }
    const live = this.#live.get(session)
    if (cursor >= head && cursor > 0) {
      live?.add(feed)
      return { lost: false, entries: [], head, incarnation: now, singly: true, end: true }
    }
    // From the start again is another subscription, answered with what the feed holds.
    if (cursor === 0) live?.delete(feed)
    const log = this.#logs.get(feed) ?? []
    const singly = live?.has(feed) ?? false
    const all = singly ? log : this.#state(feed)
    let from = all.length
    while ((all[from - 1]?.sequence ?? 0) > cursor) from--
    const after = all.slice(from)
    const served = session.startsWith(ownerOf(feed)) ? after : after.filter((entry) => this.serves(feed, entry))
    const entries = served.slice(0, most)
    const end = entries.length === served.length
    if (end) live?.add(feed)
    return { lost: false, entries, head, incarnation: now, singly, end }
  }

  /** Whether the relay serves a reader this entry: its key holds no value of a withdrawn slot. A head waits until all keys are served. */
  serves(feed: Feed, { key, kind }: Pick<Entry, 'key' | 'kind'>): boolean {
    if (isTeam(feed) || isMessages(feed) || this.#without.has('withdrawn')) return true
    if (kind === 'head')
      return this.#without.has('withdrawn-heads') || [...this.held(feed).keys.keys()].every((one) => this.#isServed(feed, one))
    return this.#isServed(feed, key)
  }

  #isServed(feed: Feed, key: string): boolean {
    const entries = this.held(feed).keys.get(key) ?? []
    const policy = this.policy()
    if (!policy || entries.at(-1)?.kind !== 'doc' || entries.at(-1)?.epoch.version !== policy.version) return true
    return slotsOf(entries).every((slot) => slot === existence || policy.slots.includes(slot))
  }

  /** What the feed holds, in sequence order. Now and then the store merges a doc's entries into one. */
  #state(feed: Feed): readonly Entry[] {
    const { keys } = this.held(feed)
    for (const [key, list] of keys) {
      const last = list.at(-1)
      if (!last || list.length === 1 || this.#chance.happens(0.7)) continue
      keys.set(key, [{ ...last, whole: true, bytes: stateOf(list.map(({ bytes }) => bytes)) }])
    }
    const entries = [...keys.values()].flat()
    return entries.toSorted((a, b) => a.sequence - b.sequence)
  }

  #reached(feed: Feed, cursor: number, incarnation: number | undefined): boolean {
    if (this.#without.has('incarnations')) return true
    const { incarnations } = this.disk
    const at = incarnations.findIndex(({ id }) => id === incarnation)
    if (at < 0) return false
    const next = incarnations[at + 1]
    return cursor <= (next ? (next.heads.get(feed) ?? 0) : this.held(feed).head)
  }

  /** Takes an offer, or says why not. */
  offer(device: string, org: Org, offer: Offer): number | Refusal {
    return this.refusal(device, org, offer) ?? this.append(offer.feed, offer)
  }

  refusal(device: string, org: Org, offer: Offer): Refusal | undefined {
    const { feed, key, kind } = offer
    if (ownerOf(feed) !== org) return 'AUTH'
    if (!this.admits(org, device)) return 'AUTH'
    const roster = this.disk.rosters.get(org)
    if (!this.#without.has('roster-order') && this.#isAhead(offer)) return 'AUTH'
    const held = this.held(feed)
    const entries = held.keys.get(key) ?? []
    if (kind === 'head') return (offer.token as Signed<HeadClaims>).claims.sequence === lastOf(held) ? undefined : 'BEHIND'
    if ((entries.at(-1)?.sequence ?? 0) !== offer.seen) return 'BEHIND'
    if (kind === 'roster') {
      const next = offer.token as Signed<RosterClaims>
      // A relay that lost its disk gets the chain again.
      if (chainTo(roster, 0).includes(next)) return undefined
      return follows(org, roster, next) ? undefined : 'AUTH'
    }
    if (kind === 'generation') {
      const { generation, incarnation, last } = (offer.token as Signed<GenerationClaims>).claims
      // Who has absorbed it already only publishes it again.
      if (offer.generation >= generation) return undefined
      const isPast = Object.entries(last).some(([one, sequence]) => lastOf(this.held(one as Feed)) !== sequence)
      return incarnation === this.incarnation && isPast && !this.#without.has('roster-order') ? 'BEHIND' : undefined
    }
    if (kind === 'doc' || kind === 'erased') return this.#docRefusal(offer, entries)
    return undefined
  }

  /** Whether a roster or a rotation stands in the org's messages feed that the device has not absorbed. */
  #isAhead({ feed, kind, roster, generation }: Offer): boolean {
    const org = ownerOf(feed)
    const { keys } = this.held(messagesOf(org))
    if (kind === 'roster') return false
    if (keys.has(generationKey(generation + 1))) return true
    return chainTo(this.disk.rosters.get(org), roster).some((one) => keys.get(rosterKey(one.claims.number))?.at(-1)?.token === one)
  }

  #docRefusal(offer: Offer, entries: readonly Entry[]): Refusal | undefined {
    const { feed, epoch, kind, whole } = offer
    const last = entries.at(-1)
    let allowed: ReadonlySet<string> | undefined
    if (!isTeam(feed)) {
      const policy = this.policy()
      if (kind === 'doc' && (!policy || epoch.version > policy.version)) return 'WAIT'
      if (kind === 'doc' && policy && epoch.version < policy.version) return 'STALE_EPOCH'
      allowed = new Set([existence, ...(policy?.slots ?? [])])
    }
    if (kind === 'erased') return undefined
    if (!whole && (last?.kind !== 'doc' || last.epoch.version !== epoch.version || last.epoch.number !== epoch.number)) return 'STALE_EPOCH'
    const state = joinDoc(whole ? undefined : stateOf(entries.map(({ bytes }) => bytes)), offer.bytes)
    if (!state) return 'FRAME'
    if (allowed && [...docSlots(state).keys()].some((slot) => !allowed.has(slot))) return 'FIELD'
    return undefined
  }

  /** Puts an entry into a feed, unchecked. */
  append(feed: Feed, { key, kind, whole, epoch, bytes, copy, token }: Omit<Entry, 'sequence'>): number {
    const held = this.held(feed)
    const sequence = ++held.head
    this.changes++
    const entry: Entry = { sequence, key, kind, whole, epoch, bytes, copy, token }
    if (kind === 'roster' && follows(ownerOf(feed), this.disk.rosters.get(ownerOf(feed)), token as Roster))
      this.disk.rosters.set(ownerOf(feed), token as Roster)
    held.keys.set(key, kind === 'doc' && !whole ? [...(held.keys.get(key) ?? []), entry] : [entry])
    const log = this.#logs.get(feed)
    if (log) log.push(entry)
    else this.#logs.set(feed, [entry])
    return sequence
  }
}

export function emptyDisk(): Disk {
  return { feeds: new Map(), incarnations: [], rosters: new Map() }
}

export function copyOf(disk: Disk): Disk {
  return {
    feeds: new Map(
      feeds.flatMap((feed) => {
        const held = disk.feeds.get(feed)
        return held ? [[feed, { ...held, keys: new Map(held.keys) }] as const] : []
      }),
    ),
    incarnations: [...disk.incarnations],
    rosters: new Map(disk.rosters),
  }
}

/** The last sequence of an entry that is no head. */
function lastOf(held: Held): number {
  let last = 0
  for (const list of held.keys.values()) for (const { kind, sequence } of list) if (kind !== 'head' && sequence > last) last = sequence
  return last
}

/** The slots in which a key's entries hold a value. */
export function slotsOf(entries: readonly Entry[]): readonly string[] {
  if (entries.at(-1)?.kind !== 'doc') return []
  return [...docSlots(stateOf(entries.map(({ bytes }) => bytes))).keys()]
}
