import { EntenteElement } from '../base/element.js'
import { markEdges } from './edges.js'
import { scrollTopFor, windowOf } from './window.js'

/** A list of more rows than this is read again at most every so many milliseconds. */
const [manyRows, calmMs] = [500, 400]

/**
 * The base of lists that stay fast at any number of rows: only rows in sight are in the page, a long list is not read again with every change, the arrows move, and
 * paper gets all rows.
 */
export abstract class LongList extends EntenteElement {
  static override properties = {
    ...EntenteElement.properties,
    scrolled: { state: true },
    printing: { state: true },
  }
  declare protected scrolled: { readonly top: number; readonly height: number }
  /** Paper does not scroll: all rows are drawn for it. */
  declare protected printing: boolean
  #readAt = 0
  #readLater: ReturnType<typeof setTimeout> | undefined
  #observer: ResizeObserver | undefined
  #measureLater: ReturnType<typeof setTimeout> | undefined

  constructor() {
    super()
    // A few rows at first: the page draws them with all that stands around them, and the others in a task of their own.
    this.scrolled = { top: 0, height: 0 }
    this.printing = false
  }

  /** Forgets the rows as they were read. The next drawing reads them. */
  protected abstract forgetRows(): void

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('beforeprint', this.#print)
    addEventListener('afterprint', this.#print)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('beforeprint', this.#print)
    removeEventListener('afterprint', this.#print)
    clearTimeout(this.#readLater)
    this.#readLater = undefined
    this.#unobserve()
  }

  protected override updated(): void {
    const grid = this.grid
    if (grid && !this.#observer) {
      // One that was elsewhere in the page begins at its top again.
      grid.scrollTop = this.scrolled.top
      this.#observer = new ResizeObserver(() => {
        clearTimeout(this.#measureLater)
        this.#measureLater = setTimeout(() => this.measure(grid))
      })
      this.#observer.observe(grid)
    } else if (!grid) this.#unobserve()
  }

  #unobserve(): void {
    clearTimeout(this.#measureLater)
    this.#observer?.disconnect()
    this.#observer = undefined
  }

  protected get grid(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.grid')
  }

  protected get rowHeight(): number {
    return this.density === 'compact' ? 30 : 40
  }

  /** The least time between two drawings of so many rows, in milliseconds. */
  protected pace(rows: number): number {
    return rows > manyRows ? calmMs : 0
  }

  /** Reads the rows again: soon, where there are so many that reading them with each of many changes would block the page. */
  protected readSoon(rows: number): void {
    const wait = this.#readAt + this.pace(rows) - performance.now()
    if (wait <= 0) this.readAgain()
    else this.#readLater ??= setTimeout(() => this.readAgain(), wait)
  }

  protected readAgain(): void {
    clearTimeout(this.#readLater)
    this.#readLater = undefined
    this.#readAt = performance.now()
    this.forgetRows()
    this.requestUpdate()
  }

  /** The rows that are in the page. @param active the row in the tab order, which stays in the page wherever the list is scrolled; else the focus would be lost */
  protected rowsToDraw(count: number, active: number): readonly number[] {
    const { first, end } = this.printing
      ? { first: 0, end: count }
      : windowOf(count, this.rowHeight, this.scrolled.top, this.scrolled.height)
    const drawn = Array.from({ length: end - first }, (_, offset) => first + offset)
    if (active < first || active >= end) drawn.push(active)
    return drawn
  }

  protected onScroll = (event: Event): void => {
    if (event.currentTarget instanceof HTMLElement) this.measure(event.currentTarget)
  }

  /** @returns whether the list has been scrolled, or changed its height */
  protected measure(grid: HTMLElement): boolean {
    const { scrollTop, clientHeight } = grid
    markEdges(grid)
    if (this.scrolled.top === scrollTop && this.scrolled.height === clientHeight) return false
    this.scrolled = { top: scrollTop, height: clientHeight }
    return true
  }

  /** The row to which a key moves; undefined for a key that moves to none. The arrows to the sides scroll. */
  protected rowByKey(key: string, active: number, count: number): number | undefined {
    const page = Math.max(1, Math.floor(this.scrolled.height / this.rowHeight) - 1)
    const moves: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count }
    const move = moves[key]
    return move === undefined ? undefined : Math.max(0, Math.min(count - 1, active + move))
  }

  /** @returns whether the key is one that scrolls to a side */
  protected scrollsByKey(key: string): boolean {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return false
    this.grid?.scrollBy(key === 'ArrowLeft' ? -80 : 80, 0)
    return true
  }

  /** Brings a row into sight, and the focus to it. */
  protected focusLine(index: number): void {
    const { grid, rowHeight } = this
    const top = grid ? scrollTopFor(index, rowHeight, grid.scrollTop, grid.clientHeight - rowHeight) : undefined
    if (grid && top !== undefined) grid.scrollTop = top
    this.updateComplete.then(
      () => this.renderRoot.querySelector<HTMLElement>(`[data-index='${index}']`)?.focus({ preventScroll: true }),
      () => undefined,
    )
  }

  #print = (event: Event): void => {
    this.printing = event.type === 'beforeprint'
  }
}
