import { otherSide, type Side } from '@entente/protocol'
import type { AgreedField, MirrorField, ObjectName } from '../api/index.js'
import { agreementFacts, slotOf } from '../agree/agreement-row.js'
import { isAlike } from './alike.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { type Register, registerOf, type Row, valueOf } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
import { validateField } from '../schema/validate.js'

/** How the docs of a peer are read: the agreed fields, and where each stands in a doc. */
export interface PeerTerms {
  readonly side: Side
  readonly fields: readonly AgreedField[]
  /** The slot of one of the peer's fields in docs of a version. */
  readonly slotOf: (version: number, field: string) => string | undefined
}

/** One agreed field as a peer's doc has it. */
export interface PeerField {
  readonly agreed: AgreedField
  readonly shown: MirrorField
  /** What the doc holds, under the stamp of the peer's edit. */
  readonly register: Register | undefined
}

/** What both sides agreed on for one object of a connection. A field that was withdrawn stays, as one that is not shared. */
export function peerTerms(rows: RowReader, { id, side }: Pick<ConnectionFacts, 'id' | 'side'>, object: ObjectName): PeerTerms {
  const agreement = rows.get('Agreement', id)
  const { signed, effective } = agreementFacts(agreement)
  const flowing = new Set((effective?.objects[object]?.fields ?? []).map(({ slot }) => slot))
  return {
    side,
    fields: (signed?.objects[object]?.fields ?? []).map((field) => (flowing.has(field.slot) ? field : { ...field, slot: undefined })),
    slotOf: (version, field) => slotOf(agreement, version, object, otherSide(side), field),
  }
}

/** A peer's doc field by field, beside the own record's values. */
export function peerFields(
  { side, fields, slotOf: slotIn }: PeerTerms,
  doc: PeerDoc | undefined,
  record: Row | undefined,
): readonly PeerField[] {
  const registers = { object: '', id: '', registers: doc?.registers ?? {} }
  return fields.map((agreed) => {
    const [field, own] = side === 'vendor' ? [agreed.partner, agreed.vendor] : [agreed.vendor, agreed.partner]
    // A doc of another version is read by that version's slots. A field that no longer flows stays hidden.
    const slot = agreed.slot === undefined || !doc ? agreed.slot : slotIn(doc.version, field.name)
    const register = slot === undefined ? undefined : registerOf(registers, slot)
    const read = readRegister(field, slot, doc, register)
    const ours = valueOf(record, own.name) ?? null
    const [atVendor, atPartner] = side === 'vendor' ? [ours, read.value] : [read.value, ours]
    const differs = read.state === 'value' && doc !== undefined && record !== undefined && !isAlike(agreed, atVendor, atPartner)
    return { agreed, register, shown: { label: field.label, name: field.name, field, ...read, changedAt: register?.[0][0], own, differs } }
  })
}

/** A field without slot does not keep flowing: it is "not shared", never blank. A value that does not open or has another type is "unreadable". */
function readRegister(
  field: AgreedField['vendor'],
  slot: string | undefined,
  doc: PeerDoc | undefined,
  register: Register | undefined,
): Pick<MirrorField, 'state' | 'value'> {
  if (slot === undefined) return { state: 'not shared', value: null }
  const isQuarantined = doc?.unreadable.includes(slot) === true
  if (isQuarantined && !register) return { state: 'unreadable', value: null }
  const checked = validateField(field, register?.[1] ?? null)
  if (!checked.ok) return { state: 'unreadable', value: null }
  return { state: isQuarantined ? 'unreadable' : 'value', value: checked.value }
}
