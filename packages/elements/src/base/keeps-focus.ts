import type { PropertyValues } from 'lit'
import { EntenteElement } from './element.js'

/** The base of elements whose controls go away once they were used. Who acts by the keyboard goes on from there: at the same control, else at what stood around it. */
export abstract class FocusKeepingElement extends EntenteElement {
  /** What had the focus when it was taken away, with what stands around it. */
  #left: readonly Element[] = []

  protected override act(name: string, action: () => Promise<unknown>): void {
    this.#left = this.#aroundFocus()
    super.act(name, action)
  }

  protected override update(changed: PropertyValues): void {
    if (this.#left.length === 0) this.#left = this.#aroundFocus()
    super.update(changed)
    const [first] = this.#left
    // It is disabled while the action runs.
    if (first?.isConnected && first.matches(':disabled')) return
    const next = this.#left.find(({ isConnected }) => isConnected) ?? this
    const isLost = first !== undefined && this.isConnected && document.activeElement === document.body
    this.#left = []
    if (!isLost || !(next instanceof HTMLElement)) return
    if (next !== first && !next.hasAttribute('tabindex')) next.tabIndex = -1
    next.focus({ preventScroll: true })
  }

  #aroundFocus(): readonly Element[] {
    const around: Element[] = []
    for (let each = this.shadowRoot?.activeElement ?? null; each; each = each.parentElement) around.push(each)
    return around
  }
}
