import type { Engine, Topic } from '@entente/engine'
import { html, LitElement, type CSSResultGroup, type PropertyValues, type TemplateResult } from 'lit'
import { ContextRequest, providedEvent } from './context.js'
import { controls } from './controls.js'
import { libraryVersion } from './define-element.js'
import { describeFailure, failureNotice, type Failure } from './failure.js'
import { tokens } from './tokens.js'

/**
 * What all elements of Entente have in common: an engine, as property or from the provider above; drawing anew when the engine says that something
 * changed; one action at a time, whose failure is shown where it happened and told by `entente-error`.
 */
export abstract class EntenteElement extends LitElement {
  static readonly libraryVersion = libraryVersion
  static override styles: CSSResultGroup = [tokens, controls]
  static override properties = {
    engine: { attribute: false },
    density: { reflect: true },
    failure: { state: true },
    running: { state: true },
  }

  /** The engine of the org that is shown. Where it is not set, the nearest `<entente-provider>` gives it. */
  declare engine: Engine | undefined
  declare density: 'comfortable' | 'compact'
  declare protected failure: Failure | undefined
  /** The names of the actions that have not ended. */
  declare protected running: ReadonlySet<string>

  #provided: Engine | undefined
  #endContext: (() => void) | undefined
  #watched: Engine | undefined
  #endWatch: (() => void) | undefined

  constructor() {
    super()
    this.engine = undefined
    this.density = 'comfortable'
    this.failure = undefined
    this.running = new Set()
  }

  /** Which changes make this element draw anew. */
  protected abstract readonly topics: readonly Topic[]

  /** Draws with an engine at hand. */
  protected abstract view(engine: Engine): TemplateResult

  protected get org(): Engine | undefined {
    return this.engine ?? this.#provided
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener(providedEvent, this.#ask)
    this.#ask()
    this.requestUpdate()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener(providedEvent, this.#ask)
    this.#endContext?.()
    this.#endContext = undefined
    this.#unwatch()
  }

  protected override willUpdate(_changed: PropertyValues): void {
    if (this.#watched === this.org || !this.isConnected) return
    this.#unwatch()
    this.#watched = this.org
    this.#endWatch = this.org && this.#watch(this.org)
    this.changed(new Set(this.topics))
  }

  /** Something that this element shows may read differently now. */
  protected changed(_topics: ReadonlySet<Topic>): void {
    this.requestUpdate()
  }

  protected override render(): TemplateResult {
    const engine = this.org
    if (!engine)
      return html`<div class="notice" role="note">
        <div>${this.localName} has no engine yet. Put it inside &lt;entente-provider&gt;, or set its engine.</div>
      </div>`
    try {
      return html`${failureNotice(this.failure, () => (this.failure = undefined))}${this.view(engine)}`
    } catch (error) {
      return failureNotice(describeFailure(error), () => this.requestUpdate(), 'Try again') ?? html``
    }
  }

  /** Runs an action unless the same one is still running: a double click does a thing once. Its failure is shown, and told as `entente-error`. */
  protected act(name: string, action: () => Promise<unknown>): void {
    if (this.running.has(name)) return
    this.running = new Set([...this.running, name])
    this.failure = undefined
    action()
      .catch((error: unknown) => {
        this.failure = describeFailure(error)
        this.tell('entente-error', this.failure)
      })
      .finally(() => (this.running = new Set([...this.running].filter((other) => other !== name))))
  }

  /** Fires an event that bubbles out of shadow roots. @returns false where a listener said no to a cancelable one */
  protected tell(name: `entente-${string}`, detail: unknown, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }))
  }

  /** The nearest language given above this element, or the browser's. */
  protected get language(): string {
    return this.closest('[lang]')?.getAttribute('lang') || document.documentElement.lang || navigator.language
  }

  #ask = (): void => {
    if (this.engine || this.#endContext) return
    this.dispatchEvent(
      new ContextRequest((engine, end) => {
        this.#provided = engine
        this.#endContext = end
        this.requestUpdate()
      }, this),
    )
  }

  #watch(engine: Engine): (() => void) | undefined {
    try {
      return engine.watch((changed) => {
        if (this.topics.some((topic) => changed.has(topic))) this.changed(changed)
      })
    } catch {
      // A closed engine changes no more. Reading from it fails too, and `render` shows why.
      return undefined
    }
  }

  #unwatch(): void {
    this.#endWatch?.()
    this.#endWatch = undefined
    this.#watched = undefined
  }
}
