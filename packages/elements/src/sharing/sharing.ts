import type { ConnectionView, Engine, ObjectName, Rule, Topic } from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { KeptDraft, keptWords } from '../base/kept-draft.js'
import { typed } from '../base/typed.js'
import { connectionName, whyClosed } from '../choice/name.js'
import { formatCount } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { conditionLines, conditionStyles, newCondition } from './conditions.js'

const nothingShown: Rule = { match: 'all', conditions: [], added: [], hidden: [] }

/**
 * The sharing rule of an object: conditions, all or any of which must hold, and the number of records that they show, counted before the rule is saved.
 *
 * @tag entente-sharing
 * @fires entente-before-share - Cancelable; detail {connection, object, rule}.
 * @fires entente-shared - Detail {connection, object}.
 */
export class EntenteSharing extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    conditionStyles,
    css`
      fieldset {
        display: grid;
        gap: var(--gap);
        min-width: 0;
      }
      .match {
        width: auto !important;
      }
      .count strong {
        font-size: 1.5em;
        font-variant-numeric: tabular-nums;
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, connection: {}, object: {}, draft: { state: true } }
  declare connection: ConnectionView['id'] | undefined
  declare object: ObjectName
  /** What the person changed and has not saved. What is done by hand meanwhile, on the page of a record, is no part of it. */
  declare protected draft: Partial<Rule> | undefined
  protected readonly topics: readonly Topic[] = ['sharing', 'agreements', 'connections']
  readonly #kept = new KeptDraft('SharingRule')
  /** The rule whose draft was read. */
  #read: string | undefined

  constructor() {
    super()
    this.object = 'Opportunity'
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!changed.has('connection') && !changed.has('object')) return
    this.#read = undefined
    this.failure = undefined
  }

  protected view(engine: Engine): TemplateResult {
    const { connection, object } = this
    if (connection === undefined) return html`<p class="soft">Choose a connection.</p>`
    const saved = engine.sharing.rule(connection, object) ?? nothingShown
    const id = `${connection}:${object}`
    if (this.#read !== id) {
      this.#read = id
      this.draft = this.#kept.read(engine, id) as Partial<Rule> | undefined
    }
    const rule = { ...saved, ...this.draft }
    const view = engine.connections.get(connection)
    const peer = view ? connectionName(view) : ''
    if (view?.side === 'partner')
      return html`<p class="notice">
        <span>In this connection your org is the partner: ${showText(peer, 80)} decides which of its records you see.</span>
      </p>`
    const isAdmin = engine.user.role === 'admin'
    const isOpen = view?.state === 'Enabled'
    const schema = engine.records.schema(object)
    const total = engine.records.list(object).total
    const change = (part: Partial<Rule>): void => {
      this.draft = { ...this.draft, ...part }
      this.#kept.keep(engine, id, this.draft)
    }
    const [first] = schema.fields
    const stage = schema.fields.find((field) => field.name === 'StageName' || field.name === 'Status') ?? first
    return html`<div class="stack">
      ${isOpen && !view.why ? nothing : html`<div class="notice warn"><div>${whyClosed(view, this.language)} ${isOpen ? html`What ${showText(peer, 80)} sees stays as it is meanwhile.` : html`Nothing is shown to ${showText(peer, 80)}.`}</div></div>`}
      ${this.#agreed(engine) || !isOpen ? nothing : html`<div class="notice warn"><div>No fields of ${schema.plural.toLowerCase()} are agreed yet. The rule is kept, and nothing is shown before that.</div></div>`}
      ${isAdmin ? nothing : html`<p class="notice">Admins of your org decide what a partner sees.</p>`}
      <fieldset ?disabled=${!isAdmin || !isOpen}>
        <p class="row">
          Show ${schema.plural.toLowerCase()} that meet
          <select
            class="match"
            aria-label="All or any"
            @change=${(event: Event) => change({ match: typed(event) === 'any' ? 'any' : 'all' })}
          >
            <option value="all" ?selected=${rule.match === 'all'}>all</option>
            <option value="any" ?selected=${rule.match === 'any'}>any</option>
          </select>
          of these conditions:
        </p>
        ${conditionLines(schema.fields, rule.conditions, this.language, (conditions) => change({ conditions }))}
        <div>
          <button @click=${() => stage && change({ conditions: [...rule.conditions, newCondition(stage)] })}>Add a condition</button>
        </div>
        ${this.#copies(engine, rule, change)}
      </fieldset>
      ${rule.added.length + rule.hidden.length > 0 ? html`<p class="soft small">By hand: ${rule.added.length} added, ${rule.hidden.length} hidden.</p>` : nothing}
      <p class="count" role="status" ?hidden=${!isOpen}>
        <strong>${formatCount(this.#count(engine, connection, rule), this.language)}</strong> of ${formatCount(total, this.language)}
        ${schema.plural.toLowerCase()} ${this.draft ? 'would be' : 'are'} shown to ${showText(peer, 80)}
      </p>
      <div class="row">
        <button
          class="primary"
          ?disabled=${!isAdmin || !isOpen || !this.draft || this.running.has('save')}
          @click=${() => this.#save(engine, connection, rule)}
        >
          Save the rule
        </button>
        ${
          this.draft
            ? html`<button @click=${() => this.act('draft', () => this.#drop(engine, id))}>Undo</button
                ><span class="soft small">${keptWords}</span>`
            : nothing
        }
      </div>
    </div>`
  }

  async #drop(engine: Engine, id: string): Promise<void> {
    await this.#kept.drop(engine, id)
    this.#read = undefined
  }

  #agreed(engine: Engine): boolean {
    const { connection } = this
    return connection !== undefined && (engine.agreements.get(connection)?.effective?.objects[this.object]?.fields.length ?? 0) > 0
  }

  /** Whether copies of other orgs' records are shown too. Only an org that may pass some on is asked. */
  #copies(engine: Engine, rule: Rule, change: (part: Partial<Rule>) => void): TemplateResult | typeof nothing {
    const mayPassOn = engine.connections
      .list()
      .some(({ id, side }) => side === 'partner' && engine.agreements.get(id)?.effective?.objects[this.object]?.passOn === true)
    if (!mayPassOn && rule.copies !== true) return nothing
    return html`<label class="row">
      <input type="checkbox" .checked=${rule.copies === true} @change=${() => change({ copies: rule.copies !== true })} />
      Show copies from other orgs too, where their agreement allows it
    </label>`
  }

  /** Counts the records that a rule shows; an incomplete rule may show none. */
  #count(engine: Engine, connection: ConnectionView['id'], rule: Rule): number {
    try {
      return engine.sharing.count(connection, this.object, rule)
    } catch {
      return 0
    }
  }

  #save(engine: Engine, connection: ConnectionView['id'], rule: Rule): void {
    const { object } = this
    if (!this.tell('entente-before-share', { connection, object, rule }, true)) return
    this.act('save', async () => {
      await engine.sharing.setRule(connection, object, rule)
      await this.#drop(engine, `${connection}:${object}`)
      this.tell('entente-shared', { connection, object })
    })
  }
}
