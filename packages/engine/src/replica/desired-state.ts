import { compareStamps, isStamp, type Side, type Stamp, zeroStamp } from '@entente/protocol'
import { isValueMap, type Value } from '../schema/value.js'
import { decides } from '../row/deciding.js'
import { type Register, registerOf, type Row, setRegister, valueOf } from '../row/row.js'
import { type EndWord, isBegun, isGone } from './existence.js'
import { type FeedRole, isHeld, isMessage, isOver, objectByTopic, type ObjectTopic, textOf } from './feed-role.js'
import type { DecidingRows } from './deciding-rows.js'
import type { RowsView } from './rows-view.js'
import type { Address } from './stored.js'

/** What the relay should hold under one key of an own feed. */
export type DesiredState =
  /** Nothing is required: what the relay holds may stay. */
  | { readonly kind: 'nothing' }
  /** `register` is the one that the erasure seals: the existence of a doc's record, or the null of a message. */
  | { readonly kind: 'erased'; readonly version: number; readonly register: Register }
  | { readonly kind: 'message' | 'control'; readonly register: Register }
  /**
   * Of a team's doc, `registers` are those of the row by field, and of any other those of the record by slot. `begun` is false for an imported copy that nobody has
   * edited: its first edit begins its doc (rule DF4).
   */
  | {
      readonly kind: 'doc'
      readonly version: number
      readonly registers: Readonly<Record<string, Register>>
      readonly exists: Register
      readonly begun: boolean
      /** The slots that the relay's copy may have; undefined for a team's doc. */
      readonly slots: ReadonlyMap<string, string> | undefined
      /** The row of a team's doc. */
      readonly address?: Address
    }

const nothing: DesiredState = { kind: 'nothing' }

/** What the relay should hold under the feed key of a row, by the rows as `rows` shows them. */
export function desiredStateAt(feedRole: FeedRole, [object, id]: Address, rows: RowsView, deciding?: DecidingRows): DesiredState {
  const row = rows.get(object, id)
  if (isMessage(object)) return desiredMessage(row)
  if (feedRole.kind === 'team') return row ? desiredTeamRow(row, decides(object, id) ? deciding : undefined) : nothing
  return feedRole.kind === 'connection' && feedRole.topic !== 'messages' ? desiredDoc(row, feedRole.side, feedRole.topic, rows) : nothing
}

function desiredMessage(row: Row | undefined): DesiredState {
  const register = registerOf(row, 'body')
  if (!row || !register) return nothing
  if (register[1] === null) return { kind: 'erased', version: 0, register }
  return { kind: row.object === 'ControlEntry' ? 'control' : 'message', register }
}

/** @param deciding says which registers are carried; undefined for a row that does not decide */
function desiredTeamRow(row: Row, deciding: DecidingRows | undefined): DesiredState {
  let { registers } = row
  if (deciding) {
    const carried: Record<string, Register> = {}
    for (const field of Object.keys(registers)) {
      const register = registerOf(row, field)
      if (register && deciding.carries(register)) setRegister(carried, field, register)
    }
    registers = carried
  }
  return { kind: 'doc', version: 0, registers, exists: rowExists, begun: true, slots: undefined, address: [row.object, row.id] }
}

/** The doc of a record map: the agreed update fields of its record, from the own side. */
function desiredDoc(map: Row | undefined, side: Side, topic: ObjectTopic, rows: RowsView): DesiredState {
  const [connection, record] = [textOf(map, 'connection'), textOf(map, 'record')]
  if (!map || !connection || !record || valueOf(map, 'object') !== objectByTopic[topic]) return nothing
  const on = registerOf(map, 'on')
  if (!on || !isBegun(map)) return nothing
  const fields = carriedFields(rows.get('Agreement', connection), topic, side)
  const row = rows.get(objectByTopic[topic], record)
  const exists = existenceOf(on, row, rows.get('Connection', connection))
  if (isGone(exists)) return { kind: 'erased', version: fields?.version ?? 0, register: exists }
  // While the connection pauses, or its object is switched off, what the relay holds may stay.
  if (!fields || isHeld(rows.get('Connection', connection), topic)) return nothing
  const imported = valueOf(map, 'importStamp')
  let begun = side === 'vendor' || valueOf(map, 'atOnce') === true || !isStamp(imported)
  const registers: Record<string, Register> = {}
  for (const [slot, field] of fields.bySlot) {
    const register = registerOf(row, field)
    if (!register) continue
    registers[slot] = register
    if (isStamp(imported) && compareStamps(register[0], imported) !== 0) begun = true
  }
  return { kind: 'doc', version: fields.version, registers, exists, begun, slots: fields.bySlot }
}

/** Rows of a team are never taken back, so their docs need no existence register (rule TM2). */
export const rowExists: Register = [zeroStamp, true]

/**
 * Whether a record is shared, and why not (rule ER2). The record map says so, unless the record was deleted or converted, or the connection has ended: each of them
 * takes it back, with a stamp above the map's.
 */
export function existenceOf(on: Register, row: Row | undefined, connection: Row | undefined): Register {
  if (isGone(on)) return on
  const [deleted, converted] = [registerOf(row, '_deleted'), registerOf(row, '_converted')]
  const ends: (readonly [EndWord, Register | undefined])[] = []
  if (deleted?.[1] === true) ends.push(['deleted', deleted])
  if (typeof converted?.[1] === 'string') ends.push(['converted', converted])
  if (isOver(connection)) for (const field of ['state', 'verified']) ends.push(['ended', registerOf(connection, field)])
  const [first] = ends
  if (!first) return on
  const [[time, counter, session]] = on
  let highest: Stamp = [time, counter + 1, session]
  for (const [, end] of ends) if (end && compareStamps(end[0], highest) > 0) highest = end[0]
  return [highest, first[0]]
}

interface CarriedFields {
  readonly version: number
  /** The own field of each slot that neither side has withdrawn. An object that the agreement does not name has none, so its docs are emptied. */
  readonly bySlot: ReadonlyMap<string, string>
}

// An agreement is read for each doc and changes a few times a year.
const fieldsByAgreement = new WeakMap<Row, Map<string, CarriedFields | undefined>>()

/** Which fields of an object travel from this side under the effective agreement; undefined while there is none. */
export function carriedFields(agreement: Row | undefined, topic: ObjectTopic, side: Side): CarriedFields | undefined {
  if (!agreement) return undefined
  let known = fieldsByAgreement.get(agreement)
  if (!known) fieldsByAgreement.set(agreement, (known = new Map()))
  const name = `${topic} ${side}`
  if (!known.has(name)) known.set(name, readCarriedFields(agreement, topic, side))
  return known.get(name)
}

function readCarriedFields(agreement: Row, topic: ObjectTopic, side: Side): CarriedFields | undefined {
  const effective = valueOf(agreement, 'effective')
  if (!isValueMap(effective) || typeof effective['version'] !== 'number') return undefined
  const isWithdrawn = withdrawnFrom(agreement, effective['version'], topic)
  const bySlot = new Map<string, string>()
  const objects = effective['objects']
  const object = isValueMap(objects) ? objects[objectByTopic[topic]] : undefined
  const fields: Value | undefined = isValueMap(object) ? object['fields'] : undefined
  for (const line of Array.isArray(fields) ? (fields as readonly Value[]) : []) {
    if (!isValueMap(line)) continue
    const [slot, field, vendor] = [line['slot'], line[side], line['vendor']]
    if (typeof slot !== 'string' || !isValueMap(field) || typeof field['name'] !== 'string') continue
    if (!isWithdrawn(slot, isValueMap(vendor) ? vendor['name'] : undefined)) bySlot.set(slot, field['name'])
  }
  return { version: effective['version'], bySlot }
}

/** The register of an Agreement row that says what the peer has withdrawn, as `WithdrawalTerms`. */
export const peerWithdrawal = 'peerWithdrawn'

/** The same of this org. Each device has a register of its own, so that of two admins who withdraw at once neither undoes the other's. */
export const ownWithdrawal = (device: string): string => `withdrawn.${device}`

/** The registers of the own org's withdrawals. */
export function ownWithdrawals(agreement: Row): readonly string[] {
  return Object.keys(agreement.registers).filter((register) => register.startsWith(ownWithdrawal('')))
}

/** Tells by its slot and the vendor's name whether either side has withdrawn a field from a version (rules WD2 and WD4). */
function withdrawnFrom(agreement: Row, version: number, topic: ObjectTopic): (slot: string, name: Value | undefined) => boolean {
  const slots = new Set<Value>()
  const names = new Set<Value>()
  for (const register of [peerWithdrawal, ...ownWithdrawals(agreement)]) {
    const terms = valueOf(agreement, register)
    if (!isValueMap(terms)) continue
    const [present, later] = [ofTopic(terms['slots'], topic), ofTopic(terms['later'], topic)]
    if (terms['version'] === version && Array.isArray(present)) for (const slot of present as readonly Value[]) slots.add(slot)
    if (isValueMap(later))
      for (const [name, last] of Object.entries(later)) if (typeof last === 'number' && last >= version) names.add(name)
  }
  return (slot, name) => slots.has(slot) || (name !== undefined && names.has(name))
}

function ofTopic(byObject: Value | undefined, topic: string): Value | undefined {
  return isValueMap(byObject) && topic in objectByTopic ? byObject[objectByTopic[topic as ObjectTopic]] : undefined
}

/** When a side last withdrew a slot of a topic from the version in force: milliseconds since 1970 by its device. 0 where none did. */
export function withdrawnAt(agreement: Row | undefined, topic: string): number {
  const version = effectiveVersion(agreement)
  let last = 0
  for (const register of agreement ? [peerWithdrawal, ...ownWithdrawals(agreement)] : []) {
    const terms = valueOf(agreement, register)
    if (!isValueMap(terms)) continue
    const isNamed =
      (terms['version'] === version && Array.isArray(ofTopic(terms['slots'], topic))) || isValueMap(ofTopic(terms['later'], topic))
    const at = terms['at']
    if (isNamed && typeof at === 'number') last = Math.max(last, at)
  }
  return last
}

/** The version of a connection's effective agreement, if there is one. */
export function effectiveVersion(agreement: Row | undefined): number | undefined {
  return carriedFields(agreement, 'lead', 'vendor')?.version
}
