import type { Field, Value } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { formatValue } from './format.js'
import { showText } from './show-text.js'

/** Shows a record's value as text. Web addresses stay text too: a value from another org never becomes a link. */
export function showValue(field: Field, value: Value | undefined, language: string, most?: number): TemplateResult {
  const text = formatValue(field, value, language)
  return text === '' ? html`<span class="soft" aria-label="empty">–</span>` : showText(text, most)
}

/** Numbers are right-aligned, so that their digits line up. */
export function isNumeric(field: Field): boolean {
  return field.type === 'number' || field.type === 'percent' || field.type === 'currency'
}
