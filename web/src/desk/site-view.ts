import { chooseConnection, EntenteElement, type EntenteRecords, type ListState, plainList, showText, whyClosed } from '@entente/elements'
import type { ConnectionView, Engine, JobView, ObjectName, Topic } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { saveShownAsCsv } from './export-csv.js'
import { otherSide } from './other-side.js'
import { formatRoute, parseRoute, type Route } from './route.js'
import { siteViewStyles } from './site-view-styles.js'

type SiteRoute = Extract<Route, { readonly page: 'site' }>

/**
 * The vendor's partner site as the partner's people see it: the shared records, their choice and export, and a drawer with the progress of exports.
 *
 * @fires entente-route - Detail {route, replace}: as the desk's.
 * @fires entente-open - Detail {object, id}: an exported row was clicked; the id is the own copy's.
 */
export class SiteView extends EntenteElement {
  static override styles = [EntenteElement.styles, siteViewStyles]
  static override properties = { ...EntenteElement.properties, route: {}, chosen: { state: true }, drawer: { state: true } }
  /** The place: "site/Opportunity/<connection>?…". */
  declare route: string
  declare protected chosen: readonly string[]
  declare protected drawer: boolean
  protected override paceMs = 200
  protected readonly topics: readonly Topic[] = ['site', 'connections', 'people', 'agreements', 'sync']
  #read: { readonly text: string; readonly route: SiteRoute } | undefined

  constructor() {
    super()
    this.route = ''
    this.chosen = []
    this.drawer = false
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!changed.has('route') || this.#read?.text === this.route) return
    const route = parseRoute(this.route)
    this.#read = { text: this.route, route: route.page === 'site' ? route : { page: 'site', object: 'Opportunity', connection: undefined } }
    const { selected } = this.#read.route.list ?? plainList
    // All that the filter shows: the list says which these are.
    if (selected !== 'all') this.chosen = selected
  }

  protected view(engine: Engine): TemplateResult {
    const route = this.#read?.route ?? { page: 'site', object: 'Opportunity', connection: undefined }
    const connection = chooseConnection(engine, route.connection, 'partner')
    if (!connection && !chooseConnection(engine, undefined, 'partner') && !engine.connections.get(route.connection as ConnectionView['id']))
      return this.#withoutVendor()
    const choose = (event: CustomEvent<{ readonly connection: ConnectionView['id'] | undefined }>): void =>
      this.#to({ page: 'site', object: route.object, connection: event.detail.connection })
    const choice = html`<entente-choice
      side="partner"
      .engine=${engine}
      .density=${this.density}
      .connection=${connection?.id ?? route.connection}
      @entente-choice=${choose}
    ></entente-choice>`
    if (!connection)
      return html`<header class="row spread">
          <h2>Shared by</h2>
          ${choice}
        </header>
        ${otherSide(engine, route.connection, (next) => this.#to(next))}`
    const jobs = engine.site.jobs().filter((job) => job.connection === connection.id)
    const show = (object: ObjectName): void => this.#to({ page: 'site', object, connection: connection.id })
    return html`<div class="stack">
        <header class="row spread">
          <h2>Shared by ${choice}</h2>
          <span class="row">
            <span class="row kinds">
              ${(['Opportunity', 'Lead'] as const).map((name) => html`<button aria-pressed=${name === route.object} @click=${() => show(name)}>${name === 'Lead' ? 'Leads' : 'Opportunities'}</button>`)}
            </span>
            ${jobs.length === 0 ? nothing : this.#drawerButton(jobs)}
          </span>
        </header>
        ${this.#obstacle(engine, connection, route.object)}
      </div>
      <div class="below">
        ${this.#records(engine, connection, route)} ${this.drawer && jobs.length > 0 ? this.#drawer(engine, connection) : nothing}
      </div>`
  }

  #records(engine: Engine, { id }: ConnectionView, route: SiteRoute): TemplateResult {
    const { object, list = plainList } = route
    const offline = engine.sync.status().state !== 'online'
    const count = this.chosen.length
    const isStopped = engine.site.obstacle(id, object) !== undefined
    return html`<entente-records
      selectable
      source="listings"
      .engine=${engine}
      .density=${this.density}
      .connection=${id}
      .object=${object}
      .filter=${list.filter}
      .conditions=${list.conditions}
      .sort=${list.sort}
      .only=${list.only}
      .job=${list.job}
      .selected=${list.selected}
      .row=${list.row}
      .top=${list.top}
      @entente-selection=${(event: CustomEvent<{ readonly ids: readonly string[] }>) => (this.chosen = event.detail.ids)}
      @entente-list=${(event: CustomEvent<{ readonly list: ListState }>) => this.#keep({ ...route, connection: id, list: event.detail.list })}
    >
      <span slot="toolbar" class="row tools">
        <button title="The rows and columns that the list shows" @click=${() => saveShownAsCsv(this.#list(), `shared-${object}`)}>
          Export CSV
        </button>
        <button
          class="primary"
          title=${offline ? 'The request waits on this device until the relay is reached' : nothing}
          ?disabled=${count === 0 || isStopped || this.running.has('export')}
          @click=${() => this.#export(engine, id, object)}
        >
          Export${count > 0 ? ` ${count}` : ''}
        </button>
      </span>
      ${this.#total(engine, id, object) === 0 ? html`<div slot="empty">${this.#nothingShared(engine, id, object)}</div>` : nothing}
    </entente-records>`
  }

  #total(engine: Engine, id: ConnectionView['id'], object: ObjectName): number {
    return engine.site.listings(id, object).total
  }

  // ---- what to do next

  #withoutVendor(): TemplateResult {
    return html`<div class="empty card">
      <h2>No vendor yet</h2>
      <p>A vendor sends an invitation as a link. Accept it under Connections; what the vendor shares appears here.</p>
      <button class="primary" @click=${() => this.#to({ page: 'connections' })}>Accept an invitation</button>
    </div>`
  }

  #nothingShared(engine: Engine, id: ConnectionView['id'], object: ObjectName): TemplateResult {
    const other: ObjectName = object === 'Lead' ? 'Opportunity' : 'Lead'
    const agreed = engine.agreements.get(id)?.effective?.objects
    const action = (title: string, text: string, word: string, route: Route): TemplateResult =>
      html`<div class="empty card">
        <h3>${title}</h3>
        <p>${text}</p>
        <button class="primary" @click=${() => this.#to(route)}>${word}</button>
      </div>`
    const names = { Lead: 'leads', Opportunity: 'opportunities' }
    if (engine.connections.get(id)?.state === 'Pending')
      return action('The connection is not complete', 'Compare the codes with the vendor first.', 'Open Connections', {
        page: 'connections',
      })
    if (engine.connections.get(id)?.why)
      return action(
        'Nothing is shown over this connection',
        'Your copies, and the mirrors beside them, stay as they are.',
        'Open Connections',
        {
          page: 'connections',
        },
      )
    if (!agreed) {
      const isOurs = engine.agreements.get(id)?.turn === 'partner'
      const text = isOurs
        ? 'The vendor has proposed which fields it shares. Look at the proposal and accept it.'
        : 'The vendor proposes which fields it shares. Then you map them to your own.'
      return action('Nothing is agreed yet', text, 'Open the agreement', { page: 'agreement', connection: id })
    }
    const elsewhere = this.#total(engine, id, other)
    if (elsewhere > 0)
      return action(
        `No ${names[object]} are shared with you`,
        `The vendor shares ${elsewhere} ${names[other]}.`,
        `Show the ${names[other]}`,
        {
          page: 'site',
          object: other,
          connection: id,
        },
      )
    return action(
      'Nothing is shared with you yet',
      'The vendor’s sharing rule decides what you see. Ask the vendor to share some records; they appear here by themselves.',
      'See what is agreed',
      { page: 'agreement', connection: id },
    )
  }

  /** Why this person cannot export now, and where to go about it. */
  #obstacle(engine: Engine, view: ConnectionView, object: ObjectName): TemplateResult | typeof nothing {
    const { id, state, why } = view
    const obstacle = engine.site.obstacle(id, object)
    // Without an agreement the list itself says what comes next.
    if (!obstacle || (obstacle.code === 'NOT_CONNECTED' && (state === 'Pending' || (!why && !engine.agreements.get(id)?.effective))))
      return nothing
    const isRight = obstacle.code === 'NOT_ALLOWED'
    return html`<div class="notice warn" role="status">
      <div>${why ? `${whyClosed(view, this.language)} No record can be exported.` : showText(obstacle.message, 400)}</div>
      <button @click=${() => this.#to(isRight ? { page: 'people', connection: id } : { page: 'connections' })}>
        ${isRight ? 'See who may export' : 'Open Connections'}
      </button>
    </div>`
  }

  // ---- exports

  #drawerButton(jobs: readonly JobView[]): TemplateResult {
    const running = jobs.filter(({ done }) => !done).length
    return html`<button class="exports" aria-expanded=${this.drawer} aria-controls="drawer" @click=${() => this.#turnDrawer(!this.drawer)}>
      Exports${running > 0 ? html` <span class="badge accent">${running} running</span>` : nothing}
    </button>`
  }

  #drawer(engine: Engine, { id }: ConnectionView): TemplateResult {
    return html`<aside
      id="drawer"
      aria-label="Exports"
      @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && this.#turnDrawer(false)}
    >
      <header class="row spread">
        <h3>Exports</h3>
        <button class="quiet" aria-label="Close the exports" @click=${() => this.#turnDrawer(false)}>✕</button>
      </header>
      <div class="jobs">
        <entente-jobs
          .engine=${engine}
          .density=${this.density}
          .connection=${id}
          .limit=${20}
          @entente-copies=${(event: CustomEvent<{ readonly object: ObjectName; readonly job: string }>) => this.#showCopies(event.detail)}
        ></entente-jobs>
      </div>
    </aside>`
  }

  #turnDrawer(open: boolean): void {
    this.drawer = open
    const target = open ? 'aside button' : '.exports'
    this.updateComplete.then(
      () => this.renderRoot.querySelector<HTMLElement>(target)?.focus(),
      () => undefined,
    )
  }

  #showCopies({ object, job }: { readonly object: ObjectName; readonly job: string }): void {
    this.#to({ page: 'records', object, list: { ...plainList, job } })
  }

  #export(engine: Engine, connection: ConnectionView['id'], object: ObjectName): void {
    const ids = this.chosen
    this.act('export', async () => {
      await engine.site.export(connection, object, ids)
      this.#list()?.clearSelection()
      this.drawer = true
    })
  }

  // ---- places

  #list(): EntenteRecords | null {
    return this.renderRoot.querySelector('entente-records')
  }

  #keep(route: SiteRoute): void {
    const text = formatRoute(route)
    this.#read = { text, route }
    this.tell('entente-route', { route: text, replace: true })
  }

  #to(route: Route): void {
    this.tell('entente-route', { route: formatRoute(route) })
  }
}

customElements.define('site-view', SiteView)
