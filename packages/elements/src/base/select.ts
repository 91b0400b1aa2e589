import { html, type TemplateResult } from 'lit'
import { plainText } from '../value/show-text.js'
import { typed } from './typed.js'

/** A select of plain texts. */
export function select(
  label: string,
  value: string,
  options: readonly (readonly [string, string])[],
  change: (value: string) => void,
): TemplateResult {
  return html`<select aria-label=${plainText(label, 120)} @change=${(event: Event) => change(typed(event))}>
    ${options.map(([name, text]) => html`<option value=${name} ?selected=${name === value}>${plainText(text, 80)}</option>`)}
  </select>`
}
