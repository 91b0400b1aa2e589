import {
  admitUpdate,
  compareEpochs,
  emptyVector,
  type Entry,
  type FeedName,
  type Key,
  limits,
  loadDoc,
  ProtocolError,
  readSlots,
  type SealedSlots,
  type Stamp,
  vectorOfDoc,
} from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import * as Y from 'yjs'
import { type Register, type Row, setRegister } from '../row/row.js'
import { carriedFields, effectiveVersion, messageRowId } from './desired-state.js'
import { type FeedRole, objectByTopic, type RowsView, textOf } from './feed-role.js'
import type { LeftOut } from './project.js'
import type { Sealer } from './sealer.js'
import { type Seen, seenBefore, seenBeyond, seenIn } from './seen.js'
import type { Address, Stored, StoredDoc } from './stored.js'
import { readWholeDoc } from './whole-doc.js'

/** What an entry leaves: the key's new state, and the registers that an own feed brings into rows. */
export interface Absorbed {
  readonly stored: Stored
  readonly rows: readonly Row[]
}

/** What absorbing stands on. It writes nothing: the caller does, in one transaction (rule AB3). */
export interface Absorber {
  readonly feed: FeedName
  readonly feedRole: FeedRole
  readonly rows: RowsView
  readonly sealer: Sealer
  readonly leftOut: ReadonlySet<LeftOut>
  /** Hears of entries that cannot be taken. They change nothing (rule SE4). */
  readonly problem: (what: string) => void
}

/** A device holds the relay to the names of slots too (rule AB4). */
const connectionSlots: ReadonlySet<string> = new Set(Array.from({ length: limits.slotsPerTopic }, (_, slot) => String(slot)))

/** No session has a higher number: what carries its stamp in the epoch wins over an equal stamp of any session. */
const highestSession = Number.MAX_SAFE_INTEGER

/**
 * Takes one entry in. A doc's bytes join the stored doc; each of its values is opened once. Entries that were absorbed before change nothing.
 *
 * @param held what the key holds, with the doc's bytes where the entry is an update
 */
export function absorbEntry(absorber: Absorber, entry: Entry, held: Stored | undefined): Absorbed | undefined {
  if (held && entry.sequence <= held.sequence) return undefined
  switch (entry.kind) {
    case 'doc':
      return absorbDoc(absorber, entry, held)
    case 'message':
    case 'control':
      return absorbMessage(absorber, entry, entry.kind, held)
    case 'erased':
      return absorbErasure(absorber, entry, held)
  }
}

function absorbMessage(
  { feed, feedRole, sealer, problem }: Absorber,
  entry: Entry,
  kind: 'message' | 'control',
  held: Stored | undefined,
): Absorbed | undefined {
  const register = kind === 'control' ? openControlEntry(entry) : sealer.openMessage(feedRole, feed, entry.key, entry.bytes)
  if (!register) {
    problem(`A ${kind} in ${feed} does not open. The last good one is kept.`)
    return held && { stored: { ...held, sequence: entry.sequence }, rows: [] }
  }
  const [stamp, body] = register
  const stored: Stored = { kind, sequence: entry.sequence, body, stamp, lost: false }
  return { stored, rows: feedRole.own ? [messageRow(kind, feed, entry.key, register)] : [] }
}

/** A control entry is for the relay to read, so it has no seal; its stamp stands in its epoch (rule MS3). */
function openControlEntry(entry: Entry): Register | undefined {
  try {
    return [epochToStamp(entry), decodeUtf8(entry.bytes)]
  } catch {
    return undefined
  }
}

function absorbErasure({ feed, feedRole, rows }: Absorber, entry: Entry, held: Stored | undefined): Absorbed {
  const seen: Partial<Seen> | undefined = feedRole.own ? undefined : seenIn(held)
  const stored: Stored = { kind: 'erased', epoch: entry.epoch, sequence: entry.sequence, unsent: false, registers: {}, ...seen }
  if (!feedRole.own || !isMessages(feedRole)) return { stored, rows: [] }
  const kind = rows.get('ControlEntry', messageRowId(feed, entry.key)) ? 'control' : 'message'
  return { stored, rows: [messageRow(kind, feed, entry.key, [epochToStamp(entry), null])] }
}

function messageRow(kind: 'message' | 'control', feed: FeedName, key: Key, register: Register): Row {
  return { object: kind === 'control' ? 'ControlEntry' : 'Message', id: messageRowId(feed, key), registers: { body: register } }
}

const isMessages = (feedRole: FeedRole): boolean => feedRole.kind === 'mailbox' || feedRole.topic === 'messages'

function epochToStamp({ epoch }: Entry): Stamp {
  return [epoch.version, epoch.number, highestSession]
}

function absorbDoc(absorber: Absorber, entry: Entry, held: Stored | undefined): Absorbed | undefined {
  const base = held?.kind === 'doc' && !held.lost && compareEpochs(held.epoch, entry.epoch) === 0 ? held : undefined
  if (!entry.whole && !base) {
    absorber.problem(`An update in ${absorber.feed} continues a doc that is not here.`)
    return undefined
  }
  const slots = absorber.feedRole.kind === 'connection' ? connectionSlots : undefined
  const joined = joinUpdate(entry.whole ? undefined : base, entry.bytes, slots)
  if (joined instanceof ProtocolError) {
    absorber.problem(`A doc in ${absorber.feed} was not accepted (${joined.code}). The last good state is kept.`)
    return undefined
  }
  const { state, changed } = joined
  const before = entry.whole ? beforeWhole(absorber, held) : base?.before
  const stored: StoredDoc = {
    kind: 'doc',
    epoch: entry.epoch,
    sequence: entry.sequence,
    state,
    registers: entry.whole ? {} : (base?.registers ?? {}),
    unreadable: entry.whole ? [] : (base?.unreadable ?? []),
    held: false,
    lost: false,
    ...(before && { before }),
  }
  return openDoc(absorber, entry.key, stored, changed, held && 'registers' in held ? held.registers : {})
}

function beforeWhole({ feedRole, leftOut }: Absorber, held: Stored | undefined): Seen | undefined {
  return feedRole.own || leftOut.has('seen-before') ? undefined : seenBefore(held)
}

/** The doc's bytes with the update in them, and the slots that it set. */
function joinUpdate(
  base: StoredDoc | undefined,
  bytes: Uint8Array,
  slots: ReadonlySet<string> | undefined,
): { readonly state: Uint8Array; readonly changed: SealedSlots } | ProtocolError {
  try {
    if (!base) {
      const admitted = admitUpdate(bytes, emptyVector, slots)
      return { state: admitted.bytes, changed: readWholeDoc(admitted) }
    }
    const admitted = admitUpdate(bytes, vectorOfDoc(base.state), slots).bytes
    const doc = loadDoc([base.state])
    const before = readSlots(doc)
    Y.applyUpdate(doc, admitted)
    // Yjs hands out the same bytes for as long as a slot is not set anew. A doc that was held has not been read at all.
    const changed = new Map([...readSlots(doc)].filter(([slot, value]) => base.held || before.get(slot) !== value))
    return { state: Y.encodeStateAsUpdate(doc), changed }
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

/**
 * Opens what a doc's slots hold and, in an own feed, gives it as rows. A doc of a version that is not the present one is held until that arrives: its
 * slots mean nothing yet (rule EP4). A peer's doc of an earlier version is still read; its version tells what its slots meant.
 *
 * @param lastGood registers to keep for slots that do not open
 */
export function openDoc(
  absorber: Absorber,
  key: Key,
  doc: StoredDoc,
  changed: SealedSlots,
  lastGood: Readonly<Record<string, Register>>,
): Absorbed {
  const { feed, feedRole, rows, sealer } = absorber
  if (isHeld(feedRole, key, doc, rows)) return { stored: { ...doc, registers: feedRole.own ? {} : lastGood, held: true }, rows: [] }
  const withdrawn = withdrawnFrom(feedRole, doc.epoch.version, rows)
  const registers: Record<string, Register> = Object.fromEntries(Object.entries(doc.registers).filter(([slot]) => !withdrawn(slot)))
  const unreadable = new Set(doc.unreadable)
  const found = new Map<string, { readonly address: Address; readonly registers: Record<string, Register> }>()
  const take = (address: Address, field: string, register: Register): void => {
    const name = address.join('\n')
    let row = found.get(name)
    if (!row) found.set(name, (row = { address, registers: {} }))
    setRegister(row.registers, field, register)
  }
  const target = feedRole.kind === 'connection' && feedRole.own ? carriedRecord(feedRole, key, rows) : undefined
  for (const [slot, sealed] of changed) {
    if (withdrawn(slot)) continue
    let register: Register | undefined
    if (feedRole.kind === 'team') {
      const opened = sealer.openTeamSlot(feedRole, feed, key, slot, doc.epoch, sealed)
      if (opened) take(opened.address, opened.field, opened.register)
      register = opened?.register
    } else {
      register = sealer.openSlot(feedRole, feed, key, slot, doc.epoch, sealed)
      const field = target?.bySlot.get(slot)
      if (register && target && field !== undefined) take(target.address, field, register)
    }
    if (register) {
      setRegister(registers, slot, register)
      unreadable.delete(slot)
    } else {
      unreadable.add(slot)
      const good = lastGood[slot]
      if (good && !feedRole.own) registers[slot] = good
    }
  }
  if (unreadable.size > doc.unreadable.length) absorber.problem(`A value in ${feed} does not open. The last good one is kept.`)
  const { before: seen, ...present } = doc
  const before = seenBeyond(seen, { version: doc.epoch.version, registers })
  return {
    stored: { ...present, registers, unreadable: [...unreadable], held: false, ...(before && { before }) },
    rows: [...found.values()].map(({ address: [object, id], registers: fields }) => ({ object, id, registers: fields })),
  }
}

/**
 * Whether a doc cannot be read yet: its version is to come, or, in an own feed, its record map is, or its slots no longer mean what they meant
 * under its version.
 */
export function isHeld(feedRole: FeedRole, key: Key, doc: Pick<StoredDoc, 'epoch'>, rows: RowsView): boolean {
  if (feedRole.kind !== 'connection') return false
  const known = effectiveVersion(rows.get('Agreement', feedRole.connection))
  if (known === undefined || doc.epoch.version > known) return true
  return feedRole.own && (doc.epoch.version < known || !rows.get('RecordMap', key))
}

/**
 * Which slots of a peer's doc an agreement has withdrawn since its version: not shown any more, also where the peer has not come to replace the doc
 * (or never will, because it lost the record's map with its last device).
 */
export function withdrawnFrom(feedRole: FeedRole, version: number, rows: RowsView): (slot: string) => boolean {
  if (feedRole.kind !== 'connection' || feedRole.own || feedRole.topic === 'messages') return () => false
  const fields = carriedFields(rows.get('Agreement', feedRole.connection), feedRole.topic, feedRole.side)
  return fields && version < fields.version ? (slot) => !fields.bySlot.has(slot) : () => false
}

/** The record that an own doc is about, with its field of each slot. */
function carriedRecord(
  feedRole: Extract<FeedRole, { kind: 'connection' }>,
  key: Key,
  rows: RowsView,
): { readonly address: Address; readonly bySlot: ReadonlyMap<string, string> } | undefined {
  if (feedRole.topic === 'messages') return undefined
  const record = textOf(rows.get('RecordMap', key), 'record')
  const fields = carriedFields(rows.get('Agreement', feedRole.connection), feedRole.topic, feedRole.side)
  return record && fields ? { address: [objectByTopic[feedRole.topic], record], bySlot: fields.bySlot } : undefined
}
