import type { Engine, Topic, UndoStep } from '@entente/engine'
import { html, LitElement, type CSSResultGroup, type PropertyValues, type TemplateResult } from 'lit'
import { ContextRequest, providedEvent } from './context.js'
import { controls } from './controls.js'
import { libraryVersion } from './define-element.js'
import { askPerson, type Question } from './dialog.js'
import { describeFailure, failureNotice, type Failure } from './failure.js'
import { pageLanguage } from './page-language.js'
import { type Notification, showToast } from './toast.js'
import { tokens } from './tokens.js'
import { undoWords } from './undo-words.js'

/**
 * The base of all elements of Entente. An element has an engine, as a property or from the provider above, and renders again when the engine reports a change.
 * It runs one action at a time; it shows a failure in place and fires `entente-error`.
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

  /** The engine of the shown org. If it is not set, the nearest `<entente-provider>` provides it. */
  declare engine: Engine | undefined
  declare density: 'comfortable' | 'compact'
  declare protected failure: Failure | undefined
  /** The names of the running actions. */
  declare protected running: ReadonlySet<string>

  #provided: Engine | undefined
  #endContext: (() => void) | undefined
  #watched: Engine | undefined
  #endWatch: (() => void) | undefined

  constructor() {
    super()
    this.density = 'comfortable'
    this.running = new Set()
  }

  /**
   * The least time between two drawings that changes bring about, in milliseconds. A page around lists and records sets it: while a job runs the engine tells it of
   * changes a hundred times a second.
   */
  protected paceMs = 0
  #drawnAt = 0
  #drawLater: ReturnType<typeof setTimeout> | undefined

  /** Whether it says how long ago something was, and so is drawn again as time goes by. */
  protected readonly showsAge: boolean = false
  #ageTimer: ReturnType<typeof setInterval> | undefined

  /** The topics whose changes make this element render again. */
  protected abstract readonly topics: readonly Topic[]

  /** Renders the element with its engine. */
  protected abstract view(engine: Engine): TemplateResult

  protected get org(): Engine | undefined {
    return this.engine ?? this.#provided
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener(providedEvent, this.#ask)
    this.#ask()
    this.requestUpdate()
    if (this.showsAge) this.#ageTimer = setInterval(() => this.requestUpdate(), 20_000)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener(providedEvent, this.#ask)
    this.#endContext?.()
    this.#endContext = undefined
    clearInterval(this.#ageTimer)
    clearTimeout(this.#drawLater)
    this.#drawLater = undefined
    this.#unwatch()
  }

  protected override willUpdate(_changed: PropertyValues): void {
    if (this.#watched === this.org || !this.isConnected) return
    this.#unwatch()
    this.#watched = this.org
    this.#endWatch = this.org && this.#watch(this.org)
    this.changed(new Set(this.topics))
  }

  /** Called when something that this element shows may have changed. */
  protected changed(_topics: ReadonlySet<Topic>): void {
    const wait = this.#drawnAt + this.paceMs - performance.now()
    if (wait <= 0) this.#draw()
    else this.#drawLater ??= setTimeout(() => this.#draw(), wait)
  }

  #draw(): void {
    clearTimeout(this.#drawLater)
    this.#drawLater = undefined
    this.#drawnAt = performance.now()
    this.requestUpdate()
  }

  protected override render(): TemplateResult {
    const engine = this.org
    // A provider says itself why it has no engine, once for all elements inside it.
    if (!engine && this.#endContext) return html``
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

  /** Runs an action unless the same one is still running, so that a double click acts once. It shows a failure and fires `entente-error`. */
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

  /** Fires an event that bubbles out of shadow roots. @returns false if a listener cancelled it */
  protected tell(name: `entente-${string}`, detail: unknown, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }))
  }

  /** Asks before something is done. @returns whether the person agreed */
  protected confirmed(question: Question): Promise<boolean> {
    return askPerson(this.renderRoot, question)
  }

  /** Says what was done: by `entente-notify`, so that a page may show it in its own way, else in a toast. */
  protected notify(notification: Notification): void {
    if (this.tell('entente-notify', notification, true)) showToast(notification, this)
  }

  /** Says what was done, and offers to take it back. */
  protected notifyStep(engine: Engine, text: string, step: UndoStep | undefined): void {
    this.notify(step ? { text, undo: () => this.undoStep(engine, step) } : { text })
  }

  /** Takes a step back. @returns what came of it, in words */
  protected async undoStep(engine: Engine, step: UndoStep): Promise<string> {
    return undoWords(engine, await engine.undo.run(step.id), this.language)
  }

  /** The language by which values are read and shown: what the person chose, else the page's. */
  protected get language(): string {
    return this.#chosenLocale() ?? pageLanguage(this)
  }

  #chosenLocale(): string | undefined {
    try {
      return this.org?.settings.read().locale
    } catch {
      // A closed engine: `render` says so.
      return undefined
    }
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
        // Whatever an element shows, it shows in the person's way of writing.
        if (changed.has('settings')) this.requestUpdate()
        if (this.topics.some((topic) => changed.has(topic))) this.changed(changed)
      })
    } catch {
      // A closed engine no longer changes. Reads from it fail too, and `render` shows why.
      return undefined
    }
  }

  #unwatch(): void {
    this.#endWatch?.()
    this.#endWatch = undefined
    this.#watched = undefined
  }
}
