import type { AgreedField } from '../api/index.js'
import { amountOf, codeOf } from '../query/order.js'
import { convertValue } from '../schema/convert.js'
import { compareDecimals } from '../schema/decimal.js'
import type { Field } from '../schema/field.js'
import { isSameValue, scalarToText, type Value } from '../schema/value.js'

/** Whether both sides' values of an agreed field say the same: the agreed mapping brings the vendor's to the partner's. */
export function isAlike(agreed: AgreedField, atVendor: Value, atPartner: Value): boolean {
  const { vendor, partner } = agreed
  // Most values of most records are the same on both sides.
  if (atVendor === atPartner && vendor.type === partner.type && vendor.type !== 'picklist') return true
  return isSame(partner, partnersValue(agreed, atVendor), atPartner)
}

const knownByField = new WeakMap<AgreedField, Map<Value, Value>>()

/** What a value of the vendor's is at the partner. A picklist's few values are converted once. */
export function partnersValue(agreed: AgreedField, atVendor: Value): Value {
  const { vendor, partner, mapping } = agreed
  let known = vendor.type === 'picklist' ? knownByField.get(agreed) : undefined
  const before = known?.get(atVendor)
  if (before !== undefined) return before
  const converted = convertValue(vendor, partner, atVendor, mapping)
  const value = converted.ok ? converted.value : atVendor
  if (vendor.type === 'picklist' && value !== null) {
    if (!known) knownByField.set(agreed, (known = new Map()))
    known.set(atVendor, value)
  }
  return value
}

/** Whether two values of one field say the same: numbers by number, however many zeros they are written with. */
export function isSame({ type }: Field, left: Value, right: Value): boolean {
  if (isSameValue(left, right)) return true
  if (left === null || right === null) return false
  if (type === 'currency') return codeOf(left) === codeOf(right) && compareDecimals(amountOf(left), amountOf(right)) === 0
  return (type === 'number' || type === 'percent') && compareDecimals(scalarToText(left), scalarToText(right)) === 0
}
