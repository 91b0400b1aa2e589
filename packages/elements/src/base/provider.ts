import type { Engine } from '@entente/engine'
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { showText } from '../value/show-text.js'
import { isContextRequest, providedEvent, type TakeEngine } from './context.js'
import { libraryVersion } from './define-element.js'
import { describeFailure, type Failure } from './failure.js'

/** Opens the org that a provider's attributes name: `openOwnOrg` of `@entente/browser`. */
export type OpenOrg = (asked: { readonly org: string; readonly relay: string }) => Promise<Engine>

/** The orgs that this page has opened, or is opening. Providers of one org share its engine, and it stays open as long as the page. */
const opened = new Map<string, Promise<Engine>>()

/**
 * Provides the engine of one org to all elements of Entente inside it, however deep. It opens the org that its attributes name, or takes an open engine. Until
 * there is one it says what it is doing, and what is missing.
 *
 * @tag entente-provider
 * @attr relay - The relay's address, like `https://relay.example`.
 * @attr org - The org's name in this browser. Default: `default`, as in the workspace.
 * @fires entente-ready - The org is open. Its detail: `{engine}`.
 * @fires entente-error - The org did not open. Its detail: `{code, message, details}`.
 * @slot - The elements that use the engine.
 */
export class EntenteProvider extends LitElement {
  static readonly libraryVersion = libraryVersion
  /** How providers of this page open the orgs that their attributes name. The one-file build sets it; with packages set it to `openOwnOrg`. */
  static open: OpenOrg | undefined
  /** All on the notice: what a provider had itself would reach the page's own content inside it. */
  static override styles = css`
    :host {
      display: contents !important;
    }
    :host([hidden]) {
      display: none !important;
    }
    .notice {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 12px;
      padding: 10px 14px;
      border: 1px solid var(--entente-line, light-dark(#e0e2dd, #323842));
      border-inline-start: 3px solid var(--entente-line-strong, light-dark(#8b93a0, #767f8e));
      border-radius: 6px;
      background: var(--entente-sunken, light-dark(#f2f3f0, #22262e));
      color: var(--entente-text, light-dark(#1b1f27, #e9ebef));
      font: var(--entente-font-size, 14px) / 1.45 var(--entente-font, system-ui, sans-serif);
      letter-spacing: normal;
      text-align: start;
      text-transform: none;
      white-space: normal;
    }
    .notice > div {
      flex: 1 1 16em;
    }
    .warn {
      border-inline-start-color: var(--entente-warn, light-dark(#7a5200, #efc465));
      background: var(--entente-warn-soft, light-dark(#fcf2d8, #3a311a));
    }
    a {
      color: var(--entente-accent, light-dark(#2a4bb0, #a3b7ff));
    }
    button {
      min-height: 34px;
      padding: 4px 13px;
      border: 1px solid var(--entente-line-strong, light-dark(#8b93a0, #767f8e));
      border-radius: 6px;
      background: var(--entente-surface, light-dark(#ffffff, #1a1d23));
      color: inherit;
      font: inherit;
      cursor: pointer;
    }
    /* An org that is open at once shows no notice first. */
    .opening {
      animation: appear 0s 0.3s both;
    }
    @keyframes appear {
      from {
        visibility: hidden;
      }
    }
  `
  static override properties = { engine: { attribute: false }, relay: {}, org: {}, failure: { state: true } }

  /** The engine to provide. A new one replaces it everywhere at once. Set it, or `relay` and `org`. */
  declare engine: Engine | undefined
  /** The address of the org's relay. */
  declare relay: string | undefined
  /** The org's name in this browser. */
  declare org: string | undefined
  declare protected failure: Failure | undefined

  readonly #takers = new Set<TakeEngine>()
  /** The engine that the attributes led to, which other attributes replace. One that the page set they leave alone. */
  #own: Engine | undefined

  constructor() {
    super()
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
    if ((changed.has('relay') || changed.has('org')) && this.engine === this.#own) this.#open()
    if (!changed.has('engine')) return
    for (const take of this.#takers) take(this.engine, () => this.#takers.delete(take))
  }

  protected override render(): TemplateResult {
    return html`${this.engine ? nothing : this.#notice()}<slot></slot>`
  }

  #open(): void {
    const { relay, org = 'default' } = this
    this.#own = undefined
    if (this.engine) this.engine = undefined
    if (this.failure) this.failure = undefined
    const { open } = EntenteProvider
    if (relay === undefined || open === undefined) return
    const isAsked = (): boolean => this.engine === undefined && this.relay === relay && (this.org ?? 'default') === org
    const key = JSON.stringify([relay, org])
    const opening = opened.get(key) ?? open({ relay, org })
    opened.set(key, opening)
    opening
      .then((engine) => {
        if (!isAsked()) return
        this.#own = engine
        this.engine = engine
        this.#tell('entente-ready', { engine })
      })
      .catch((error: unknown) => {
        opened.delete(key)
        if (!isAsked()) return
        this.failure = describeFailure(error)
        this.#tell('entente-error', this.failure)
      })
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }

  #notice(): TemplateResult {
    const { failure, relay, org = 'default' } = this
    if (relay === undefined)
      return html`<div class="notice" role="note">
        <div>No org is open here: entente-provider needs relay="https://…", or its engine.</div>
      </div>`
    if (EntenteProvider.open === undefined)
      return html`<div class="notice" role="note">
        <div>No org is open here: nothing on this page opens orgs. Load entente.js, or set EntenteProvider.open to openOwnOrg.</div>
      </div>`
    if (failure === undefined)
      return html`<div class="notice opening" role="status"><div>Opening the org “${showText(org, 60)}” …</div></div>`
    return html`<div class="notice warn" role="status">
      <div>${showText(failure.message)}${failure.code === 'NOT_FOUND' ? this.#whereToMakeIt(relay, org) : nothing}</div>
      <button @click=${() => this.#open()}>Try again</button>
    </div>`
  }

  /** Orgs are where the app made them: on the relay's own pages. */
  #whereToMakeIt(relay: string, org: string): TemplateResult | typeof nothing {
    if (!URL.canParse(relay)) return nothing
    const home = new URL(`/workspace.html?org=${encodeURIComponent(org)}`, relay.replace(/^ws/, 'http'))
    return home.origin === location.origin
      ? html` <a href=${home.href}>Make it, or bring it back, in the workspace</a>`
      : html` A browser keeps an org for each address apart. The org is at ${showText(home.host, 80)}, and a page elsewhere cannot join it
        yet.`
  }
}
