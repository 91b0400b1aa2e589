import {
  compareEpochs,
  compareStamps,
  type Entry,
  type FeedName,
  type Key,
  limits,
  ProtocolError,
  type SealedSlots,
  type Stamp,
} from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import { type Register, type Row, setRegister } from '../row/row.js'
import { carriedFields, effectiveVersion } from './desired-state.js'
import { messageRowId } from './feed-key.js'
import { type FeedRole, objectByTopic, textOf } from './feed-role.js'
import { joinUpdate } from './join-update.js'
import type { DisabledRule } from './replica-context.js'
import type { RowsView } from './rows-view.js'
import type { FeedSealer } from './feed-sealer.js'
import { seenBefore, seenBeyond, seenIn } from './seen.js'
import type { Address, Seen, Stored, StoredDoc } from './stored.js'

/** What an entry leaves: the key's new state, and the registers that an own feed brings into rows. */
export interface Absorbed {
  readonly stored: Stored
  readonly rows: readonly Row[]
}

/** What absorbing reads. It writes nothing: the caller does, in one transaction (rule AB3). */
export interface Absorber {
  readonly feed: FeedName
  readonly feedRole: FeedRole
  readonly rows: RowsView
  readonly sealer: FeedSealer
  readonly disabledRules: ReadonlySet<DisabledRule>
  /** Notes an entry that cannot be absorbed. It changes nothing (rules AB4, SE4). */
  readonly problem: (what: string) => void
}

/** The device checks the names of slots too, and does not trust the relay to have done so (rule AB4). */
const connectionSlots: ReadonlySet<string> = new Set(Array.from({ length: limits.slotsPerTopic }, (_, slot) => String(slot)))

/** No session has a higher number: a stamp that stands in an epoch wins over an equal stamp of any session. */
const highestSession = Number.MAX_SAFE_INTEGER

/**
 * Absorbs one entry. A doc's bytes join the stored doc; each of its values is opened once. Entries that were absorbed before change nothing.
 *
 * @param present what is stored under the key, with the doc's bytes where the entry is an update
 */
export function absorbEntry(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed | undefined {
  if (present && entry.sequence <= present.sequence) return undefined
  switch (entry.kind) {
    case 'doc':
      return absorbDoc(absorber, entry, present)
    case 'message':
    case 'control':
      return absorbMessage(absorber, entry, entry.kind, present)
    case 'erased':
      return absorbErasure(absorber, entry, present)
  }
}

function absorbMessage(
  { feed, feedRole, sealer, problem }: Absorber,
  entry: Entry,
  kind: 'message' | 'control',
  present: Stored | undefined,
): Absorbed | undefined {
  const register = kind === 'control' ? openControlEntry(entry) : sealer.openMessage(feedRole, feed, entry.key, entry.bytes)
  if (!register) {
    problem(`A ${kind} in ${feed} does not open. The last good one is kept.`)
    return present && { stored: { ...present, sequence: entry.sequence }, rows: [] }
  }
  const [stamp, body] = register
  if (!feedRole.own && isPast(stamp, present)) return passOver(entry, present)
  const stored: Stored = { kind, sequence: entry.sequence, body, stamp, lost: false }
  return { stored, rows: feedRole.own ? [messageRow(kind, feed, entry.key, register)] : [] }
}

/** Whether a peer's message is older than what was seen under its key: a relay has shown it anew, or came back from a backup (rule NB4). */
function isPast(stamp: Stamp, present: Stored | undefined): present is Stored {
  const seen = present && ('stamp' in present ? present.stamp : present.kind === 'erased' ? epochToStamp(present) : undefined)
  return seen !== undefined && compareStamps(stamp, seen) < 0
}

/** What was seen stays, until the relay has that or newer. */
function passOver({ sequence }: Entry, present: Stored): Absorbed {
  return { stored: present.kind === 'erased' ? { ...present, sequence } : { ...present, sequence, lost: true }, rows: [] }
}

/** The relay reads control entries, so they have no seal. Their stamp stands in their epoch (rule MS3). */
function openControlEntry(entry: Entry): Register | undefined {
  try {
    return [epochToStamp(entry), decodeUtf8(entry.bytes)]
  } catch {
    return undefined
  }
}

function absorbErasure({ feed, feedRole, rows }: Absorber, entry: Entry, present: Stored | undefined): Absorbed {
  if (!feedRole.own && isMessages(feedRole) && isPast(epochToStamp(entry), present)) return passOver(entry, present)
  const seen: Partial<Seen> | undefined = feedRole.own ? undefined : seenIn(present)
  const stored: Stored = { kind: 'erased', epoch: entry.epoch, sequence: entry.sequence, unsent: false, registers: {}, ...seen }
  if (!feedRole.own || !isMessages(feedRole)) return { stored, rows: [] }
  const kind = rows.get('ControlEntry', messageRowId(feed, entry.key)) ? 'control' : 'message'
  return { stored, rows: [messageRow(kind, feed, entry.key, [epochToStamp(entry), null])] }
}

function messageRow(kind: 'message' | 'control', feed: FeedName, key: Key, register: Register): Row {
  return { object: kind === 'control' ? 'ControlEntry' : 'Message', id: messageRowId(feed, key), registers: { body: register } }
}

const isMessages = (feedRole: FeedRole): boolean => feedRole.kind === 'mailbox' || feedRole.topic === 'messages'

function epochToStamp({ epoch }: Pick<Entry, 'epoch'>): Stamp {
  return [epoch.version, epoch.number, highestSession]
}

function absorbDoc(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed | undefined {
  const base = present?.kind === 'doc' && !present.lost && compareEpochs(present.epoch, entry.epoch) === 0 ? present : undefined
  if (!entry.whole && !base) {
    absorber.problem(`An update in ${absorber.feed} continues a doc that this device does not have. It was left out.`)
    return undefined
  }
  const slots = absorber.feedRole.kind === 'connection' ? connectionSlots : undefined
  const joined = joinUpdate(entry.whole ? undefined : base, entry.bytes, slots)
  if (joined instanceof ProtocolError) {
    absorber.problem(`A doc in ${absorber.feed} was not accepted (${joined.code}). The last good state is kept.`)
    return undefined
  }
  const { state, changed, mostlyDead } = joined
  const before = entry.whole ? beforeWhole(absorber, present) : base?.before
  const stored: StoredDoc = {
    kind: 'doc',
    epoch: entry.epoch,
    sequence: entry.sequence,
    state,
    registers: entry.whole ? {} : (base?.registers ?? {}),
    unreadable: entry.whole ? [] : (base?.unreadable ?? []),
    deferred: false,
    mostlyDead,
    lost: false,
    ...(before && { before }),
  }
  return openDoc(absorber, entry.key, stored, changed, present && 'registers' in present ? present.registers : {})
}

function beforeWhole({ feedRole, disabledRules }: Absorber, present: Stored | undefined): Seen | undefined {
  return feedRole.own || disabledRules.has('seen-before') ? undefined : seenBefore(present)
}

/**
 * Opens a doc's slots and, in an own feed, gives them as rows. A doc of a version that this device does not know is deferred until that version arrives,
 * because its slots mean nothing yet (rule EP4). A peer's doc of an earlier version is still read; its version tells what its slots meant.
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
  if (isDeferred(feedRole, key, doc, rows)) return { stored: { ...doc, registers: feedRole.own ? {} : lastGood, deferred: true }, rows: [] }
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
  const { before: seen, ...rest } = doc
  const before = seenBeyond(seen, { version: doc.epoch.version, registers })
  return {
    stored: { ...rest, registers, unreadable: [...unreadable], deferred: false, ...(before && { before }) },
    rows: [...found.values()].map(({ address: [object, id], registers: fields }) => ({ object, id, registers: fields })),
  }
}

/**
 * Whether a doc cannot be read yet, because its version has not come. In an own feed also where its record map has not come, or where its slots no longer
 * mean what they meant under its version.
 */
export function isDeferred(feedRole: FeedRole, key: Key, doc: Pick<StoredDoc, 'epoch'>, rows: RowsView): boolean {
  if (feedRole.kind !== 'connection') return false
  const known = effectiveVersion(rows.get('Agreement', feedRole.connection))
  if (known === undefined || doc.epoch.version > known) return true
  return feedRole.own && (doc.epoch.version < known || !rows.get('RecordMap', key))
}

/**
 * Tells which slots of a peer's doc an agreement has withdrawn since the doc's version. They are hidden at once: the peer may not have replaced the doc yet,
 * or never will, because it lost the record's map with its last device.
 */
export function withdrawnFrom(feedRole: FeedRole, version: number, rows: RowsView): (slot: string) => boolean {
  if (feedRole.kind !== 'connection' || feedRole.own || feedRole.topic === 'messages') return () => false
  const fields = carriedFields(rows.get('Agreement', feedRole.connection), feedRole.topic, feedRole.side)
  return fields && version < fields.version ? (slot) => !fields.bySlot.has(slot) : () => false
}

/** The record that an own doc carries, with its field of each slot. */
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
