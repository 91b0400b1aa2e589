import type { AgreementView, ConnectionView, Engine, ObjectName, Proposal, Topic, WishView } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { KeptFocus } from '../base/kept-focus.js'
import { KeptDraft, keptWords } from '../base/kept-draft.js'
import { turnTabs } from '../base/turn-tabs.js'
import {
  type AcceptanceDraft,
  countBlocked,
  draftToAcceptance,
  mappingTable,
  type ObjectDraft,
  objectsOf,
  rebaseDraft,
} from './acceptance.js'
import {
  changeSentences,
  offerSentences,
  type Onlooker,
  onlookerOf,
  type Terms,
  termsAccepted,
  termsInForce,
  termsOffered,
} from './changes.js'
import { effectiveTable, versionList, type Withdraw, withdrawalQuestion } from './effective.js'
import { countUpdates, draftToProposal, mostUpdates, type ProposalDraft, proposalMatrix, proposalToDraft } from './proposal.js'
import { objectSwitch, switchQuestion, type Switching } from './switch.js'
import { askingPanel, fieldMeant, type WishDraft, wishesPanel } from './wishes.js'
import { fillInPanel, type FillingIn, reachedLine } from './fill-in.js'
import { agreementStyles } from './styles.js'
import { showText } from '../value/show-text.js'
import { whyClosed } from '../choice/name.js'
import { typeWord } from '../value/type-words.js'

/** What a person entered and has not sent, as it is kept. */
interface KeptChoices {
  readonly proposal?: Proposal
  readonly granted?: readonly WishView[]
  readonly acceptance?: AcceptanceDraft
}

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
    arrived: { state: true },
    wish: { state: true },
    granted: { state: true },
    filling: { state: true },
  }
  declare connection: ConnectionView['id'] | undefined
  declare object: ObjectName
  declare protected editing: boolean
  declare protected proposal: ProposalDraft | undefined
  declare protected acceptance: AcceptanceDraft | undefined
  /** What another proposal changed while the person was choosing, until it was seen. */
  declare protected arrived: readonly string[] | undefined
  /** What the partner is about to ask for. */
  declare protected wish: WishDraft | undefined
  /** The wishes that the proposal under way answers. */
  declare protected granted: readonly WishView[]
  /** What is known of copies to fill in, of one object. */
  declare protected filling: (Pick<FillingIn, 'gaps' | 'progress' | 'said'> & { readonly object: ObjectName }) | undefined
  protected readonly topics: readonly Topic[] = ['agreements', 'connections', 'records']
  readonly #kept = new KeptDraft('Agreement')
  /** The connection whose draft was read. */
  #read: string | undefined
  /** The proposal that the person has before its eyes. */
  #shown: NonNullable<AgreementView['proposal']> | undefined

  constructor() {
    super()
    this.addController(new KeptFocus(this))
    this.object = 'Opportunity'
    this.editing = false
    this.granted = []
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!changed.has('connection')) return
    this.#clear()
    this.#read = undefined
    this.failure = undefined
  }

  protected view(engine: Engine): TemplateResult {
    const { connection } = this
    const view = connection === undefined ? undefined : engine.agreements.get(connection)
    const shown = connection === undefined ? undefined : engine.connections.get(connection)
    if (connection === undefined || !view) return html`<p class="soft">There is no agreement yet: connect first.</p>`
    if (shown?.state === 'Pending')
      return html`<p class="soft">The connection is not complete yet. Fields can be agreed as soon as both orgs are there.</p>`
    // What was agreed stays to be read; over a connection that is not open nobody can agree on more.
    const isOpen = shown?.state === 'Enabled'
    const isAdmin = isOpen && engine.user.role === 'admin'
    if (isAdmin && this.#read !== connection) this.#restore(engine, connection, view.proposal)
    const content =
      view.side === 'vendor' ? this.#vendor(engine, connection, view, isAdmin) : this.#partner(engine, connection, view, isAdmin)
    if (isOpen && !shown.why) return content
    return html`<div class="stack">
      <p class="notice warn">
        <span
          >${whyClosed(shown, this.language)}
          ${isOpen ? 'Fields can be agreed on meanwhile.' : 'What was agreed stands here to be read.'}</span
        >
      </p>
      ${content}
    </div>`
  }

  #vendor(engine: Engine, connection: ConnectionView['id'], view: AgreementView, isAdmin: boolean): TemplateResult {
    const mayPropose = isAdmin && (this.editing || view.state === 'none')
    if (!mayPropose) {
      const waits = view.state === 'proposed'
      return html`<div class="stack">
        ${
          waits
            ? html`<div class="notice">
                <div>
                  <strong>Proposed, version ${view.proposal?.version}.</strong> It is the partner’s turn to accept.
                  ${
                    view.effective && view.proposal
                      ? html`<strong>If it accepts all of it:</strong>
                          ${this.#changes(engine, connection, termsInForce(view.effective), termsOffered(view.proposal))}`
                      : nothing
                  }
                </div>
              </div>`
            : nothing
        }
        ${wishesPanel(engine.agreements.wishes(connection), onlookerOf(engine, connection, this.language), isAdmin ? this.#answering(engine, connection, view) : undefined)}
        ${this.#tabs()} ${view.effective ? this.#inForce(engine, connection, view, this.object, isAdmin) : this.#proposed(view)}
        ${
          waits && view.effective
            ? html`<h4>Proposed, not in force yet</h4>
                ${this.#proposed(view)}`
            : nothing
        }
        ${isAdmin ? html`<div><button @click=${() => (this.editing = true)}>Propose a change</button></div>` : nothing}
        ${versionList(engine, connection, this.language)}
      </div>`
    }
    const draft = this.proposal ?? proposalToDraft(view.offer)
    const schema = engine.records.schema(this.object)
    const sample = engine.records.list(this.object).records.find((record) => Object.keys(record.values).length > 3)
    const total = draft.Lead.size + draft.Opportunity.size
    const next = draftToProposal(draft, engine)
    return html`<div class="stack">
      ${this.granted.map(
        (wish) =>
          html`<div class="notice">
            <span>
              This proposal answers the wish for
              <strong>${showText(wish.label, 100)}</strong
              >.${fieldMeant(wish, engine.records.schema(wish.object)) ? nothing : ' Tick the field of yours that is meant.'}
            </span>
            <button @click=${() => (this.granted = this.granted.filter(({ id }) => id !== wish.id))}>It does not</button>
          </div>`,
      )}
      ${this.#tabs()}
      ${proposalMatrix({ draft, object: this.object, schema, sample, language: this.language, change: (next) => this.#propose(engine, connection, next) })}
      ${
        view.effective
          ? html`<div class="notice">
              <div>
                <strong>If the partner accepts all of it:</strong>
                ${this.#changes(engine, connection, termsInForce(view.effective), termsOffered(next))}
              </div>
            </div>`
          : nothing
      }
      <div class="row">
        <button
          class="primary"
          ?disabled=${total === 0 || this.running.has('submit')}
          @click=${() =>
            this.#submit(connection, 'propose', async () => {
              await engine.agreements.propose(connection, next)
              for (const { id } of this.granted) await engine.agreements.answerWish(connection, id, 'offered')
            })}
        >
          Propose ${total} ${total === 1 ? 'field' : 'fields'}
        </button>
        ${view.state === 'none' && !this.proposal ? nothing : html`<button @click=${() => this.#drop(engine, connection)}>Back</button>`}
        <span class="soft small"
          >${total === 0 ? 'Tick at least one field.' : 'Nothing leaves before the partner accepts.'}${this.proposal ? keptWords : ''}</span
        >
      </div>
    </div>`
  }

  #partner(engine: Engine, connection: ConnectionView['id'], view: AgreementView, isAdmin: boolean): TemplateResult {
    const { proposal } = view
    if (!proposal)
      return html`<div class="empty card">
          <h3>No proposal yet</h3>
          <p>The vendor proposes which fields may travel. You decide which of them you take, and into which of your fields.</p>
        </div>
        ${isAdmin ? this.#asking(engine, connection, this.object) : nothing}`
    const isOpen = view.turn === 'partner' || view.state === 'proposed'
    if (!isOpen || !isAdmin)
      return html`<div class="stack">
        ${this.#tabs()}${view.effective ? this.#inForce(engine, connection, view, this.object, isAdmin) : this.#proposed(view)}
        ${isAdmin ? this.#asking(engine, connection, this.object) : nothing} ${versionList(engine, connection, this.language)}
      </div>`
    this.#follow(engine, connection, proposal)
    const objects = objectsOf(proposal)
    const object = objects.includes(this.object) ? this.object : (objects[0] ?? this.object)
    const draft = this.acceptance ?? this.#suggest(engine, connection, view)
    const part = draft[object] ?? nothingTaken
    const takeAll = (all: boolean): void => {
      const fields = all ? engine.agreements.suggest(connection, object, []) : []
      choose({ ...part, fields })
    }
    const choose = (next: ObjectDraft): void => {
      this.acceptance = { ...draft, [object]: next }
      this.#keep(engine, connection)
    }
    const checks = new Map(objects.map((name) => [name, engine.agreements.preflight(connection, name, draft[name]?.fields ?? [])]))
    // An object of which nothing is taken is declined, whatever it would need.
    const wanted = objects.filter((name) => (draft[name]?.fields.length ?? 0) > 0)
    const blocked = wanted.reduce((sum, name) => sum + countBlocked(checks.get(name) ?? [], draft[name] ?? nothingTaken), 0)
    const taken = objects.reduce((sum, name) => sum + (draft[name]?.fields.length ?? 0), 0)
    const obstacle = this.arrived
      ? 'See first what has just come.'
      : taken === 0
        ? 'Take at least one field.'
        : blocked > 0
          ? `${blocked} ${blocked === 1 ? 'line does' : 'lines do'} not fit yet.`
          : ''
    return html`<div class="stack">
      <p class="soft">The vendor proposes version ${proposal.version}. Take what you want, into your own fields; decline the rest.</p>
      ${
        this.arrived
          ? html`<div class="notice warn" role="alert">
              <div>
                <strong>The vendor has just proposed version ${proposal.version}.</strong> Your choices are kept.
                <ul>
                  ${this.arrived.map((sentence) => html`<li>${showText(sentence, 2_000)}</li>`)}
                </ul>
              </div>
              <button @click=${() => (this.arrived = undefined)}>I have seen it</button>
            </div>`
          : nothing
      }
      ${this.#tabs(objects)}
      ${mappingTable({
        offered: proposal.objects[object]?.fields ?? [],
        lines: part.fields,
        defaults: part.defaults,
        preflight: checks.get(object) ?? [],
        schema: engine.records.schema(object),
        declined: view.declined[object] ?? [],
        takenBack: view.takenBack[object] ?? [],
        language: this.language,
        currency: engine.settings.read().currency,
        change: (fields) => choose({ ...part, fields }),
        setDefaults: (defaults) => choose({ ...part, defaults }),
      })}
      <div>
        <button class="quiet" @click=${() => takeAll(part.fields.length === 0)}>
          ${part.fields.length === 0 ? 'Take what fits' : html`Take no ${showText(engine.records.schema(object).plural.toLowerCase(), 80)}`}
        </button>
      </div>
      ${
        view.effective
          ? html`<div class="notice">
              <div>
                <strong>From version ${proposal.version} on:</strong>
                ${this.#changes(engine, connection, termsInForce(view.effective), termsAccepted(proposal, draft, view.takenBack), ' so far')}
              </div>
            </div>`
          : nothing
      }
      <div class="row">
        <button
          class="primary"
          ?disabled=${obstacle !== '' || this.running.has('submit')}
          @click=${() => this.#submit(connection, 'accept', () => engine.agreements.accept(connection, { version: proposal.version, ...draftToAcceptance(draft) }))}
        >
          Accept ${taken} ${taken === 1 ? 'field' : 'fields'}
        </button>
        ${this.acceptance ? html`<button @click=${() => this.#drop(engine, connection)}>Start over</button>` : nothing}
        <span class="small soft">${obstacle}${this.acceptance ? keptWords : ''}</span>
      </div>
      ${this.#asking(engine, connection, object)}
      ${
        view.effective
          ? html`<details>
                <summary>In force until then: version ${view.effective.version}</summary>
                ${this.#inForce(engine, connection, view, object, isAdmin)}
              </details>
              ${versionList(engine, connection, this.language)}`
          : nothing
      }
    </div>`
  }

  /** What is in force for an object, with what an admin may do about it alone. */
  #inForce(engine: Engine, connection: ConnectionView['id'], view: AgreementView, object: ObjectName, isAdmin: boolean): TemplateResult {
    const onlooker = onlookerOf(engine, connection, this.language)
    return html`${effectiveTable(engine, view, object, this.language, isAdmin ? this.#withdraw(engine, view, object, onlooker) : undefined)}
    ${engine.connections.get(connection)?.state === 'Enabled' && view.effective?.objects[object] && view.off.every((off) => off.object !== object) ? this.#backfill(engine, connection, view.effective.version, object, view.side) : nothing}
    ${objectSwitch(view, object, onlooker, isAdmin ? this.#switching(engine, connection, object, onlooker) : undefined)}`
  }

  #switching(engine: Engine, connection: ConnectionView['id'], object: ObjectName, onlooker: Onlooker): Switching {
    return {
      isRunning: this.running.has('switch'),
      turn: (on) =>
        this.act('switch', async () => {
          if (on || (await this.confirmed(switchQuestion(object, onlooker)))) await engine.agreements.switchObject(connection, object, on)
        }),
    }
  }

  /** How far a wider agreement has come with what was exported before. */
  #backfill(
    engine: Engine,
    connection: ConnectionView['id'],
    version: number,
    object: ObjectName,
    side: AgreementView['side'],
  ): TemplateResult {
    const onlooker = onlookerOf(engine, connection, this.language)
    const { agreements, records } = engine
    const shared = records.sharedOver(object, connection).length
    const known = this.filling?.object === object ? this.filling : undefined
    const look = (said?: string): void =>
      void (this.filling = { object, gaps: agreements.gaps(connection, object), progress: undefined, said })
    const fill = (field: string): void =>
      this.act('fill', async () => {
        const show = (done: number, total: number): void =>
          void (this.filling = { object, gaps: known?.gaps, progress: { field, done, total }, said: undefined })
        show(0, shared)
        const { filled, refused } = await agreements.fillIn(connection, object, [field], show)
        look(`${filled.toLocaleString(this.language)} copies are filled in.${refused > 0 ? ` ${refused} values do not fit.` : ''}`)
      })
    return html`${reachedLine(agreements.reached(connection, object), version, object, onlooker)}
    ${side === 'partner' && shared > 0 ? fillInPanel(object, onlooker, { gaps: known?.gaps, progress: known?.progress, said: known?.said, look: () => look(), fill }) : nothing}`
  }

  #asking(engine: Engine, connection: ConnectionView['id'], object: ObjectName): TemplateResult {
    const { agreements, records } = engine
    return askingPanel({
      wishes: agreements.wishes(connection),
      object,
      schema: records.schema(object),
      onlooker: onlookerOf(engine, connection, this.language),
      draft: this.wish,
      isRunning: this.running.has('wish'),
      change: (draft) => (this.wish = draft),
      ask: (draft) =>
        this.act('wish', async () => {
          await agreements.ask(connection, object, draft)
          this.wish = undefined
        }),
      takeBack: (wish) => this.act('wish', () => agreements.takeBackWish(connection, wish)),
    })
  }

  #answering(engine: Engine, connection: ConnectionView['id'], view: AgreementView): NonNullable<Parameters<typeof wishesPanel>[2]> {
    return {
      isRunning: this.running.has('wish'),
      decline: (wish) => this.act('wish', () => engine.agreements.answerWish(connection, wish, 'declined')),
      offer: (wish) => {
        const draft = this.proposal ?? proposalToDraft(view.offer)
        const field = fieldMeant(wish, engine.records.schema(wish.object))
        const fields = new Map(draft[wish.object])
        const update = wish.update && (fields.get(field?.name ?? '')?.update === true || countUpdates(draft, wish.object) < mostUpdates)
        if (field) fields.set(field.name, { update })
        this.granted = [...this.granted.filter(({ id }) => id !== wish.id), wish]
        this.#propose(engine, connection, { ...draft, [wish.object]: fields })
        this.object = wish.object
        this.editing = true
      },
    }
  }

  #withdraw(engine: Engine, { connection, side }: AgreementView, object: ObjectName, onlooker: Onlooker): Withdraw {
    return (field) =>
      this.act('withdraw', async () => {
        if (await this.confirmed(withdrawalQuestion(field, side, onlooker, object)))
          await engine.agreements.withdraw(connection, object, [field[side].name])
      })
  }

  /** A proposal that comes while the person chooses takes nothing away from what was entered, and is not accepted unseen. */
  #follow(engine: Engine, connection: ConnectionView['id'], proposal: NonNullable<AgreementView['proposal']>): void {
    const before = this.#shown
    if (before?.version === proposal.version && before.at === proposal.at) return
    this.#shown = proposal
    if (!before || !this.acceptance) return
    const sentences = offerSentences(termsOffered(before), termsOffered(proposal), onlookerOf(engine, connection, this.language, true))
    this.arrived = sentences.length > 0 ? sentences : ['It offers the same fields. See which of them keep updating.']
    this.acceptance = rebaseDraft(this.acceptance, proposal)
  }

  #changes(engine: Engine, connection: ConnectionView['id'], before: Terms, after: Terms, unless = ''): TemplateResult {
    const sentences = changeSentences(before, after, onlookerOf(engine, connection, this.language))
    return sentences.length === 0
      ? html`<p class="small">Nothing changes${unless}.</p>`
      : html`<ul class="small">
          ${sentences.map((sentence) => html`<li>${showText(sentence, 2_000)}</li>`)}
        </ul>`
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
      ? html`<p class="soft">No field of ${showText(this.org?.records.schema(this.object).plural.toLowerCase() ?? '', 80)} is proposed.</p>`
      : html`<div class="card">
          <ul>
            ${fields.map(({ field, update }) => html`<li>${showText(field.label, 80)} <span class="type">${typeWord(field.type)}${update ? ', keeps updating' : ''}</span></li>`)}
          </ul>
        </div>`
  }

  #tabs(objects: readonly ObjectName[] = ['Opportunity', 'Lead']): TemplateResult {
    const name = (object: ObjectName): string => this.org?.records.schema(object).plural ?? object
    return html`<div class="tabs" role="tablist" aria-label="Objects" @keydown=${turnTabs}>
      ${objects.map((object) => html`<button role="tab" aria-selected=${object === this.object} tabindex=${object === this.object ? 0 : -1} @click=${() => (this.object = object)}>${name(object)}</button>`)}
    </div>`
  }

  #submit(connection: string, mode: 'propose' | 'accept', send: () => Promise<void>): void {
    if (!this.tell('entente-before-submit', { connection, mode }, true)) return
    this.act('submit', async () => {
      await send()
      this.#clear()
      if (this.org) await this.#kept.drop(this.org, connection)
      this.tell('entente-submitted', { connection, mode })
    })
  }

  #propose(engine: Engine, connection: ConnectionView['id'], draft: ProposalDraft): void {
    this.proposal = draft
    this.#keep(engine, connection)
  }

  #keep(engine: Engine, connection: ConnectionView['id']): void {
    const { proposal, granted, acceptance } = this
    this.#kept.keep(engine, connection, { proposal: proposal && draftToProposal(proposal, engine), granted, acceptance })
  }

  /** Goes on with what this person entered before and has not sent. */
  #restore(engine: Engine, connection: ConnectionView['id'], present: AgreementView['proposal']): void {
    this.#read = connection
    const { proposal, granted = [], acceptance } = (this.#kept.read(engine, connection) ?? {}) as KeptChoices
    this.granted = granted
    this.proposal = proposal && proposalToDraft(proposal)
    this.editing = proposal !== undefined
    this.acceptance = acceptance && present && rebaseDraft(acceptance, present)
  }

  #drop(engine: Engine, connection: ConnectionView['id']): void {
    this.#clear()
    this.act('draft', () => this.#kept.drop(engine, connection))
  }

  #clear(): void {
    this.editing = false
    this.proposal = undefined
    this.acceptance = undefined
    this.arrived = undefined
    this.granted = []
    this.#shown = undefined
  }
}
