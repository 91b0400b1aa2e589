import type { Engine, ObjectName } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { OwnOrgPage } from '../app/own-org-page.js'
import { Place } from '../app/place.js'
import { formatRoute, parseRoute } from '../desk/route.js'
import { siteStyles } from './styles.js'

/** The partner site: the records that connected vendors share with this browser's org, one vendor at a time. All other places are the workspace's. */
export class SiteApp extends OwnOrgPage {
  static override styles = [...OwnOrgPage.styles, siteStyles]
  static override properties = { ...OwnOrgPage.properties, fragment: { state: true } }
  declare protected fragment: string
  protected readonly page = 'site.html'
  readonly #place = new Place((fragment) => (fragment.startsWith('device=') ? location.reload() : (this.fragment = fragment)))

  constructor() {
    super()
    this.fragment = location.hash.slice(1)
  }

  override connectedCallback(): void {
    // An invitation opened here belongs to the workspace, and its secret must not stay in this address.
    if (location.hash.startsWith('#invite=')) {
      location.replace(`workspace.html${location.search}${location.hash}`)
      return
    }
    super.connectedCallback()
    this.#place.start()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#place.stop()
  }

  protected loadContent(): Promise<unknown> {
    return Promise.all([import('@entente/elements/define.js'), import('../desk/site-view.js'), import('../desk/turn-line.js')])
  }

  protected content(engine: Engine): TemplateResult {
    const route = parseRoute(this.fragment).page === 'site' ? this.fragment : 'site/Opportunity'
    return html`<div class="site">
      <turn-line .engine=${engine} .route=${route} @entente-route=${this.#goTo}></turn-line>
      <div class="place">
        <site-view
          .engine=${engine}
          .route=${route}
          @entente-route=${this.#goTo}
          @entente-open=${(event: CustomEvent<{ readonly object: ObjectName; readonly id: string }>) =>
            this.#leave(formatRoute({ page: 'record', ...event.detail }))}
        ></site-view>
      </div>
    </div>`
  }

  protected first(): TemplateResult {
    return html`<div class="empty">
      <h3>No org in this browser yet</h3>
      <p>The partner site shows what vendors share with your org. Create it in the workspace, or open the vendor’s invitation there.</p>
      <a class="button" href=${`workspace.html${location.search}`}>Open the workspace</a>
      ${this.otherOrgs()}
    </div>`
  }

  #goTo = ({ detail: { route, replace = false } }: CustomEvent<{ readonly route: string; readonly replace?: boolean }>): void => {
    if (replace) this.#place.keep((this.fragment = route))
    else if (parseRoute(route).page === 'site') this.#place.go(route)
    else this.#leave(route)
  }

  #leave(route: string): void {
    location.assign(`workspace.html${location.search}#${route}`)
  }
}

customElements.define('site-app', SiteApp)
