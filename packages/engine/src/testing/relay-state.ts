import {
  type ConnectionId,
  decodeControlEntry,
  decodePolicy,
  decodeRoster,
  emptyDoc,
  emptyVector,
  type Entry,
  type Epoch,
  type FeedName,
  joinPolicies,
  type Key,
  type MailboxId,
  type OrgId,
  parseFeed,
  policyKey,
  type Policy,
  type Roster,
  rosterFeedOf,
  rosterNumber,
  compactDoc,
  type StateVector,
  sides,
  withdrawnSlots,
  withoutSlots,
} from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import { connectionFeed } from '../replica/feed-role.js'

/** What a key of a feed holds at the relay. */
export type Kept =
  | {
      readonly kind: 'doc'
      readonly epoch: Epoch
      readonly sequence: number
      readonly merged: Uint8Array
      readonly mergedSequence: number
      readonly tail: readonly (readonly [sequence: number, bytes: Uint8Array])[]
      readonly vector: StateVector
    }
  | {
      readonly kind: 'message' | 'control' | 'erased' | 'head'
      readonly epoch: Epoch
      readonly sequence: number
      readonly bytes: Uint8Array
    }

export interface KeptFeed {
  readonly head: number
  readonly keys: ReadonlyMap<Key, Kept>
}

export interface KeptMailbox {
  readonly vendor: OrgId
  readonly claimHash: Uint8Array
  readonly expires: number
  readonly partner: OrgId | undefined
  readonly tries: number
}

/** All that a relay keeps on its disk. It is a value: a change makes another, so that a crash or a backup is an older value. */
export interface RelayState {
  /** Each with the head that every feed had at that moment. */
  readonly incarnations: readonly { readonly id: number; readonly heads: ReadonlyMap<FeedName, number> }[]
  readonly feeds: ReadonlyMap<FeedName, KeptFeed>
  readonly mailboxes: ReadonlyMap<MailboxId, KeptMailbox>
}

export const emptyRelay: RelayState = { incarnations: [], feeds: new Map(), mailboxes: new Map() }

const noFeed: KeptFeed = { head: 0, keys: new Map() }

export function feedOf(state: RelayState, feed: FeedName): KeptFeed {
  return state.feeds.get(feed) ?? noFeed
}

/**
 * The state with one more entry, its sequence one above the feed's head.
 *
 * @param own maps of the present batch, which no older state shares: written to in place, or a large feed would be copied for each entry
 */
export function withEntry(state: RelayState, feed: FeedName, key: Key, keep: (sequence: number) => Kept, own: WeakSet<object>): RelayState {
  const { head, keys } = feedOf(state, feed)
  const next = own.has(keys) ? (keys as Map<Key, Kept>) : new Map(keys)
  own.add(next)
  next.set(key, keep(head + 1))
  const feeds = own.has(state.feeds) ? (state.feeds as Map<FeedName, KeptFeed>) : new Map(state.feeds)
  own.add(feeds)
  feeds.set(feed, { head: head + 1, keys: next })
  return { ...state, feeds }
}

/** A store that is opened again notes it, so that devices can tell whether it has forgotten what they saw (rule IN1). */
export function withIncarnation(state: RelayState, id: number): RelayState {
  const heads = new Map([...state.feeds].map(([feed, { head }]) => [feed, head]))
  return { ...state, incarnations: [...state.incarnations, { id, heads }] }
}

/** Whether the feed once stood at this position in this incarnation (rule IN2). */
export function knowsPosition(state: RelayState, feed: FeedName, incarnation: number, position: number): boolean {
  const index = state.incarnations.findIndex((each) => each.id === incarnation)
  if (index < 0) return false
  const later = state.incarnations[index + 1]
  return position <= (later ? (later.heads.get(feed) ?? 0) : feedOf(state, feed).head)
}

/**
 * What a subscription is answered with: everything above a sequence, in order.
 *
 * @param isOwner for the owner's own devices, which read slots too that were withdrawn (rule PO10)
 */
export function entriesAfter(state: RelayState, feed: FeedName, after: number, isOwner = true): Entry[] {
  const entries: Entry[] = []
  for (const [key, kept] of feedOf(state, feed).keys) {
    if (kept.sequence <= after) continue
    if (kept.kind !== 'doc') {
      entries.push({ sequence: kept.sequence, key, kind: kept.kind, whole: true, epoch: kept.epoch, bytes: kept.bytes })
      continue
    }
    const { epoch, mergedSequence, tail } = kept
    const gone = isOwner ? undefined : withdrawnOf(state, feed, epoch.version)
    const states = statesOf(kept)
    const sequences = [mergedSequence, ...tail.map(([sequence]) => sequence)]
    for (const [index, sequence] of sequences.entries()) {
      const state = states[index] ?? emptyDoc
      const bytes = gone && gone.size > 0 ? withoutSlots(states.slice(0, index), state, gone) : state
      if (sequence > after) entries.push({ sequence, key, kind: 'doc', whole: index === 0, epoch, bytes })
    }
  }
  return entries.sort((a, b) => a.sequence - b.sequence)
}

/** What a relay's disk holds after an entry that nobody checked, and before it. */
export function keptOf({ kind, epoch, bytes, whole }: Omit<Entry, 'sequence'>, sequence: number, last: Kept | undefined): Kept {
  if (!whole && last?.kind === 'doc') return { ...last, sequence, tail: [...last.tail, [sequence, bytes]] }
  return kind === 'doc'
    ? { kind, epoch, sequence, merged: bytes, mergedSequence: sequence, tail: [], vector: emptyVector }
    : { kind, epoch, sequence, bytes }
}

/** A doc's merged state and the updates after it. */
export function statesOf(kept: Extract<Kept, { kind: 'doc' }>): readonly Uint8Array[] {
  return [kept.merged, ...kept.tail.map(([, bytes]) => bytes)]
}

/** The doc of a key in one piece, tail and all. */
export function wholeOf(kept: Extract<Kept, { kind: 'doc' }>): Uint8Array {
  return kept.tail.length === 0 ? kept.merged : compactDoc(statesOf(kept))
}

/** The state with one doc compacted: nothing that a device could see changes. */
export function withCompacted(state: RelayState, feed: FeedName, key: Key): RelayState {
  const kept = feedOf(state, feed).keys.get(key)
  if (kept?.kind !== 'doc' || kept.tail.length === 0) return state
  const { head, keys } = feedOf(state, feed)
  const compacted: Kept = { ...kept, merged: wholeOf(kept), mergedSequence: kept.sequence, tail: [] }
  return { ...state, feeds: new Map(state.feeds).set(feed, { head, keys: new Map(keys).set(key, compacted) }) }
}

export interface Policies {
  readonly joined: Policy | undefined
  readonly highest: number
  /** Whether either side has ended the connection (rule PO5). */
  readonly isEnded: boolean
}

/** The policy that a control entry shows to the relay. @throws ProtocolError */
export function policyOf(bytes: Uint8Array): Policy {
  return decodePolicy(decodeControlEntry(bytes).copy)
}

/** The slots of a feed's topic that either side has withdrawn from a version. */
export function withdrawnOf(state: RelayState, feed: FeedName, version: number): ReadonlySet<string> {
  const parsed = parseFeed(feed)
  return parsed.kind === 'connection' ? withdrawnSlots(registeredIn(state, parsed.connection), version, parsed.topic) : new Set()
}

/** The rosters of an org in its team's messages, the highest last. What somebody planted there and is no roster is none. */
export function rostersOf(state: RelayState, org: OrgId): readonly Roster[] {
  const rosters: Roster[] = []
  for (const [key, kept] of feedOf(state, rosterFeedOf(org)).keys) {
    if (kept.kind !== 'control' || rosterNumber(key) === undefined) continue
    if (!decoded.has(kept.bytes)) decoded.set(kept.bytes, rosterIn(kept.bytes))
    const roster = decoded.get(kept.bytes)
    if (roster) rosters.push(roster)
  }
  return rosters.sort((a, b) => a.number - b.number)
}

function rosterIn(bytes: Uint8Array): Roster | undefined {
  try {
    return decodeRoster(decodeUtf8(decodeControlEntry(bytes).copy))
  } catch {
    return undefined
  }
}

/** The same few are read again and again. */
const decoded = new WeakMap<Uint8Array, Roster | undefined>()

function registeredIn(state: RelayState, connection: ConnectionId): readonly (Policy | undefined)[] {
  return sides.map((side) => {
    const kept = feedOf(state, connectionFeed(connection, side, 'messages')).keys.get(policyKey)
    return kept?.kind === 'control' ? policyOf(kept.bytes) : undefined
  })
}

/** What both sides of a feed's connection have registered. */
export function policiesOf(state: RelayState, feed: FeedName): Policies {
  const parsed = parseFeed(feed)
  if (parsed.kind !== 'connection') return { joined: undefined, highest: 0, isEnded: false }
  const [vendor, partner] = registeredIn(state, parsed.connection)
  const isEnded = [vendor, partner].some((policy) => policy?.ended === true)
  return { joined: joinPolicies(vendor, partner), highest: Math.max(vendor?.version ?? 0, partner?.version ?? 0), isEnded }
}
