import type { Epoch } from '@entente/protocol'
import type { GenerationClaims, HeadClaims } from './entries.js'
import { type Feed, type Org, orgs, type Register } from './names.js'
import { type Agreement, firstAgreement, type Policy } from './policy.js'
import type { Roster } from './rosters.js'
import { type Keys, originKey, sealingKey } from './seals.js'
import type { Signed } from './signatures.js'

/** What a device holds of one key: the relay's copy as delivered, as long as all of it opened. */
export interface Stored {
  readonly sequence: number
  readonly kind: 'doc' | 'erased' | 'message' | 'control' | 'none'
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  /** The relay sent something for this key that did not join. The last good state is kept; the owner publishes anew. */
  readonly spoiled: boolean
  /** Kept, not read: its version, its key or its head has not arrived. */
  readonly deferred: boolean
  /** A roster that came before the one that it follows: no part of the feed until that has come. */
  readonly early?: Roster | undefined
}

/** The highest register seen in a slot, with the sealed bytes to hand back. An erased mirror has no value any more. */
export interface Seen {
  readonly register: Register
  readonly erased: boolean
  readonly bytes: Uint8Array
  readonly epoch: Epoch
}

export interface Mirror {
  readonly version: number
  readonly seen: Map<string, Seen>
}

/** How far a device has read a feed. */
export interface Reading {
  cursor: number
  /** The last sequence of an entry that is no head. */
  last: number
  incarnation: number | undefined
  /** Read to its end since the session began. */
  live: boolean
  /** From the start until live: nothing follows from a team feed meanwhile. */
  rebuilding: boolean
  /** When the device last began anew because something differed, and when it last told its leaves. */
  againAt: number
  leavesAt: number
  /** Since when it holds values of an older generation that no head covers. */
  heldSince: number
  /** When it last differed from a head that another device signed. */
  disputedAt: number
  /** When it last published anew because a reader said that it differs. */
  repairedAt: number
}

/** What a device's screen says of a feed that others write. */
export interface Status {
  readonly kind: 'not confirmed' | 'confirmed' | 'differs' | 'held back'
  /** The time of the newest head that matched. */
  readonly at: number
}

/** Everything that a device has on its disk. */
export interface Store {
  rows: Map<string, Map<string, Register>>
  docs: Map<Feed, Map<string, Stored>>
  floors: Map<string, Epoch>
  readings: Map<Feed, Reading>
  mirrors: Map<string, Mirror>
  newest: Map<Feed, Signed<HeadClaims>>
  /** What the device itself signed last. */
  signed: Map<Feed, HeadClaims>
  statuses: Map<Feed, Status>
  rosters: Map<Org, Roster>
  /** The org's own rotations, kept to be published again after a loss. */
  rotations: readonly Signed<GenerationClaims>[]
  /** Rotations that came before the ones that they follow. */
  early: readonly Signed<GenerationClaims>[]
  keys: Keys
  generations: Map<Org, number>
  /** The generation up to which a device knows which values of older ones are genuine. */
  settled: Map<Feed, number>
  agreement: Agreement
  /** The versions before it, oldest first: a removal can take a version back. */
  earlier: readonly Agreement[]
  withdrawn: Set<string>
  /** When this device last heard of a withdrawal, or made one. */
  withdrawnAt: number
  policies: Map<Org, { readonly register: Register; readonly policy: Policy }>
}

export function newStore(org: Org, rosters: ReadonlyMap<Org, Roster>): Store {
  const keys: Keys = new Set([originKey(org, 0), sealingKey(`${org}/team`, 0)])
  for (const feed of ['V>P', 'P>V', 'V/msg', 'P/msg'] as const) keys.add(sealingKey(feed, 0))
  return {
    rows: new Map(),
    docs: new Map(),
    floors: new Map(),
    readings: new Map(),
    mirrors: new Map(),
    newest: new Map(),
    signed: new Map(),
    statuses: new Map(),
    rosters: new Map(rosters),
    rotations: [],
    early: [],
    keys,
    generations: new Map(orgs.map((one) => [one, 0])),
    settled: new Map(),
    agreement: firstAgreement,
    earlier: [],
    withdrawn: new Set(),
    withdrawnAt: -Infinity,
    policies: new Map(),
  }
}

/** A copy that shares only what never changes. */
export function copyStore(store: Store): Store {
  const two = <A, B, C>(map: Map<A, Map<B, C>>): Map<A, Map<B, C>> => new Map([...map].map(([key, inner]) => [key, new Map(inner)]))
  return {
    ...store,
    rows: two(store.rows),
    docs: two(store.docs),
    floors: new Map(store.floors),
    readings: new Map([...store.readings].map(([feed, reading]) => [feed, { ...reading }])),
    mirrors: new Map([...store.mirrors].map(([key, mirror]) => [key, { ...mirror, seen: new Map(mirror.seen) }])),
    newest: new Map(store.newest),
    signed: new Map(store.signed),
    statuses: new Map(store.statuses),
    rosters: new Map(store.rosters),
    keys: new Set(store.keys),
    generations: new Map(store.generations),
    settled: new Map(store.settled),
    withdrawn: new Set(store.withdrawn),
    policies: new Map(store.policies),
  }
}
