import type { CsvTable, Engine, Field, FinishedImport, ImportView, ObjectName, ObjectSchema, Topic, UndoResult } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { downloadText } from '../base/download.js'
import { EntenteElement } from '../base/element.js'
import { select } from '../base/select.js'
import { undoWords } from '../base/undo-words.js'
import { formatCount } from '../value/format.js'
import { decimalSign } from '../value/read-input.js'
import { plainText, showText } from '../value/show-text.js'
import { causeCards } from './causes.js'
import { choiceFromGuess, choicesToMapping, type ColumnChoice, columnLines } from './column-lines.js'
import { type CsvTools, pauses } from './csv-tools.js'
import { type ImportActions, importHistory, rowsOf, stoppedNotices, undoneNotice } from './history.js'
import { importStyles } from './styles.js'

type Step =
  | { readonly name: 'choose' }
  | { readonly name: 'map'; /** How many columns are drawn; all without it. */ readonly lines?: number }
  | { readonly name: 'working'; readonly what: string; readonly done: number; readonly total: number }
  /** What an import would do. Stale once the person has changed how a column is read. */
  | { readonly name: 'report'; readonly finished: FinishedImport; readonly isStale: boolean; readonly present: number }
  | { readonly name: 'done'; readonly view: ImportView }

/** One piece of work that a person may cancel. */
interface Work {
  isCancelled: boolean
}

/**
 * Imports records from a CSV file: choose the file, map its columns, try it without writing, mend what leaves rows out by its cause, and only then write. It works
 * in slices, so the page stays responsive. An import that a reload or a crash ended half-way shows as a notice, also while the dialog is closed.
 *
 * @tag entente-import
 * @fires entente-imported - Detail {object, count, id}: the rows of an import are written.
 * @fires entente-notify - Cancelable; detail {text, undo?}: shown as a toast unless cancelled.
 * @fires entente-open - Detail {object, id}: the person wants to see a record that an undo left.
 */
export class EntenteImport extends EntenteElement {
  static override styles = [EntenteElement.styles, importStyles]
  static override properties = {
    ...EntenteElement.properties,
    object: {},
    csv: { attribute: false },
    step: { state: true },
    choices: { state: true },
    problem: { state: true },
    key: { state: true },
    asked: { state: true },
    undone: { state: true },
  }
  declare object: ObjectName
  declare csv: CsvTools | undefined
  declare protected step: Step
  declare protected choices: readonly ColumnChoice[]
  declare protected problem: string
  /** The field by which rows find the records that they update; '' where every row becomes a new one. */
  declare protected key: string
  declare protected asked: string | undefined
  declare protected undone: UndoResult | undefined
  protected readonly topics: readonly Topic[] = ['imports', 'undo']
  #table: CsvTable | undefined
  #fileName = ''
  #work: Work = { isCancelled: false }
  /** The import that this element writes. */
  #writing: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    super()
    this.object = 'Opportunity'
    this.step = { name: 'choose' }
    this.choices = []
    this.problem = ''
    this.key = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('beforeunload', this.#leaving)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('beforeunload', this.#leaving)
    clearTimeout(this.#timer)
  }

  /** Opens the dialog at its first step. */
  open(): void {
    this.#cancel()
    this.step = { name: 'choose' }
    this.problem = ''
    this.key = ''
    this.updateComplete.then(
      () => this.renderRoot.querySelector('dialog')?.showModal(),
      () => undefined,
    )
  }

  /** Closes the dialog. Rows that are being written go on, and a notice shows how far they are. */
  close(): void {
    this.#cancel()
    const engine = this.org
    // While the dialog is open, it offers the undo itself.
    if (this.step.name === 'done' && engine) this.#notifyDone(engine, this.step.view)
    this.step = { name: 'choose' }
    this.renderRoot.querySelector('dialog')?.close()
  }

  protected override updated(): void {
    clearTimeout(this.#timer)
    // What another tab writes may stop without a word: its tab was closed.
    if (this.#views().some(({ state }) => state === 'running')) this.#timer = setTimeout(() => this.requestUpdate(), 1_000)
  }

  protected view(engine: Engine): TemplateResult {
    const schema = engine.records.schema(this.object)
    const actions = this.#actions(engine)
    const isOpen = this.step.name === 'working'
    const waiting = this.#views().filter(
      ({ id, state }) => state === 'stopped' || (state === 'running' && !(isOpen && id === this.#writing)),
    )
    return html`<div class="notices">
        ${this.undone ? undoneNotice(this.undone, actions, () => (this.undone = undefined)) : nothing}${stoppedNotices(waiting, actions)}
      </div>
      <dialog aria-labelledby="title" @cancel=${() => this.#cancel()}>
        <div class="inside">
          <header class="row spread">
            <h2 id="title">Import ${schema.plural.toLowerCase()}</h2>
            <button class="quiet" @click=${() => this.close()}>Close</button>
          </header>
          ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
          ${this.#step(engine, schema, actions)}
        </div>
      </dialog>`
  }

  #step(engine: Engine, schema: ObjectSchema, actions: ImportActions): TemplateResult {
    const { step, language } = this
    switch (step.name) {
      case 'choose':
        return html`<label
            class="drop"
            for="file"
            @dragover=${(event: Event) => event.preventDefault()}
            @drop=${(event: DragEvent) => this.#drop(event, engine)}
          >
            <strong>Choose a CSV file, or drop it here</strong>
            <span class="soft">Up to 50 MB. It is read on this device and sent nowhere.</span>
            <input
              id="file"
              type="file"
              accept=".csv,.tsv,.txt,text/csv"
              @change=${(event: Event) => this.#take(event.target instanceof HTMLInputElement ? event.target.files?.[0] : undefined, engine)}
            />
          </label>
          ${importHistory(this.#views(), actions)}`
      case 'map':
        return this.#map(engine, schema, step.lines)
      case 'working':
        return html`<div class="stack">
          <p role="status">${step.what}: ${formatCount(step.done, language)} of ${formatCount(step.total, language)}</p>
          <div class="bar"><span .style=${`width: ${step.total === 0 ? 0 : Math.round((step.done / step.total) * 100)}%`}></span></div>
          <div><button @click=${() => this.#cancelWork(engine)}>${this.#writing === undefined ? 'Cancel' : 'Stop'}</button></div>
        </div>`
      case 'report':
        return this.#report(engine, schema, step)
      case 'done': {
        const view = this.#views().find(({ id }) => id === step.view.id) ?? step.view
        const words = view.state === 'done' ? 'imported' : 'of an import that was undone,'
        return html`<div class="stack">
          <div class="notice good" role="status">
            <div>
              ${formatCount(view.total - view.skipped, language)} ${schema.plural.toLowerCase()} ${words} from ${showText(view.name, 80)}.
              ${view.creates < view.total || view.skipped > 0 ? html`<span class="soft">${rowsOf(view, language)}</span>` : nothing}
            </div>
          </div>
          <div class="row">
            <button class="primary" @click=${() => this.close()}>Done</button>
            ${view.undoable ? html`<button ?disabled=${this.running.has('undo')} @click=${() => actions.undo(view)}>Undo</button>` : nothing}
          </div>
        </div>`
      }
    }
  }

  #map(engine: Engine, schema: ObjectSchema, lines: number | undefined): TemplateResult {
    const table = this.#table
    const { csv, language } = this
    if (!table || !csv) return html``
    const warnings = table.problems.filter((found) => found.severity === 'warning')
    const mapped = this.choices.filter((choice) => choice.field !== '').length
    const bad = table.badRows.length
    return html`<p>
        ${showText(this.#fileName, 80)}: ${formatCount(table.rowCount, language)} rows, ${table.columns.length} columns.
        <span class="soft">Types and fields are guessed; correct what is wrong.</span>
      </p>
      ${warnings.slice(0, 4).map((found) => html`<div class="notice warn"><div>${showText(found.message, 200)} ${showText(found.fix, 200)}</div></div>`)}
      ${bad > 0 ? html`<div class="notice warn"><div>${formatCount(bad, language)} ${bad === 1 ? 'row cannot be cut into cells and is' : 'rows cannot be cut into cells and are'} left out, the first of them row ${table.badRows[0]?.row}.</div></div>` : nothing}
      ${columnLines({
        choices: this.choices,
        lines,
        schema,
        propose: (guess) => csv.proposeCustomField(guess, withMade(schema, this.choices)),
        readCell: csv.readCell,
        language,
        change: (choices) => (this.choices = choices),
      })}
      ${this.#keySelect(schema)}
      <div class="row">
        <button class="primary" ?disabled=${mapped === 0} @click=${() => this.#run((work) => this.#check(engine, csv, table, work))}>
          Check ${formatCount(table.rowCount, language)} rows
        </button>
        <button @click=${() => (this.step = { name: 'choose' })}>Another file</button>
        <span class="soft small">Nothing is written yet.</span>
      </div>`
  }

  #keySelect(schema: ObjectSchema): TemplateResult {
    const keys = keyFields(schema, this.choices)
    return html`<label class="pair"
      ><span>If a record is there already</span>${select(
        'If a record is there already',
        this.key,
        [['', 'Make a new one for every row'], ...keys.map(({ name, label }) => [name, `Update it, found by ${label}`] as const)],
        (key) => (this.key = key),
      )}</label
    >`
  }

  #report(
    engine: Engine,
    schema: ObjectSchema,
    { finished, isStale, present }: Extract<Step, { readonly name: 'report' }>,
  ): TemplateResult {
    const { language, csv } = this
    const table = this.#table
    if (!table || !csv) return html``
    const { report, records, badRows } = finished
    const mapping = report.problems.filter(({ row, severity }) => row === 0 && severity === 'error')
    const badge = (count: number, words: string, kind = ''): TemplateResult | typeof nothing =>
      count > 0 ? html`<span class="badge ${kind}">${formatCount(count, language)} ${words}</span>` : nothing
    const check = (): void => this.#run((work) => this.#check(engine, csv, table, work))
    const name = schema.fields.find((field) => field.name === schema.nameField)
    return html`<div class="row" role="status">
        ${badge(report.created, report.created === 1 ? 'row makes a new record' : 'rows make new records', 'good')}${badge(report.updated, report.updated === 1 ? 'updates a record' : 'update records', 'good')}${badge(report.unchanged, 'change nothing')}${badge(report.bad, report.bad === 1 ? 'is left out' : 'are left out', 'bad')}
        ${report.ignored.length > 0 ? html`<span class="badge">${report.ignored.length} columns left out</span>` : nothing}
      </div>
      ${
        present > 0 && name
          ? html`<div class="notice warn">
              <div>
                ${formatCount(present, language)} of these rows have the ${name.label} of a record that is there already. Imported so, they
                are there twice.
              </div>
              <button
                @click=${() => {
                  this.key = name.name
                  check()
                }}
              >
                Update those, found by ${name.label}
              </button>
            </div>`
          : nothing
      }
      ${mapping.map(({ message, fix }) => html`<div class="notice bad"><div>${showText(message, 200)} ${showText(fix, 200)}</div></div>`)}
      ${causeCards({
        report,
        schema: withMade(schema, this.choices),
        choices: this.choices,
        language,
        change: (column, update) => {
          this.choices = this.choices.map((choice) =>
            choice.guess.column === column ? { ...choice, format: update(choice.format) } : choice,
          )
          if (this.step.name === 'report') this.step = { ...this.step, isStale: true }
        },
      })}
      <div class="row">
        ${
          isStale
            ? html`<button class="primary" @click=${check}>Check again</button>`
            : html`<button
                class="primary"
                ?disabled=${records.length === 0}
                @click=${() => this.#run((work) => this.#write(engine, finished, work))}
              >
                ${report.bad > 0 ? 'Import only the' : 'Import'}
                ${formatCount(records.length, language)}${report.bad > 0 ? ' good ones' : ''}
              </button>`
        }
        ${
          badRows.length > 0
            ? html`<button
                @click=${() => downloadText(`${this.#fileName.replace(/\.\w+$/, '')} left out.csv`, 'text/csv', csv.writeBadRows(table, badRows))}
              >
                Save the ${formatCount(badRows.length, language)} left out as CSV
              </button>`
            : nothing
        }
        <button @click=${() => (this.step = { name: 'map' })}>Back to the columns</button>
        <span class="soft small">Nothing is written yet.</span>
      </div>`
  }

  #views(): readonly ImportView[] {
    try {
      return this.org?.imports.list() ?? []
    } catch {
      // A closed engine: `render` says so.
      return []
    }
  }

  #actions(engine: Engine): ImportActions {
    return {
      engine,
      language: this.language,
      asked: this.asked,
      isBusy: this.#writing !== undefined || this.running.size > 0,
      go: (view) => this.act('run', () => this.#writeRows(engine, view.id)),
      ask: (id) => (this.asked = id),
      undo: (view) =>
        this.act('undo', async () => {
          this.undone = await engine.imports.undo(view.id)
          this.asked = undefined
        }),
      open: (object, id) => {
        this.close()
        this.tell('entente-open', { object, id })
      },
    }
  }

  #notifyDone(engine: Engine, { id, name, total, skipped }: ImportView): void {
    const view = engine.imports.list().find((other) => other.id === id)
    if (view?.state !== 'done') return
    const text = `${formatCount(total - skipped, this.language)} rows of ${plainText(name, 60)} imported.`
    const undo = async (): Promise<string> => undoWords(engine, await engine.imports.undo(id), this.language)
    this.notify({ text, ...(view.undoable && { undo }) })
  }

  #leaving = (event: BeforeUnloadEvent): void => {
    const isOpen = this.renderRoot.querySelector('dialog')?.open === true
    if (isOpen && this.#writing === undefined && (this.step.name === 'map' || this.step.name === 'report')) event.preventDefault()
  }

  #cancel(): void {
    this.#work.isCancelled = true
  }

  #cancelWork(engine: Engine): void {
    const writing = this.#writing
    this.#cancel()
    if (writing !== undefined) this.act('stop', () => engine.imports.stop(writing))
    else this.step = { name: this.#table ? 'map' : 'choose' }
  }

  #drop(event: DragEvent, engine: Engine): void {
    event.preventDefault()
    this.#take(event.dataTransfer?.files[0], engine)
  }

  #take(file: File | undefined, engine: Engine): void {
    const { csv } = this
    if (file && csv) this.#run((work) => this.#read(file, csv, engine, work))
  }

  #run(action: (work: Work) => Promise<void>): void {
    this.#cancel()
    const work = { isCancelled: false }
    this.#work = work
    this.problem = ''
    action(work).catch((error: unknown) => {
      if (error instanceof Cancelled) return
      this.problem = error instanceof Error ? error.message : 'This did not work. Nothing more was written.'
      this.step = { name: this.#table ? 'map' : 'choose' }
    })
  }

  /** Lets the page draw, and ends the work where the person has cancelled it. */
  #pauseOf(work: Work): () => Promise<void> {
    const pause = pauses()
    return async () => {
      await pause()
      if (work.isCancelled) throw new Cancelled()
    }
  }

  async #read(file: File, csv: CsvTools, engine: Engine, work: Work): Promise<void> {
    const rest = this.#pauseOf(work)
    this.#fileName = file.name
    this.#table = undefined
    this.key = ''
    this.step = { name: 'working', what: 'Reading', done: 0, total: file.size }
    // Refused before it is read: the CSV functions check again, but by then 5 GB are in memory.
    if (file.size > 50 * 1024 * 1024) throw new Error('The file is larger than 50 MB. Split it into several files.')
    const bytes = new Uint8Array(await file.arrayBuffer())
    await rest()
    const decoded = csv.decodeCsvBytes(bytes, (part, encoding) => new TextDecoder(encoding).decode(part))
    if (!decoded.ok) throw new Error(`${decoded.error.message} ${decoded.error.fix}`)
    await rest()
    const parsed = await csv.parseCsv(decoded.text, { pause: rest })
    if (!parsed.ok) throw new Error(`${parsed.error.message} ${parsed.error.fix}`)
    this.step = { name: 'working', what: 'Looking at the columns', done: file.size, total: file.size }
    const options = { pause: rest, decimal: decimalSign(this.language) }
    const guesses = await csv.guessColumns(parsed.table, engine.records.schema(this.object), options)
    const { currency } = engine.settings.read()
    this.#table = parsed.table
    this.choices = guesses.map((guess) => choiceFromGuess(guess, currency))
    // A column has hundreds of options: some at a time, so that the page stays responsive.
    let lines = 0
    do {
      this.step = { name: 'map', lines: (lines += 3) }
      await this.updateComplete
      await rest()
    } while (lines < guesses.length)
  }

  /** Tries the import without writing anything. */
  async #check(engine: Engine, csv: CsvTools, table: CsvTable, work: Work): Promise<void> {
    const own = engine.records.schema(this.object)
    const schema = withMade(own, this.choices)
    const key = keyFields(own, this.choices).some(({ name }) => name === this.key) ? this.key : ''
    this.key = key
    const { records: present } = engine.records.list(this.object)
    const rest = this.#pauseOf(work)
    const steps = csv.convertRows(table, {
      schema,
      columns: choicesToMapping(this.choices),
      keepGood: true,
      pause: rest,
      slice: 20,
      ...(key !== '' && { match: { field: key, records: present } }),
    })
    for await (const step of steps) {
      if (step.kind === 'progress') {
        if (step.done % 200 === 0) this.step = { name: 'working', what: 'Checking rows', done: step.done, total: step.total }
      } else {
        const names = new Set(key === '' ? present.map(({ values }) => values[own.nameField]) : [])
        await rest()
        const twice = names.size === 0 ? 0 : step.records.filter(({ values }) => names.has(values[own.nameField] ?? null)).length
        this.step = { name: 'report', finished: step, isStale: false, present: twice }
      }
    }
  }

  async #write(engine: Engine, { records }: FinishedImport, work: Work): Promise<void> {
    const { object } = this
    const schema = engine.records.schema(object)
    this.step = { name: 'working', what: 'Keeping the rows on this device', done: 0, total: records.length }
    await this.updateComplete
    for (const field of madeFields(this.choices))
      if (!schema.fields.some((known) => known.name === field.name)) await engine.records.addField(object, field)
    const rows = records.map(({ id, values }) => ({ ...(id !== undefined && { id }), values }))
    const id = await engine.imports.start(object, this.#fileName, rows)
    // The rows are on the device: what waits now waits in a notice.
    this.#table = undefined
    if (work.isCancelled) this.step = { name: 'choose' }
    else await this.#writeRows(engine, id)
  }

  /** Writes the rows that wait, from where the import is. */
  async #writeRows(engine: Engine, id: string): Promise<void> {
    const show = ({ done, total }: ImportView): void => {
      if (this.step.name === 'working') this.step = { name: 'working', what: 'Writing', done, total }
      else this.requestUpdate()
    }
    this.#writing = id
    try {
      const view = await engine.imports.run(id, show)
      const isShown = this.step.name === 'working'
      if (!isShown && view.state === 'done') this.#notifyDone(engine, view)
      if (isShown) this.step = view.state === 'done' ? { name: 'done', view } : { name: 'choose' }
      if (view.state === 'done') this.tell('entente-imported', { object: view.object, count: view.total - view.skipped, id })
    } finally {
      this.#writing = undefined
      this.requestUpdate()
    }
  }
}

/** A person has ended a piece of work. */
class Cancelled extends Error {}

/** Fields that may tell one record from another: of the org already, filled by a column, and short texts or numbers. */
function keyFields(schema: ObjectSchema, choices: readonly ColumnChoice[]): readonly Field[] {
  const filled = new Set(choices.map(({ field }) => field))
  return schema.fields.filter(({ name, type }) => filled.has(name) && ['text', 'email', 'phone', 'url', 'number'].includes(type))
}

function madeFields(choices: readonly ColumnChoice[]): readonly Field[] {
  return choices.flatMap((choice) => choice.made ?? [])
}

function withMade(schema: ObjectSchema, choices: readonly ColumnChoice[]): ObjectSchema {
  return { ...schema, fields: [...schema.fields, ...madeFields(choices)] }
}
