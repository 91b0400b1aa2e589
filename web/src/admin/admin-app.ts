import { controls, tokens } from '@entente/elements'
import { html, LitElement, nothing, type TemplateResult } from 'lit'
import { canRead } from './can-read.js'
import { showSpan, showTime } from './format.js'
import { loadView, storeView } from './load-view.js'
import { adminStyles } from './styles.js'
import { orgsView, sessionsView } from './tables.js'
import { type View, Watch } from './watch.js'

/** From this age on, in ms, the page marks figures as old, even without a failed request: the page may have slept. */
const oldMs = 6_000

/** The relay's admin page: the status of the relay that served it, now and over the last two minutes, and what it can learn about its orgs. */
export class AdminApp extends LitElement {
  static override styles = [tokens, controls, adminStyles]
  static override properties = { view: { state: true }, filter: { state: true } }
  declare protected view: View
  declare protected filter: string
  readonly #watch = new Watch((view) => (this.view = view))
  #clock: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.view = { kind: 'asking' }
    this.filter = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#watch.start()
    this.#clock = setInterval(() => this.requestUpdate(), 1_000)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#watch.stop()
    clearInterval(this.#clock)
  }

  protected override render(): TemplateResult {
    return html`<header class="top">
        <span class="row">
          <a class="brand" href="./"
            ><svg viewBox="0 0 34 22" aria-hidden="true">
              <circle cx="11" cy="11" r="9.5" fill="none" stroke="#5b7cf0" stroke-width="3" />
              <circle cx="23" cy="11" r="9.5" fill="none" stroke="#d98a2b" stroke-width="3" /></svg
            >Entente</a
          >
          <h1>Relay ${location.host}</h1>
        </span>
        <span class="row">${this.#line()}</span>
      </header>
      <main>${this.#content()} ${section('can-read', 'What this relay can and cannot read', canRead())}</main>`
  }

  /** Whether the shown figures are fresh. Screen readers read only a change of state, not each second. */
  #line(): TemplateResult {
    const { view } = this
    const [state, words] = this.#isOld()
      ? (['bad', 'No answer'] as const)
      : ({ asking: ['', 'Asking …'], locked: ['warn', 'Locked'], unreachable: ['bad', 'No answer'], shown: ['good', 'Live'] } as const)[
          view.kind
        ]
    return html`<span class="badge ${state}" role="status">${words}</span> ${
        view.kind === 'shown'
          ? html`<span class="soft small">up ${showSpan(view.status.upMs)}</span><button @click=${() => this.#watch.lock()}>Lock</button>`
          : nothing
      }`
  }

  #content(): TemplateResult {
    const { view } = this
    switch (view.kind) {
      case 'asking':
        return html`<div class="empty"><p>Asking the relay …</p></div>`
      case 'unreachable':
        return html`<div class="empty" role="alert">
          <h3>The relay does not answer</h3>
          <p>This page goes on asking every two seconds. Is the process running, and is this machine online?</p>
        </div>`
      case 'locked':
        return this.#locked(view)
      case 'shown':
        return this.#shown(view)
    }
  }

  #locked({ wrong, retryMs }: Extract<View, { readonly kind: 'locked' }>): TemplateResult {
    return html`<div class="begin">
      <form class="card" @submit=${this.#unlock}>
        <h2>Unlock this page</h2>
        <p class="soft">
          Open the link that the relay printed when it started, or enter its admin token. The token stays in this tab until you close it.
        </p>
        ${wrong ? html`<div class="notice bad" role="alert">This is not the relay’s token.</div>` : nothing}
        ${
          retryMs > 0
            ? html`<div class="notice warn" role="alert">
                Too many wrong tokens came from your address. Try again in ${showSpan(Math.ceil(retryMs / 1_000) * 1_000)}.
              </div>`
            : nothing
        }
        <label>Admin token <input name="token" type="password" required autocomplete="current-password" autofocus /></label>
        <div><button class="primary">Unlock</button></div>
      </form>
    </div>`
  }

  #shown({ status, past, cameAt }: Extract<View, { readonly kind: 'shown' }>): TemplateResult {
    const isOld = this.#isOld()
    return html`${
        isOld
          ? html`<div class="notice bad" role="alert">
              <div>
                <strong>The relay does not answer.</strong> These are the figures of ${showTime(status.at)}; the page goes on asking.
                <span aria-hidden="true">Silent for ${showSpan(Math.floor((performance.now() - cameAt) / 1_000) * 1_000)}.</span>
              </div>
            </div>`
          : nothing
      }
      ${section('load', 'Load', loadView(status, past), isOld)} ${section('store', 'Store', storeView(status.store), isOld)}
      <div class="row">
        <label class="filter"
          >Only ids with
          <input
            type="search"
            spellcheck="false"
            autocomplete="off"
            .value=${this.filter}
            @input=${(event: Event) => (this.filter = (event.target as HTMLInputElement).value.trim())}
        /></label>
      </div>
      ${section('sessions', 'Sessions', sessionsView(status.sessions, this.filter), isOld)}
      ${status.orgs ? section('orgs', 'Orgs', orgsView(status.orgs, this.filter), isOld) : nothing}`
  }

  #isOld(): boolean {
    const { view } = this
    return view.kind === 'shown' && (view.silent || performance.now() - view.cameAt > oldMs)
  }

  #unlock = (event: SubmitEvent): void => {
    event.preventDefault()
    const token = new FormData(event.target as HTMLFormElement).get('token')
    if (typeof token === 'string' && token.trim() !== '') this.#watch.unlock(token.trim())
  }
}

function section(name: string, title: string, content: TemplateResult, isOld = false): TemplateResult {
  return html`<section class="card ${isOld ? 'old' : ''}" aria-labelledby=${`${name}-title`}>
    <h2 id=${`${name}-title`}>${title}</h2>
    ${content}
  </section>`
}

customElements.define('admin-app', AdminApp)
