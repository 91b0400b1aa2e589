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
import { registerOf, type Row } from '../row/row.js'
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
    if (!register) continue
    const [[time], content] = register
    if (time > at) at = time
    const shown =
      typeof content === 'string' && content.length > Math.min(maxText, room)
        ? `${content.slice(0, Math.min(maxText, room)).replace(/[\uD800-\uDBFF]$/, '')}…`
        : content
    if (typeof shown === 'string') room = Math.max(0, room - shown.length * 3)
    values.push([vendor.name, shown])
  }
  return { object, id, values: Object.fromEntries(values), at }
}

/**
 * Freezes the listing of a record that was exported: its values at the export, without fields that were withdrawn since. After an export only update fields
 * keep flowing, in the record's doc. A listing that followed every edit would let the other fields out (rule SH4).
 */
export function freezeListing(body: Value, fields: readonly AgreedField[]): Value {
  const values = isValueMap(body) ? body['values'] : undefined
  if (!isValueMap(body) || !isValueMap(values)) return body
  const names = new Set(fields.map(({ vendor }) => vendor.name))
  return { ...body, values: Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name))) }
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
  const { effective } = agreementFacts(context.rows.get('Agreement', connection.id))
  if (!effective) return
  const fields = (effective.objects[object]?.fields ?? []).map(({ vendor }) => vendor)
  for (const [key, { body }] of context.replica.inbox(connection.peerMessages)) {
    if (!isListingKey(key) || !isValueMap(body) || body['object'] !== object) continue
    let known = listingsByBody.get(body)
    if (known?.agreed !== effective.hash) {
      known = { agreed: effective.hash, listing: bodyToListing(connection, body, fields) }
      listingsByBody.set(body, known)
    }
    if (known.listing && listingKey(known.listing.id) === key) yield known.listing
  }
}

/** One listing by its id. */
export function findListing(context: EngineContext, connection: ConnectionFacts, id: string): Value | undefined {
  return /^[A-Za-z0-9_-]{22}$/.test(id) ? context.replica.inbox(connection.peerMessages).get(listingKey(id))?.body : undefined
}

function bodyToListing(connection: ConnectionFacts, body: Value, fields: readonly Field[]): Listing | undefined {
  const parsed = v.safeParse(listingSchema, body, { abortEarly: true })
  if (!parsed.success) return undefined
  const { id, object, at, values: listed, map } = parsed.output
  const values: [string, Value][] = []
  for (const field of fields) {
    if (!Object.hasOwn(listed, field.name)) continue
    const checked = validateField(field, listed[field.name])
    if (checked.ok) values.push([field.name, checked.value])
  }
  return { id, object, at, map: map === undefined ? mapIdOfListing(connection, id) : parseKey(map), values: Object.fromEntries(values) }
}
