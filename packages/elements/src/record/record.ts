import type {
  DraftView,
  Engine,
  Field,
  HistoryChange,
  ObjectName,
  ObjectSchema,
  RecordError,
  RecordView,
  Topic,
  UndoStep,
  Value,
} from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { describeFailure } from '../base/failure.js'
import { stepWords } from '../base/undo-words.js'
import { formatAge, formatClock } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { DraftWriter } from './draft-writer.js'
import { convertForm, opportunityOf } from './convert.js'
import { fieldInput } from './field-input.js'
import { historySection, historyStyles } from './history.js'
import { path, pathFields, pathStyles } from './path.js'

/**
 * One own record as a form: the path of its stages on top, and a native control for each field. Only Save saves. Without `record` it creates a new record.
 * What is typed and not saved is kept as a draft on the device within a second, and offered when the form is opened again. The last thing done to the record
 * here can be undone.
 *
 * @tag entente-record
 * @fires entente-before-save - Cancelable; detail {object, id, values}.
 * @fires entente-saved - Detail {object, id}.
 * @fires entente-open - A lead was converted, or its opportunity is to be shown; detail {object, id}.
 * @fires entente-removed - Detail {object, id}.
 * @fires entente-notify - Cancelable; detail {text, undo?}: shown as a toast unless cancelled.
 * @slot header - Beside the record's name.
 */
export class EntenteRecord extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    pathStyles,
    historyStyles,
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
      @media print {
        .actions {
          display: none;
        }
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
    told: { state: true },
    opportunity: { state: true },
    history: { state: true },
    wholeHistory: { state: true },
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
  /** What came of an undo. */
  declare protected told: string
  /** The opportunity that a lead is being converted to. */
  declare protected opportunity: Readonly<Record<string, Value>> | undefined
  /** What became of the record, while its history is open. */
  declare protected history: readonly HistoryChange[] | undefined
  declare protected wholeHistory: boolean
  /** For which state of which record the history was asked last; '' while it is closed. */
  #historyOf = ''
  #historyOpen = false
  protected override readonly showsAge = true
  protected readonly topics: readonly Topic[] = ['records', 'drafts', 'undo']
  readonly #writer = new DraftWriter()
  /** Numbers that are being typed: read, and part of `draft`, once their field is left. */
  #typing: Readonly<Record<string, Value>> = {}
  /** The id of a new record's draft. */
  #newId = newDraftId()

  constructor() {
    super()
    this.object = 'Opportunity'
    this.readonly = false
    this.draft = {}
    this.errors = []
    this.all = false
    this.told = ''
    this.wholeHistory = false
  }

  /** Whether there are unsaved changes. */
  get isDirty(): boolean {
    return Object.keys(this.draft).length > 0 || Object.keys(this.#typing).length > 0
  }

  override connectedCallback(): void {
    super.connectedCallback()
    window.addEventListener('pagehide', this.#flush)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    window.removeEventListener('pagehide', this.#flush)
    window.removeEventListener('beforeunload', warn)
    this.#flush()
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!changed.has('record') && !changed.has('object')) return
    this.#flush()
    this.#reset()
    this.told = ''
    this.opportunity = undefined
    this.history = undefined
    this.wholeHistory = false
    this.#historyOf = ''
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed)
    this.#warnIfDirty()
    this.#readHistory()
  }

  /** Moves the focus to the record's name, from which Tab goes on into its fields. */
  override focus(options?: FocusOptions): void {
    this.updateComplete.then(
      () => this.renderRoot.querySelector<HTMLElement>('h2, h3')?.focus(options),
      () => undefined,
    )
  }

  #warnIfDirty(): void {
    window[this.isDirty ? 'addEventListener' : 'removeEventListener']('beforeunload', warn)
  }

  #flush = (): void => void this.#writer.flush()

  protected view(engine: Engine): TemplateResult {
    const schema = engine.records.schema(this.object)
    const known = this.record === undefined ? undefined : engine.records.get(this.object, this.record)
    const step = this.record === undefined ? undefined : engine.undo.last(this.object, this.record)
    if (this.record !== undefined && !known) {
      return html`<div class="empty card">
        <h3 tabindex="-1">This ${plainText(schema.label, 60).toLowerCase()} is not here</h3>
        <p>It was deleted, or belongs to another org. Go back to the list.</p>
        ${this.#lastStep(engine, step)}
      </div>`
    }
    return html`${this.#form(engine, schema, known, step)}${this.#conversion(engine, known)}${known ? this.#history(engine, schema) : nothing}`
  }

  #form(engine: Engine, schema: ObjectSchema, known: RecordView | undefined, step: UndoStep | undefined): TemplateResult {
    const values = { ...known?.values, ...this.draft }
    const name = known?.values[schema.nameField]
    const stage = schema.fields.find((field) => field.name === pathFields[this.object])
    const shown = this.#shownFields(schema, known)
    const hiddenCount = schema.fields.length - shown.length
    return html`<form novalidate @submit=${(event: Event) => this.#submit(event, schema)} @keydown=${this.#key}>
      <div class="row spread">
        <div>
          <h2 tabindex="-1">${typeof name === 'string' ? showText(name, 200) : `New ${plainText(schema.label, 60).toLowerCase()}`}</h2>
          ${known ? html`<p class="soft small">${showText(schema.label, 60)}, changed ${formatAge(known.changedAt, Date.now(), this.language)}${known.imported ? html` <span class="badge accent">Came by export</span>` : nothing}</p>` : nothing}
        </div>
        <slot name="header"></slot>
      </div>
      ${stage ? path(stage, values[stage.name], this.#isLocked ? undefined : (value) => this.#change(stage, value, known)) : nothing}
      ${this.#convertedNotice(known)} ${this.#isLocked ? nothing : this.#draftNotice(engine, schema)}
      ${this.errors.length > 0 ? this.#summary(schema) : nothing}
      <div class="fields">${shown.map((field) => this.#field(field, values[field.name] ?? null))}</div>
      ${hiddenCount > 0 ? html`<div><button type="button" class="quiet" @click=${() => (this.all = true)}>Show ${hiddenCount} empty fields</button></div>` : nothing}
      ${this.#isLocked ? nothing : this.#actions(known)}${this.readonly ? nothing : this.#lastStep(engine, step)}
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
      ${fieldInput({ field, value, id, language: this.language, currency: this.org?.settings.read().currency ?? 'USD', readonly: this.#isLocked, invalid: error !== undefined, change: (next) => this.#change(field, next, this.#known()), typing: (next) => this.#type(field, next) })}
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
      ${count > 0 ? html`<button type="button" @click=${() => this.#discard()}>Discard</button><span class="soft small" role="status">${count} unsaved ${count === 1 ? 'change' : 'changes'}</span>` : html`<span class="soft small">${known ? 'All changes are saved on this device' : ''}</span>`}
      ${known && known.object === 'Lead' && count === 0 ? html`<button type="button" class="quiet" @click=${() => this.#begin(known)}>Convert</button>` : nothing}
      ${known ? html`<button type="button" class="quiet danger end" @click=${() => this.#remove(known)}>Delete</button>` : nothing}
    </div>`
  }

  /** Whether the form only shows: a lead that was converted is not edited any more. */
  get #isLocked(): boolean {
    return this.readonly || this.#known()?.converted !== undefined
  }

  #convertedNotice(known: RecordView | undefined): TemplateResult | typeof nothing {
    const id = known?.converted
    if (id === undefined) return nothing
    return html`<div class="notice" role="status">
      <div>This lead was converted to an opportunity, and is shared no more.</div>
      <button type="button" @click=${() => this.tell('entente-open', { object: 'Opportunity', id })}>Open the opportunity</button>
    </div>`
  }

  #begin(known: RecordView): void {
    if (this.org) this.opportunity = opportunityOf(this.org, known)
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('#convert input')?.focus())
  }

  #conversion(engine: Engine, known: RecordView | undefined): TemplateResult | typeof nothing {
    const values = this.opportunity
    if (!values || !known || this.#isLocked) return nothing
    return convertForm({
      engine,
      values,
      language: this.language,
      invalid: new Set(this.failure?.details.map(({ field }) => field)),
      busy: this.running.has('convert'),
      change: (field, value) => (this.opportunity = { ...this.opportunity, [field.name]: value }),
      cancel: () => (this.opportunity = undefined),
      convert: () =>
        this.act('convert', async () => {
          const id = await engine.records.convert(known.id, this.opportunity ?? {})
          this.opportunity = undefined
          this.notifyStep(engine, 'Converted.', engine.undo.last('Lead', known.id))
          this.tell('entente-open', { object: 'Opportunity', id })
        }),
    })
  }

  #history(engine: Engine, schema: ObjectSchema): TemplateResult {
    return historySection({
      engine,
      object: this.object,
      schema,
      changes: this.history,
      language: this.language,
      all: this.wholeHistory,
      locked: this.#isLocked,
      toggle: (open) => {
        this.#historyOpen = open
        this.#historyOf = ''
        this.requestUpdate()
      },
      showAll: () => (this.wholeHistory = true),
      putBack: (change, label) => void this.#putBack(engine, change, label),
    })
  }

  /** Reads the history anew where it is open and the record has changed. Nobody reads it before. */
  #readHistory(): void {
    const [engine, known, object] = [this.org, this.#known(), this.object]
    if (!engine || !known || !this.#historyOpen) return
    const state = `${object} ${known.id} ${known.changedAt} ${JSON.stringify(known.values)}`
    if (this.#historyOf === state) return
    this.#historyOf = state
    engine.history.of(object, known.id).then(
      (changes) => {
        if (this.#historyOf === state) this.history = changes
      },
      (error: unknown) => (this.failure = describeFailure(error)),
    )
  }

  async #putBack(engine: Engine, change: HistoryChange, label: string): Promise<void> {
    const { object, record } = this
    if (record === undefined) return
    const question = {
      title: `Put ${label} back?`,
      text: 'It was changed again since. Its present value is replaced by the one before this change. You can undo that.',
      action: 'Put back',
    }
    if (!change.present && !(await this.confirmed(question))) return
    this.act('put back', async () => {
      await engine.history.putBack(object, record, change.id, !change.present)
      this.notifyStep(engine, `${label} is back as it was.`, engine.undo.last(object, record))
    })
  }

  #known(): RecordView | undefined {
    return this.record === undefined ? undefined : this.org?.records.get(this.object, this.record)
  }

  #change(field: Field, value: Value, known: RecordView | undefined): void {
    const { [field.name]: _old, ...rest } = this.draft
    const { [field.name]: _typed, ...typing } = this.#typing
    const saved = known?.values[field.name] ?? null
    this.draft = JSON.stringify(saved) === JSON.stringify(value) ? rest : { ...rest, [field.name]: value }
    this.#typing = typing
    this.errors = this.errors.filter((error) => error.field !== field.name)
    this.told = ''
    this.#keep({ [field.name]: value })
  }

  #type(field: Field, value: Value): void {
    this.#typing = { ...this.#typing, [field.name]: value }
    this.#warnIfDirty()
    this.#keep({ [field.name]: value })
  }

  #keep(values: Readonly<Record<string, Value>>): void {
    const [engine, object, id] = [this.org, this.object, this.#draftId]
    if (!engine) return
    this.#writer.write(values, async (all) => {
      try {
        await engine.drafts.keep(object, id, all)
      } catch (error) {
        const { message } = describeFailure(error)
        this.failure = { code: 'DRAFT', message: `What you typed is not kept as a draft yet. ${message}`, details: [] }
      }
    })
  }

  /** Under which id the draft of this form is kept. */
  get #draftId(): string {
    return this.record ?? this.#newId
  }

  /** What was typed before, or in another tab, and is not in this form. */
  #offered(engine: Engine): DraftView | undefined {
    if (this.running.has('draft') || this.running.has('save')) return undefined
    const found =
      this.record === undefined
        ? engine.drafts.list().find(({ object, id, isNew }) => object === this.object && isNew && id !== this.#newId)
        : engine.drafts.of(this.object, this.record)
    const here = { ...this.draft, ...this.#typing, ...this.#writer.pending }
    return found && Object.keys(found.values).some((name) => !(name in here)) ? found : undefined
  }

  #draftNotice(engine: Engine, schema: ObjectSchema): TemplateResult | typeof nothing {
    const label = (name: string): string => plainText(schema.fields.find((field) => field.name === name)?.label ?? name, 80)
    const list = (names: readonly string[]): string => new Intl.ListFormat(this.language).format(names.map(label))
    const changedWords = (names: readonly string[]): string =>
      `${list(names)} ${names.length === 1 ? 'was' : 'were'} changed in the record since you typed. Saving replaces that.`
    const offered = this.#offered(engine)
    if (!offered) {
      const changed = engine.drafts.of(this.object, this.#draftId)?.changed.filter((name) => name in this.draft) ?? []
      return changed.length === 0 ? nothing : html`<div class="notice warn" role="status"><div>${changedWords(changed)}</div></div>`
    }
    const { text, isToday } = formatClock(offered.at, Date.now(), this.language)
    const names = Object.keys(offered.values)
    return html`<div class="notice warn" role="status" id="kept">
      <div>
        <strong>You have unsaved changes from ${isToday ? '' : 'before, '}${text}.</strong>
        <span class="soft">${list(names.slice(0, 5))}${names.length > 5 ? ` and ${names.length - 5} more` : ''}.</span>
        ${offered.changed.length > 0 ? html`<div>${changedWords(offered.changed)}</div>` : nothing}
      </div>
      <button type="button" class="primary" @click=${() => this.#take(offered)}>Keep</button>
      <button type="button" @click=${() => this.#drop(engine, offered)}>Discard</button>
    </div>`
  }

  /** Goes on with what was typed before. What is in this form stands above it. */
  #take({ id, isNew, values }: DraftView): void {
    const typed = { ...values, ...this.draft }
    if (isNew && id !== this.#newId) {
      const engine = this.org
      const before = this.#newId
      this.#newId = id
      this.act('draft', async () => {
        await this.#writer.flush()
        await engine?.drafts.drop(this.object, before)
      })
      this.#keep(this.draft)
    }
    this.draft = typed
    this.all ||= this.record === undefined
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>('.fields input, .fields select, .fields textarea')?.focus(),
    )
  }

  #drop(engine: Engine, { object, id, values }: DraftView): void {
    const here = { ...this.draft, ...this.#typing }
    const fields = id === this.#draftId ? Object.keys(values).filter((name) => !(name in here)) : undefined
    this.act('draft', () => engine.drafts.drop(object, id, fields))
  }

  /** Empties the form of what was typed. It can be brought back for as long as the notification shows. */
  #discard(): void {
    const [engine, object, id, values] = [this.org, this.object, this.#draftId, { ...this.draft, ...this.#typing }]
    if (!engine) return
    this.#reset()
    this.act('draft', async () => {
      await this.#writer.drop()
      await engine.drafts.drop(object, id, Object.keys(values))
    })
    const undo = async (): Promise<string> => {
      if (this.isConnected && this.object === object && this.#draftId === id) this.draft = { ...values, ...this.draft }
      await engine.drafts.keep(object, id, values)
      return 'Your changes are back.'
    }
    this.notify({ text: 'Your changes were discarded.', undo })
  }

  /** What was done last to this record on this device, and the button that takes it back. */
  #lastStep(engine: Engine, step: UndoStep | undefined): TemplateResult | typeof nothing {
    if (!step) return this.told === '' ? nothing : html`<p class="soft small" role="status">${this.told}</p>`
    const { text, isToday } = formatClock(step.at, Date.now(), this.language)
    const undo = (): void =>
      this.act('undo', async () => {
        this.told = await this.undoStep(engine, step)
        // The line may be out of sight, and a toast still offer the same.
        this.notify({ text: this.told })
      })
    return html`<div class="row small">
      <span class="soft">${stepWords[step.kind]} ${isToday ? 'at ' : ''}${text}.</span>
      <button type="button" class="quiet" id="undo" ?disabled=${this.running.has('undo')} @click=${undo}>Undo</button>
      <span role="status">${this.told}</span>
    </div>`
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
    const { object, record } = this
    const draft = this.#draftId
    try {
      await this.#writer.drop()
      const id = record ?? (await engine.records.create(object, values, draft))
      if (record !== undefined && Object.keys(values).length > 0) {
        await engine.records.edit(object, record, values)
        await engine.drafts.drop(object, record, Object.keys(values))
      }
      // What was typed while the save ran stays, and is another record's form by now where the page went on.
      if (this.record === record && this.object === object) this.#reset(values)
      this.notifyStep(engine, record === undefined ? 'Created.' : 'Saved.', engine.undo.last(object, id))
      this.tell('entente-saved', { object, id })
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
    const [engine, object] = [this.org, this.object]
    const question = {
      title: 'Delete this record?',
      text: 'Mirrors of it at connected orgs stay as they were last. You can undo this for a week.',
      action: 'Delete',
    }
    void this.confirmed(question).then((agreed) => {
      if (!agreed || !engine) return
      this.act('remove', async () => {
        await this.#writer.drop()
        this.#reset()
        await engine.records.remove(object, known.id)
        await engine.drafts.drop(object, known.id)
        this.notifyStep(engine, 'Deleted.', engine.undo.last(object, known.id))
        this.tell('entente-removed', { object, id: known.id })
      })
    })
  }

  /** Empties the form: wholly, or of the values that were saved. */
  #reset(saved?: Readonly<Record<string, Value>>): void {
    const left = Object.entries(this.draft).filter(([name, value]) => saved !== undefined && saved[name] !== value)
    this.draft = Object.fromEntries(left)
    this.#typing = {}
    if (this.record === undefined) this.#newId = newDraftId()
    this.errors = []
    this.told = ''
    this.#warnIfDirty()
  }

  #focus(field: string): void {
    this.renderRoot.querySelector<HTMLElement>(`#field-${CSS.escape(field)}`)?.focus()
  }

  #key = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && this.isDirty && !event.composedPath().some((node) => node instanceof HTMLDialogElement)) this.#discard()
  }
}

/** The usual question of the browser, on closing or leaving the page. */
function warn(event: Event): void {
  event.preventDefault()
}

const newDraftId = (): string => `new.${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`

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
