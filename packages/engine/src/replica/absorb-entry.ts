import {
  compareEpochs,
  compareStamps,
  decodeControlEntry,
  decodeHead,
  type Entry,
  type Epoch,
  existenceSlot,
  type FeedName,
  headKey,
  type Key,
  limits,
  ProtocolError,
  type SealedSlots,
  type Stamp,
} from '@entente/protocol'
import { isAbove, mergeRows, type Register, registerOf, type Row, setRegister } from '../row/row.js'
import type { Value } from '../schema/value.js'
import { generationOf } from '../seal/seal-register.js'
import { carriedFields, effectiveVersion, rowExists } from './desired-state.js'
import { isGone } from './existence.js'
import { messageRowId } from './feed-key.js'
import { bringsKeys, type FeedRole, isMessages, objectByTopic, textOf } from './feed-role.js'
import { type Joined, joinUpdate, wholeDoc } from './join-update.js'
import { type Leaf, leafOfBytes, leafOfDoc } from './leaf.js'
import { nothingAbove, sealsOf, slotsAbove } from './above.js'
import { knownOf, raise, type Told, type Withdrawn, withoutSlots } from './known.js'
import type { DisabledRule } from './replica-context.js'
import type { RowsView } from './rows-view.js'
import type { OpenedDoc } from './opened-docs.js'
import { noParts, type Opened } from './opened.js'
import type { FeedSealer } from './feed-sealer.js'
import {
  type Above,
  type Address,
  type Held,
  heldOf,
  type Known,
  registersOf,
  type Stored,
  type StoredDoc,
  type StoredErasure,
  type StoredHead,
  textOfStamps,
  unknown,
  withoutHeld,
} from './stored.js'

/** What an entry leaves: the key's new state, and the registers that an own feed brings into rows. */
export interface Absorbed {
  readonly stored: Stored
  readonly rows: readonly Row[]
  /** True where the entry was not taken. Only its sequence is noted, and that the relay's copy is another (rule AN1). */
  readonly refused: boolean
}

/** What absorbing reads. It writes nothing: the caller does, in one transaction (rule AB3). */
export interface Absorber {
  readonly feed: FeedName
  readonly feedRole: FeedRole
  readonly rows: RowsView
  readonly sealer: FeedSealer
  readonly disabledRules: ReadonlySet<DisabledRule>
  /** The generation below which seals are late (rule RT11). */
  readonly lateBelow: number
  /** Whether this device had read all of the feed when it took the present generation: what comes late then was made later, and does not count. */
  readonly isSettled: boolean
  /** Whether a head of the present generation covers what is absorbed. */
  readonly isCovered: boolean
  /** What this page knows of the doc that an entry is: it need not be opened. */
  readonly opened: (entry: Entry) => OpenedDoc | undefined
  /** Notes an entry that cannot be absorbed. It changes nothing (rules AB4, AN1). */
  readonly problem: (what: string) => void
  /** Notes that an entry was left out because it came late. */
  readonly noteLate: () => void
  /** Hears of what a team's row says that came late, whether it is held or left out. */
  readonly overhear: (parts: Iterable<Row>) => void
  /** Asks for what the store has under a key, with its bytes: without them seals that may be handed back would be lost (rule BK1). */
  readonly needBytes: (key: Key) => void
}

/** The device checks the names of slots too, and does not trust the relay to have done so (rule AB4). */
const connectionSlots: ReadonlySet<string> = new Set([
  ...Array.from({ length: limits.slotsPerTopic }, (_, slot) => String(slot)),
  existenceSlot,
])

/**
 * Absorbs one entry. A doc's bytes join the stored doc, if each value that the entry sets opens at its place; each is opened once. Entries that were absorbed
 * before change nothing.
 *
 * @param present what is stored under the key, with the doc's bytes where the entry is an update
 */
export function absorbEntry(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed | undefined {
  if (present && entry.sequence <= present.sequence) return undefined
  // What continues an entry that is held cannot be read before it. Anything else takes its place.
  const held = heldOf(present)
  if (held && entry.kind === 'doc' && !entry.whole) return hold(absorber, entry, present, held)
  const state = present && withoutHeld(present)
  switch (entry.kind) {
    case 'doc':
      return absorbDoc(absorber, entry, state)
    case 'message':
    case 'control':
      return absorbMessage(absorber, entry, entry.kind, state)
    case 'erased':
      return isMessages(absorber.feedRole) ? absorbErasedMessage(absorber, entry, state) : absorbErasedDoc(absorber, entry, state)
    case 'head':
      return absorbHead(absorber, entry, state)
  }
}

/**
 * Absorbs what was held, once its key has arrived, or else leaves it out.
 *
 * @param stored as the store has it, with the doc's bytes
 */
export function absorbHeld(absorber: Absorber, stored: Stored, held: Held, isGivenUp: boolean): Absorbed {
  let absorbed: Absorbed = { stored: { ...withoutHeld(stored), sequence: 0 }, rows: [], refused: false }
  const rows: Row[] = []
  for (const entry of held.entries) {
    absorbed = isGivenUp
      ? refuse(absorber, entry, absorbed.stored, held.late ? madeLate : 'is sealed under a key that nobody has announced')
      : (absorbEntry(absorber, entry, absorbed.stored) ?? absorbed)
    rows.push(...absorbed.rows)
  }
  return { ...absorbed, rows }
}

/** Keeps an entry whose key this device does not have, or that is late, beside what the device knows. It is neither read nor a fault (rules RT6, RT11). */
function hold(
  absorber: Absorber,
  entry: Entry,
  present: Stored | undefined,
  { generation, late = false }: Pick<Held, 'generation' | 'late'>,
): Absorbed {
  if (present?.kind === 'head') return refuse(absorber, entry, present, 'stands where only a head may')
  keepBytes(absorber, entry.key, present)
  const { sequence } = entry
  const before = heldOf(present)?.entries ?? []
  const entries = entry.kind === 'doc' && !entry.whole ? [...before, entry] : [entry]
  const held: Held = { generation, entries, leaf: leafOfHeld(absorber, entries, present), ...(late && { late }) }
  const state = present ?? { ...nothingTaken, sequence }
  return { stored: { ...state, sequence, held }, rows: [], refused: false }
}

/** The leaf of what the relay holds, though it is not read: a head covers that (rule HD3). */
function leafOfHeld({ feedRole }: Absorber, entries: readonly Entry[], present: Stored | undefined): Leaf | undefined {
  const last = entries.at(-1)
  if (!last || last.kind === 'head') return undefined
  if (last.kind !== 'doc') return leafOfBytes(last.key, last.kind, last.bytes)
  const slots = feedRole.kind === 'connection' ? connectionSlots : undefined
  let base = present?.kind === 'doc' && !present.lost ? { state: present.state, deferred: false } : undefined
  let leaf: Leaf | undefined
  for (const { key, whole, bytes } of entries) {
    if (!whole && !base) return undefined
    const joined = joinUpdate(whole ? undefined : base, bytes, slots)
    if (joined instanceof ProtocolError) return undefined
    base = { state: joined.state, deferred: false }
    leaf = leafOfDoc(key, joined.slots)
  }
  return leaf
}

/** The earliest generation of some seals, as it is stored. */
function under(seals: Iterable<Uint8Array>): { readonly generation?: number } {
  let earliest = Number.POSITIVE_INFINITY
  for (const sealed of seals) earliest = Math.min(earliest, generationOf(sealed))
  return earliest > 0 && earliest < Number.POSITIVE_INFINITY ? { generation: earliest } : {}
}

/** Whether a register is of a generation before the one that its owner seals under now, and would change something. */
function isLate(
  { feedRole, lateBelow, isCovered }: Absorber,
  sealed: Uint8Array,
  register: Register,
  known: Register | undefined,
): boolean {
  return !isCovered && feedRole.kind !== 'mailbox' && generationOf(sealed) < lateBelow && isAbove(register, known)
}

const madeLate = 'is sealed under keys that its org had changed, as a device that was removed can do'

/** What came late: held until a head covers it, or left out where it was made after the rotation (rule RT11). */
function takeLate(absorber: Absorber, entry: Entry, present: Stored | undefined, sealed: Uint8Array): Absorbed {
  const generation = generationOf(sealed)
  // Of a colleague who had not heard of a rotation on demand, the same comes again under the present keys.
  if (absorber.isSettled && absorber.sealer.isBeforeRemoval(absorber.feedRole, generation))
    return refuse(absorber, entry, present, madeLate)
  return hold(absorber, entry, present, { generation, late: true })
}

/**
 * Leaves an entry out: only its sequence is noted, and that the relay's copy is another than the stored one. So an owner publishes again, and a reader reads
 * again (rule AN1).
 */
function refuse(absorber: Absorber, entry: Entry, present: Stored | undefined, why: string, unreadable: readonly string[] = []): Absorbed {
  absorber.problem(`An entry in ${absorber.feed} ${why}. It was left out, and the last good state is kept.`)
  if (why === madeLate) absorber.noteLate()
  keepBytes(absorber, entry.key, present)
  const stored = refused(entry.sequence, present, unreadable, absorber.feedRole.own)
  return { stored: 'epoch' in stored ? { ...stored, epoch: epochToPass(absorber, entry, stored.epoch) } : stored, rows: [], refused: true }
}

/** How far the epoch of an entry that was left out may be above the present one, and still be passed. */
const mostEpochsAhead = 1_000

/**
 * The epoch above which an owner publishes anew. The relay holds that of the entry that was left out, and takes only a higher one (rule EP1). Of another version,
 * or far off, it is none that an honest relay holds (rule AN4).
 */
function epochToPass({ feedRole, rows }: Absorber, { epoch }: Entry, present: Epoch): Epoch {
  if (!feedRole.own || isMessages(feedRole)) return present
  const version = feedRole.kind === 'connection' ? effectiveVersion(rows.get('Agreement', feedRole.connection)) : 0
  const isNear = epoch.number <= (present.version === epoch.version ? present.number : 0) + mostEpochsAhead
  return epoch.version === version && isNear && compareEpochs(epoch, present) > 0 ? epoch : present
}

/** The state of a key of which no entry was taken yet. */
const nothingTaken = { ...unknown, kind: 'erased', epoch: { version: 0, number: 0 }, leaf: undefined, lost: true } as const

function refused(sequence: number, present: Stored | undefined, unreadable: readonly string[], own: boolean): Stored {
  // What was never there is no part of the feed: it has no leaf, and holds no head back.
  if (!present) return { ...nothingTaken, sequence }
  if (present.kind === 'head') return { ...present, sequence }
  return present.kind === 'doc'
    ? { ...present, sequence, ...(own && { state: new Uint8Array() }), unreadable, lost: true }
    : { ...present, sequence, lost: true }
}

/** What a peer's key held stays with its bytes. Of a whole entry only the head in memory is at hand. */
function keepBytes({ feedRole, needBytes }: Absorber, key: Key, present: Stored | undefined): void {
  if (feedRole.own || isMessages(feedRole)) return
  const isWithout = present?.kind === 'doc' ? present.state.length === 0 : present?.kind === 'erased' && present.exists && !present.seals
  if (isWithout) needBytes(key)
}

function absorbMessage(absorber: Absorber, entry: Entry, kind: 'message' | 'control', present: Stored | undefined): Absorbed {
  const { feed, feedRole } = absorber
  const sealed = kind === 'control' ? sealOfControlEntry(entry) : entry.bytes
  const generation = missingGeneration(absorber, sealed)
  if (generation !== undefined) return hold(absorber, entry, present, { generation })
  const register = kind === 'control' ? openControlEntry(absorber, entry) : openMessage(absorber, entry)
  if (!register) return refuse(absorber, entry, present, `is a ${kind} that does not open`)
  if (!bringsKeys(entry.key) && isLate(absorber, sealed, register, knownMessage(absorber, entry.key, present)))
    return takeLate(absorber, entry, present, sealed)
  const [stamp, body] = register
  const leaf = leafOfBytes(entry.key, kind, entry.bytes)
  if (!feedRole.own && isPast(stamp, present)) return passOver(entry, present, leaf)
  const stored: Stored = { kind, sequence: entry.sequence, body: JSON.stringify(body), stamp, leaf, lost: false, ...under([sealed]) }
  return { stored, rows: feedRole.own ? [messageRow(kind, feed, entry.key, register)] : [], refused: false }
}

/** What this device has of a message: in an own feed its row. */
function knownMessage({ feed, feedRole, rows }: Absorber, key: Key, present: Stored | undefined): Register | undefined {
  if (feedRole.own) {
    const id = messageRowId(feed, key)
    return registerOf(rows.get('ControlEntry', id) ?? rows.get('Message', id), 'body')
  }
  if (!present || present.kind === 'head') return undefined
  return 'stamp' in present ? [present.stamp, JSON.parse(present.body) as Value] : present.exists
}

/** Whether a peer's message is older than what was seen under its key: a relay has shown it anew, or came back from a backup (rule NB4). */
function isPast(stamp: Stamp, present: Stored | undefined): present is Exclude<Stored, StoredHead> {
  if (!present || present.kind === 'head') return false
  const seen = 'stamp' in present ? present.stamp : present.exists?.[0]
  return seen !== undefined && compareStamps(stamp, seen) < 0
}

/** What was seen stays, until the relay has that or newer. Its leaf tells what the relay gave: an owner that went back itself signs just that. */
function passOver({ sequence }: Entry, present: Exclude<Stored, StoredHead>, leaf: Leaf): Absorbed {
  return { stored: { ...present, sequence, leaf, lost: true }, rows: [], refused: false }
}

/** A head is kept as it came. One that is no head, or stands at a place that it does not name, changes nothing (rule HD1). */
function absorbHead({ feed, problem }: Absorber, { key, sequence, bytes }: Entry, present: Stored | undefined): Absorbed | undefined {
  try {
    const head = decodeHead(bytes)
    if (key === headKey && head.sequence === sequence - 1 && (!present || present.kind === 'head'))
      return { stored: { kind: 'head', sequence, covers: head.sequence, token: head.token }, rows: [], refused: false }
  } catch {
    // As one that names another place.
  }
  problem(`A head in ${feed} does not stand where it says. It was left out.`)
  return undefined
}

function openMessage({ feed, feedRole, sealer }: Absorber, { key, bytes }: Entry): Register | undefined {
  return sealer.openMessage(feedRole, feed, key, bytes)
}

/** The public copy is for the relay. A device believes the seal (rule CE2). */
function openControlEntry({ feed, feedRole, sealer }: Absorber, entry: Entry): Register | undefined {
  return sealer.openControlEntry(feedRole, feed, entry.key, sealOfControlEntry(entry))
}

/** The seal of a control entry; empty bytes, which open nowhere, for bytes of another form. */
function sealOfControlEntry({ bytes }: Entry): Uint8Array {
  try {
    return decodeControlEntry(bytes).seal
  } catch {
    return new Uint8Array()
  }
}

function missingGeneration({ feedRole, sealer }: Absorber, sealed: Uint8Array): number | undefined {
  return sealer.missingGeneration(feedRole, sealed)
}

function absorbErasedMessage(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed {
  const { feed, feedRole, rows } = absorber
  const generation = missingGeneration(absorber, entry.bytes)
  if (generation !== undefined) return hold(absorber, entry, present, { generation })
  const register = openMessage(absorber, entry)
  if (register?.[1] !== null) return refuse(absorber, entry, present, 'is an erasure that does not open')
  if (isLate(absorber, entry.bytes, register, knownMessage(absorber, entry.key, present)))
    return takeLate(absorber, entry, present, entry.bytes)
  const { epoch, sequence, key, bytes } = entry
  const leaf = leafOfBytes(key, 'erased', bytes)
  if (!feedRole.own && isPast(register[0], present)) return passOver(entry, present, leaf)
  const stored: Stored = { ...unknown, kind: 'erased', epoch, sequence, exists: register, leaf, lost: false, ...under([bytes]) }
  if (!feedRole.own) return { stored, rows: [], refused: false }
  const kind = rows.get('ControlEntry', messageRowId(feed, key)) ? 'control' : 'message'
  return { stored, rows: [messageRow(kind, feed, key, register)], refused: false }
}

function messageRow(kind: 'message' | 'control', feed: FeedName, key: Key, register: Register): Row {
  return { object: kind === 'control' ? 'ControlEntry' : 'Message', id: messageRowId(feed, key), registers: { body: register } }
}

/** An erasure counts only with an existence register that opens under its epoch, and says that the doc does not exist (rule ER2). */
function absorbErasedDoc(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed {
  const { feed, feedRole, sealer, disabledRules } = absorber
  const { epoch, sequence, key, bytes } = entry
  if (feedRole.kind === 'team') return refuse(absorber, entry, present, 'erases a row, and no row is taken back')
  const generation = missingGeneration(absorber, bytes)
  if (generation !== undefined) return hold(absorber, entry, present, { generation })
  const opened = sealer.openSlot(feedRole, feed, key, existenceSlot, epoch, bytes)
  const exists = isGone(opened) ? opened : undefined
  if (!exists && !disabledRules.has('existence')) return refuse(absorber, entry, present, 'is an erasure that does not open')
  if (exists && isLate(absorber, bytes, exists, knownExistence(absorber, key, present))) return takeLate(absorber, entry, present, bytes)
  const told: Told = { version: epoch.version, registers: {}, exists: exists ?? [[0, 0, 0], false] }
  const leaf = leafOfBytes(key, 'erased', bytes)
  const known = knownAfter(absorber, knownOf(present), told, true)
  const above = standing(absorber, key, present, known, told, 'erased')
  // A copy: the entry's bytes are a part of its frame.
  const seals = feedRole.own ? undefined : { [existenceSlot]: { epoch, bytes: bytes.slice() }, ...above.seals }
  const stored: StoredErasure = {
    ...known,
    kind: 'erased',
    epoch,
    sequence,
    leaf,
    lost: false,
    ...above,
    ...(seals && { seals }),
    ...under([bytes]),
  }
  return { stored, rows: exists && feedRole.own ? [existenceRow(key, exists)] : [], refused: false }
}

/** What the org's own feed says of a record's existence goes into its record map (rule ER3). */
function existenceRow(key: Key, exists: Register): Row {
  return { object: 'RecordMap', id: key, registers: { on: exists } }
}

function absorbDoc(absorber: Absorber, entry: Entry, present: Stored | undefined): Absorbed {
  const { feedRole, disabledRules } = absorber
  const base = present?.kind === 'doc' && !present.lost && compareEpochs(present.epoch, entry.epoch) === 0 ? present : undefined
  if (!entry.whole && !base) return refuse(absorber, entry, present, 'continues a doc that this device does not have')
  const before = feedRole.own ? absorber.opened(entry) : undefined
  const slots = feedRole.kind === 'connection' ? connectionSlots : undefined
  const joined = before ? wholeDoc(before.bytes, before.slots) : joinUpdate(entry.whole ? undefined : base, entry.bytes, slots)
  if (joined instanceof ProtocolError) return refuse(absorber, entry, present, `is no doc (${joined.code})`)
  for (const sealed of joined.changed.values()) {
    const generation = missingGeneration(absorber, sealed)
    if (generation !== undefined) return hold(absorber, entry, present, { generation })
  }
  // While a doc was known as erased nothing of it was taken in, so an update that says that it exists brings all of it.
  const isRevived = isGone(base?.exists) && joined.changed.has(existenceSlot)
  const opened =
    before?.opened ??
    (feedRole.kind === 'team'
      ? openParts(absorber, entry.key, entry.epoch, joined.slots)
      : openSlots(absorber, entry.key, entry.epoch, isRevived ? joined.slots : joined.changed))
  if (opened.unreadable.length > 0 && !disabledRules.has('all-or-nothing'))
    return refuse(absorber, entry, present, 'has a value that does not open', opened.unreadable)
  if (entry.whole && !opened.exists && !disabledRules.has('existence'))
    return refuse(absorber, entry, present, 'is a doc whose existence does not open')
  const late = lateSeal(absorber, entry.key, present, opened, joined.slots)
  if (late) {
    absorber.overhear(opened.parts.values())
    return takeLate(absorber, entry, present, late)
  }
  return { ...storedDoc(absorber, entry, joined, opened, present), refused: false }
}

/** Opens a whole doc of a team's row ahead of its turn. Undefined where its turn has to show what becomes of it. */
export function openAhead({ feed, feedRole, sealer }: Pick<Absorber, 'feed' | 'feedRole' | 'sealer'>, entry: Entry): OpenedDoc | undefined {
  const { key, kind, whole, epoch, bytes } = entry
  if (feedRole.kind !== 'team' || kind !== 'doc' || !whole) return undefined
  const joined = joinUpdate(undefined, bytes, undefined)
  if (joined instanceof ProtocolError || joined.mostlyDead) return undefined
  const opened = openParts({ feed, feedRole, sealer }, key, epoch, joined.slots)
  return opened.unreadable.length > 0 ? undefined : { epoch, bytes, slots: joined.slots, opened }
}

/** The seal of a doc's register that is late, if there is one. */
function lateSeal(absorber: Absorber, key: Key, present: Stored | undefined, opened: Opened, slots: SealedSlots): Uint8Array | undefined {
  if (absorber.lateBelow === 0 || absorber.isCovered) return undefined
  const known = knownOf(present)
  const registers = absorber.feedRole.own ? {} : registersOf(known)
  for (const [slot, sealed] of slots) {
    const part = opened.parts.get(slot)
    if (part && Object.keys(part.registers).some((field) => isLatePart(absorber, sealed, part, field))) return sealed
    const register = part ? undefined : slot === existenceSlot ? opened.exists : opened.registers[slot]
    if (!register) continue
    const seen = absorber.feedRole.own ? ownRegister(absorber, key, slot) : slot === existenceSlot ? known.exists : registers[slot]
    if (isLate(absorber, sealed, register, seen)) return sealed
  }
  return undefined
}

function isLatePart(absorber: Absorber, sealed: Uint8Array, part: Row, field: string): boolean {
  const register = registerOf(part, field)
  return register !== undefined && isLate(absorber, sealed, register, registerOf(absorber.rows.get(part.object, part.id), field))
}

/** What the rows hold of a slot of an own doc. */
function ownRegister(absorber: Absorber, key: Key, slot: string): Register | undefined {
  const { feedRole, rows } = absorber
  if (feedRole.kind !== 'connection') return undefined
  if (slot === existenceSlot) return knownExistence(absorber, key, undefined)
  const record = carriedRecord(feedRole, key, rows)
  const field = record?.bySlot.get(slot)
  return record && field !== undefined ? registerOf(rows.get(record.address[0], record.address[1]), field) : undefined
}

function knownExistence({ feedRole, rows }: Absorber, key: Key, present: Stored | undefined): Register | undefined {
  return feedRole.own ? registerOf(rows.get('RecordMap', key), 'on') : knownOf(present).exists
}

function openSlots({ feed, feedRole, sealer }: Absorber, key: Key, epoch: Epoch, changed: SealedSlots): Opened {
  const registers: Record<string, Register> = {}
  const unreadable: string[] = []
  let exists: Register | undefined
  for (const [slot, sealed] of changed) {
    const register = sealer.openSlot(feedRole, feed, key, slot, epoch, sealed)
    if (!register || (slot === existenceSlot && register[1] !== true)) unreadable.push(slot)
    else if (slot === existenceSlot) exists = register
    else setRegister(registers, slot, register)
  }
  return { registers, exists, unreadable, parts: noParts }
}

/** Opens a team's row. All of its parts are opened each time, so that what is known of the relay's copy is what stands there. */
function openParts(
  { feed, feedRole, sealer }: Pick<Absorber, 'feed' | 'feedRole' | 'sealer'>,
  key: Key,
  epoch: Epoch,
  slots: SealedSlots,
): Opened {
  const parts = new Map<string, Row>()
  const unreadable: string[] = []
  let row: Row | undefined
  for (const [slot, sealed] of slots) {
    const part = sealer.openPart(feedRole, feed, key, slot, epoch, sealed)
    if (!part) unreadable.push(slot)
    else {
      parts.set(slot, part)
      row = mergeRows(row, part)
    }
  }
  return { registers: row?.registers ?? {}, exists: row && rowExists, unreadable, parts }
}

/**
 * Opens again a doc that was deferred and can be read now.
 *
 * @param slots all of the doc
 */
export function readDeferred(absorber: Absorber, key: Key, doc: StoredDoc, slots: SealedSlots): Omit<Absorbed, 'refused'> {
  const { epoch, sequence, state, mostlyDead } = doc
  const opened = (absorber.feedRole.kind === 'team' ? openParts : openSlots)(absorber, key, epoch, slots)
  return storedDoc(absorber, { key, epoch, sequence, whole: true }, { state, slots, mostlyDead }, opened, doc)
}

/**
 * The doc with what an entry brought and, in an own feed, its registers as rows. A doc of a version that this device does not know is deferred until that version
 * arrives, because its slots mean nothing yet (rule EP4). A peer's doc of an earlier version is still read; its version tells what its slots meant.
 */
function storedDoc(
  absorber: Absorber,
  { key, epoch, sequence, whole }: Pick<Entry, 'key' | 'epoch' | 'sequence' | 'whole'>,
  { state, slots, mostlyDead }: Pick<Joined, 'state' | 'slots' | 'mostlyDead'>,
  opened: Opened,
  present: Stored | undefined,
): Omit<Absorbed, 'refused'> {
  const { feedRole, rows } = absorber
  const deferred = isDeferred(feedRole, key, { epoch }, rows)
  // Of a team's row all parts were opened.
  const isAll = whole || feedRole.kind === 'team'
  const before = isAll && feedRole.own ? unknown : knownOf(present)
  const told: Told = { version: epoch.version, registers: opened.registers, exists: opened.exists }
  const known = deferred && !feedRole.own ? before : knownAfter(absorber, before, told, isAll)
  const stored: StoredDoc = {
    ...(deferred && feedRole.own ? { ...known, registers: noStamps } : known),
    kind: 'doc',
    epoch,
    sequence,
    ...(!deferred && feedRole.own && feedRole.kind === 'connection' && cameBefore(present, told)),
    state,
    unreadable: opened.unreadable,
    deferred,
    mostlyDead,
    leaf: leafOfDoc(key, slots),
    lost: false,
    ...under(slots.values()),
    ...(!deferred && standing(absorber, key, present, known, told, whole ? 'whole' : 'update')),
  }
  return { stored, rows: deferred || !feedRole.own ? [] : ownRows(absorber, key, opened) }
}

/** The slots of an own doc that an entry leaves as they were, and by which entry each came. */
function cameBefore(present: Stored | undefined, { version, registers }: Told): Pick<StoredDoc, 'since'> | undefined {
  if (present?.kind !== 'doc' || present.version !== version) return undefined
  const since: Record<string, number> = {}
  for (const [slot, [stamp]] of Object.entries(registersOf(present))) {
    const told = registers[slot]
    if (!told || compareStamps(told[0], stamp) === 0) since[slot] = present.since?.[slot] ?? present.sequence
  }
  return { since }
}

/** What of a peer's doc stands above the relay's copy after an entry. */
function standing(
  { feedRole, needBytes }: Absorber,
  key: Key,
  present: Stored | undefined,
  known: Known,
  told: Told,
  by: 'whole' | 'update' | 'erased',
): Above {
  if (feedRole.own || !present || !('registers' in present)) return nothingAbove
  const slots = slotsAbove(present, known, told, by)
  if (slots.length === 0) return nothingAbove
  const seals = sealsOf(present, slots)
  const found = Object.keys(seals)
  if (found.length < slots.length) needBytes(key)
  return found.length === 0 ? nothingAbove : { above: found, seals }
}

const noStamps = textOfStamps({})

/** In an own feed a device knows what the relay has. In a peer's, nothing of what it saw goes back. */
function knownAfter({ feedRole, rows, disabledRules }: Absorber, known: Known, told: Told, whole: boolean): Known {
  if (feedRole.own || disabledRules.has('never-back')) {
    const registers = whole && !isGone(told.exists) ? told.registers : { ...registersOf(known), ...told.registers }
    return {
      version: told.version,
      floor: told.version,
      registers: !feedRole.own ? registers : isGone(told.exists) ? noStamps : textOfStamps(registers),
      exists: told.exists ?? known.exists,
    }
  }
  return withoutSlots(raise(known, told), (version) => withdrawnFrom(feedRole, version, rows))
}

function ownRows({ feedRole, rows }: Absorber, key: Key, { registers, exists, parts }: Opened): readonly Row[] {
  const [part] = parts.values()
  if (part) return [{ object: part.object, id: part.id, registers }]
  if (feedRole.kind !== 'connection') return []
  const record = carriedRecord(feedRole, key, rows)
  const fields: Record<string, Register> = {}
  for (const slot of Object.keys(registers)) {
    const [field, register] = [record?.bySlot.get(slot), registers[slot]]
    if (field !== undefined && register) setRegister(fields, field, register)
  }
  const found: Row[] = exists ? [existenceRow(key, exists)] : []
  if (record && Object.keys(fields).length > 0) found.push({ object: record.address[0], id: record.address[1], registers: fields })
  return found
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
 * Tells which slots of a peer's doc are not agreed any more: a later version leaves them out, or either side has withdrawn them. They are hidden at once: the peer may not have
 * replaced the doc yet, or never will, because it lost the record's map with its last device.
 */
export function withdrawnFrom(feedRole: FeedRole, version: number, rows: RowsView): ReturnType<Withdrawn> {
  if (feedRole.kind !== 'connection' || feedRole.own || feedRole.topic === 'messages') return undefined
  const fields = carriedFields(rows.get('Agreement', feedRole.connection), feedRole.topic, feedRole.side)
  return fields && version <= fields.version ? (slot) => !fields.bySlot.has(slot) : undefined
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
