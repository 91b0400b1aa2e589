import {
  createDoc,
  encodeControlEntry,
  type Epoch,
  existenceSlot,
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
import type { Register, Row } from '../row/row.js'
import { type Comparison, slotsAbove } from './compare.js'
import type { DesiredState } from './desired-state.js'
import { isMessages } from './feed-role.js'
import type { FeedSealer } from './feed-sealer.js'
import { isSameBytes, type OpenedDoc } from './opened-docs.js'
import { noParts } from './opened.js'
import { partsOf } from './row-parts.js'
import type { Head, StoredDoc } from './stored.js'

export interface Projection extends Comparison {
  readonly feed: FeedName
  readonly key: Key
  readonly head: Head | undefined
  /** The stored doc with its bytes, where the need is `update`. */
  readonly doc: StoredDoc | undefined
  readonly sealer: FeedSealer
  /** The page load's Yjs client id. */
  readonly client: number
  /** Notes a doc that is sealed as a whole. */
  readonly sealedDoc: (doc: OpenedDoc) => void
}

/**
 * Makes the offer that brings the relay's copy to the desired state. It names the key's last entry that was absorbed here (rule PB1). It leaves no trace in
 * the store: the offer is acknowledged when it comes back as an entry. Undefined where the key to seal with is not known, or the bytes of the doc to update are missing.
 */
export function project(projection: Projection): Omit<Offer, 'id'> | undefined {
  const { key, desired, head, need } = projection
  const seen = head?.sequence ?? 0
  switch (desired.kind) {
    case 'nothing':
      return undefined
    case 'erased':
      return eraseKey(projection, desired)
    case 'message':
    case 'control': {
      const bytes = messageBytes(projection, desired.kind, desired.register)
      return bytes && { seen, key, kind: desired.kind, whole: true, epoch: zeroEpoch, bytes }
    }
    case 'doc': {
      const part = need === 'update' ? updateDoc(projection, desired) : beginDoc(projection, desired)
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
  const sealed = sealer.sealControlEntry(feedRole, feed, key, register)
  return sealed && typeof body === 'string' ? encodeControlEntry({ copy: encodeUtf8(body), seal: sealed }) : undefined
}

/** Erasing a doc begins a new epoch and seals that it does not exist (rule ER2). Erasing a message seals null in its place (rule MS3). */
function eraseKey(projection: Projection, desired: Extract<DesiredState, { kind: 'erased' }>): Omit<Offer, 'id'> | undefined {
  const { sealer, feedRole, feed, key, head } = projection
  const last = head && 'epoch' in head ? head.epoch : undefined
  const epoch = isMessages(feedRole) ? zeroEpoch : nextEpoch(last, Math.max(desired.version, last?.version ?? 0))
  const bytes = isMessages(feedRole)
    ? sealer.sealMessage(feedRole, feed, key, desired.register)
    : sealer.sealSlot(feedRole, feed, key, existenceSlot, epoch, desired.register)
  return bytes && { seen: head?.sequence ?? 0, key, kind: 'erased', whole: true, epoch, bytes }
}

type DocPart = Pick<Offer, 'whole' | 'epoch' | 'bytes'>

type DesiredDoc = Extract<DesiredState, { kind: 'doc' }>

function beginDoc(projection: Projection, desired: DesiredDoc): DocPart | undefined {
  const { head, sealedDoc, client } = projection
  const epoch = nextEpoch(head && 'epoch' in head ? head.epoch : undefined, desired.version)
  const { address, registers, exists } = desired
  const parts = address && partsOf({ object: address[0], id: address[1], registers })
  const slots = parts
    ? sealParts(projection, epoch, parts)
    : sealSlots(projection, epoch, desired, [...Object.keys(registers), existenceSlot])
  if (!slots) return undefined
  const bytes = createDoc(slots, client)
  sealedDoc({ epoch, bytes, slots, opened: { registers, exists, unreadable: [], parts: parts ?? noParts } })
  return { whole: true, epoch, bytes }
}

function updateDoc(projection: Projection, desired: DesiredDoc): DocPart | undefined {
  const { doc: stored, client } = projection
  if (!stored) return undefined
  const { epoch } = stored
  const doc = loadDoc([stored.state], client)
  const { address, registers } = desired
  const slots = address
    ? changedParts(projection, epoch, partsOf({ object: address[0], id: address[1], registers }), readSlots(doc))
    : sealSlots(projection, epoch, desired, slotsAbove(desired, stored))
  return slots && { whole: false, epoch, bytes: writeSlots(doc, slots) }
}

/** A part that has not changed gives the bytes that the doc has (rule OR1). */
function changedParts(
  projection: Projection,
  epoch: Epoch,
  parts: ReadonlyMap<string, Row>,
  present: SealedSlots,
): SealedSlots | undefined {
  const sealed = sealParts(projection, epoch, parts)
  return sealed && new Map([...sealed].filter(([slot, bytes]) => !isSameBytes(bytes, present.get(slot))))
}

function sealParts({ sealer, feedRole, feed, key }: Projection, epoch: Epoch, parts: ReadonlyMap<string, Row>): SealedSlots | undefined {
  const sealed = new Map<string, Uint8Array>()
  for (const [slot, part] of parts) {
    const bytes = sealer.sealPart(feedRole, feed, key, slot, epoch, part)
    if (!bytes) return undefined
    sealed.set(slot, bytes)
  }
  return sealed
}

function sealSlots(
  { sealer, feedRole, feed, key }: Projection,
  epoch: Epoch,
  { registers, exists }: DesiredDoc,
  slots: readonly string[],
): SealedSlots | undefined {
  const sealed = new Map<string, Uint8Array>()
  for (const slot of slots) {
    const register = slot === existenceSlot ? exists : registers[slot]
    const bytes = register && sealer.sealSlot(feedRole, feed, key, slot, epoch, register)
    if (!bytes) return undefined
    sealed.set(slot, bytes)
  }
  return sealed
}
