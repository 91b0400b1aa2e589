import type { Engine } from '@entente/engine'
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit'
import { isContextRequest, providedEvent, type TakeEngine } from './context.js'
import { libraryVersion } from './define-element.js'

/**
 * Provides the engine of one org to all elements of Entente inside it, however deep.
 *
 * @tag entente-provider
 * @slot - The elements that use the engine.
 */
export class EntenteProvider extends LitElement {
  static readonly libraryVersion = libraryVersion
  static override styles = css`
    :host {
      display: contents;
    }
  `
  static override properties = { engine: { attribute: false } }

  /** The engine to provide. A new one replaces it everywhere at once. */
  declare engine: Engine | undefined

  readonly #takers = new Set<TakeEngine>()

  constructor() {
    super()
    this.engine = undefined
    this.addEventListener('context-request', (event) => {
      if (!isContextRequest(event)) return
      event.stopImmediatePropagation()
      const take = event.callback
      this.#takers.add(take)
      take(this.engine, () => this.#takers.delete(take))
    })
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.dispatchEvent(new Event(providedEvent))
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('engine')) return
    for (const take of this.#takers) take(this.engine, () => this.#takers.delete(take))
  }

  protected override render(): TemplateResult {
    return html`<slot></slot>`
  }
}
