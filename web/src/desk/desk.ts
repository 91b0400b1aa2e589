import {
  chooseConnection,
  type EntenteChanges,
  type EntenteDifferences,
  EntenteElement,
  type EntenteRecords,
  type ListState,
  plainList,
  plainText,
} from '@entente/elements'
import type { ConnectionView, Engine, ObjectName, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { csvTools } from '../app/csv-tools.js'
import { deskStyles } from './desk-styles.js'
import { saveShownAsCsv, tableToCsv } from './export-csv.js'
import { agreementWaits } from './next-step.js'
import { otherSide } from './other-side.js'
import './storage-view.js'
import { formatRoute, home, parseRoute, type Route } from './route.js'
import './live-links.js'
import './site-view.js'
import './turn-line.js'

/**
 * One org's desk: its records and its connections, behind one row of tabs. Its place is its `route`; it never changes the address itself, because one page
 * may hold two desks.
 *
 * @fires entente-route - Detail {route, replace}: the person wants to go there; or, with `replace`, the place looks like this now.
 */
export class OrgDesk extends EntenteElement {
  static override styles = [EntenteElement.styles, deskStyles]
  static override properties = { ...EntenteElement.properties, route: {}, base: {}, siteBase: {}, offer: {}, link: { attribute: false } }
  declare route: string
  /** Address of the page that takes invitations. */
  declare base: string
  /** Address of the partner site, where a partner's salespeople join. */
  declare siteBase: string
  declare offer: 'both' | 'invite' | 'accept'
  declare link: string
  protected override paceMs = 200
  protected readonly topics: readonly Topic[] = ['connections', 'records', 'agreements', 'sharing', 'people', 'site', 'changes', 'undo']
  /** The route as it was read last: the same objects as long as the text is the same. */
  #read: { readonly text: string; readonly route: Route } | undefined
  /** The list that the person looked at last, and the connections, by the own side: other pages lead back there. */
  #lastList: ListRoute = home
  readonly #lastConnections: { any?: string; vendor?: string; partner?: string } = {}
  /** The place with the connection that was chosen for the person, until the address has it. */
  #settled: Route | undefined
  #isOpening = false
  #shownTab: Route['page'] | undefined
  /** Whether the place has been drawn once. What stands above it is often empty, and follows in a task of its own. */
  #hasPlace = false
  #aboveLater: ReturnType<typeof setTimeout> | undefined

  constructor() {
    super()
    this.route = ''
    this.base = ''
    this.siteBase = ''
    this.offer = 'both'
    this.link = ''
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#aboveLater)
    this.#aboveLater = undefined
  }

  protected override updated(): void {
    if (!this.#hasPlace) {
      this.#aboveLater ??= setTimeout(() => {
        this.#hasPlace = true
        this.requestUpdate()
      })
      return
    }
    const settled = this.#settled
    this.#settled = undefined
    if (settled) queueMicrotask(() => this.#keep(settled))
    if (this.#shownTab !== this.#read?.route.page) {
      this.#shownTab = this.#read?.route.page
      this.renderRoot.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
    const record = this.#isOpening ? this.renderRoot.querySelector('entente-record') : null
    if (!record) return
    this.#isOpening = false
    record.focus()
  }

  protected view(engine: Engine): TemplateResult {
    const route = this.#readRoute(engine)
    const fills = isList(route)
    return html`<nav aria-label=${plainText(engine.org.name, 80)}>${this.#tabs(engine, route)}</nav>
      <div>${this.#hasPlace ? this.#above(engine, route) : nothing}</div>
      <div class="place ${fills ? 'fills' : ''}">${this.#place(engine, route)}</div>`
  }

  #above(engine: Engine, route: Route): TemplateResult {
    return html`<turn-line .engine=${engine} .route=${this.route} .link=${this.link}></turn-line>
      <entente-import
        .density=${this.density}
        .engine=${engine}
        .object=${'object' in route ? route.object : 'Opportunity'}
        .csv=${csvTools}
        @entente-open=${this.#open}
      ></entente-import>`
  }

  #readRoute(engine: Engine): Route {
    if (this.#read?.text !== this.route) this.#read = { text: this.route, route: parseRoute(this.route) }
    const { route } = this.#read
    if (isList(route)) this.#lastList = route
    const view =
      'connection' in route && route.connection !== undefined ? engine.connections.get(route.connection as ConnectionView['id']) : undefined
    if (view) this.#lastConnections.any = this.#lastConnections[view.side] = view.id
    return route
  }

  #tabs(engine: Engine, current: Route): readonly TemplateResult[] {
    const connections = engine.connections.list()
    const last = this.#lastConnections
    const isVendor = this.offer === 'invite' || connections.some((connection) => connection.side === 'vendor')
    const isPartner = this.offer === 'accept' || connections.some((connection) => connection.side === 'partner')
    const waiting = connections.filter((connection) => agreementWaits(engine, connection))
    const tabs: (readonly [string, Route])[] = [
      [engine.records.schema('Opportunity').plural, { page: 'records', object: 'Opportunity' }],
      [engine.records.schema('Lead').plural, { page: 'records', object: 'Lead' }],
    ]
    if (isPartner) tabs.push(['Partner site', { page: 'site', object: 'Opportunity', connection: last.partner }])
    if (connections.some(({ state }) => state !== 'Pending'))
      tabs.push(['Changes', { page: 'changes' }], ['Differences', { page: 'differences' }])
    tabs.push(
      ['Connections', { page: 'connections' }],
      ['Agreement', { page: 'agreement', connection: waiting.some(({ id }) => id === last.any) ? last.any : (waiting[0]?.id ?? last.any) }],
    )
    if (isVendor) tabs.push(['Sharing', { page: 'sharing', object: 'Opportunity', connection: last.vendor }])
    tabs.push(
      ['People', { page: 'people', connection: last.any }],
      ['Devices', { page: 'devices' }],
      ['Sync', { page: 'sync' }],
      ['Audit', { page: 'audit', connection: undefined }],
      ['Settings', { page: 'settings', connection: last.vendor }],
    )
    const isCurrent = (route: Route): boolean => {
      const page = current.page === 'record' ? 'records' : current.page
      return route.page === page && (route.page !== 'records' || !('object' in current) || route.object === current.object)
    }
    const changes = engine.changes.count()
    const badge = (words: string): TemplateResult => html` <span class="badge accent">${words}</span>`
    return tabs.map(
      ([name, route]) =>
        html`<a
          href="#${formatRoute(route)}"
          aria-current=${isCurrent(route) ? 'page' : nothing}
          @click=${(event: Event) => this.#go(event, route)}
          >${name}${route.page === 'agreement' && waiting.length > 0 ? badge('your turn') : route.page === 'changes' && changes > 0 ? badge(String(changes)) : nothing}</a
        >`,
    )
  }

  #place(engine: Engine, route: Route): TemplateResult {
    const choose = (from: Extract<Route, { readonly page: 'settings' | 'audit' }>) => (event: ChoiceEvent) =>
      this.#to({ ...from, connection: event.detail.connection })
    switch (route.page) {
      case 'records':
        return this.#records(engine, route)
      case 'record':
        return this.#record(engine, route.object, route.id)
      case 'changes':
        return html`<entente-changes .engine=${engine} .density=${this.density} @entente-open=${this.#open}>
          ${this.#csv('entente-changes')}
        </entente-changes>`
      case 'differences':
        return html`<entente-differences .engine=${engine} .density=${this.density} @entente-open=${this.#open}>
          ${this.#csv('entente-differences')}
        </entente-differences>`
      case 'connections':
        return page(
          'Connections',
          html`<entente-connect
            .density=${this.density}
            .engine=${engine}
            .base=${this.base}
            .offer=${this.offer}
            .link=${this.link}
          ></entente-connect>`,
        )
      case 'agreement':
        return this.#over(
          engine,
          route.connection,
          'Agreement',
          route,
          ({ id }) =>
            html`<entente-agreement class="card" .density=${this.density} .engine=${engine} .connection=${id}></entente-agreement>`,
        )
      case 'people':
        return this.#over(
          engine,
          route.connection,
          'People',
          route,
          ({ id }) => html`<entente-people .density=${this.density} .engine=${engine} .connection=${id}></entente-people>`,
        )
      case 'devices': {
        const isPartner = engine.connections.list().some(({ side }) => side === 'partner')
        return page(
          'People and devices',
          html`<entente-devices
            .density=${this.density}
            .engine=${engine}
            .base=${this.base}
            .memberBase=${isPartner ? this.siteBase : ''}
          ></entente-devices>`,
        )
      }
      case 'sharing':
        return this.#over(
          engine,
          route.connection,
          'Sharing',
          route,
          ({ id }) =>
            html`${this.#objects(engine, route)}<entente-sharing
                class="card"
                .density=${this.density}
                .engine=${engine}
                .connection=${id}
                .object=${route.object}
              ></entente-sharing>
              <section class="exports" aria-label="Exports">
                <h3>Exports</h3>
                <entente-jobs .density=${this.density} .engine=${engine} .connection=${id} .limit=${20}>
                  <p slot="empty" class="soft">
                    Nobody at the partner has exported anything yet. What they export appears here, with its progress.
                  </p>
                </entente-jobs>
              </section>`,
          'vendor',
        )
      case 'site':
        return html`<site-view .engine=${engine} .density=${this.density} .route=${this.route} @entente-open=${this.#open}></site-view>`
      case 'settings':
        return page(
          'Settings',
          html`<entente-settings class="card" .density=${this.density} .engine=${engine}></entente-settings>
            <h2>How pages look</h2>
            <entente-appearance
              class="card"
              .density=${this.density}
              .engine=${engine}
              .connection=${route.connection}
              @entente-choice=${choose(route)}
            ></entente-appearance>
            <h2>What keeps your org safe</h2>
            <entente-recovery class="card" manage .engine=${engine}></entente-recovery>
            <storage-view class="card"></storage-view>`,
        )
      case 'audit':
        return page(
          'Audit',
          html`<entente-audit
            class="card"
            .density=${this.density}
            .engine=${engine}
            .connection=${route.connection}
            .toCsv=${tableToCsv}
            @entente-choice=${choose(route)}
          ></entente-audit>`,
        )
      case 'sync':
        return page(
          'Sync',
          html`<div class="card"><entente-status details .engine=${engine} @entente-open=${this.#open}></entente-status></div>`,
        )
    }
  }

  #records(engine: Engine, route: Extract<Route, { readonly page: 'records' }>): TemplateResult {
    const { object, list = plainList } = route
    const schema = engine.records.schema(object)
    return html`<entente-records
      .engine=${engine}
      .density=${this.density}
      .object=${object}
      .filter=${list.filter}
      .conditions=${list.conditions}
      .sort=${list.sort}
      .only=${list.only}
      .sharedWith=${list.sharedWith}
      .job=${list.job}
      .row=${list.row}
      .top=${list.top}
      @entente-open=${this.#open}
      @entente-list=${(event: CustomEvent<{ readonly list: ListState }>) => this.#keep({ ...route, list: event.detail.list })}
    >
      ${this.#deleted(engine, object)}
      <span slot="toolbar" class="row toolbar">
        <button @click=${() => this.#import()}>Import</button>
        <button title="The rows and columns that the list shows" @click=${() => saveShownAsCsv(this.#list(), schema.plural)}>
          Export CSV
        </button>
        <button class="primary" @click=${() => this.#to({ page: 'record', object, id: undefined })}>New</button>
      </span>
    </entente-records>`
  }

  /** What a person deleted here and may bring back. The page of each offers it; no list leads there any more. */
  #deleted(engine: Engine, object: ObjectName): TemplateResult | typeof nothing {
    const steps = engine.undo
      .list()
      .filter(({ id, kind, object: of, record = '' }) => kind === 'delete' && of === object && engine.undo.last(of, record)?.id === id)
    if (steps.length === 0) return nothing
    const time = new Intl.DateTimeFormat(this.language, { dateStyle: 'medium', timeStyle: 'short' })
    return html`<span slot="toolbar">
      <button class="quiet" popovertarget="deleted">Recently deleted (${steps.length})</button>
      <div id="deleted" class="card" popover>
        <ul class="stack">
          ${steps.map(({ record, name, at }) => {
            const route: Route = { page: 'record', object, id: record }
            return html`<li>
              <a href="#${formatRoute(route)}" @click=${(event: Event) => this.#go(event, route)}>${plainText(name ?? '', 80) || record}</a>
              <span class="soft">deleted ${time.format(at)}</span>
            </li>`
          })}
        </ul>
      </div></span
    >`
  }

  /** The button that saves what a list shows. */
  #csv(tag: 'entente-changes' | 'entente-differences'): TemplateResult {
    const save = (): void => {
      saveShownAsCsv(this.renderRoot.querySelector<EntenteChanges | EntenteDifferences>(tag), tag.replace('entente-', ''))
    }
    return html`<button slot="toolbar" title="The rows and columns that the list shows" @click=${save}>Export CSV</button>`
  }

  #record(engine: Engine, object: ObjectName, id: string | undefined): TemplateResult {
    const back = this.#back(object)
    return html`<div class="page wide">
      <a class="back" href="#${formatRoute(back)}" @click=${(event: Event) => this.#go(event, back)}
        >← ${back.page === 'records' ? engine.records.schema(object).plural : listNames[back.page]}</a
      >
      <div class="two">
        <entente-record
          class="card"
          .engine=${engine}
          .density=${this.density}
          .object=${object}
          .record=${id}
          @entente-saved=${this.#saved}
          @entente-open=${this.#open}
          @entente-removed=${() => this.#to(back)}
        ></entente-record>
        ${
          id === undefined
            ? nothing
            : html`<aside>
                <entente-related .engine=${engine} .density=${this.density} .object=${object} .record=${id}>
                  <div slot="mirrors" class="links">
                    <live-links .engine=${engine} .density=${this.density} .object=${object} .record=${id}></live-links>
                  </div>
                </entente-related>
              </aside>`
        }
      </div>
    </div>`
  }

  /** A page about one connection, which the address names. */
  #over(
    engine: Engine,
    asked: string | undefined,
    title: string,
    route: Extract<Route, { readonly page: 'agreement' | 'people' | 'sharing' }>,
    view: (connection: ConnectionView) => TemplateResult,
    side?: ConnectionView['side'],
  ): TemplateResult {
    const connection = chooseConnection(engine, asked, side)
    // A connection that comes or ends must not put another one under what the person is doing.
    if (connection && asked === undefined) this.#settled = { ...route, connection: connection.id }
    if (!connection && !chooseConnection(engine, undefined, side))
      return page(
        title,
        html`<div class="empty card">
          <h3>No connection yet</h3>
          <p>Invite a partner, or accept a vendor’s invitation.</p>
          <button class="primary" @click=${() => this.#to({ page: 'connections' })}>Open Connections</button>
        </div>`,
      )
    const choose = (event: ChoiceEvent): void => this.#to({ ...route, connection: event.detail.connection })
    return page(
      title,
      connection ? view(connection) : otherSide(engine, asked, (next) => this.#to(next)),
      html`<entente-choice
        .engine=${engine}
        .density=${this.density}
        .side=${side}
        .connection=${connection?.id ?? asked}
        @entente-choice=${choose}
      ></entente-choice>`,
    )
  }

  #objects(engine: Engine, route: Extract<Route, { readonly page: 'sharing' }>): TemplateResult {
    return html`<div class="row">
      ${(['Opportunity', 'Lead'] as const).map((object) => html`<button aria-pressed=${object === route.object} class=${object === route.object ? 'primary' : ''} @click=${() => this.#to({ ...route, object })}>${engine.records.schema(object).plural}</button>`)}
    </div>`
  }

  /** Opens a record, and moves the focus into it once it is drawn. */
  #open = (event: CustomEvent<{ readonly object: ObjectName; readonly id: string }>): void => {
    this.#isOpening = true
    this.#to({ page: 'record', ...event.detail })
  }

  #saved = (event: CustomEvent<{ readonly object: ObjectName; readonly id: string }>): void => {
    this.#to({ page: 'record', ...event.detail })
  }

  #import(): void {
    this.renderRoot.querySelector('entente-import')?.open()
  }

  #list(): EntenteRecords | null {
    return this.renderRoot.querySelector('entente-records')
  }

  /** The list from which a record was opened. */
  #back(object: ObjectName): ListRoute {
    const last = this.#lastList
    return !('object' in last) || last.object === object ? last : { page: 'records', object }
  }

  /** The present place, as it looks now. */
  #keep(route: Route): void {
    const text = formatRoute(route)
    this.#read = { text, route }
    this.tell('entente-route', { route: text, replace: true })
  }

  #go(event: Event, route: Route): void {
    event.preventDefault()
    this.#to(route)
  }

  #to(route: Route): void {
    this.tell('entente-route', { route: formatRoute(route) })
  }
}

type ChoiceEvent = CustomEvent<{ readonly connection: ConnectionView['id'] | undefined }>

/** A place that is a list, to which a record's page leads back. */
type ListRoute = Extract<Route, { readonly page: keyof typeof listNames | 'records' }>

const listNames = { site: 'Partner site', changes: 'Changes', differences: 'Differences' } as const

function isList(route: Route): route is ListRoute {
  return route.page === 'records' || route.page in listNames
}

function page(title: string, content: TemplateResult, beside: TemplateResult | typeof nothing = nothing): TemplateResult {
  return html`<div class="page">
    <header>
      <h2>${title}</h2>
      ${beside}
    </header>
    ${content}
  </div>`
}

customElements.define('org-desk', OrgDesk)
