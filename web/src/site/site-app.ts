import { plainText } from '@entente/elements'
import type { Engine, ObjectName } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { OwnOrgPage } from '../app/own-org-page.js'
import { parseRoute } from '../desk/route.js'
import { siteStyles } from './styles.js'

/** The partner site: the records that connected vendors share with this browser's org, one vendor at a time. */
export class SiteApp extends OwnOrgPage {
  static override styles = [...OwnOrgPage.styles, siteStyles]
  static override properties = { ...OwnOrgPage.properties, hash: { state: true } }
  declare protected hash: string

  constructor() {
    super()
    this.hash = location.hash.slice(1)
  }

  override connectedCallback(): void {
    // An invitation opened here belongs to the workspace, and its secret must not stay in this address.
    if (location.hash.startsWith('#invite=')) {
      location.replace(`workspace.html${location.search}${location.hash}`)
      return
    }
    super.connectedCallback()
    addEventListener('hashchange', this.#follow)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('hashchange', this.#follow)
  }

  protected content(engine: Engine): TemplateResult {
    const route = parseRoute(this.hash)
    const asked = route.page === 'site' ? route.connection : undefined
    const object: ObjectName = route.page === 'site' ? route.object : 'Opportunity'
    const vendors = engine.connections.list().filter((connection) => connection.side === 'partner' && connection.code !== undefined)
    const chosen =
      vendors.find((connection) => connection.id === asked) ?? vendors.find((connection) => connection.state === 'Enabled') ?? vendors[0]
    return html`<div class="place">
      ${
        vendors.length > 1
          ? html`<div class="row">
              <label for="vendor">Vendor</label
              ><select
                id="vendor"
                @change=${(event: Event) => (location.hash = `site/${object}/${(event.target as HTMLSelectElement).value}`)}
              >
                ${vendors.map((vendor) => html`<option value=${vendor.id} ?selected=${vendor === chosen}>${plainText(vendor.peerName ?? '', 80)}</option>`)}
              </select>
            </div>`
          : ''
      }
      <site-view .engine=${engine} .object=${object} .connection=${chosen?.id}></site-view>
    </div>`
  }

  protected first(): TemplateResult {
    return html`<div class="empty">
      <h3>No org in this browser yet</h3>
      <p>The partner site shows what vendors share with your org. Create it in the workspace, or open the vendor’s invitation there.</p>
      <a class="button" href="workspace.html">Open the workspace</a>
    </div>`
  }

  #follow = (): void => {
    this.hash = location.hash.slice(1)
  }
}

customElements.define('site-app', SiteApp)
