import type { Entry, Epoch, FeedName, Key, Stamp } from '@entente/protocol'
import type { StoreKey } from '../port/store.js'
import { type Register, setRegister } from '../row/row.js'
import { decodeRegisters, encodeRegisters } from '../row/stored-row.js'
import type { Leaf } from './leaf.js'

// What the replica keeps in the store, and under which store keys. A sequence is that of the key's last entry that was absorbed here.

/**
 * The registers of a doc by slot. Of a doc of an own feed the stamps are enough, as its rows have the values: they are one text, so that an org of thousands of
 * rows opens without making them all again (`textOfStamps`).
 */
export type Registers = string | Readonly<Record<string, Register>>

/**
 * What is known of a row under a doc's key. In an own feed, exactly what the relay's copy holds. In a peer's, the highest that was seen of each register: it
 * never goes back while the agreement's version lasts (rules NB1 to NB3).
 */
export interface Known {
  /** The agreement's version that says what the slots of `registers` mean. */
  readonly version: number
  readonly registers: Registers
  /** Whether the record is shared: the existence register (rule ER1). Undefined while nothing has come that holds one. */
  readonly exists: Register | undefined
  /** The version of the entry that `exists` is of. It is above `version` after an erasure. Entries of a lower one are not shown. */
  readonly floor: number
}

/** Entries that cannot be read yet, in their order: kept, not read (rules RT6, RT11). */
export interface Held {
  readonly generation: number
  /** Whether their generation is an earlier one than its owner seals under now: until a head of the present one covers them. Else its key is missing here. */
  readonly late?: boolean
  /** The hash over what the relay holds with them: what a head covers. Undefined where it cannot be told. */
  readonly leaf: Leaf | undefined
  readonly entries: readonly Entry[]
}

/** What every entry leaves but a head. */
interface Delivered {
  /** The hash over what the relay last gave and this device took (rule HD3). Undefined where the relay gave nothing that counts. */
  readonly leaf: Leaf | undefined
  /** The earliest generation of keys under which the relay's copy is sealed; absent for the first one. */
  readonly generation?: number
  /** The key's last entries, of which nothing is in its state yet. */
  readonly held?: Held
}

/** The seal of one register, and the epoch under which it opens. */
export interface Seal {
  readonly epoch: Epoch
  readonly bytes: Uint8Array
}

/** What of a peer's doc stands above the relay's copy. Where its owner went back too, it is handed back (rule BK1). */
export interface Above {
  /** The slots whose known register stands above. Absent where there are none. */
  readonly above?: readonly string[]
  /** Their seals, and that of an erasure. Only in the store, as a doc's bytes. */
  readonly seals?: Readonly<Record<string, Seal>>
}

/** A doc as the relay has it: never with an edit that the relay has not sequenced. */
export interface StoredDoc extends Known, Delivered, Above {
  readonly kind: 'doc'
  readonly epoch: Epoch
  readonly sequence: number
  /** Of an own doc, the slots whose register came by an earlier entry than the last, and by which: a doc that is begun anew brings nothing new. */
  readonly since?: Readonly<Record<string, number>>
  /** Its bytes, Yjs V1: of a peer's doc that is `lost`, those that were taken last. Only in the store; in memory they would weigh as much as all the rest. */
  readonly state: Uint8Array
  /** Slots of the last entry whose values did not open. It was not taken (rule AN1). */
  readonly unreadable: readonly string[]
  /** True while this device cannot read the doc, because its agreement or record map has not come: kept, not read (rule EP4). */
  readonly deferred: boolean
  /** True where a register of it does not count, or not yet: whoever signed it is no admin by the roster that is known here (rule DR2). */
  readonly unproven?: boolean
  /** True where the dead bytes outweigh the live ones, so that the next publication begins a new epoch (rule EP5). */
  readonly mostlyDead: boolean
  /** True where the relay's copy is another: it has lost its own, or gave an entry that was not taken. Only a whole doc continues it. */
  readonly lost: boolean
}

export interface StoredMessage extends Delivered {
  readonly kind: 'message' | 'control'
  readonly sequence: number
  /** As JSON: of thousands of messages few are read, and the others need not be made objects each time that an org opens. */
  readonly body: string
  readonly stamp: Stamp
  /** True where the relay's copy is another. */
  readonly lost: boolean
}

/** An erased key. Of a doc that a reader has seen, it holds what stays behind in the mirror. */
export interface StoredErasure extends Known, Delivered, Above {
  readonly kind: 'erased'
  readonly epoch: Epoch
  readonly sequence: number
  /** True where the relay's copy is another: it has lost its own, or gave an entry that was not taken. */
  readonly lost: boolean
}

/** The newest head of a feed. It is verified and compared elsewhere. */
export interface StoredHead {
  readonly kind: 'head'
  readonly sequence: number
  /** The sequence of the last entry that it covers. */
  readonly covers: number
  /** The compact JWS. */
  readonly token: string
}

export type Stored = StoredDoc | StoredMessage | StoredErasure | StoredHead

/** A doc without its bytes, as it is held in memory. */
export type DocHead = Omit<StoredDoc, 'state' | 'seals'>
export type Head = DocHead | StoredMessage | StoredErasure | StoredHead

/** How far a feed has been absorbed, and at which incarnation and position of the relay's store. */
export interface FeedState {
  readonly cursor: number
  readonly incarnation: number
  readonly position: number
  /** True until the feed has once been read to its end, and again after a loss. At that end every row is compared with the feed. */
  readonly rebuild: boolean
  /** How many transactions have written docs of it, also where nothing was read from the relay: by that a tab finds that its memory is behind the store. */
  readonly writes: number
}

export const freshFeed: FeedState = { cursor: 0, incarnation: 0, position: 0, rebuild: true, writes: 0 }

/** The state of a feed after one more transaction on it. */
export const writtenOnce = (after: FeedState, before: FeedState): FeedState => ({ ...after, writes: before.writes + 1 })

/** The row that a feed key carries. */
export type Address = readonly [object: string, id: string]

/** With an address the dirty flag is set, without one it is cleared. With the group in which it lies, unless it has an entry of its own. */
export type DirtyFlag = readonly [feed: FeedName, key: Key, address: Address | undefined, group?: string | undefined]

/** What is known of a row of which nothing has come. */
export const unknown: Known = { version: 0, registers: {}, exists: undefined, floor: 0 }

export const docStoreKey = (feed: FeedName, key: Key): StoreKey => ['doc', feed, key]
/**
 * Where a segment lies, by the first of the keys that it began with: docs that came together, each under a key that had nothing. A browser's store takes as long for an
 * entry of one doc as for one of a hundred. Where few of them are written again, each gets an entry of its own and leaves the segment, which goes with the last.
 */
export const segmentStoreKey = (feed: FeedName, first: Key): StoreKey => ['docs', feed, first]
export const feedStoreKey = (feed: FeedName): StoreKey => ['feed', feed]
export const dirtyStoreKey = (feed: FeedName, key: Key): StoreKey => ['dirty', feed, key]
/** Where dirty flags lie that one transaction set together. No other transaction has the name of this group. */
export const dirtyGroupKey = (group: string): StoreKey => ['dirty', group]

/** The registers, those of an own feed without their values. */
export function registersOf({ registers }: Pick<Known, 'registers'>): Readonly<Record<string, Register>> {
  return typeof registers === 'string' ? decodeRegisters(registers) : registers
}

/** What tells which registers an own feed's doc has: their stamps and signatures. */
export function textOfStamps(registers: Readonly<Record<string, Register>>): string {
  const stamps: Record<string, Register> = {}
  for (const slot of Object.keys(registers)) {
    const register = registers[slot]
    if (register) setRegister(stamps, slot, register[2] === undefined ? [register[0], null] : [register[0], null, register[2]])
  }
  return encodeRegisters(stamps)
}

/** What is held under a key. */
export function heldOf(stored: Stored | Head | undefined): Held | undefined {
  return stored && 'held' in stored ? stored.held : undefined
}

/** The state of a key without what is held. */
export function withoutHeld<T extends Stored | Head>(stored: T): T {
  if (!heldOf(stored)) return stored
  const { held: _, ...state } = stored as T & { readonly held?: Held }
  // The rest of a state is a state.
  return state as unknown as T
}

export function headOf(stored: Stored): Head {
  switch (stored.kind) {
    case 'doc': {
      const { state: _, seals: __, ...head } = stored
      return head
    }
    case 'erased': {
      const { seals: _, ...head } = stored
      return head
    }
    default:
      return stored
  }
}

// This library wrote what comes out of the store, and structured clone keeps it as it was: the shapes are known.
/** The docs of an entry: those of a segment, or the one of a key. */
export function storedUnder([kind, , key]: StoreKey, value: unknown): readonly (readonly [Key, Stored])[] {
  return ((kind === 'docs' ? value : value && [[key, value]]) ?? []) as readonly (readonly [Key, Stored])[]
}
export const asFeedState = (value: unknown): FeedState | undefined => value as FeedState | undefined
/** The dirty flags of an entry: those of a group, or the one of a key. */
export function dirtyFlagsUnder([, feed, key]: StoreKey, value: unknown): readonly DirtyFlag[] {
  return key === undefined
    ? (value as readonly DirtyFlag[]).map(([of, at, address]) => [of, at, address, feed])
    : [[feed as FeedName, key as Key, value as Address]]
}
