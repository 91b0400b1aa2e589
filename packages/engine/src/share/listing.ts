import * as v from 'valibot'
import { type Key, parseKey } from '@entente/protocol'
import type { AgreedField, ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import { byName, value } from '../agree/agreement-terms.js'
import type { EngineContext } from '../context.js'
import type { Field } from '../schema/field.js'
import { instant } from '../schema/numbers.js'
import { type RecordValues, validateField } from '../schema/validate.js'
import { isValueMap, type Value } from '../schema/value.js'
import { type Register, registerOf, type Row } from '../row/row.js'
import { mapIdOfListing } from './listing-id.js'

/** One shared record, as the partner site shows it. */
export interface Listing {
  readonly id: string
  readonly object: ObjectName
  /** The record map of its export, past or future. */
  readonly map: Key
  readonly values: RecordValues
  /** The latest edit of its values, milliseconds since 1970. */
  readonly at: number
}

export const listingPrefix = 'l.'
export const listingKey = (id: string): Key => parseKey(listingPrefix + id)
export const isListingKey = (key: string): boolean => key.startsWith(listingPrefix)

/** A listing is a summary: longer texts are cut, so that it always fits into one sealed message. The export has them whole. In characters. */
const maxText = 1_000
const maxListingText = 40_000

/** Makes a record's listing: the agreed export fields and nothing else (rule SH3). */
export function recordToListing(object: ObjectName, id: string, row: Row, fields: readonly AgreedField[]): Value {
  const values: [string, Value][] = []
  let [at, room] = [0, maxListingText]
  for (const { vendor } of fields) {
    const register = registerOf(row, vendor.name)
    if (register && register[0][0] > at) at = register[0][0]
    const [shown, rest] = listed(register, room)
    room = rest
    values.push([vendor.name, shown])
  }
  return { object, id, values: Object.fromEntries(values), at }
}

/** What a listing shows of a register, and the room that is left. A field without a value is there as null, so that a listing that is frozen takes in no later one. */
function listed(register: Register | undefined, room: number): readonly [Value, number] {
  const content = register?.[1] ?? null
  if (typeof content !== 'string') return [content, room]
  const most = Math.min(maxText, room)
  const shown = content.length > most ? `${content.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}${cut}` : content
  return [shown, Math.max(0, room - shown.length * 3)]
}

const cut = '…'

/** Whether a listing may show a part of a text alone. */
export function isCut(value: Value | undefined): boolean {
  return typeof value === 'string' && value.endsWith(cut)
}

/**
 * Freezes the listing of a record that was exported: its values at the export, without fields that were withdrawn since. After an export only update fields
 * keep flowing, in the record's doc. A listing that followed every edit would let the other fields out (rule SH4). A field that was agreed later comes into it once,
 * with its value of that moment: copies can be filled in from it (rule BF1).
 */
export function freezeListing(body: Value, fields: readonly AgreedField[], row: Row): Value {
  const values = isValueMap(body) ? body['values'] : undefined
  if (!isValueMap(body) || !isValueMap(values)) return body
  const kept = fields.map(({ vendor: { name } }): [string, Value] => [
    name,
    Object.hasOwn(values, name) ? (values[name] ?? null) : listed(registerOf(row, name), maxText)[0],
  ])
  return { ...body, values: Object.fromEntries(kept) }
}

export const listingSchema = v.object({
  object: v.picklist(['Lead', 'Opportunity']),
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  values: byName(value),
  at: instant,
  /** The record map that carries one of an earlier connection on (rule RA2), where the record has one. */
  map: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/))),
})

// A site of thousands of listings is read again when one of them changes.
const listingsByBody = new WeakMap<object, { readonly agreed: string; readonly listing: Listing | undefined }>()

/** The peer's listings of an object, with the agreed fields. A value of the wrong type is left out. */
export function* readListings(context: EngineContext, connection: ConnectionFacts, object: ObjectName): Generator<Listing> {
  const read = listingReader(context, connection, object)
  for (const [key, { body }] of context.replica.inbox(connection.peerMessages)) {
    const listing = isListingKey(key) ? read(key, body) : undefined
    if (listing) yield listing
  }
}

/** One of the peer's listings of an object. */
export function readListing(context: EngineContext, connection: ConnectionFacts, object: ObjectName, id: string): Listing | undefined {
  return listingReader(context, connection, object)(`${listingPrefix}${id}`, findListing(context, connection, id))
}

function listingReader(
  { rows }: Pick<EngineContext, 'rows'>,
  connection: ConnectionFacts,
  object: ObjectName,
): (key: string, body: Value | undefined) => Listing | undefined {
  const { effective } = agreementFacts(rows.get('Agreement', connection.id))
  const fields = (effective?.objects[object]?.fields ?? []).map(({ vendor }) => vendor)
  return (key, body) => {
    if (!effective || !isValueMap(body) || body['object'] !== object) return undefined
    let known = listingsByBody.get(body)
    if (known?.agreed !== effective.hash) {
      known = { agreed: effective.hash, listing: bodyToListing(connection, body, fields) }
      listingsByBody.set(body, known)
    }
    return known.listing && listingKey(known.listing.id) === key ? known.listing : undefined
  }
}

/** One listing by its id. */
export function findListing(context: EngineContext, connection: ConnectionFacts, id: string): Value | undefined {
  return /^[A-Za-z0-9_-]{22}$/.test(id) ? context.replica.inbox(connection.peerMessages).get(listingKey(id))?.body : undefined
}

/** The record map of a listed record: the listing names it where it carries one of an earlier connection on. */
export function mapOfListing(context: EngineContext, connection: ConnectionFacts, id: string): string {
  const body = findListing(context, connection, id)
  return isValueMap(body) && typeof body['map'] === 'string' ? body['map'] : mapIdOfListing(connection, id)
}

function bodyToListing(connection: ConnectionFacts, body: Value, fields: readonly Field[]): Listing | undefined {
  const parsed = v.safeParse(listingSchema, body, { abortEarly: true })
  if (!parsed.success) return undefined
  const { id, object, at, values: listed, map } = parsed.output
  const values: [string, Value][] = []
  for (const field of fields) {
    if (!Object.hasOwn(listed, field.name) || listed[field.name] === null) continue
    const checked = validateField(field, listed[field.name])
    if (checked.ok) values.push([field.name, checked.value])
  }
  return { id, object, at, map: map === undefined ? mapIdOfListing(connection, id) : parseKey(map), values: Object.fromEntries(values) }
}
