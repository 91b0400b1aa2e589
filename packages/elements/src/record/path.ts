import type { Field } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { plainText } from '../value/show-text.js'

/** The field whose values are the stages of a record. */
export const pathFields: Readonly<Record<string, string>> = { Opportunity: 'StageName', Lead: 'Status' }

export const pathStyles = css`
  .path {
    display: flex;
    gap: 3px;
    overflow: hidden;
    padding: 3px;
    margin: -3px;
  }
  .path button,
  .path span {
    display: block;
    flex: 1 1 0;
    min-width: 26px;
    min-height: 28px;
    padding: 4px 10px;
    overflow: hidden;
    border: 0;
    border-radius: 4px;
    background: var(--sunken);
    color: var(--soft);
    font-size: 0.86em;
    line-height: 20px;
    font-weight: 550;
    text-align: center;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .path .past {
    background: var(--tint);
    color: var(--accent);
  }
  .path .now {
    flex: 0 0 auto;
    background: var(--accent);
    color: var(--on-accent);
  }
  @media print {
    .path button {
      display: block !important;
    }
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

/** The stages of a record as a row of steps. Without `choose` it is read only. */
export function path(
  field: Field,
  value: unknown,
  choose: ((value: string) => void) | undefined,
  tone: 'ours' | 'theirs' = 'ours',
): TemplateResult {
  const stages = (field.picklist ?? []).filter((entry) => entry.active !== false)
  const now = stages.findIndex((entry) => entry.value === value)
  if (stages.length < 2) return html``
  return html`<div class="path ${tone}" role="group" aria-label="${plainText(field.label, 80)}">
    ${stages.map((stage, index) => {
      const state = index === now ? 'now' : index < now ? 'past' : ''
      const current = index === now ? 'step' : nothing
      const label = plainText(stage.label, 60)
      return choose
        ? html`<button type="button" title=${label} class=${state} aria-current=${current} @click=${() => choose(stage.value)}>
            ${label}
          </button>`
        : html`<span title=${label} class=${state} aria-current=${current}>${label}</span>`
    })}
  </div>`
}
