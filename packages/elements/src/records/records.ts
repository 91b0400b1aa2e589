import type { Condition, ConnectionView, Engine, Field, ObjectName, SortKey, Topic } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { EntenteElement } from '../base/element.js'
import { formatCount } from '../value/format.js'
import { isNumeric, showValue } from '../value/show-value.js'
import { columnsOf, layOut } from './columns.js'
import { readRows, type ListedRow, type RowSet } from './rows.js'
import { extendTo, noSelection, type Selection, toggle, toggleAll } from './selection.js'
import { conditionLines, conditionStyles, newCondition } from '../sharing/conditions.js'
import { recordsStyles } from './styles.js'
import { scrollTopFor, windowOf } from './window.js'
import { plainText, showText } from '../value/show-text.js'

/**
 * The org's records of one object, or the records that a vendor shows on its partner site, as a list that stays fast with any number of rows.
 * Arrows move, Enter opens, Space selects, Shift+arrows and Shift+click select ranges, Ctrl+A selects all shown rows, / goes to the filter, Esc clears it.
 *
 * @tag entente-records
 * @fires entente-open - A row was opened; detail {object, id}.
 * @fires entente-selection - The selection changed; detail {ids}.
 * @slot toolbar - Beside the filter.
 * @slot empty - Replaces the text of an empty list.
 * @csspart grid - The scrolling list.
 */
export class EntenteRecords extends EntenteElement {
  static override styles = [EntenteElement.styles, conditionStyles, recordsStyles]
  static override properties = {
    ...EntenteElement.properties,
    object: {},
    source: {},
    connection: {},
    columns: { attribute: false },
    selectable: { type: Boolean },
    only: {},
    filter: {},
    conditions: { attribute: false },
    sort: { attribute: false },
    selection: { state: true },
    active: { state: true },
    scrolled: { state: true },
  }

  declare object: ObjectName
  /** Own records, or the listings of a vendor's partner site (then `connection` names the vendor's connection). */
  declare source: 'records' | 'listings'
  declare connection: ConnectionView['id'] | undefined
  /** API names of the columns; the usual ones by default. */
  declare columns: readonly string[] | undefined
  declare selectable: boolean
  /** For listings: show all, or only those with or without an own copy. */
  declare only: 'all' | 'new' | 'exported'
  declare filter: string
  /** Conditions in addition to `filter`; all of them must hold. */
  declare conditions: readonly Condition[]
  declare sort: readonly SortKey[]
  declare protected selection: Selection
  declare protected active: number
  declare protected scrolled: { readonly top: number; readonly height: number }

  protected readonly topics: readonly Topic[] = ['records', 'site', 'connections', 'agreements']
  #rows: RowSet | undefined
  #observer: ResizeObserver | undefined

  constructor() {
    super()
    this.object = 'Opportunity'
    this.source = 'records'
    this.connection = undefined
    this.columns = undefined
    this.selectable = false
    this.only = 'all'
    this.filter = ''
    this.conditions = []
    this.sort = []
    this.selection = noSelection
    this.active = 0
    this.scrolled = { top: 0, height: 600 }
  }

  /** The ids of the selected rows. */
  get selected(): readonly string[] {
    return [...this.selection.ids]
  }

  clearSelection(): void {
    this.#select(noSelection)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#observer?.disconnect()
    this.#observer = undefined
  }

  protected override changed(): void {
    this.#rows = undefined
    this.requestUpdate()
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('object') || changed.has('source') || changed.has('connection')) {
      this.selection = noSelection
      this.active = 0
      if (changed.get('object') !== undefined) this.#forget()
    }
    if (['object', 'source', 'connection', 'filter', 'conditions', 'sort', 'only'].some((name) => changed.has(name))) this.#rows = undefined
  }

  protected override updated(): void {
    const grid = this.renderRoot.querySelector<HTMLElement>('.grid')
    if (!grid || this.#observer) return
    this.#observer = new ResizeObserver(() => this.#measure(grid))
    this.#observer.observe(grid)
  }

  protected view(engine: Engine): TemplateResult {
    const set = (this.#rows ??= readRows(engine, this))
    return html`
      <div class="tools">
        <input
          type="search"
          aria-label="Filter ${set.plural}"
          placeholder="Filter ${set.plural.toLowerCase()} ( / )"
          .value=${this.filter}
          @input=${(event: Event) => (this.filter = inputText(event))}
          @keydown=${this.#filterKey}
        />
        <button @click=${() => this.#addCondition(set)}>Add a condition</button>
        <span class="count" role="status">${this.#countText(set)}</span>
        <div class="end"><slot name="toolbar"></slot></div>
      </div>
      ${this.conditions.length === 0 ? nothing : conditionLines(set.schema.fields, this.conditions, this.language, (next) => (this.conditions = next))}
      ${set.rows.length === 0 ? this.#empty(set) : this.#grid(set)}
    `
  }

  #addCondition({ schema }: RowSet): void {
    const field = schema.fields.find((each) => each.type === 'picklist') ?? schema.fields[0]
    if (field) this.conditions = [...this.conditions, newCondition(field)]
  }

  /** Resets order and conditions, which mean nothing for another object. */
  #forget(): void {
    this.sort = []
    this.conditions = []
  }

  #grid(set: RowSet): TemplateResult {
    const columns = columnsOf(this.object, set.schema.fields, this.columns)
    const { rows } = set
    const active = Math.min(this.active, rows.length - 1)
    const height = this.#rowHeight()
    const { first, end } = windowOf(rows.length, height, this.scrolled.top, this.scrolled.height)
    const drawn = Array.from({ length: end - first }, (_, offset) => first + offset)
    // The focused row stays in the page wherever the list is scrolled; else the focus would be lost.
    if (active < first || active >= end) drawn.push(active)
    const { template, least } = layOut(columns, set.schema.nameField, this.selectable, set.hasStatus)
    const widths = `grid-template-columns: ${template}; min-width: ${least}px`
    return html`<div
      class="grid"
      part="grid"
      role="grid"
      aria-label=${set.plural}
      aria-rowcount=${rows.length + 1}
      aria-multiselectable=${this.selectable ? 'true' : nothing}
      @scroll=${this.#scroll}
      @keydown=${(event: KeyboardEvent) => this.#key(event, rows)}
    >
      <div class="line head" role="row" aria-rowindex="1" .style=${widths}>
        ${this.selectable ? this.#headBox(rows) : nothing} ${columns.map((field) => this.#headCell(field))}
        ${set.hasStatus ? html`<span role="columnheader">${this.source === 'listings' ? 'Status' : 'Shared'}</span>` : nothing}
      </div>
      <div class="body" role="rowgroup" .style=${`height: ${rows.length * height}px; min-width: ${least}px`}>
        ${repeat(
          drawn,
          (index) => rows[index]?.id,
          (index) => this.#row(rows, index, active, columns, set, `${widths}; transform: translateY(${index * height}px)`),
        )}
      </div>
    </div>`
  }

  #row(rows: readonly ListedRow[], index: number, active: number, columns: readonly Field[], set: RowSet, style: string): TemplateResult {
    const row = rows[index]
    if (!row) return html``
    const selected = this.selection.ids.has(row.id)
    return html`<div
      class="line"
      role="row"
      aria-rowindex=${index + 2}
      aria-selected=${this.selectable ? String(selected) : nothing}
      tabindex=${index === active ? 0 : -1}
      data-index=${index}
      .style=${style}
      @click=${(event: MouseEvent) => this.#click(event, rows, index)}
      @dblclick=${() => this.#open(row.id)}
    >
      ${
        this.selectable
          ? html`<span class="box" role="gridcell"
              ><input type="checkbox" tabindex="-1" aria-label="Choose this row" .checked=${selected}
            /></span>`
          : nothing
      }
      ${columns.map((field) => {
        const isName = field.name === set.schema.nameField
        return html`<span role=${isName ? 'rowheader' : 'gridcell'} class="${isName ? 'name' : ''} ${isNumeric(field) ? 'number' : ''}"
          >${showValue(field, row.values[field.name], this.language, 160)}</span
        >`
      })}
      ${set.hasStatus ? html`<span role="gridcell">${set.statusOf(row)}</span>` : nothing}
    </div>`
  }

  #headBox(rows: readonly ListedRow[]): TemplateResult {
    const chosen = rows.filter((row) => this.selection.ids.has(row.id)).length
    return html`<span class="box" role="columnheader"
      ><input
        type="checkbox"
        aria-label="Choose all ${rows.length} shown"
        .checked=${chosen > 0 && chosen === rows.length}
        .indeterminate=${chosen > 0 && chosen < rows.length}
        @click=${() => this.#select(toggleAll(this.selection, idsOf(rows)))}
    /></span>`
  }

  #headCell(field: Field): TemplateResult {
    const key = this.sort[0]?.field === field.name ? this.sort[0].direction : undefined
    const next = key === 'ascending' ? 'descending' : 'ascending'
    return html`<span role="columnheader" aria-sort=${key ?? 'none'} class=${isNumeric(field) ? 'number' : ''}
      ><button title=${plainText(field.label)} @click=${() => (this.sort = [{ field: field.name, direction: next }])}>
        ${showText(field.label, 80)}
      </button></span
    >`
  }

  #empty(set: RowSet): TemplateResult {
    if (this.filter !== '' || this.only !== 'all' || this.conditions.length > 0) {
      const clear = (): void => {
        this.filter = ''
        this.conditions = []
        this.only = 'all'
      }
      return html`<div class="empty card">
        <h3>Nothing matches</h3>
        <p>None of the ${formatCount(set.total, this.language)} ${set.plural.toLowerCase()} fits this filter.</p>
        <button @click=${clear}>Clear the filter</button>
      </div>`
    }
    return html`<slot name="empty"
      ><div class="empty card">
        <h3>${set.emptyTitle}</h3>
        <p>${set.emptyText}</p>
      </div></slot
    >`
  }

  #countText(set: RowSet): string {
    const shown = formatCount(set.rows.length, this.language)
    const total = formatCount(set.total, this.language)
    const text = set.rows.length === set.total ? total : `${shown} of ${total}`
    const chosen = this.selection.ids.size
    return chosen > 0 ? `${text}, ${formatCount(chosen, this.language)} chosen` : text
  }

  #rowHeight(): number {
    return this.density === 'compact' ? 30 : 40
  }

  #measure(grid: HTMLElement): void {
    const { scrollTop, clientHeight } = grid
    if (this.scrolled.top !== scrollTop || this.scrolled.height !== clientHeight) this.scrolled = { top: scrollTop, height: clientHeight }
  }

  #scroll = (event: Event): void => {
    if (event.currentTarget instanceof HTMLElement) this.#measure(event.currentTarget)
  }

  #filterKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') this.filter = ''
    if (event.key === 'ArrowDown') this.#focusRow(0)
  }

  #click(event: MouseEvent, rows: readonly ListedRow[], index: number): void {
    const id = rows[index]?.id ?? ''
    this.active = index
    const onBox = event.target instanceof HTMLInputElement
    if (this.selectable && event.shiftKey) this.#select(extendTo(this.selection, id, idsOf(rows)))
    else if (this.selectable && (onBox || event.ctrlKey || event.metaKey)) this.#select(toggle(this.selection, id))
    else if (this.selectable && this.source === 'listings') this.#select(toggle(this.selection, id))
    else this.#open(id)
  }

  #key(event: KeyboardEvent, rows: readonly ListedRow[]): void {
    if (event.key === '/') {
      event.preventDefault()
      this.renderRoot.querySelector<HTMLInputElement>('input[type=search]')?.focus()
      return
    }
    if (!(event.target instanceof HTMLElement) || event.target.closest('.body') === null) return
    const page = Math.max(1, Math.floor(this.scrolled.height / this.#rowHeight()) - 1)
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    }
    const move = moves[event.key]
    const current = rows[this.active]
    if (move !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, this.active + move))
      const id = rows[next]?.id ?? ''
      if (this.selectable && event.shiftKey) {
        const from = this.selection.anchor === undefined && current ? toggle(this.selection, current.id) : this.selection
        this.#select(extendTo(from, id, idsOf(rows)))
      }
      this.#focusRow(next)
    } else if (event.key === 'Enter' && current) this.#open(current.id)
    else if (event.key === ' ' && this.selectable && current) this.#select(toggle(this.selection, current.id))
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && this.selectable) this.#select(toggleAll(noSelection, idsOf(rows)))
    else if (event.key === 'Escape' && this.selection.ids.size > 0) this.#select(noSelection)
    else return
    event.preventDefault()
  }

  #focusRow(index: number): void {
    this.active = index
    const grid = this.renderRoot.querySelector<HTMLElement>('.grid')
    const head = this.#rowHeight()
    const top = grid ? scrollTopFor(index, this.#rowHeight(), grid.scrollTop, grid.clientHeight - head) : undefined
    if (grid && top !== undefined) grid.scrollTop = top
    this.updateComplete.then(
      () => this.renderRoot.querySelector<HTMLElement>(`[data-index='${index}']`)?.focus({ preventScroll: true }),
      () => undefined,
    )
  }

  #select(selection: Selection): void {
    this.selection = selection
    this.tell('entente-selection', { ids: [...selection.ids] })
  }

  #open(id: string): void {
    this.tell('entente-open', { object: this.object, id })
  }
}

function idsOf(rows: readonly ListedRow[]): readonly string[] {
  return rows.map((row) => row.id)
}

function inputText(event: Event): string {
  return event.target instanceof HTMLInputElement ? event.target.value : ''
}
