import type { ConnectionView, Engine, Field, ObjectName, Topic, Value } from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { guard } from 'lit/directives/guard.js'
import { repeat } from 'lit/directives/repeat.js'
import { LongList } from '../records/long-list.js'
import { recordsStyles } from '../records/styles.js'
import { formatCount, formatValue } from '../value/format.js'
import { typed } from '../base/typed.js'
import { plainText } from '../value/show-text.js'

/** What a line of either list says of its record. */
export interface PeerLine {
  readonly id: string
  readonly object: ObjectName
  readonly record: string
  readonly connection: ConnectionView['id']
  readonly peerName: string
}

/** A column: its heading, its width in CSS, and what stands in it. */
export interface Column<Line> {
  readonly label: string
  readonly width: string
  readonly isNumber?: boolean
  readonly show: (line: Line) => TemplateResult | typeof nothing
}

/** The lines as they were read, with what the toolbar needs. */
export interface Reading<Line> {
  readonly lines: readonly Line[]
  readonly records: number
  readonly pending: number
  /** The fields that may be chosen, by API name. */
  readonly fields: ReadonlyMap<string, string>
  readonly objects: ReadonlySet<ObjectName>
  readonly peers: ReadonlyMap<ConnectionView['id'], string>
}

/** The least width of a record's name, in pixels. */
const leastName = 150

/**
 * The base of the lists about other orgs' records: filters by object, org and field, and lines that stay fast at any number. Arrows move, Enter and a click open
 * the own record.
 */
export abstract class PeerList<Line extends PeerLine> extends LongList {
  static override styles = [
    LongList.styles,
    recordsStyles,
    css`
      .body .line {
        cursor: pointer;
      }
      .theirs {
        color: var(--theirs);
        font-weight: 550;
      }
      /* A column that is cut shows that it is; a button is never. */
      .line > :has(button) {
        overflow: visible;
      }
      .line button {
        min-height: 26px;
        padding: 0 8px;
      }
    `,
  ]
  static override properties = {
    ...LongList.properties,
    object: {},
    connection: {},
    field: {},
    active: { state: true },
  }
  /** Only records of this object; of both if undefined. */
  declare object: ObjectName | undefined
  /** Only those shared over this connection. */
  declare connection: ConnectionView['id'] | undefined
  /** Only this field, by its API name. */
  declare field: string | undefined
  declare protected active: number

  protected readonly topics: readonly Topic[] = ['changes', 'differences', 'records', 'connections']
  protected reading: Reading<Line> | undefined

  constructor() {
    super()
    this.active = 0
  }

  /** The name of the list, for screen readers. */
  protected abstract readonly label: string

  protected abstract read(engine: Engine): Reading<Line>

  protected abstract columns(engine: Engine): readonly Column<Line>[]

  /** What a file says of a line, beside the record. */
  protected abstract file(line: Line): readonly (readonly [Field, Value])[]

  protected abstract empty(): TemplateResult

  /** Controls of the list's own in the toolbar. */
  protected tools(_engine: Engine): TemplateResult | typeof nothing {
    return nothing
  }

  /** All lines that the filters leave, for a file of them. */
  get shown(): { readonly fields: readonly Field[]; readonly rows: readonly Readonly<Record<string, Value>>[] } {
    const engine = this.org
    if (!engine) return { fields: [], rows: [] }
    const lines = (this.reading ??= this.read(engine)).lines
    const fields = new Map<string, Field>()
    const rows = lines.map((line) => {
      const parts: (readonly [Field, Value])[] = [
        [text('Record'), recordName(engine, line, this.language)],
        [text('Object'), line.object],
        [text('Organisation'), line.peerName],
        ...this.file(line),
      ]
      for (const [field] of parts) fields.set(field.name, field)
      return Object.fromEntries(parts.map(([{ name }, value]) => [name, value]))
    })
    return { fields: [...fields.values()], rows }
  }

  protected override changed(): void {
    this.readSoon(this.reading?.lines.length ?? 0)
  }

  protected override forgetRows(): void {
    this.reading = undefined
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (['object', 'connection', 'field', 'sort', 'stake'].some((name) => changed.has(name))) {
      this.reading = undefined
      this.active = 0
    }
  }

  protected view(engine: Engine): TemplateResult {
    const reading = (this.reading ??= this.read(engine))
    const { lines, records, pending } = reading
    const count = (number: number, noun: string): string => `${formatCount(number, this.language)} ${noun}${number === 1 ? '' : 's'}`
    return html`<div class="tools">
        ${this.#filters(engine, reading)} ${this.tools(engine)}
        <span class="count" role="status"
          >${count(lines.length, this.noun)} in
          ${count(records, 'record')}${pending > 0 ? `, ${formatCount(pending, this.language)} still to compare` : ''}</span
        >
        <div class="end"><slot name="toolbar"></slot></div>
      </div>
      ${lines.length === 0 ? (pending > 0 ? html`<div class="empty card"><p>Comparing…</p></div>` : this.#nothing()) : this.#grid(engine, lines)}`
  }

  protected abstract readonly noun: string

  protected open(line: Line): void {
    this.tell('entente-open', { object: line.object, id: line.record })
  }

  #nothing(): TemplateResult {
    if (this.object === undefined && this.connection === undefined && this.field === undefined)
      return html`<slot name="empty">${this.empty()}</slot>`
    const clear = (): void => void Object.assign(this, { object: undefined, connection: undefined, field: undefined })
    return html`<div class="empty card">
      <h3>Nothing matches</h3>
      <button @click=${clear}>Clear the filter</button>
    </div>`
  }

  #filters(engine: Engine, { fields, objects, peers }: Reading<Line>): TemplateResult {
    const select = (
      label: string,
      all: string,
      chosen: string | undefined,
      options: ReadonlyMap<string, string>,
      set: (value: string | undefined) => void,
    ) =>
      options.size < 2 && chosen === undefined
        ? nothing
        : html`<select aria-label=${label} @change=${(event: Event) => set(typed(event) || undefined)}>
            <option value="" .selected=${chosen === undefined}>${all}</option>
            ${[...options].map(([value, words]) => html`<option value=${value} .selected=${value === chosen}>${plainText(words, 60)}</option>`)}
          </select>`
    const kinds = new Map([...objects].map((object) => [object, engine.records.schema(object).plural]))
    return html`${select('Object', 'All objects', this.object, kinds, (value) => (this.object = value as ObjectName | undefined))}
    ${select('Organisation', 'All organisations', this.connection, peers, (value) => (this.connection = value as ConnectionView['id'] | undefined))}
    ${select('Field', 'All fields', this.field, fields, (value) => (this.field = value))}`
  }

  #grid(engine: Engine, lines: readonly Line[]): TemplateResult {
    const columns = this.columns(engine)
    const height = this.rowHeight
    const active = Math.min(this.active, lines.length - 1)
    const least = leastName + columns.reduce((sum, { width }) => sum + Number(/\d+/.exec(width)?.[0] ?? 0), 0)
    const widths = `grid-template-columns: minmax(${leastName}px, 2fr) ${columns.map(({ width }) => width).join(' ')}; min-width: ${least}px`
    return html`<div class="frame">
      <div
        class="grid"
        part="grid"
        role="grid"
        aria-label=${this.label}
        aria-rowcount=${lines.length + 1}
        @scroll=${this.onScroll}
        @keydown=${this.#key}
        @click=${this.#click}
      >
        <div class="line head" role="row" aria-rowindex="1" .style=${widths}>
          <span role="columnheader">Record</span>
          ${columns.map(({ label, isNumber }) => html`<span role="columnheader" class=${isNumber ? 'number' : ''}>${label}</span>`)}
        </div>
        <div class="body" role="rowgroup" .style=${`height: ${lines.length * height}px; min-width: ${least}px`}>
          ${repeat(
            this.rowsToDraw(lines.length, active),
            (index) => lines[index]?.id,
            (index) => {
              const line = lines[index]
              const style = `${widths}; transform: translateY(${index * height}px)`
              return guard([line, index, index === active, style, this.language, this.running], () =>
                line ? this.#line(engine, line, index, index === active, style, columns) : nothing,
              )
            },
          )}
        </div>
      </div>
    </div>`
  }

  #line(engine: Engine, line: Line, index: number, isActive: boolean, style: string, columns: readonly Column<Line>[]): TemplateResult {
    return html`<div class="line" role="row" aria-rowindex=${index + 2} tabindex=${isActive ? 0 : -1} data-index=${index} .style=${style}>
      <span role="rowheader" class="name">${plainText(recordName(engine, line, this.language), 120)}</span>
      ${columns.map(({ show, isNumber }) => html`<span role="gridcell" class=${isNumber ? 'number' : ''}>${show(line)}</span>`)}
    </div>`
  }

  #click = ({ target }: Event): void => {
    if (!(target instanceof Element) || target.closest('button')) return
    const index = Number(target.closest<HTMLElement>('.body .line')?.dataset['index'] ?? Number.NaN)
    const line = this.reading?.lines[index]
    if (!line) return
    this.active = index
    this.open(line)
  }

  #key = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches('.body .line')) return
    const lines = this.reading?.lines ?? []
    const next = this.rowByKey(event.key, this.active, lines.length)
    const line = lines[this.active]
    if (next !== undefined) {
      this.active = next
      this.focusLine(next)
    } else if (event.key === 'Enter' && line) this.open(line)
    else if (!this.scrollsByKey(event.key)) return
    event.preventDefault()
  }
}

/** What the own org calls a record. */
export function recordName(engine: Engine, { object, record }: PeerLine, language: string): string {
  const { fields, nameField } = engine.records.schema(object)
  const values = engine.records.get(object, record)?.values ?? {}
  const names = object === 'Lead' ? ['FirstName', nameField] : [nameField]
  const words = names.flatMap((name) => {
    const field = fields.find((each) => each.name === name)
    return field ? formatValue(field, values[name], language) : []
  })
  return words.filter((word) => word !== '').join(' ') || record
}

/** A column of a file that holds text. */
export function text(label: string): Field {
  return { name: label.replaceAll(' ', ''), label, type: 'text' }
}
