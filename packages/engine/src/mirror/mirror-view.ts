import { type ConnectionId, type FeedName, feedName, otherSide, type Side } from '@entente/protocol'
import type { AgreedField, MirrorField, ObjectName } from '../api/index.js'
import { validateField } from '../schema/validate.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { registerOf } from '../row/row.js'

/** The peer's feed with the docs of an object. */
export function mirrorFeed(connection: ConnectionId, side: Side, object: ObjectName): FeedName {
  return feedName({ kind: 'connection', connection, side: otherSide(side), topic: object === 'Lead' ? 'lead' : 'opportunity' })
}

/** What the fields of a mirror are read from. */
export interface MirrorSource {
  readonly side: Side
  readonly fields: readonly AgreedField[]
  /** The slot of one of the peer's fields in docs of a version. */
  readonly slotOf: (version: number, field: string) => string | undefined
  readonly doc: PeerDoc | undefined
}

/** The fields of a mirror: exactly the peer's doc, read through the agreement. */
export function mirrorFields({ side, fields, slotOf, doc }: MirrorSource): readonly MirrorField[] {
  return fields.map((agreed) => {
    const field = side === 'vendor' ? agreed.partner : agreed.vendor
    // A doc of another version is read by that version's slots. A field that no longer flows stays hidden.
    const slot = agreed.slot === undefined || !doc ? agreed.slot : slotOf(doc.version, field.name)
    return mirrorField(field, slot, doc)
  })
}

/** A field without slot does not keep flowing: it is "not shared", never blank. A value that does not open or has another type is "unreadable". */
function mirrorField(field: AgreedField['vendor'], slot: string | undefined, doc: PeerDoc | undefined): MirrorField {
  const base = { label: field.label, name: field.name, field }
  if (slot === undefined) return { ...base, state: 'not shared', value: null, changedAt: undefined }
  const register = doc && registerOf({ object: '', id: '', registers: doc.registers }, slot)
  const changedAt = register?.[0][0]
  const isQuarantined = doc?.unreadable.includes(slot) === true
  if (isQuarantined && !register) return { ...base, state: 'unreadable', value: null, changedAt }
  const checked = validateField(field, register?.[1] ?? null)
  if (!checked.ok) return { ...base, state: 'unreadable', value: null, changedAt }
  return { ...base, state: isQuarantined ? 'unreadable' : 'value', value: checked.value, changedAt }
}
