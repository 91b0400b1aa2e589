import type { AgreementView, ConnectionView, Engine, ObjectName, Topic } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { type AcceptanceDraft, countBlocked, draftToAcceptance, mappingTable, type ObjectDraft, objectsOf } from './acceptance.js'
import { effectiveTable } from './effective.js'
import { countUpdates, draftFromProposal, draftToProposal, type ProposalDraft, proposalMatrix } from './proposal.js'
import { agreementStyles } from './styles.js'
import { showText } from '../value/show-text.js'

const nothingTaken: ObjectDraft = { fields: [], defaults: {} }

/**
 * The agreement of a connection. The vendor proposes fields, the partner maps some of them to its own, and both see the agreement in force.
 *
 * @tag entente-agreement
 * @fires entente-before-submit - Cancelable; detail {connection, mode}.
 * @fires entente-submitted - Detail {connection, mode}.
 */
export class EntenteAgreement extends EntenteElement {
  static override styles = [EntenteElement.styles, agreementStyles]
  static override properties = {
    ...EntenteElement.properties,
    connection: {},
    object: {},
    editing: { state: true },
    proposal: { state: true },
    acceptance: { state: true },
  }
  declare connection: ConnectionView['id'] | undefined
  declare object: ObjectName
  declare protected editing: boolean
  declare protected proposal: ProposalDraft | undefined
  declare protected acceptance: AcceptanceDraft | undefined
  protected readonly topics: readonly Topic[] = ['agreements', 'connections', 'records']
  #draftVersion = 0

  constructor() {
    super()
    this.connection = undefined
    this.object = 'Opportunity'
    this.editing = false
    this.proposal = undefined
    this.acceptance = undefined
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('connection')) this.#drop()
  }

  protected view(engine: Engine): TemplateResult {
    const { connection } = this
    const view = connection === undefined ? undefined : engine.agreements.get(connection)
    const state = connection === undefined ? undefined : engine.connections.get(connection)?.state
    if (connection === undefined || !view) return html`<p class="soft">There is no agreement yet: connect first.</p>`
    if (state === 'Pending')
      return html`<p class="soft">The connection is not complete yet. Fields can be agreed as soon as both orgs are there.</p>`
    const isAdmin = engine.user.role === 'admin'
    if (view.side === 'vendor') return this.#vendor(engine, connection, view, isAdmin)
    return this.#partner(engine, connection, view, isAdmin)
  }

  #vendor(engine: Engine, connection: ConnectionView['id'], view: AgreementView, isAdmin: boolean): TemplateResult {
    const mayPropose = isAdmin && (this.editing || view.state === 'none')
    if (!mayPropose) {
      const waits = view.state === 'proposed'
      return html`<div class="stack">
        ${
          waits
            ? html`<div class="notice">
                <div><strong>Proposed, version ${view.proposal?.version}.</strong> It is the partner’s turn to accept.</div>
              </div>`
            : nothing
        }
        ${this.#tabs()} ${view.effective ? effectiveTable(view, this.object) : this.#proposed(view)}
        ${isAdmin ? html`<div><button @click=${() => (this.editing = true)}>Propose a change</button></div>` : nothing}
      </div>`
    }
    const draft = this.proposal ?? draftFromProposal(view.proposal)
    const schema = engine.records.schema(this.object)
    const sample = engine.records.list(this.object).records.find((record) => Object.keys(record.values).length > 3)
    const total = draft.Lead.size + draft.Opportunity.size
    const tooMany = (['Lead', 'Opportunity'] as const).some((object) => countUpdates(draft, object) > 10)
    return html`<div class="stack">
      ${this.#tabs()}
      ${proposalMatrix({ draft, object: this.object, schema, sample, language: this.language, change: (next) => (this.proposal = next) })}
      <div class="row">
        <button
          class="primary"
          ?disabled=${total === 0 || tooMany || this.running.has('submit')}
          @click=${() => this.#submit(connection, 'propose', () => engine.agreements.propose(connection, draftToProposal(draft, engine)))}
        >
          Propose ${total} ${total === 1 ? 'field' : 'fields'}
        </button>
        ${view.state === 'none' ? nothing : html`<button @click=${() => this.#drop()}>Back</button>`}
        <span class="soft small">Nothing leaves before the partner accepts.</span>
      </div>
    </div>`
  }

  #partner(engine: Engine, connection: ConnectionView['id'], view: AgreementView, isAdmin: boolean): TemplateResult {
    const { proposal } = view
    if (!proposal)
      return html`<div class="empty card">
        <h3>No proposal yet</h3>
        <p>The vendor proposes which fields may travel. You decide which of them you take, and into which of your fields.</p>
      </div>`
    const isOpen = view.turn === 'partner' || view.state === 'proposed'
    if (!isOpen || !isAdmin)
      return html`<div class="stack">${this.#tabs()}${view.effective ? effectiveTable(view, this.object) : this.#proposed(view)}</div>`
    if (this.#draftVersion !== proposal.version) {
      this.#draftVersion = proposal.version
      this.acceptance = undefined
    }
    const objects = objectsOf(proposal)
    const object = objects.includes(this.object) ? this.object : (objects[0] ?? this.object)
    const draft = this.acceptance ?? this.#suggest(engine, connection, view)
    const part = draft[object] ?? nothingTaken
    const checks = new Map(objects.map((name) => [name, engine.agreements.preflight(connection, name, draft[name]?.fields ?? [])]))
    const blocked = objects.reduce((sum, name) => sum + countBlocked(checks.get(name) ?? [], draft[name] ?? nothingTaken), 0)
    const taken = objects.reduce((sum, name) => sum + (draft[name]?.fields.length ?? 0), 0)
    return html`<div class="stack">
      <p class="soft">The vendor proposes version ${proposal.version}. Take what you want, into your own fields; decline the rest.</p>
      ${this.#tabs(objects)}
      ${mappingTable({
        offered: proposal.objects[object]?.fields ?? [],
        lines: part.fields,
        defaults: part.defaults,
        preflight: checks.get(object) ?? [],
        schema: engine.records.schema(object),
        language: this.language,
        currency: engine.settings.read().currency,
        change: (fields) => (this.acceptance = { ...draft, [object]: { ...part, fields } }),
        setDefaults: (defaults) => (this.acceptance = { ...draft, [object]: { ...part, defaults } }),
      })}
      <div class="row">
        <button
          class="primary"
          ?disabled=${taken === 0 || blocked > 0 || this.running.has('submit')}
          @click=${() => this.#submit(connection, 'accept', () => engine.agreements.accept(connection, { version: proposal.version, ...draftToAcceptance(draft) }))}
        >
          Accept ${taken} ${taken === 1 ? 'field' : 'fields'}
        </button>
        ${blocked > 0 ? html`<span class="small soft">${blocked} ${blocked === 1 ? 'line does' : 'lines do'} not fit yet.</span>` : nothing}
      </div>
    </div>`
  }

  #suggest(engine: Engine, connection: ConnectionView['id'], view: AgreementView): AcceptanceDraft {
    const draft: Partial<Record<ObjectName, AcceptanceDraft[ObjectName]>> = {}
    for (const object of view.proposal ? objectsOf(view.proposal) : []) {
      const { fields = [], defaults = {} } = view.acceptance?.objects[object] ?? {}
      draft[object] = { fields: engine.agreements.suggest(connection, object, fields), defaults }
    }
    return draft as AcceptanceDraft
  }

  #proposed(view: AgreementView): TemplateResult {
    const fields = view.proposal?.objects[this.object]?.fields ?? []
    return fields.length === 0
      ? html`<p class="soft">Nothing of this object is proposed.</p>`
      : html`<div class="card">
          <ul>
            ${fields.map(({ field, update }) => html`<li>${showText(field.label, 80)} <span class="type">${field.type}${update ? ', keeps updating' : ''}</span></li>`)}
          </ul>
        </div>`
  }

  #tabs(objects: readonly ObjectName[] = ['Opportunity', 'Lead']): TemplateResult {
    const name = (object: ObjectName): string => this.org?.records.schema(object).plural ?? object
    return html`<div class="tabs" role="tablist" aria-label="Objects">
      ${objects.map((object) => html`<button role="tab" aria-selected=${object === this.object} @click=${() => (this.object = object)}>${name(object)}</button>`)}
    </div>`
  }

  #submit(connection: string, mode: 'propose' | 'accept', send: () => Promise<void>): void {
    if (!this.tell('entente-before-submit', { connection, mode }, true)) return
    this.act('submit', async () => {
      await send()
      this.#drop()
      this.tell('entente-submitted', { connection, mode })
    })
  }

  #drop(): void {
    this.editing = false
    this.proposal = undefined
    this.acceptance = undefined
  }
}
