import { type ConnectionId, type FeedName, feedName, otherSide, parseKey, type Side } from '@entente/protocol'
import type { AgreedField, MirrorField, MirrorView, ObjectName, SignedState } from '../api/index.js'
import { validateField } from '../schema/validate.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { registerOf, type Row, valueOf } from '../row/row.js'

/** The peer's feed with the docs of an object. */
export function mirrorFeed(connection: ConnectionId, side: Side, object: ObjectName): FeedName {
  return feedName({ kind: 'connection', connection, side: otherSide(side), topic: object === 'Lead' ? 'lead' : 'opportunity' })
}

/** The parts of a mirror. */
export interface MirrorSource {
  readonly map: Row
  readonly connection: ConnectionId
  readonly side: Side
  readonly enabled: boolean
  readonly peerName: string
  readonly object: ObjectName
  readonly fields: readonly AgreedField[]
  /** The slot of one of the peer's fields in docs of a version. */
  readonly slotOf: (version: number, field: string) => string | undefined
  readonly doc: PeerDoc | undefined
  readonly signed: SignedState
}

/**
 * The mirror of one record map: exactly the peer's doc, read through the agreement. Undefined where there is none yet: the vendor's begins with the partner's
 * first edit, the partner's with the import.
 */
export function mirrorView({
  map,
  connection,
  side,
  enabled,
  peerName,
  object,
  fields,
  slotOf,
  doc,
  signed,
}: MirrorSource): MirrorView | undefined {
  if (!doc && (side === 'vendor' || valueOf(map, 'on') !== true)) return undefined
  const shown = fields.map((agreed) => {
    const field = side === 'vendor' ? agreed.partner : agreed.vendor
    // A doc of another version is read by that version's slots. A field that no longer flows stays hidden.
    const slot = agreed.slot === undefined || !doc ? agreed.slot : slotOf(doc.version, field.name)
    return mirrorField(field, slot, doc)
  })
  const times = shown.map(({ changedAt }) => changedAt).filter((time) => time !== undefined)
  const isLive = enabled && valueOf(map, 'on') === true && doc?.kind === 'doc'
  return {
    id: parseKey(map.id),
    connection,
    object,
    peerName,
    state: !doc ? 'waiting' : isLive ? 'live' : 'frozen',
    fields: shown,
    changedAt: times.length > 0 ? Math.max(...times) : undefined,
    signed,
  }
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
