import type { Engine, ImportView, ObjectName, UndoResult } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { formatCount, formatInstant } from '../value/format.js'
import { showText } from '../value/show-text.js'

export interface ImportActions {
  readonly engine: Engine
  readonly language: string
  /** The import whose undo the person is asked about. */
  readonly asked: string | undefined
  readonly isBusy: boolean
  readonly go: (view: ImportView) => void
  readonly ask: (id: string | undefined) => void
  readonly undo: (view: ImportView) => void
  readonly open: (object: ObjectName, record: string) => void
}

/** Imports that a reload, a crash or a person ended half-way: what is done, and what can be done now. None stays half done without a word. */
export function stoppedNotices(views: readonly ImportView[], actions: ImportActions): readonly TemplateResult[] {
  const { language, isBusy } = actions
  return views.map((view) => {
    const counts = `${formatCount(view.done, language)} of ${formatCount(view.total, language)}`
    if (view.state === 'running')
      return html`<div class="notice" role="status">
        <div>Importing ${showText(view.name, 80)}: ${counts} rows are written.</div>
      </div>`
    return html`<div class="notice warn" role="alert">
      <div>Import of ${showText(view.name, 80)} stopped at ${counts} rows.</div>
      ${
        actions.asked === view.id
          ? sure(view, actions)
          : html`<button class="primary" ?disabled=${isBusy} @click=${() => actions.go(view)}>Continue</button>
              <button ?disabled=${isBusy} @click=${() => actions.ask(view.id)}>Undo</button>`
      }
    </div>`
  })
}

/** Undoing thousands of records is asked about once more, in place. */
function sure(view: ImportView, actions: ImportActions): TemplateResult {
  return html`<span>Take back what it wrote? Records changed since, or exported, stay.</span>
    <button class="danger" ?disabled=${actions.isBusy} @click=${() => actions.undo(view)}>Undo the import</button>
    <button @click=${() => actions.ask(undefined)}>Keep</button>`
}

const states: Readonly<Record<ImportView['state'], string>> = { running: 'Running', stopped: 'Stopped', done: 'Done', undone: 'Undone' }

/** The imports of this device, the newest first. */
export function importHistory(views: readonly ImportView[], actions: ImportActions): TemplateResult | typeof nothing {
  if (views.length === 0) return nothing
  const { engine, language } = actions
  return html`<details class="history" ?open=${views.some(({ id }) => id === actions.asked)}>
    <summary>Earlier imports on this device (${formatCount(views.length, language)})</summary>
    <div class="matrix" tabindex="0" role="region" aria-label="Earlier imports">
      <table>
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">When</th>
            <th scope="col">Rows</th>
            <th scope="col">State</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${views.map(
            (view) =>
              html`<tr>
                <th scope="row">
                  ${showText(view.name, 60)}
                  <div class="soft small">${engine.records.schema(view.object).plural}</div>
                </th>
                <td>${formatInstant(view.at, language)}</td>
                <td>${rowsOf(view, language)}</td>
                <td>${states[view.state]}</td>
                <td>${rowActions(view, actions)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`
}

function rowActions(view: ImportView, actions: ImportActions): TemplateResult | typeof nothing {
  if (actions.asked === view.id) return html`<div class="stack">${sure(view, actions)}</div>`
  const undo = view.undoable
    ? html`<button ?disabled=${actions.isBusy} @click=${() => actions.ask(view.id)}>
        ${view.state === 'undone' ? 'Undo the rest' : 'Undo'}
      </button>`
    : nothing
  if (view.state !== 'stopped') return undo
  return html`<button ?disabled=${actions.isBusy} @click=${() => actions.go(view)}>Continue</button>${undo}`
}

/** How many rows an import had, and what became of them. */
export function rowsOf({ total, creates, skipped, state, done }: ImportView, language: string): string {
  const parts = [
    state === 'stopped' || state === 'running'
      ? `${formatCount(done, language)} of ${formatCount(total, language)}`
      : formatCount(total, language),
  ]
  if (creates < total) parts.push(`${formatCount(creates, language)} new, ${formatCount(total - creates, language)} updated`)
  if (skipped > 0) parts.push(`${formatCount(skipped, language)} deleted meanwhile`)
  return parts.join('; ')
}

const reasons: Readonly<Record<UndoResult['left'][number]['why'], string>> = {
  changed: 'changed since',
  exported: 'exported',
  deleted: 'deleted since',
  disconnected: 'no longer shared: its connection has ended',
}

/** What an undo took back, and what it left, record by record. */
export function undoneNotice(
  { step, records, removed, left }: UndoResult,
  { engine, language, open }: ImportActions,
  dismiss: () => void,
): TemplateResult {
  const { plural, nameField } = engine.records.schema(step.object)
  const restored = records - removed
  const nameOf = (object: ObjectName, record: string): string => {
    const name = engine.records.get(object, record)?.values[nameField]
    return typeof name === 'string' ? name : 'A record'
  }
  return html`<div class="notice ${left.length > 0 ? 'warn' : 'good'}" role="status">
    <div>
      Import of ${showText(step.name ?? '', 80)} undone: ${formatCount(removed, language)} ${plural.toLowerCase()}
      removed${restored > 0 ? `, ${formatCount(restored, language)} as they were before` : ''}.
      ${
        left.length > 0
          ? html`${formatCount(left.length, language)} ${left.length === 1 ? 'stays as it is' : 'stay as they are'}:
              <ul>
                ${left.slice(0, 20).map(
                  ({ object, record, field, why }) =>
                    html`<li>
                      <button class="quiet" @click=${() => open(object, record)}>${showText(nameOf(object, record), 60)}</button>
                      ${field === '' ? '' : showText(field, 60)} ${reasons[why]}
                    </li>`,
                )}
                ${left.length > 20 ? html`<li class="soft">and ${formatCount(left.length - 20, language)} more</li>` : nothing}
              </ul>`
          : nothing
      }
    </div>
    <button class="quiet" @click=${dismiss}>Dismiss</button>
  </div>`
}
