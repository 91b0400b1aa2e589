import type { Engine, HistoryChange, ObjectName, ObjectSchema } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'

/** How many changes show at first. */
const shownFirst = 10

export interface HistoryParts {
  readonly engine: Engine
  readonly object: ObjectName
  readonly schema: ObjectSchema
  /** Undefined while they are read. */
  readonly changes: readonly HistoryChange[] | undefined
  readonly language: string
  readonly all: boolean
  readonly locked: boolean
  toggle(open: boolean): void
  showAll(): void
  putBack(change: HistoryChange, label: string): void
}

/** What became of a record, read once somebody opens it: who changed which field when and where, from what to what, and a button that puts it back. */
export function historySection({ changes, schema, language, all, locked, toggle, showAll, putBack }: HistoryParts): TemplateResult {
  const shown = all ? changes : changes?.slice(0, shownFirst)
  return html`<details class="history" @toggle=${(event: Event) => toggle((event.target as HTMLDetailsElement).open)}>
    <summary>History</summary>
    ${changes?.length === 0 ? html`<p class="soft small">Nothing was changed since the record was made or came to this device.</p>` : nothing}
    ${changes === undefined ? html`<p class="soft small">Reading …</p>` : nothing}
    <ol class="changes">
      ${shown?.map((change) => line(change, schema, language, locked, putBack))}
    </ol>
    ${changes && shown && changes.length > shown.length ? html`<button type="button" class="quiet" @click=${showAll}>Show all ${changes.length} changes</button>` : nothing}
  </details>`
}

function line(
  change: HistoryChange,
  schema: ObjectSchema,
  language: string,
  locked: boolean,
  putBack: HistoryParts['putBack'],
): TemplateResult {
  const field = schema.fields.find(({ name }) => name === change.field)
  const label = plainText(field?.label ?? change.field, 80)
  const value = (of: HistoryChange['from']): TemplateResult =>
    of === null || of === ''
      ? html`<span class="soft">empty</span>`
      : field
        ? showValue(field, of, language, 200)
        : showText(JSON.stringify(of), 200)
  const device = change.own ? 'this device' : change.deviceName === undefined ? undefined : plainText(change.deviceName, 60)
  const where = device === undefined ? 'another device' : device
  return html`<li>
    <div>
      <strong>${label}</strong>: <span class="from">${value(change.from)}</span> <span aria-hidden="true">→</span
      ><span class="visually-hidden"> to </span>
      ${value(change.to)}
      <div class="soft small">
        ${change.personName === undefined ? 'Somebody' : plainText(change.personName, 80)} on ${where},
        <time datetime=${new Date(change.at).toISOString()}>${formatInstant(change.at, language)}</time>
      </div>
    </div>
    ${locked || !field ? nothing : html`<button type="button" class="quiet" aria-label=${`Put back ${label}`} @click=${() => putBack(change, label)}>Put back</button>`}
  </li>`
}

export const historyStyles = css`
  .history summary {
    min-height: 28px;
    cursor: pointer;
  }
  .changes {
    display: grid;
    gap: var(--gap);
    margin: var(--gap) 0;
  }
  .changes li {
    display: flex;
    flex-wrap: wrap;
    gap: 4px var(--gap);
    align-items: start;
    justify-content: space-between;
    overflow-wrap: anywhere;
  }
  .changes li > div {
    flex: 1 1 200px;
  }
  .changes .from {
    text-decoration: line-through;
  }
`
