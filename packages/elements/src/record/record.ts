import type { Engine, Field, ObjectName, ObjectSchema, RecordError, RecordView, Topic, Value } from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { describeFailure } from '../base/failure.js'
import { formatAge } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { fieldInput } from './field-input.js'
import { path, pathFields, pathStyles } from './path.js'

/**
 * One own record as a form: the path of its stages on top, and a native control for each field. Only Save saves. Without `record` it creates a new record.
 *
 * @tag entente-record
 * @fires entente-before-save - Cancelable; detail {object, id, values}.
 * @fires entente-saved - Detail {object, id}.
 * @fires entente-removed - Detail {object, id}.
 * @slot header - Beside the record's name.
 */
export class EntenteRecord extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    pathStyles,
    css`
      form {
        display: grid;
        gap: calc(var(--gap) * 1.2);
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 230px), 1fr));
        gap: var(--gap) calc(var(--gap) * 1.5);
      }
      .field {
        display: grid;
        gap: 3px;
        align-content: start;
      }
      .field.wide {
        grid-column: 1 / -1;
      }
      .field label {
        color: var(--soft);
        font-size: 0.9em;
      }
      .field.dirty label {
        color: var(--accent);
      }
      .money {
        display: grid;
        grid-template-columns: 1fr 84px;
        gap: 4px;
      }
      .error {
        color: var(--bad);
        font-size: 0.9em;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--gap);
        align-items: center;
        padding-block: 10px;
        border-top: 1px solid var(--line);
        background: var(--surface);
      }
      .actions.dirty {
        position: sticky;
        z-index: 1;
        bottom: calc(var(--gap) * -1.3);
      }
      .end {
        margin-inline-start: auto;
        color: var(--bad);
      }
      h2 {
        overflow-wrap: anywhere;
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    object: {},
    record: {},
    fields: { attribute: false },
    readonly: { type: Boolean },
    draft: { state: true },
    errors: { state: true },
    all: { state: true },
  }

  declare object: ObjectName
  declare record: string | undefined
  /** API names of the shown fields, in order; all fields by default. */
  declare fields: readonly string[] | undefined
  declare readonly: boolean
  declare protected draft: Readonly<Record<string, Value>>
  declare protected errors: readonly RecordError[]
  /** Whether to show empty fields too. */
  declare protected all: boolean
  protected readonly topics: readonly Topic[] = ['records']

  constructor() {
    super()
    this.object = 'Opportunity'
    this.record = undefined
    this.fields = undefined
    this.readonly = false
    this.draft = {}
    this.errors = []
    this.all = false
  }

  /** Whether there are unsaved changes. */
  get isDirty(): boolean {
    return Object.keys(this.draft).length > 0
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('record') || changed.has('object')) this.#reset()
  }

  protected view(engine: Engine): TemplateResult {
    const schema = engine.records.schema(this.object)
    const known = this.record === undefined ? undefined : engine.records.get(this.object, this.record)
    if (this.record !== undefined && !known) {
      return html`<div class="empty card">
        <h3>This ${plainText(schema.label, 60).toLowerCase()} is not here</h3>
        <p>It was deleted, or belongs to another org. Go back to the list.</p>
      </div>`
    }
    return this.#form(schema, known)
  }

  #form(schema: ObjectSchema, known: RecordView | undefined): TemplateResult {
    const values = { ...known?.values, ...this.draft }
    const name = known?.values[schema.nameField]
    const stage = schema.fields.find((field) => field.name === pathFields[this.object])
    const shown = this.#shownFields(schema, known)
    const hiddenCount = schema.fields.length - shown.length
    return html`<form novalidate @submit=${(event: Event) => this.#submit(event, schema)} @keydown=${this.#key}>
      <div class="row spread">
        <div>
          <h2>${typeof name === 'string' ? showText(name, 200) : `New ${plainText(schema.label, 60).toLowerCase()}`}</h2>
          ${known ? html`<p class="soft small">${showText(schema.label, 60)}, changed ${formatAge(known.changedAt, Date.now(), this.language)}${known.imported ? html` <span class="badge accent">Came by export</span>` : nothing}</p>` : nothing}
        </div>
        <slot name="header"></slot>
      </div>
      ${stage ? path(stage, values[stage.name], this.readonly ? undefined : (value) => this.#change(stage, value, known)) : nothing}
      ${this.errors.length > 0 ? this.#summary(schema) : nothing}
      <div class="fields">${shown.map((field) => this.#field(field, values[field.name] ?? null))}</div>
      ${hiddenCount > 0 ? html`<div><button type="button" class="quiet" @click=${() => (this.all = true)}>Show ${hiddenCount} empty fields</button></div>` : nothing}
      ${this.readonly ? nothing : this.#actions(known)}
    </form>`
  }

  #shownFields(schema: ObjectSchema, known: RecordView | undefined): readonly Field[] {
    if (this.fields) return this.fields.flatMap((name) => schema.fields.find((field) => field.name === name) ?? [])
    if (this.all) return schema.fields
    if (known === undefined) return schema.fields
    const isShown = (field: Field): boolean =>
      field.required === true || (known.values[field.name] ?? null) !== null || field.name in this.draft || usual.includes(field.name)
    return schema.fields.filter(isShown)
  }

  #field(field: Field, value: Value): TemplateResult {
    const error = this.errors.find((candidate) => candidate.field === field.name)
    const id = `field-${field.name}`
    const wide = field.type === 'textArea' ? 'wide' : ''
    return html`<div class="field ${wide} ${field.name in this.draft ? 'dirty' : ''}" part="field">
      <label for=${id}>${showText(field.label, 80)}${field.required === true ? html`<span aria-hidden="true"> *</span>` : nothing}</label>
      ${fieldInput({ field, value, id, language: this.language, currency: this.org?.settings.read().currency ?? 'USD', readonly: this.readonly, invalid: error !== undefined, change: (next) => this.#change(field, next, this.#known()) })}
      <span class="error" id="${id}-error">${error ? plainText(`${error.message} ${error.fix}`, 400) : ''}</span>
    </div>`
  }

  #summary(schema: ObjectSchema): TemplateResult {
    return html`<div class="notice bad" role="alert" tabindex="-1" id="summary">
      <div>
        <strong>Not saved.</strong>
        <ul>
          ${this.errors.map((error) => {
            const label = schema.fields.find((field) => field.name === error.field)?.label ?? ''
            return html`<li>
              ${label === '' ? nothing : html`<button type="button" class="quiet" @click=${() => this.#focus(error.field)}>${showText(label, 80)}</button>`}
              ${showText(error.message, 400)}
            </li>`
          })}
        </ul>
      </div>
    </div>`
  }

  #actions(known: RecordView | undefined): TemplateResult {
    const count = Object.keys(this.draft).length
    return html`<div class="actions ${count > 0 ? 'dirty' : ''}">
      <button class="primary" ?disabled=${(known !== undefined && count === 0) || this.running.has('save')}>
        ${known ? 'Save' : 'Create'}
      </button>
      ${count > 0 ? html`<button type="button" @click=${() => this.#reset()}>Undo</button><span class="soft small" role="status">${count} unsaved ${count === 1 ? 'change' : 'changes'}</span>` : html`<span class="soft small">${known ? 'All changes are saved on this device' : ''}</span>`}
      ${known ? html`<button type="button" class="quiet danger end" @click=${() => this.#remove(known)}>Delete</button>` : nothing}
    </div>`
  }

  #known(): RecordView | undefined {
    return this.record === undefined ? undefined : this.org?.records.get(this.object, this.record)
  }

  #change(field: Field, value: Value, known: RecordView | undefined): void {
    const { [field.name]: _old, ...rest } = this.draft
    const saved = known?.values[field.name] ?? null
    this.draft = JSON.stringify(saved) === JSON.stringify(value) ? rest : { ...rest, [field.name]: value }
    this.errors = this.errors.filter((error) => error.field !== field.name)
  }

  #submit(event: Event, schema: ObjectSchema): void {
    event.preventDefault()
    // Enter in a field submits before the field fires its change event.
    const { activeElement } = this.shadowRoot ?? {}
    if (activeElement instanceof HTMLInputElement) activeElement.dispatchEvent(new Event('change'))
    const values = this.draft
    if (!this.tell('entente-before-save', { object: this.object, id: this.record, values }, true)) return
    this.act('save', () => this.#save(values, schema))
  }

  async #save(values: Readonly<Record<string, Value>>, schema: ObjectSchema): Promise<void> {
    const engine = this.org
    if (!engine) return
    try {
      const id = this.record ?? (await engine.records.create(this.object, values))
      if (this.record !== undefined && Object.keys(values).length > 0) await engine.records.edit(this.object, this.record, values)
      this.#reset()
      this.tell('entente-saved', { object: this.object, id })
    } catch (error) {
      const failure = describeFailure(error)
      if (failure.details.length === 0) throw error
      this.errors = failure.details
      this.all ||= failure.details.some((detail) => !this.#shownFields(schema, this.#known()).some((field) => field.name === detail.field))
      await this.updateComplete
      this.renderRoot.querySelector<HTMLElement>('#summary')?.focus()
    }
  }

  #remove(known: RecordView): void {
    // oxlint-disable-next-line no-alert -- deleting asks once, in words, and must work in any page without further parts
    if (!confirm('Delete this record? Mirrors of it at connected orgs stay as they were last.')) return
    this.act('remove', async () => {
      await this.org?.records.remove(this.object, known.id)
      this.tell('entente-removed', { object: this.object, id: known.id })
    })
  }

  #reset(): void {
    this.draft = {}
    this.errors = []
  }

  #focus(field: string): void {
    this.renderRoot.querySelector<HTMLElement>(`#field-${CSS.escape(field)}`)?.focus()
  }

  #key = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && this.isDirty) this.#reset()
  }
}

/** Fields that are shown even when empty, because people fill them in next. */
const usual: readonly string[] = [
  'Amount',
  'CloseDate',
  'NextStep',
  'AccountName',
  'Probability',
  'Email',
  'Phone',
  'FirstName',
  'Description',
  'OwnerName',
]
