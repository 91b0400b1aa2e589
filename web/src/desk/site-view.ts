import { EntenteElement, showText, type EntenteRecords } from '@entente/elements'
import type { ConnectionView, Engine, ObjectName, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'

/**
 * The vendor's partner site as the partner's people see it: the shared records, their choice and export, and the progress of exports.
 */
export class SiteView extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      :host {
        display: grid !important;
        grid-template: auto minmax(220px, 1fr) auto / minmax(0, 1fr);
        gap: var(--gap);
        min-height: 0;
        overflow: auto;
      }
      entente-records {
        min-height: 260px;
      }
      select {
        width: auto !important;
      }
      .tools {
        flex-wrap: nowrap;
      }
      .jobs {
        max-height: 260px;
        overflow: auto;
      }
      .kinds button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--tint);
        color: var(--accent);
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, connection: {}, object: {}, chosen: { state: true }, only: { state: true } }
  declare connection: ConnectionView['id'] | undefined
  declare object: ObjectName
  declare protected chosen: readonly string[]
  declare protected only: 'all' | 'new' | 'exported'
  protected readonly topics: readonly Topic[] = ['site', 'connections', 'people', 'agreements', 'sync']

  constructor() {
    super()
    this.connection = undefined
    this.object = 'Opportunity'
    this.chosen = []
    this.only = 'all'
  }

  protected view(engine: Engine): TemplateResult {
    const { connection, object } = this
    if (connection === undefined)
      return html`<div class="empty card">
        <h3>No vendor yet</h3>
        <p>Accept a vendor’s invitation under Connections; what it shares with you appears here.</p>
      </div>`
    const obstacle = engine.site.obstacle(connection)
    const peer = engine.connections.get(connection)?.peerName ?? 'the vendor'
    const { state, leader } = engine.sync.status()
    const offline = leader && state !== 'online'
    const count = this.chosen.length
    return html`<div class="stack">
        <div class="row spread">
          <h2>Shared by ${peer}</h2>
          <span class="row kinds">
            ${(['Opportunity', 'Lead'] as const).map((name) => html`<button aria-pressed=${name === object} @click=${() => this.#show(name)}>${name === 'Lead' ? 'Leads' : 'Opportunities'}</button>`)}
          </span>
        </div>
        ${obstacle ? html`<div class="notice warn" role="status"><div>${showText(obstacle.message, 400)}</div></div>` : nothing}
      </div>
      <entente-records
        selectable
        source="listings"
        .engine=${engine}
        .density=${this.density}
        .connection=${connection}
        .object=${object}
        .only=${this.only}
        .columns=${engine.site.fields(connection, object).map((field) => field.name)}
        @entente-selection=${(event: CustomEvent<{ readonly ids: readonly string[] }>) => (this.chosen = event.detail.ids)}
      >
        <span slot="toolbar" class="row tools">
          <select aria-label="Which of them" @change=${(event: Event) => (this.only = onlyOf((event.target as HTMLSelectElement).value))}>
            <option value="all" ?selected=${this.only === 'all'}>All</option>
            <option value="new" ?selected=${this.only === 'new'}>Not exported</option>
            <option value="exported" ?selected=${this.only === 'exported'}>Exported</option>
          </select>
          <button
            class="primary"
            title=${offline ? 'The request waits on this device until the relay is reached' : nothing}
            ?disabled=${count === 0 || obstacle !== undefined || this.running.has('export')}
            @click=${() => this.#export(engine, connection)}
          >
            Export${count > 0 ? ` ${count}` : ''}
          </button>
        </span>
      </entente-records>
      <div class="jobs">
        <entente-jobs .engine=${engine} .density=${this.density} .connection=${connection} .limit=${3}></entente-jobs>
      </div>`
  }

  #show(object: ObjectName): void {
    this.object = object
    this.chosen = []
  }

  #export(engine: Engine, connection: ConnectionView['id']): void {
    const ids = this.chosen
    this.act('export', async () => {
      await engine.site.export(connection, this.object, ids)
      this.renderRoot.querySelector<EntenteRecords>('entente-records')?.clearSelection()
    })
  }
}

function onlyOf(value: string): 'all' | 'new' | 'exported' {
  return value === 'new' || value === 'exported' ? value : 'all'
}

customElements.define('site-view', SiteView)
