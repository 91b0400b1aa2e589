import { freeOrgName, type KeptOrg, keptOrgs } from '@entente/browser'
import { controls, showText, tokens } from '@entente/elements'
import { html, LitElement, type TemplateResult } from 'lit'
import { addressOfOrg } from '../app/org-address.js'
import { orgsStyles } from './styles.js'

/** The orgs of this browser: each with the way into it, and how another one comes here. It opens none of them. */
export class OrgsApp extends LitElement {
  static override styles = [tokens, controls, orgsStyles]
  static override properties = { orgs: { state: true }, open: { state: true }, problem: { state: true } }
  declare protected orgs: readonly KeptOrg[]
  /** The stores of the orgs that a tab of this browser has open. */
  declare protected open: ReadonlySet<string>
  declare protected problem: string

  constructor() {
    super()
    this.orgs = []
    this.open = new Set()
    this.problem = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('visibilitychange', this.#look)
    addEventListener('storage', this.#look)
    this.#look()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('visibilitychange', this.#look)
    removeEventListener('storage', this.#look)
  }

  protected override render(): TemplateResult {
    const free = freeOrgName()
    return html`<main class="stack">
      <header class="row spread">
        <h1>Your orgs in this browser</h1>
        <a href="./">Entente</a>
      </header>
      <p class="soft">
        Each org has its own keys, records and connections, and knows nothing of the others. Each tab shows the org that its address names.
      </p>
      ${
        this.orgs.length === 0
          ? html`<div class="card empty">
              <h2>No org yet</h2>
              <p>Create your company’s org, bring one back, or join one by a link.</p>
            </div>`
          : html`<ul class="stack" aria-label="Orgs">
              ${this.orgs.map((org) => this.#org(org))}
            </ul>`
      }
      <section class="card stack" aria-labelledby="another">
        <h2 id="another">${this.orgs.length === 0 ? 'Begin' : 'Another org'}</h2>
        <div><a class="button" href=${addressOfOrg(free)}>Create or restore ${this.orgs.length === 0 ? 'an org' : 'another org'}</a></div>
        <form class="stack" @submit=${this.#join}>
          <label for="link">Or join one: the link that its admin sent you for this device</label>
          <div class="row">
            <input id="link" name="link" autocomplete="off" spellcheck="false" placeholder="https://…#device=…" required />
            <button>Join</button>
          </div>
          ${this.problem === '' ? '' : html`<p role="alert">${this.problem}</p>`}
        </form>
      </section>
    </main>`
  }

  #org({ org, name, store, relay }: KeptOrg): TemplateResult {
    return html`<li class="card row spread">
      <span>
        <h2>${showText(name, 80)}</h2>
        <span class="soft small"
          >${this.open.has(store) ? 'open in a tab' : 'not open'}${relay === undefined ? '' : html`, at ${showText(new URL(relay).host, 80)}`}</span
        >
      </span>
      <span class="row">
        <a class="button" href=${addressOfOrg(org)}>Workspace</a>
        <a class="button" href=${addressOfOrg(org, 'site.html')}>Partner site</a>
      </span>
    </li>`
  }

  readonly #look = (): void => {
    this.orgs = keptOrgs()
    // The tab that leads holds a lock of the store's name.
    void navigator.locks.query().then(({ held = [] }) => (this.open = new Set(held.map(({ name = '' }) => name.replace(/^entente-/, '')))))
  }

  readonly #join = (event: SubmitEvent): void => {
    event.preventDefault()
    const link = new FormData(event.target as HTMLFormElement).get('link')
    const url = typeof link === 'string' && URL.canParse(link) ? new URL(link) : undefined
    if (!url?.hash.startsWith('#device=') || !/^https?:$/.test(url.protocol)) {
      this.problem = 'This is no link for a device. It has “#device=” in it; an invitation to connect is opened in the workspace.'
      return
    }
    const here = new URL(addressOfOrg(freeOrgName()), location.href)
    // A link of another host leads to its own pages, and the org lives there.
    if (url.origin !== here.origin) return location.assign(url.href)
    const relay = url.searchParams.get('relay')
    if (relay !== null) here.searchParams.set('relay', relay)
    here.hash = url.hash
    location.assign(here.href)
  }
}

customElements.define('orgs-app', OrgsApp)
