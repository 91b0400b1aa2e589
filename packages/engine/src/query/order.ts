import { compareDecimals } from '../schema/decimal.js'
import type { Field } from '../schema/field.js'
import { isValueMap, scalarToText, type Value } from '../schema/value.js'

/**
 * Compares two stored, non-empty values of one field, for sorting: negative, zero or positive.
 *
 * Numbers compare exactly. Amounts compare by number, then by code. Picklist values follow their list, false comes before true, texts sort as people sort
 * them, and dates, times and instants sort by time.
 */
export function compareValues(field: Field, left: Value, right: Value): number {
  switch (field.type) {
    case 'number':
    case 'percent':
      return compareDecimals(scalarToText(left), scalarToText(right))
    case 'currency':
      return compareDecimals(amountOf(left), amountOf(right)) || compareTexts(codeOf(left), codeOf(right))
    case 'picklist':
      return picklistPlace(field, left) - picklistPlace(field, right) || compareTexts(scalarToText(left), scalarToText(right))
    case 'checkbox':
      return Number(left === true) - Number(right === true)
    case 'date':
    case 'dateTime':
    case 'time':
      return compareTexts(scalarToText(left), scalarToText(right))
    default:
      return collator.compare(scalarToText(left), scalarToText(right)) || compareTexts(scalarToText(left), scalarToText(right))
  }
}

/** The exact amount of a currency value, "0" for what is none. */
export function amountOf(value: Value): string {
  const amount = isValueMap(value) ? value['amount'] : undefined
  return typeof amount === 'string' ? amount : '0'
}

/** The currency code of a currency value, '' for what is none. */
export function codeOf(value: Value): string {
  const code = isValueMap(value) ? value['currency'] : undefined
  return typeof code === 'string' ? code : ''
}

// One fixed language: two devices of one org must list records in the same order.
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function picklistPlace(field: Field, value: Value): number {
  const place = field.picklist?.findIndex((entry) => entry.value === value) ?? -1
  return place < 0 ? Number.MAX_SAFE_INTEGER : place
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
