import type { Field } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { plainText } from '../value/show-text.js'

/** The field whose values are the stages that a record goes through. */
export const pathFields: Readonly<Record<string, string>> = { Opportunity: 'StageName', Lead: 'Status' }

export const pathStyles = css`
  .path {
    display: flex;
    gap: 3px;
    overflow-x: auto;
    padding: 3px;
    margin: -3px;
    scrollbar-width: thin;
  }
  .path button,
  .path span {
    flex: 1 1 auto;
    min-height: 30px;
    padding: 3px 12px;
    border: 0;
    border-radius: 4px;
    background: var(--sunken);
    color: var(--soft);
    font-size: 0.86em;
    font-weight: 550;
    white-space: nowrap;
    text-align: center;
  }
  .path .past {
    background: var(--tint);
    color: var(--accent);
  }
  .path .now {
    background: var(--accent);
    color: var(--on-accent);
  }
  .path.theirs .past {
    background: var(--theirs-soft);
    color: var(--theirs);
  }
  .path.theirs .now {
    background: var(--theirs);
    color: light-dark(#fff, #20170c);
  }
`

/** The stages of a record as a row of steps. Without `choose` it only shows. */
export function path(
  field: Field,
  value: unknown,
  choose: ((value: string) => void) | undefined,
  tone: 'ours' | 'theirs' = 'ours',
): TemplateResult {
  const stages = (field.picklist ?? []).filter((entry) => entry.active !== false)
  const now = stages.findIndex((entry) => entry.value === value)
  if (stages.length < 2) return html``
  return html`<div class="path ${tone}" role="group" aria-label="${field.label}">
    ${stages.map((stage, index) => {
      const state = index === now ? 'now' : index < now ? 'past' : ''
      const current = index === now ? 'step' : nothing
      const label = plainText(stage.label, 60)
      return choose
        ? html`<button type="button" class=${state} aria-current=${current} @click=${() => choose(stage.value)}>${label}</button>`
        : html`<span class=${state} aria-current=${current}>${label}</span>`
    })}
  </div>`
}
