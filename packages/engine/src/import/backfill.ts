import { compareStamps, feedName, isStamp, type Key, parseKey } from '@entente/protocol'
import type { AgreedField, AgreementsApi, Gap, ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { conversionLines } from '../agree/mapping-lines.js'
import { connectionFacts, type ConnectionFacts, requireConnection } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { nextTurn } from '../port/clock.js'
import { isDeleted } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import type { RowEdit, RowReader } from '../row/rows.js'
import { convertRecord } from '../schema/mapping.js'
import { validateField } from '../schema/validate.js'
import { isValueMap, type Value } from '../schema/value.js'
import { findListing, isCut, readListings } from '../share/listing.js'

// An agreement that was widened reaches what was exported before: update fields by themselves, in the docs, and values of the copies where a person of the partner fills
// them in (rule BF1). A field of a copy that holds something, or that a person emptied, is never touched.

/** Copies of one transaction: few enough that the page draws in between. */
const sliceCopies = 200

interface Copy {
  readonly map: Row
  readonly row: Row
}

type Offer = { readonly state: 'ready'; readonly value: Value } | { readonly state: 'waiting' | 'none' }

export function createBackfill(context: EngineContext): Pick<AgreementsApi, 'reached' | 'gaps' | 'fillIn'> {
  const { rows, replica, clock } = context

  function copiesOf(connection: ConnectionFacts, object: ObjectName): readonly Copy[] {
    return [...replica.recordMaps.mapsOfConnection(connection.id)].flatMap((id): readonly Copy[] => {
      const map = rows.get('RecordMap', id)
      if (!map || valueOf(map, 'object') !== object || valueOf(map, 'on') !== true) return []
      const row = rows.get(object, textOf(map, 'record') ?? '')
      return row && !isDeleted(row) ? [{ map, row }] : []
    })
  }

  /** The listings by their record maps: one that carries on from an earlier connection has another listing than it began with. */
  function listingsOf(connection: ConnectionFacts, object: ObjectName): ReadonlyMap<string, string> {
    return new Map([...readListings(context, connection, object)].map(({ map, id }) => [map, id]))
  }

  /** What the vendor has for a field of a copy. */
  function offerFor(
    connection: ConnectionFacts,
    object: ObjectName,
    version: number,
    map: Row,
    { vendor, slot }: AgreedField,
    listings: ReadonlyMap<string, string>,
  ): Offer {
    let value: Value | undefined
    if (slot === undefined) {
      const body = findListing(context, connection, listings.get(map.id) ?? '')
      const values = isValueMap(body) ? body['values'] : undefined
      if (!isValueMap(values) || !Object.hasOwn(values, vendor.name)) return { state: 'waiting' }
      value = values[vendor.name]
      // A listing is a summary: a text that it cuts is not the field's value.
      if (isCut(value)) return { state: 'none' }
    } else {
      const doc = replica.peerDocs(mirrorFeed(connection.id, connection.side, object)).get(parseKey(map.id))
      if (doc?.kind !== 'doc' || doc.version < version) return { state: 'waiting' }
      value = doc.registers[slot]?.[1]
    }
    const checked = validateField(vendor, value ?? null)
    return checked.ok && checked.value !== null ? { state: 'ready', value: checked.value } : { state: 'none' }
  }

  function agreedOf(connection: ConnectionFacts, object: ObjectName) {
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    return { version: effective?.version ?? 0, fields: effective?.objects[object]?.fields ?? [] }
  }

  return {
    reached(id, object) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (!connection) return { records: 0, reached: 0 }
      const { version } = agreedOf(connection, object)
      const own = feedName({ kind: 'connection', connection: id, side: connection.side, topic: object === 'Lead' ? 'lead' : 'opportunity' })
      const peers = replica.peerDocs(mirrorFeed(id, connection.side, object))
      const isThere = (map: Key): boolean =>
        connection.side === 'vendor' ? replica.acknowledged(own, map) : (peers.get(map)?.version ?? 0) >= version
      const copies = copiesOf(connection, object)
      return { records: copies.length, reached: copies.filter(({ map }) => isThere(parseKey(map.id))).length }
    },

    gaps(id, object) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (connection?.side !== 'partner') return []
      const { version, fields } = agreedOf(connection, object)
      const copies = copiesOf(connection, object)
      const listings = listingsOf(connection, object)
      return fields.flatMap((field): readonly Gap[] => {
        const empty = copies.filter(({ map, row }) => isEmpty(row, map, field.partner.name))
        const states = empty.map(({ map }) => offerFor(connection, object, version, map, field, listings).state)
        const count = (state: Offer['state']): number => states.filter((each) => each === state).length
        const [ready, waiting] = [count('ready'), count('waiting')]
        return ready + waiting > 0 ? [{ field, copies: copies.length, ready, waiting }] : []
      })
    },

    async fillIn(id, object, names, onProgress) {
      const connection = requireConnection(rows, id, 'partner')
      let [filled, refused, done] = [0, 0, 0]
      const copies = copiesOf(connection, object)
      // Once: each is found again by its id, so one that has gone meanwhile counts as one that has not come.
      const listings = listingsOf(connection, object)
      for (let start = 0; start < copies.length; start += sliceCopies) {
        const slice = copies
          .slice(start, start + sliceCopies)
          .map(({ map, row }) => editOf(connection, object, names, map, row.id, listings))
        refused += slice.reduce((sum, each) => sum + each.refused, 0)
        const edits = slice.flatMap(({ edit }) => edit ?? [])
        const isStillEmpty = (stored: RowReader): boolean =>
          edits.every((edit) => {
            const row = stored.get(object, edit.id)
            const map = rows.get('RecordMap', textOf(row, '_importedBy') ?? '')
            return Object.keys(edit.values).every((name) => isEmpty(row, map, name))
          })
        // Where another tab has been faster, the next click fills in the rest.
        if (edits.length > 0 && (await rows.save(edits, { holds: isStillEmpty })) !== undefined) filled += edits.length
        done += slice.length
        onProgress?.(done, copies.length)
        await nextTurn(clock)
      }
      return { filled, refused }
    },
  }

  function editOf(
    connection: ConnectionFacts,
    object: ObjectName,
    names: readonly string[],
    map: Row,
    record: string,
    listings: ReadonlyMap<string, string>,
  ): { readonly edit: RowEdit | undefined; readonly refused: number } {
    const { version, fields } = agreedOf(connection, object)
    const schema = context.schema(object)
    const row = rows.get(object, record)
    const values: [string, Value][] = []
    let refused = 0
    for (const field of fields) {
      if (!names.includes(field.partner.name) || !isEmpty(row, map, field.partner.name)) continue
      const offer = offerFor(connection, object, version, map, field, listings)
      if (offer.state !== 'ready') continue
      const converted = convertRecord(
        [field.vendor],
        schema,
        conversionLines([field.mapping]),
        { [field.vendor.name]: offer.value },
        'update',
      )
      const value = converted.ok ? (converted.values[field.partner.name] ?? null) : null
      const own = schema.fields.find(({ name }) => name === field.partner.name)
      const checked = own && value !== null ? validateField(own, value) : undefined
      if (checked?.ok) values.push([field.partner.name, checked.value])
      else refused++
    }
    return { edit: values.length > 0 ? { object, id: record, values: Object.fromEntries(values) } : undefined, refused }
  }
}

/** Whether a field of a copy never held anything. One that a person emptied holds that decision. */
function isEmpty(row: Row | undefined, map: Row | undefined, name: string): boolean {
  const register = registerOf(row, name)
  if (!register) return true
  const imported = valueOf(map, 'importStamp')
  return register[1] === null && isStamp(imported) && compareStamps(register[0], imported) === 0
}
