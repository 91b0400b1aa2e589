import type { Condition, ConnectionView, Engine, Field, ObjectName, SortKey, Topic, Value } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { guard } from 'lit/directives/guard.js'
import { repeat } from 'lit/directives/repeat.js'
import { typed } from '../base/typed.js'
import { formatCount } from '../value/format.js'
import { isNumeric, showValue } from '../value/show-value.js'
import { columnsOf, layOut } from './columns.js'
import { isFiltered, isSameState, type ListState, plainList } from './list-state.js'
import { readRows, type ListedRow, type RowSet } from './rows.js'
import { extendTo, noSelection, type Selection, toggle, toggleAll } from './selection.js'
import { conditionLines, conditionStyles, newCondition } from '../sharing/conditions.js'
import { siteHead } from './site-head.js'
import { recordsStyles } from './styles.js'
import { LongList } from './long-list.js'
import { connectionName } from '../choice/name.js'
import { plainText, showText } from '../value/show-text.js'

/** Of a list longer than this, changes that come one after the other show at most every so many milliseconds. */

/**
 * The org's records of one object, or the records that a vendor shows on its partner site, as a list that stays fast with any number of rows.
 * Arrows move, Enter opens, Space selects, Shift+arrows and Shift+click select ranges, Ctrl+A selects all shown rows, / goes to the filter, Esc clears it.
 * What it shows and where it stands are properties, and `entente-list` tells when a person changes them: a host that keeps them, for example in its address,
 * can show the same list again.
 *
 * @tag entente-records
 * @fires entente-open - A row was opened; detail {object, id}. Of a listing that was exported: the own copy.
 * @fires entente-selection - The selection changed; detail {ids}.
 * @fires entente-list - What the list shows or where it stands changed; detail {list}: filter, conditions, sort, only, sharedWith, job, selected, row, top.
 * @slot toolbar - Beside the filter.
 * @slot empty - Replaces the text of an empty list.
 * @csspart grid - The scrolling list.
 */
export class EntenteRecords extends LongList {
  static override styles = [LongList.styles, conditionStyles, recordsStyles]
  static override properties = {
    ...LongList.properties,
    object: {},
    source: {},
    connection: {},
    columns: { attribute: false },
    selectable: { type: Boolean },
    only: {},
    sharedWith: { attribute: 'shared-with' },
    job: {},
    filter: {},
    conditions: { attribute: false },
    sort: { attribute: false },
    row: {},
    top: { type: Number },
    selection: { state: true },
  }

  declare object: ObjectName
  /** Own records, or the listings of a vendor's partner site (then `connection` names the vendor's connection). */
  declare source: 'records' | 'listings'
  declare connection: ConnectionView['id'] | undefined
  /** API names of the columns. By default the usual ones; of listings those that the vendor chose, else all that are agreed. */
  declare columns: readonly string[] | undefined
  declare selectable: boolean
  /** Own records that are exported or not, or listings with or without an own copy. */
  declare only: 'all' | 'new' | 'exported'
  /** Of own records: only those that this connection's peer sees or has. */
  declare sharedWith: ConnectionView['id'] | undefined
  /** Only the own copies that this export made. */
  declare job: string | undefined
  declare filter: string
  /** Conditions in addition to `filter`; all of them must hold. */
  declare conditions: readonly Condition[]
  declare sort: readonly SortKey[]
  /** Id of the row that takes the focus. */
  declare row: string | undefined
  /** Rows above the first one in sight. Setting it scrolls the list. */
  declare top: number
  declare protected selection: Selection

  /** How often rows were drawn anew for another reason than their values. */
  #drawn = 0
  protected readonly topics: readonly Topic[] = ['records', 'sharing', 'site', 'connections', 'agreements', 'mirrors']
  #rows: RowSet | undefined
  /** The index of the row with the focus, as it was found last. */
  #active: { readonly ids: readonly string[]; readonly row: string; readonly index: number } | undefined
  /** What the host knows of the list. */
  #told: ListState | undefined
  #tellLater: ReturnType<typeof setTimeout> | undefined
  /** What a host asked for before there were rows: all of them selected, and how far to scroll. */
  #selectAll = false
  #scrollTo: number | undefined
  #hasShown = false
  /** The partner site and the object that have been shown as their vendor chose. */
  #firstViewOf: string | undefined
  /** The selection as the host knows it. */
  #selectedOf: { readonly selection: Selection; readonly ids: ListState['selected'] } | undefined

  constructor() {
    super()
    this.object = 'Opportunity'
    this.source = 'records'
    this.selectable = false
    this.only = 'all'
    this.filter = ''
    this.conditions = []
    this.sort = []
    this.top = 0
    this.selection = noSelection
  }

  /** The ids of the selected rows. It may be set to `all`: all that the filter shows. */
  get selected(): readonly string[] {
    return [...this.selection.ids]
  }

  set selected(ids: ListState['selected']) {
    if (this.#selectedOf?.selection === this.selection && this.#selectedOf.ids === ids) return
    this.#selectAll = ids === 'all'
    const selection: Selection = { ids: new Set(ids === 'all' ? [] : ids), anchor: undefined }
    this.#selectedOf = { selection, ids }
    this.selection = selection
  }

  /** The rows and columns that a person sees, the one about sharing included: for a file of them. */
  get shown(): { readonly fields: readonly Field[]; readonly rows: readonly Readonly<Record<string, Value>>[] } {
    if (!this.#rows) return { fields: [], rows: [] }
    const { schema, status, ids, row: read } = this.#rows
    const columns = columnsOf(this.object, schema.fields, this.columns ?? this.#rows.columns)
    const rows = ids.flatMap((id) => read(id) ?? [])
    return status
      ? { fields: [...columns, status.field], rows: rows.map((row) => ({ ...row.values, [status.field.name]: status.text(row) })) }
      : { fields: columns, rows: rows.map(({ values }) => values) }
  }

  clearSelection(): void {
    this.#select(noSelection)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#tellLater)
  }

  protected override changed(topics: ReadonlySet<Topic>): void {
    // How far an edit has come changes what rows show, and not which they are. While an export runs that is told many times a second.
    if (this.source === 'records' && topics.has('mirrors')) {
      this.#drawn++
      this.paceMs = this.pace(this.#rows?.ids.length ?? 0)
      super.changed(topics)
    }
    // Much of what comes while an org opens concerns no row.
    if (this.#rows && !this.#decidingTopics().some((topic) => topics.has(topic))) return
    this.readSoon(this.#rows?.ids.length ?? 0)
  }

  protected override forgetRows(): void {
    this.#rows = undefined
  }

  #decidingTopics(): readonly Topic[] {
    if (this.source === 'listings') return ['records', 'site', 'connections', 'agreements']
    return this.sharedWith === undefined && this.job === undefined
      ? ['records', 'connections']
      : this.topics.filter((topic) => topic !== 'mirrors')
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.get('object') !== undefined) this.#forget(changed)
    if ((changed.get('connection') !== undefined || changed.get('source') !== undefined) && !changed.has('selection'))
      this.selection = noSelection
    if (changed.has('top') && this.top !== this.#topRow()) {
      this.#scrollTo = this.top
      this.scrolled = { ...this.scrolled, top: this.top * this.rowHeight }
    }
    this.#takeFirstView()
    if (deciding.some((name) => changed.has(name))) this.#rows = undefined
    if (this.#selectAll && this.org) this.#selectAllShown(this.org)
  }

  /** A partner site begins as its vendor chose, unless the host or a person has set an order or conditions. */
  #takeFirstView(): void {
    const { source, connection, object, org } = this
    const name = `${connection} ${object}`
    if (source !== 'listings' || !connection || !org || this.#firstViewOf === name) return
    this.#firstViewOf = name
    if (this.sort.length > 0 || this.conditions.length > 0) return
    try {
      const { sort = [], conditions = [] } = org.settings.site(connection).objects[object] ?? {}
      if (sort.length > 0) this.sort = sort
      if (conditions.length > 0) this.conditions = conditions
      this.#rows = undefined
    } catch {
      // `render` meets the same failure, and shows it.
    }
  }

  #selectAllShown(engine: Engine): void {
    this.#selectAll = false
    try {
      this.#rows ??= readRows(engine, this, this.language)
      this.#select({ ids: new Set(this.#rows.ids), anchor: undefined })
    } catch {
      // `render` meets the same failure, and shows it.
    }
  }

  protected override updated(): void {
    super.updated()
    const { grid } = this
    if (grid && this.#scrollTo !== undefined) {
      grid.scrollTop = this.#scrollTo * this.rowHeight
      this.#scrollTo = undefined
    }
    if (grid && !this.#hasShown) this.#comeBack()
    this.#tellList()
  }

  /** Who comes back to a list, from a record for example, goes on at the row that was left. Takes the focus from nothing else. */
  #comeBack(): void {
    this.#hasShown = true
    if (this.row !== undefined && document.activeElement === document.body)
      this.renderRoot.querySelector<HTMLElement>(".line[tabindex='0']")?.focus({ preventScroll: true })
  }

  /** Tells the host what the list shows and where it stands, where the host does not know. */
  #tellList(): void {
    const { filter, conditions, sort, only, sharedWith, job, row, top } = this
    const list = { filter, conditions, sort, only, sharedWith, job, selected: this.#selectedState(), row, top }
    const isFirst = this.#told === undefined
    if (isSameState(this.#told, list)) return
    this.#told = list
    if (!isFirst) this.tell('entente-list', { list })
  }

  #selectedState(): ListState['selected'] {
    const { selection } = this
    if (this.#selectedOf?.selection === selection) return this.#selectedOf.ids
    const shown = this.#rows?.ids ?? []
    const isAll = shown.length > 0 && shown.length === selection.ids.size && shown.every((id) => selection.ids.has(id))
    const ids = isAll ? 'all' : selection.ids.size === 0 ? plainList.selected : [...selection.ids]
    this.#selectedOf = { selection, ids }
    return ids
  }

  protected view(engine: Engine): TemplateResult {
    const set = (this.#rows ??= readRows(engine, this, this.language))
    return html`
      ${set.site ? siteHead(set.site) : nothing}
      <div class="tools">
        <input
          type="search"
          aria-label="Filter ${set.plural}"
          placeholder="Filter ${set.plural.toLowerCase()} ( / )"
          .value=${this.filter}
          @input=${(event: Event) => (this.filter = typed(event))}
          @keydown=${this.#filterKey}
        />
        ${this.#sharingFilters(set)}
        <button @click=${() => this.#addCondition(set)}>Add a condition</button>
        <span class="count" role="status">${this.#countText(set)}</span>
        <div class="end"><slot name="toolbar"></slot></div>
      </div>
      ${this.conditions.length === 0 ? nothing : conditionLines(set.schema.fields, this.conditions, this.language, (next) => (this.conditions = next))}
      ${set.ids.length === 0 ? this.#empty(set) : this.#grid(set)}
    `
  }

  #addCondition({ schema }: RowSet): void {
    const field = schema.fields.find((each) => each.type === 'picklist') ?? schema.fields[0]
    if (field) this.conditions = [...this.conditions, newCondition(field)]
  }

  /** Resets what means nothing for another object, unless the host has just set it. */
  #forget(changed: PropertyValues): void {
    if (!changed.has('sort')) this.sort = []
    if (!changed.has('conditions')) this.conditions = []
    if (!changed.has('job')) this.job = undefined
    if (!changed.has('row')) this.row = undefined
    if (!changed.has('top')) this.top = 0
    if (!changed.has('selection')) this.selection = noSelection
  }

  /** The filters about sharing: with whom, whether exported, and by which export. */
  #sharingFilters({ connections, status }: RowSet): TemplateResult {
    const chosen = connections.find(({ id }) => id === this.sharedWith)
    const share = (event: Event): void => {
      this.sharedWith = connections.find(({ id }) => id === typed(event))?.id
    }
    const only = (event: Event): void => {
      this.only = onlys.find(({ value }) => value === typed(event))?.value ?? 'all'
    }
    return html`${
      connections.length === 0
        ? nothing
        : html`<select aria-label="Shared with" @change=${share}>
            <option value="" .selected=${!chosen}>Shared or not</option>
            ${connections.map((each) => html`<option value=${each.id} .selected=${each === chosen}>Shared with ${plainText(connectionName(each), 40)}</option>`)}
          </select>`
    }
    ${
      status
        ? html`<select aria-label="Exported" @change=${only}>
            ${onlys.map(({ value, words }) => html`<option value=${value} .selected=${value === this.only}>${words}</option>`)}
          </select>`
        : nothing
    }
    ${
      this.job === undefined
        ? nothing
        : html`<span class="badge accent"
            >Copies of one export
            <button class="quiet" aria-label="Show all, not only the copies of one export" @click=${() => (this.job = undefined)}>
              ✕
            </button></span
          >`
    }`
  }

  #grid(set: RowSet): TemplateResult {
    const columns = columnsOf(this.object, set.schema.fields, this.columns ?? set.columns)
    const { ids } = set
    const active = this.#activeIndex(ids)
    const height = this.rowHeight
    const { template, least } = layOut(columns, set.schema.nameField, this.selectable, set.status !== undefined)
    const widths = `grid-template-columns: ${template}; min-width: ${least}px`
    const { language } = this
    return html`<div class="frame">
      <div
        class="grid"
        part="grid"
        role="grid"
        aria-label=${set.plural}
        aria-rowcount=${ids.length + 1}
        aria-multiselectable=${this.selectable ? 'true' : nothing}
        @scroll=${this.onScroll}
        @keydown=${this.#key}
        @click=${this.#click}
        @dblclick=${this.#doubleClick}
      >
        <div class="line head" role="row" aria-rowindex="1" .style=${widths}>
          ${this.selectable ? this.#headBox(ids) : nothing} ${columns.map((field) => this.#headCell(field))}
          ${set.status ? html`<span role="columnheader">${set.status.field.label}</span>` : nothing}
        </div>
        <div class="body" role="rowgroup" .style=${`height: ${ids.length * height}px; min-width: ${least}px`}>
          ${repeat(
            this.rowsToDraw(ids.length, active),
            (index) => ids[index],
            (index) => {
              const row = set.row(ids[index] ?? '')
              const isSelected = row !== undefined && this.selection.ids.has(row.id)
              const place: Place = {
                index,
                isActive: index === active,
                isSelected,
                style: `${widths}; transform: translateY(${index * height}px)`,
              }
              // A list that scrolls draws the rows that come into sight, and leaves the others alone.
              return guard([set, this.#drawn, row, index, place.isActive, isSelected, place.style, language], () =>
                row ? this.#row(row, place, columns, set, language) : nothing,
              )
            },
          )}
        </div>
      </div>
    </div>`
  }

  #row(
    row: ListedRow,
    { index, isActive, isSelected, style }: Place,
    columns: readonly Field[],
    set: RowSet,
    language: string,
  ): TemplateResult {
    return html`<div
      class="line"
      role="row"
      aria-rowindex=${index + 2}
      aria-selected=${this.selectable ? String(isSelected) : nothing}
      tabindex=${isActive ? 0 : -1}
      data-index=${index}
      .style=${style}
    >
      ${
        this.selectable
          ? html`<span class="box" role="gridcell"
              ><input type="checkbox" tabindex="-1" aria-label="Choose this row" .checked=${isSelected}
            /></span>`
          : nothing
      }
      ${columns.map((field) => {
        const isName = field.name === set.schema.nameField
        return html`<span role=${isName ? 'rowheader' : 'gridcell'} class=${isName ? 'name' : isNumeric(field) ? 'number' : ''}
          >${showValue(field, row.values[field.name], language, 160)}</span
        >`
      })}
      ${set.status ? html`<span role="gridcell">${set.status.show(row)}</span>` : nothing}
    </div>`
  }

  #headBox(shown: readonly string[]): TemplateResult {
    const { ids } = this.selection
    const chosen = ids.size === 0 ? 0 : shown.filter((id) => ids.has(id)).length
    return html`<span class="box" role="columnheader"
      ><input
        type="checkbox"
        aria-label="Choose all ${shown.length} shown"
        .checked=${chosen > 0 && chosen === shown.length}
        .indeterminate=${chosen > 0 && chosen < shown.length}
        @click=${() => this.#select(toggleAll(this.selection, shown))}
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
    if (isFiltered(this)) {
      const clear = (): void => {
        const { filter, conditions, only, sharedWith, job } = plainList
        Object.assign(this, { filter, conditions, only, sharedWith, job })
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
    const shown = formatCount(set.ids.length, this.language)
    const total = formatCount(set.total, this.language)
    const text = set.ids.length === set.total ? total : `${shown} of ${total}`
    const chosen = this.selection.ids.size
    return chosen > 0 ? `${text}, ${formatCount(chosen, this.language)} chosen` : text
  }

  /** Rows above the first one in sight. */
  #topRow(): number {
    return Math.floor(this.scrolled.top / this.rowHeight)
  }

  /** The row in the tab order: the one that had the focus last, else the first. */
  #activeIndex(ids: readonly string[]): number {
    const { row } = this
    if (row === undefined) return 0
    if (this.#active?.ids === ids && this.#active.row === row) return this.#active.index
    this.#active = { ids, row, index: Math.max(0, ids.indexOf(row)) }
    return this.#active.index
  }

  protected override measure(grid: HTMLElement): boolean {
    const hasMoved = super.measure(grid)
    if (hasMoved) {
      // The host hears of it when the list stands still.
      clearTimeout(this.#tellLater)
      this.#tellLater = setTimeout(() => (this.top = this.#topRow()), 200)
    }
    return hasMoved
  }

  #filterKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') this.filter = ''
    if (event.key === 'ArrowDown') this.#focusRow(0)
  }

  /** The row in which an event happened. */
  #rowOf({ target }: Event): ListedRow | undefined {
    const line = target instanceof Element ? target.closest<HTMLElement>('.body .line') : null
    const id = line ? this.#rows?.ids[Number(line.dataset['index'])] : undefined
    return id === undefined ? undefined : this.#rows?.row(id)
  }

  #click = (event: MouseEvent): void => {
    const row = this.#rowOf(event)
    if (!row || !this.#rows) return
    this.row = row.id
    const onBox = event.target instanceof HTMLInputElement
    if (this.selectable && event.shiftKey) this.#select(extendTo(this.selection, row.id, this.#rows.ids))
    else if (this.selectable && (onBox || event.ctrlKey || event.metaKey)) this.#select(toggle(this.selection, row.id))
    else if (!this.#open(row) && this.selectable) this.#select(toggle(this.selection, row.id))
  }

  #doubleClick = (event: MouseEvent): void => {
    const row = this.#rowOf(event)
    if (row && this.selectable && this.source === 'records') this.#open(row)
  }

  #key = (event: KeyboardEvent): void => {
    const ids = this.#rows?.ids ?? []
    if (event.key === '/') {
      event.preventDefault()
      this.renderRoot.querySelector<HTMLInputElement>('input[type=search]')?.focus()
      return
    }
    if (!(event.target instanceof HTMLElement) || event.target.closest('.body') === null) return
    const active = this.#activeIndex(ids)
    const next = this.rowByKey(event.key, active, ids.length)
    const current = ids[active]
    if (next !== undefined) {
      const id = ids[next] ?? ''
      if (this.selectable && event.shiftKey) {
        const from = this.selection.anchor === undefined && current ? toggle(this.selection, current) : this.selection
        this.#select(extendTo(from, id, ids))
      }
      this.#focusRow(next)
    } else if (event.key === 'Enter' && current !== undefined) this.#openById(current)
    else if (event.key === ' ' && this.selectable && current !== undefined) this.#select(toggle(this.selection, current))
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && this.selectable) this.#select(toggleAll(noSelection, ids))
    else if (event.key === 'Escape' && this.selection.ids.size > 0) this.#select(noSelection)
    else if (!this.scrollsByKey(event.key)) return
    event.preventDefault()
  }

  #focusRow(index: number): void {
    this.row = this.#rows?.ids[index]
    this.focusLine(index)
  }

  #select(selection: Selection): void {
    this.selection = selection
    this.tell('entente-selection', { ids: [...selection.ids] })
  }

  #openById(id: string): void {
    const row = this.#rows?.row(id)
    if (row) this.#open(row)
  }

  /** Opens a row: the record, or the own copy of a listing. @returns false for a listing without one */
  #open(row: ListedRow): boolean {
    const id = this.source === 'records' ? row.id : this.#rows?.copyOf(row)
    if (id === undefined) return false
    // The host has to know where the list stands before it leaves it.
    clearTimeout(this.#tellLater)
    this.row = row.id
    this.top = this.#topRow()
    this.#tellList()
    this.tell('entente-open', { object: this.object, id })
    return true
  }
}

/** Where and how a row stands in the list. */
interface Place {
  readonly index: number
  readonly isActive: boolean
  readonly isSelected: boolean
  readonly style: string
}

/** The properties that decide which rows are shown, and in which order. */
const deciding = ['object', 'source', 'connection', 'filter', 'conditions', 'sort', 'only', 'sharedWith', 'job']

const onlys = [
  { value: 'all', words: 'Exported or not' },
  { value: 'exported', words: 'Exported' },
  { value: 'new', words: 'Not exported' },
] as const
