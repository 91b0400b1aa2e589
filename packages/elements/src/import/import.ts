import type { CsvTable, Engine, Field, FinishedImport, ObjectName, ObjectSchema, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { formatCount } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { choiceFromGuess, choicesToMapping, type ColumnChoice, columnLines } from './column-lines.js'
import { type CsvTools, pause } from './csv-tools.js'
import { importStyles } from './styles.js'

type Step =
  | { readonly name: 'choose' }
  | { readonly name: 'map' }
  | { readonly name: 'working'; readonly what: string; readonly done: number; readonly total: number }
  | { readonly name: 'report'; readonly finished: FinishedImport }
  | { readonly name: 'done'; readonly created: number }

/**
 * Imports records from a CSV file: choose the file, map its columns, read the report row by row, and only then create records. It works in slices, so the page
 * stays responsive.
 *
 * @tag entente-import
 * @fires entente-imported - Detail {object, count}.
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
  }
  declare object: ObjectName
  declare csv: CsvTools | undefined
  declare protected step: Step
  declare protected choices: readonly ColumnChoice[]
  declare protected problem: string
  protected readonly topics: readonly Topic[] = []
  #table: CsvTable | undefined
  #fileName = ''
  #cancelled = false

  constructor() {
    super()
    this.object = 'Opportunity'
    this.csv = undefined
    this.step = { name: 'choose' }
    this.choices = []
    this.problem = ''
  }

  /** Opens the dialog at its first step. */
  open(): void {
    this.step = { name: 'choose' }
    this.problem = ''
    this.updateComplete.then(
      () => this.renderRoot.querySelector('dialog')?.showModal(),
      () => undefined,
    )
  }

  close(): void {
    this.#cancelled = true
    this.renderRoot.querySelector('dialog')?.close()
  }

  protected view(engine: Engine): TemplateResult {
    const schema = engine.records.schema(this.object)
    return html`<dialog aria-labelledby="title" @cancel=${() => (this.#cancelled = true)}>
      <div class="inside">
        <header class="row spread">
          <h2 id="title">Import ${schema.plural.toLowerCase()}</h2>
          <button class="quiet" @click=${() => this.close()}>Close</button>
        </header>
        ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
        ${this.#step(engine, schema)}
      </div>
    </dialog>`
  }

  #step(engine: Engine, schema: ObjectSchema): TemplateResult {
    const { step } = this
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
        </label>`
      case 'map':
        return this.#map(engine, schema)
      case 'working':
        return html`<div class="stack" role="status">
          <p>${step.what}: ${formatCount(step.done, this.language)} of ${formatCount(step.total, this.language)}</p>
          <div class="bar"><span .style=${`width: ${step.total === 0 ? 0 : Math.round((step.done / step.total) * 100)}%`}></span></div>
        </div>`
      case 'report':
        return this.#report(engine, schema, step.finished)
      case 'done':
        return html`<div class="stack">
          <div class="notice good" role="status">
            <div>
              ${formatCount(step.created, this.language)} ${schema.plural.toLowerCase()} imported from ${showText(this.#fileName, 80)}.
            </div>
          </div>
          <div><button class="primary" @click=${() => this.close()}>Done</button></div>
        </div>`
    }
  }

  #map(engine: Engine, schema: ObjectSchema): TemplateResult {
    const table = this.#table
    const { csv } = this
    if (!table || !csv) return html``
    const warnings = table.problems.filter((found) => found.severity === 'warning')
    const mapped = this.choices.filter((choice) => choice.field !== '').length
    return html`<p>
        ${showText(this.#fileName, 80)}: ${formatCount(table.rowCount, this.language)} rows, ${table.columns.length} columns.
        <span class="soft">Types and fields are guessed; correct what is wrong.</span>
      </p>
      ${warnings.slice(0, 4).map((found) => html`<div class="notice warn"><div>${showText(found.message, 200)} ${showText(found.fix, 200)}</div></div>`)}
      ${columnLines({
        choices: this.choices,
        schema,
        propose: (guess) => csv.proposeCustomField(guess, withMade(schema, this.choices)),
        change: (choices) => (this.choices = choices),
      })}
      <div class="row">
        <button class="primary" ?disabled=${mapped === 0} @click=${() => this.#run(() => this.#check(engine, csv, table))}>
          Check ${formatCount(table.rowCount, this.language)} rows
        </button>
        <button @click=${() => (this.step = { name: 'choose' })}>Another file</button>
        <span class="soft small">Nothing is created yet.</span>
      </div>`
  }

  #report(engine: Engine, schema: ObjectSchema, finished: FinishedImport): TemplateResult {
    const { language } = this
    const { report, records } = finished
    return html`<div class="row">
        <span class="badge good">${formatCount(report.good, language)} rows are good</span>
        ${report.bad > 0 ? html`<span class="badge bad">${formatCount(report.bad, language)} are not</span>` : nothing}
        ${report.ignored.length > 0 ? html`<span class="badge">${report.ignored.length} columns left out</span>` : nothing}
      </div>
      ${
        report.problems.length > 0
          ? html`<div class="matrix" tabindex="0" role="region" aria-label="Problems">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Row</th>
                      <th scope="col">Column</th>
                      <th scope="col">What and how to correct it</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${report.problems.slice(0, 200).map(
                      (found) =>
                        html`<tr>
                          <td>${found.row === 0 ? '' : found.row}</td>
                          <td>${showText(found.column, 60)}</td>
                          <td>${showText(found.message, 200)} <span class="soft">${showText(found.fix, 200)}</span></td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>
              ${report.problemCount > 200 ? html`<p class="soft small">The first 200 of ${formatCount(report.problemCount, language)}.</p>` : nothing}`
          : nothing
      }
      <div class="row">
        <button class="primary" ?disabled=${records.length === 0} @click=${() => this.#run(() => this.#create(engine, schema, finished))}>
          ${report.bad > 0 ? 'Create only the' : 'Create'} ${formatCount(records.length, language)}${report.bad > 0 ? ' good ones' : ''}
        </button>
        <button @click=${() => (this.step = { name: 'map' })}>Back to the columns</button>
      </div>`
  }

  #drop(event: DragEvent, engine: Engine): void {
    event.preventDefault()
    this.#take(event.dataTransfer?.files[0], engine)
  }

  #take(file: File | undefined, engine: Engine): void {
    const { csv } = this
    if (file && csv) this.#run(() => this.#read(file, csv, engine))
  }

  #run(work: () => Promise<void>): void {
    this.problem = ''
    this.#cancelled = false
    work().catch((error: unknown) => {
      this.problem = error instanceof Error ? error.message : 'This did not work. Nothing more was created.'
      this.step = { name: this.#table ? 'map' : 'choose' }
    })
  }

  async #read(file: File, csv: CsvTools, engine: Engine): Promise<void> {
    this.#fileName = file.name
    this.#table = undefined
    this.step = { name: 'working', what: 'Reading', done: 0, total: file.size }
    // Refused before it is read: the CSV functions check again, but by then 5 GB are in memory.
    if (file.size > 50 * 1024 * 1024) throw new Error('The file is larger than 50 MB. Split it into several files.')
    const bytes = new Uint8Array(await file.arrayBuffer())
    const decoded = csv.decodeCsvBytes(bytes, (part, encoding) => new TextDecoder(encoding).decode(part))
    if (!decoded.ok) throw new Error(`${decoded.error.message} ${decoded.error.fix}`)
    const parsed = await csv.parseCsv(decoded.text, { pause })
    if (!parsed.ok) throw new Error(`${parsed.error.message} ${parsed.error.fix}`)
    await pause()
    this.#table = parsed.table
    const guesses = await csv.guessColumns(parsed.table, engine.records.schema(this.object), { pause })
    this.choices = guesses.map(choiceFromGuess)
    this.step = { name: 'map' }
  }

  async #check(engine: Engine, csv: CsvTools, table: CsvTable): Promise<void> {
    const schema = withMade(engine.records.schema(this.object), this.choices)
    for await (const step of csv.convertRows(table, { schema, columns: choicesToMapping(this.choices), keepGood: true, pause })) {
      if (this.#cancelled) return
      if (step.kind === 'finished') this.step = { name: 'report', finished: step }
      else this.step = { name: 'working', what: 'Checking rows', done: step.done, total: step.total }
    }
  }

  async #create(engine: Engine, schema: ObjectSchema, { records }: FinishedImport): Promise<void> {
    const { object } = this
    const rows = records.map((record) => record.values)
    for (const field of madeFields(this.choices))
      if (!schema.fields.some((known) => known.name === field.name)) await engine.records.addField(object, field)
    this.step = { name: 'working', what: 'Creating', done: 0, total: rows.length }
    const ids = await engine.records.createMany(
      object,
      rows,
      (done) => (this.step = { name: 'working', what: 'Creating', done, total: rows.length }),
    )
    this.step = { name: 'done', created: ids.length }
    this.tell('entente-imported', { object, count: ids.length })
  }
}

function madeFields(choices: readonly ColumnChoice[]): readonly Field[] {
  return choices.flatMap((choice) => choice.made ?? [])
}

function withMade(schema: ObjectSchema, choices: readonly ColumnChoice[]): ObjectSchema {
  return { ...schema, fields: [...schema.fields, ...madeFields(choices)] }
}
