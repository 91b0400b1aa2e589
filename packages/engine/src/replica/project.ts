import {
  compareStamps,
  createDoc,
  type Epoch,
  type FeedName,
  type Key,
  loadDoc,
  nextEpoch,
  type Offer,
  readSlots,
  type SealedSlots,
  writeSlots,
  zeroEpoch,
} from '@entente/protocol'
import { encodeUtf8 } from 'lib0/string'
import { isAbove, type Register } from '../row/row.js'
import type { DesiredState } from './desired-state.js'
import type { FeedRole } from './feed-role.js'
import type { Sealer } from './sealer.js'
import type { DocHead, Head, StoredDoc } from './stored.js'

/** Rules that a test leaves out to see that they are needed. Nothing else ever does. */
export type LeftOut = 'hold' | 'tombstones' | 'project-all' | 'team-first' | 'seen-before'

/** What must be published so that the relay has what is wanted; `wait` while the relay's copy has not been read. */
export type Need = 'none' | 'wait' | 'message' | 'erase' | 'begin' | 'update'

/**
 * Compares what is wanted with what the relay is known to have (rules DF1 to DF4).
 *
 * @param leftOut rules that a test leaves out
 */
export function needOf(desired: DesiredState, head: Head | undefined, leftOut: ReadonlySet<LeftOut> = new Set()): Need {
  switch (desired.kind) {
    case 'nothing':
      return 'none'
    case 'erased':
      if (!head && leftOut.has('tombstones')) return 'none'
      return head?.kind === 'erased' && !head.unsent ? 'none' : 'erase'
    case 'message':
    case 'control':
      return head && 'stamp' in head && compareStamps(desired.register[0], head.stamp) <= 0 ? 'none' : 'message'
    case 'doc':
      return needOfDoc(desired, head, !leftOut.has('hold'))
  }
}

function needOfDoc(desired: Extract<DesiredState, { kind: 'doc' }>, head: Head | undefined, hold: boolean): Need {
  const isEmpty = Object.keys(desired.registers).length === 0
  if (head?.kind !== 'doc') return desired.begun && !isEmpty ? 'begin' : 'none'
  // A version that this device does not know yet is left alone; one that has been replaced is replaced, by an empty doc where nothing is left.
  if (head.epoch.version > desired.version) return 'none'
  if (head.epoch.version < desired.version) return 'begin'
  // Its registers are not known yet, so that any of them may be above the row's.
  if (head.held && hold) return 'wait'
  return slotsAbove(desired.registers, head).length > 0 ? 'update' : 'none'
}

function slotsAbove(registers: Readonly<Record<string, Register>>, head: DocHead): readonly string[] {
  return Object.keys(registers).filter((slot) => {
    const register = registers[slot]
    return register !== undefined && isAbove(register, head.registers[slot])
  })
}

export interface Projection {
  readonly feed: FeedName
  readonly key: Key
  readonly feedRole: FeedRole
  readonly desired: DesiredState
  readonly head: Head | undefined
  /** The stored doc with its bytes, where the need is an update. */
  readonly doc: StoredDoc | undefined
  readonly sealer: Sealer
  /** The page load's Yjs client id. */
  readonly client: number
}

/**
 * The offer that makes the relay's copy what is wanted, naming the key's last entry that was absorbed here (rule PB1). It leaves no trace in the store:
 * coming back as an entry is what acknowledges it. Undefined where a key to seal with is not known.
 */
export function project(projection: Projection): Omit<Offer, 'id'> | undefined {
  const { key, desired, head } = projection
  const seen = head?.sequence ?? 0
  switch (desired.kind) {
    case 'nothing':
      return undefined
    case 'erased':
      return { seen, key, kind: 'erased', whole: true, epoch: epochOfErasure(desired, head), bytes: new Uint8Array() }
    case 'message':
    case 'control': {
      const bytes = messageBytes(projection, desired.kind, desired.register)
      return (
        bytes && {
          seen,
          key,
          kind: desired.kind,
          whole: true,
          epoch: desired.kind === 'control' ? stampToEpoch(desired.register) : zeroEpoch,
          bytes,
        }
      )
    }
    case 'doc': {
      const part = continueDoc(projection, desired) ?? beginDoc(projection, desired)
      return part && { seen, key, kind: 'doc', ...part }
    }
  }
}

function messageBytes(
  { sealer, feedRole, feed, key }: Projection,
  kind: 'message' | 'control',
  register: Register,
): Uint8Array | undefined {
  if (kind === 'message') return sealer.sealMessage(feedRole, feed, key, register)
  const [, body] = register
  return typeof body === 'string' ? encodeUtf8(body) : undefined
}

/** Erasing starts an epoch like any new doc. In messages feeds the epoch tells the erasing edit's stamp, for the org's other devices (rule MS3). */
function epochOfErasure(desired: Extract<DesiredState, { kind: 'erased' }>, head: Head | undefined): Epoch {
  if (desired.register) return stampToEpoch(desired.register)
  const last = head && 'epoch' in head ? head.epoch : undefined
  return nextEpoch(last, Math.max(desired.version, last?.version ?? 0))
}

function stampToEpoch([[time, counter]]: Register): Epoch {
  return { version: time, number: counter }
}

type DocPart = Pick<Offer, 'whole' | 'epoch' | 'bytes'>

function beginDoc(projection: Projection, { version, registers }: Extract<DesiredState, { kind: 'doc' }>): DocPart | undefined {
  const { head } = projection
  const epoch = nextEpoch(head && 'epoch' in head ? head.epoch : undefined, version)
  const slots = sealSlots(projection, epoch, registers, Object.keys(registers))
  return slots && { whole: true, epoch, bytes: createDoc(slots, projection.client) }
}

/** The update of the stored doc, or undefined where it is better begun anew. */
function continueDoc(projection: Projection, { version, registers }: Extract<DesiredState, { kind: 'doc' }>): DocPart | undefined {
  const { doc: stored, client } = projection
  if (!stored || stored.epoch.version !== version) return undefined
  const doc = loadDoc([stored.state], client)
  if (isMostlyDead(stored.state.length, readSlots(doc))) return undefined
  const slots = sealSlots(projection, stored.epoch, registers, slotsAbove(registers, stored))
  return slots && { whole: false, epoch: stored.epoch, bytes: writeSlots(doc, slots) }
}

function sealSlots(
  { sealer, feedRole, feed, key }: Projection,
  epoch: Epoch,
  registers: Readonly<Record<string, Register>>,
  slots: readonly string[],
): ReadonlyMap<string, Uint8Array> | undefined {
  const sealed = new Map<string, Uint8Array>()
  for (const slot of slots) {
    const register = registers[slot]
    const bytes = register && sealer.sealSlot(feedRole, feed, key, slot, epoch, register)
    if (!bytes) return undefined
    sealed.set(slot, bytes)
  }
  return sealed
}

/** Bytes that a doc has beside its live values before it is worth publishing it anew: some 20 page loads' worth. */
const deadAllowance = 640

/** Docs grow by 32 bytes with every page load that writes and by 8 with every overwrite; at some point a new epoch is smaller (rule EP5). */
function isMostlyDead(length: number, slots: SealedSlots): boolean {
  let live = 0
  for (const [slot, value] of slots) live += value.length + slot.length + 24
  return length - live > Math.max(live, deadAllowance)
}
