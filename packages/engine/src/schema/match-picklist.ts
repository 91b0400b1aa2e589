import { activePicklistValues, type Field } from './field.js'

/** The counterpart of a picklist value, and how it was found. */
export interface PicklistMatch {
  readonly value: string
  readonly how: 'same' | 'label' | 'table' | 'passed through'
}

/**
 * Finds the target's counterpart of a value: by the explicit table, then the same value, then the same label without case. A target that is not restricted
 * takes the value itself. Undefined if there is none.
 *
 * The table comes first because it is a person's choice: "Open" may be meant to become "Working" though the target has an "Open" too.
 */
export function matchPicklist(
  source: Field,
  target: Field,
  value: string,
  table: Readonly<Record<string, string>> = {},
): PicklistMatch | undefined {
  const chosen = Object.hasOwn(table, value) ? table[value] : undefined
  if (chosen !== undefined) return { value: chosen, how: 'table' }
  const offered = activePicklistValues(target)
  if (offered.some((entry) => entry.value === value)) return { value, how: 'same' }
  const label = source.picklist?.find((entry) => entry.value === value)?.label ?? value
  const wanted = foldLabel(label)
  const match = offered.find((entry) => foldLabel(entry.label) === wanted)
  if (match !== undefined) return { value: match.value, how: 'label' }
  return target.type === 'picklist' && target.restricted === false ? { value, how: 'passed through' } : undefined
}

/** Labels are compared without case, accents and outer spaces. */
export function foldLabel(label: string): string {
  return label.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim()
}
