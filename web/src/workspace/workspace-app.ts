import type { Engine } from '@entente/engine'
import { showText } from '@entente/elements'
import { hadOrg, keptOrgs } from '@entente/browser'
import { html, nothing, type TemplateResult } from 'lit'
import { addressOfOrg } from '../app/org-address.js'
import { orgStoreName } from '../app/org-store-name.js'
import { openOrg, OwnOrgPage } from '../app/own-org-page.js'
import { PendingInvitation } from '../app/pending-invitation.js'
import { Place } from '../app/place.js'
import { addressForOthers } from '../app/relay-address.js'
import type { BroughtKit } from '../app/restore-org.js'
import '../app/restore-org.js'

/** So long after a place was opened, its rows are kept for the next time. */
const keepListMs = 2_000

/** The workspace of this browser's org. The address holds the place. An invitation in the address is a secret, so the page removes it at once. */
export class WorkspaceApp extends OwnOrgPage {
  static override properties = { ...OwnOrgPage.properties, route: { state: true }, restoring: { state: true }, lastList: { state: true } }
  declare protected route: string
  protected readonly page = 'workspace.html'
  /** Whether the person wants to bring an org back. */
  declare protected restoring: boolean
  /** The list that the person saw last, until the org is open. */
  declare protected lastList: TemplateResult | undefined
  #keepLater: ReturnType<typeof setTimeout> | undefined
  readonly #invitation = new PendingInvitation(orgStoreName())
  readonly #place = new Place((fragment) => this.#follow(fragment))

  constructor() {
    super()
    this.route = ''
    this.restoring = hadOrg(orgStoreName()) !== undefined
    this.#follow(location.hash.slice(1))
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#place.start()
    addEventListener('visibilitychange', this.#keepList)
    // A list that cannot be read now is there a little later, with the org.
    if (!this.engine) this.#drawLastList().catch(() => undefined)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#place.stop()
    removeEventListener('visibilitychange', this.#keepList)
    clearTimeout(this.#keepLater)
  }

  protected loadContent(): Promise<unknown> {
    return Promise.all([import('@entente/elements/define.js'), import('../desk/desk.js')])
  }

  async #drawLastList(): Promise<void> {
    const { drawLastList } = await import('./last-list.js')
    this.lastList = await drawLastList(orgStoreName(), this.route)
  }

  protected override meanwhile(): TemplateResult {
    return this.lastList ?? super.meanwhile()
  }

  protected override willUpdate(): void {
    if (!this.engine) return
    this.lastList = undefined
    this.#keepLater ??= setTimeout(this.#keepList, keepListMs)
  }

  /** Keeps which rows are in sight: once the person has looked at them for a while, and when the page is left. */
  readonly #keepList = (): void => {
    clearTimeout(this.#keepLater)
    this.#keepLater = undefined
    this.#keep().catch(() => undefined)
  }

  async #keep(): Promise<void> {
    const { engine, route } = this
    // The org may be closed by now, and has no list to keep then.
    if (engine) (await import('./last-list.js')).keepLastList(engine, orgStoreName(), route)
  }

  protected content(engine: Engine): TemplateResult {
    return html`<org-desk
      .engine=${engine}
      .route=${this.route}
      .base=${addressForOthers(orgStoreName())}
      .siteBase=${addressForOthers(orgStoreName()).replace(/workspace(\.html)?(?=[?]|$)/, 'site$1')}
      .link=${this.#invitation.link}
      @entente-route=${this.#goTo}
      @entente-accepted=${() => this.#invitation.forget()}
      @entente-declined=${() => this.#forget()}
    ></org-desk>`
  }

  protected override address(): string {
    return this.#invitation.link || location.href
  }

  protected first(): TemplateResult {
    const had = hadOrg(orgStoreName())
    return html`<div class="begin">
      ${
        had
          ? html`<div class="notice warn" role="alert">
              <div>
                <strong>This browser has lost its copy of ${showText(had.name, 80)}.</strong> Its data was deleted: by the browser, which
                needed the room, or by a person. Your org itself is not lost. Let an admin invite this device from another one, or restore
                your org here from its recovery kit.
              </div>
            </div>`
          : nothing
      }
      ${this.otherOrgs()}
      ${
        this.restoring
          ? html`<restore-org .restore=${this.#restore} @org-restored=${this.#restored}>
              <button slot="else" type="button" class="quiet" @click=${() => this.#instead(false)}>Create an org instead</button>
            </restore-org>`
          : this.#creating()
      }
    </div>`
  }

  #creating(): TemplateResult {
    return html`<form class="card stack" @submit=${this.#create}>
      <h2>Create your org</h2>
      <p class="soft">
        ${this.#invitation.link === '' ? 'Its keys and records stay in this browser.' : 'You have an invitation. Name your org first; then you can accept it.'}
        Nothing is sent anywhere before you connect.
      </p>
      <label>Company <input name="org" required maxlength="120" autocomplete="organization" autofocus /></label>
      <label>Your name <input name="user" required maxlength="120" autocomplete="name" /></label>
      <div class="row spread">
        <button class="primary">Create</button>
        <button type="button" class="quiet" @click=${() => this.#instead(true)}>Restore an org instead</button>
      </div>
    </form>`
  }

  #instead(restoring: boolean): void {
    this.restoring = restoring
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.begin input')?.focus())
  }

  #create = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    const text = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    if (text('org') !== '' && text('user') !== '') this.open({ create: { orgName: text('org'), userName: text('user') } })
  }

  readonly #restore = (kit: BroughtKit): Promise<Engine | undefined> => openOrg({ restore: kit })

  readonly #restored = ({ detail: { engine } }: CustomEvent<{ readonly engine: Engine }>): void => this.begin(Promise.resolve(engine))

  #goTo = ({ detail: { route, replace = false } }: CustomEvent<{ readonly route: string; readonly replace?: boolean }>): void => {
    if (replace) this.#place.keep((this.route = route))
    else this.#place.go(route)
  }

  /** An invitation opens in the org of the address. Where this browser has others, the person may mean one of them. */
  protected override notices(engine: Engine): TemplateResult | typeof nothing {
    const { link } = this.#invitation
    const others = link === '' ? [] : keptOrgs().filter(({ store }) => store !== orgStoreName())
    if (others.length === 0) return nothing
    const go = (org: string): void => {
      const [target, from] = [new URL(addressOfOrg(org), location.href), new URL(link)]
      const relay = from.searchParams.get('relay')
      if (relay !== null) target.searchParams.set('relay', relay)
      target.hash = from.hash
      this.#forget()
      location.assign(target.href)
    }
    return html`<p class="notice" role="status">
      <span>You are about to accept the invitation as ${showText(engine.org.name, 80)}. Or accept it as</span>
      ${others.map(({ org, name }) => html`<button @click=${() => go(org)}>${showText(name, 80)}</button>`)}
    </p>`
  }

  #forget(): void {
    this.#invitation.forget()
    this.requestUpdate()
  }

  #follow(fragment: string): void {
    // A page that is opened takes this link out of its address.
    if (fragment.startsWith('device=')) return location.reload()
    if (!fragment.startsWith('invite=')) {
      this.route = fragment
      return
    }
    this.#invitation.keep(location.href)
    this.route = 'connections'
    history.replaceState(null, '', `${location.pathname}${location.search}#connections`)
  }
}

customElements.define('workspace-app', WorkspaceApp)
