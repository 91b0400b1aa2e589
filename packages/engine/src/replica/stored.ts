import type { Epoch, FeedName, Key, Stamp } from '@entente/protocol'
import type { StoreKey } from '../port/store.js'
import type { Value } from '../schema/value.js'
import type { Register } from '../row/row.js'

// What the replica keeps in the store, and under which store keys. A sequence is that of the key's last entry that was absorbed here.

/** Registers of a peer's record by slot, with the agreement's version that says what the slots mean. */
export interface Seen {
  readonly version: number
  readonly registers: Readonly<Record<string, Register>>
}

/** A doc as the relay has it: never with an edit that the relay has not sequenced. */
export interface StoredDoc {
  readonly kind: 'doc'
  readonly epoch: Epoch
  readonly sequence: number
  /** Its bytes, Yjs V1. Only in the store; in memory they would weigh as much as all the rest. */
  readonly state: Uint8Array
  readonly registers: Readonly<Record<string, Register>>
  /** Slots whose present value does not open; their last good register is kept. */
  readonly unreadable: readonly string[]
  /** True while this device cannot read the doc, because its agreement or record map has not come: kept, not read (rule EP4). */
  readonly deferred: boolean
  /** True where the dead bytes outweigh the live ones, so that the next publication begins a new epoch (rule EP5). */
  readonly mostlyDead: boolean
  /** True for a peer's doc that the relay has lost: shown until it comes again. */
  readonly lost: boolean
  /** What was seen of a peer's doc before the relay lost it and has not come again: not shown, kept by an erasure (rule IN4). */
  readonly before?: Seen
}

export interface StoredMessage {
  readonly kind: 'message' | 'control'
  readonly sequence: number
  readonly body: Value
  readonly stamp: Stamp
  readonly lost: boolean
}

export interface StoredErasure {
  readonly kind: 'erased'
  readonly epoch: Epoch
  readonly sequence: number
  /** True for an own tombstone that the relay has lost. */
  readonly unsent: boolean
  /** What the doc held last, for the mirror that stays behind. */
  readonly registers: Readonly<Record<string, Register>>
  /** The agreement's version that says what their slots mean; where absent, that of the epoch. */
  readonly version?: number
}

export type Stored = StoredDoc | StoredMessage | StoredErasure

/** A doc without its bytes, as it is held in memory. */
export type DocHead = Omit<StoredDoc, 'state'>
export type Head = DocHead | StoredMessage | StoredErasure

/** How far a feed has been absorbed, and at which incarnation and position of the relay's store. */
export interface FeedState {
  readonly cursor: number
  readonly incarnation: number
  readonly position: number
  /** True until the feed has once been read to its end, and again after a loss. At that end every row is compared with the feed. */
  readonly rebuild: boolean
}

export const freshFeed: FeedState = { cursor: 0, incarnation: 0, position: 0, rebuild: true }

/** The row that a feed key carries. */
export type Address = readonly [object: string, id: string]

export const docStoreKey = (feed: FeedName, key: Key): StoreKey => ['doc', feed, key]
export const feedStoreKey = (feed: FeedName): StoreKey => ['feed', feed]
export const dirtyStoreKey = (feed: FeedName, key: Key): StoreKey => ['dirty', feed, key]

export function headOf(stored: Stored): Head {
  if (stored.kind !== 'doc') return stored
  const { state: _, ...head } = stored
  return head
}

// This library wrote what comes out of the store, and structured clone keeps it as it was: the shapes are known.
export const asStored = (value: unknown): Stored | undefined => value as Stored | undefined
export const asFeedState = (value: unknown): FeedState | undefined => value as FeedState | undefined
export const asAddress = (value: unknown): Address => value as Address
