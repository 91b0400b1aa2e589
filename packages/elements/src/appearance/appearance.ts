import type { ConnectionView, Engine, Field, ObjectName, PartnerSite, RecordPage, RelatedList, SiteList, Topic } from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { isChecked, typed } from '../base/typed.js'
import { chooseConnection } from '../choice/choice.js'
import { siteHead } from '../records/site-head.js'
import { listNames } from '../related/related.js'
import { conditionLines, conditionStyles, isComplete, newCondition } from '../sharing/conditions.js'
import { plainText } from '../value/show-text.js'
import { orderedChoice, orderedChoiceStyles } from './ordered-choice.js'

const objects = ['Opportunity', 'Lead'] as const
const allLists = Object.entries(listNames).map(([name, label]) => ({ name, label }))

/**
 * Where admins choose how pages look, for all of the org: which related lists stand on a record's page and which fields a mirror shows; and, for each partner, the
 * partner site's name, introduction, columns and first view. Each part has a preview beside it.
 *
 * @tag entente-appearance
 * @fires entente-choice - Another partner was chosen; detail {connection}.
 */
export class EntenteAppearance extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    conditionStyles,
    orderedChoiceStyles,
    css`
      :host {
        container-type: inline-size;
      }
      :host > section,
      form {
        display: grid;
        gap: 14px;
        align-content: start;
        min-width: 0;
      }
      section {
        margin-top: 16px;
      }
      section + section {
        margin-top: 26px;
      }
      form > label > * {
        font-weight: 400;
      }
      form > label {
        display: grid;
        gap: 4px;
      }
      fieldset {
        display: grid;
        gap: 6px;
        min-width: 0;
      }
      legend {
        padding: 0;
        font-weight: 550;
      }
      .kinds {
        margin-bottom: 12px;
      }
      .sides {
        display: grid;
        gap: 20px;
        align-items: start;
      }
      .preview {
        display: grid;
        gap: 10px;
        min-width: 0;
        padding: 12px;
        border: 1px dashed var(--edge);
        border-radius: var(--radius);
        background: var(--page);
      }
      .preview > .soft:first-child {
        font-size: 0.88em;
      }
      .preview entente-records {
        height: 300px;
      }
      .kinds button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--tint);
        color: var(--accent);
      }
      .pick {
        width: auto !important;
      }
      @container (min-width: 760px) {
        .sides {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr);
        }
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    connection: {},
    object: { state: true },
    page: { state: true },
    site: { state: true },
  }
  /** The connection as vendor whose partner site is shown; the first one that works by default. */
  declare connection: ConnectionView['id'] | undefined
  declare protected object: ObjectName
  /** What was chosen and is not saved yet. */
  declare protected page: RecordPage | undefined
  declare protected site: PartnerSite | undefined
  protected readonly topics: readonly Topic[] = ['settings', 'connections', 'agreements', 'records']

  constructor() {
    super()
    this.object = 'Opportunity'
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.get('connection') !== undefined) this.site = undefined
  }

  protected view(engine: Engine): TemplateResult {
    if (engine.user.role !== 'admin')
      return html`<p class="soft">How record pages and partner sites look is chosen by your org’s admins, for all of you.</p>`
    const connection = chooseConnection(engine, this.connection, 'vendor') ?? chooseConnection(engine, undefined, 'vendor')
    const show = (object: ObjectName): void => {
      this.page = undefined
      this.object = object
    }
    return html`<div class="row kinds" role="group" aria-label="Object">
        ${objects.map((object) => html`<button aria-pressed=${object === this.object} @click=${() => show(object)}>${engine.records.schema(object).plural}</button>`)}
      </div>
      ${this.#recordPage(engine)} ${connection ? this.#partnerSite(engine, connection) : nothing}`
  }

  // ---- the page of a record

  #recordPage(engine: Engine): TemplateResult {
    const { object } = this
    const page = this.page ?? engine.settings.read().pages[object]
    const fields = agreedFields(engine, object)
    const sample = sampleOf(engine, object)
    const { plural } = engine.records.schema(object)
    const save = (chosen: RecordPage | null): void =>
      this.act('page', async () => {
        await engine.settings.change({ pages: { [object]: chosen } })
        this.page = undefined
        this.notify({ text: 'Saved. Everybody in your org sees it so.' })
      })
    const showAll = (event: Event): void => {
      const names = fields.map(({ name }) => name)
      this.page = { lists: (this.page ?? page).lists, ...(isChecked(event) ? {} : { mirrorFields: names }) }
    }
    return html`<section aria-labelledby="page">
      <h3 id="page">Pages of ${plural.toLowerCase()}</h3>
      <div class="sides">
        <form @submit=${(event: Event) => event.preventDefault()}>
          <fieldset>
            <legend>Related lists, from top to bottom</legend>
            ${orderedChoice('Related lists', allLists, page.lists, (lists) => (this.page = { ...(this.page ?? page), lists: lists as readonly RelatedList[] }))}
          </fieldset>
          <fieldset>
            <legend>Fields of a mirror</legend>
            <label class="check"><input type="checkbox" .checked=${!page.mirrorFields} @change=${showAll} />All that are agreed</label>
            ${page.mirrorFields ? orderedChoice('Fields of a mirror', fields, page.mirrorFields, (mirrorFields) => (this.page = { ...(this.page ?? page), mirrorFields })) : nothing}
          </fieldset>
          ${this.#buttons(
            'page',
            this.page !== undefined,
            () => save(this.page ?? page),
            () => (this.page = undefined),
            () => save(null),
          )}
        </form>
        <div class="preview" role="group" aria-label="Preview of the page">
          <span class="soft">Preview</span>
          ${
            sample === undefined
              ? page.lists.map((list) => html`<h3>${listNames[list]}</h3>`)
              : html`<entente-related
                  inert
                  inert
                  .engine=${engine}
                  .density=${this.density}
                  .object=${object}
                  .record=${sample}
                  .lists=${page.lists}
                  .fields=${page.mirrorFields ?? fields.map(({ name }) => name)}
                ></entente-related>`
          }
        </div>
      </div>
    </section>`
  }

  // ---- the partner site

  #partnerSite(engine: Engine, connection: ConnectionView): TemplateResult {
    const { object } = this
    const site = this.site ?? engine.settings.site(connection.id)
    const list = site.objects[object] ?? {}
    const agreed = engine.agreements.get(connection.id)?.effective?.objects[object]?.fields ?? []
    const fields = agreed.length > 0 ? agreed.map(({ vendor }) => vendor) : engine.records.schema(object).fields
    const columns = list.columns ?? fields.map(({ name }) => name)
    const change = (part: Partial<PartnerSite>): void => {
      // Two changes may come before the page is drawn again.
      this.site = { ...(this.site ?? site), ...part }
      // What is chosen stays with this partner, whatever becomes of the list of connections meanwhile.
      this.connection ??= connection.id
    }
    const changeList = (part: SiteList): void => {
      const lists = (this.site ?? site).objects
      change({ objects: { ...lists, [object]: { ...lists[object], ...part } } })
    }
    const save = (chosen: PartnerSite): void =>
      this.act('site', async () => {
        await engine.settings.changeSite(connection.id, chosen)
        this.site = undefined
        this.notify({ text: 'Saved. The partner sees it as soon as its device is online.' })
      })
    const isEnded = connection.state !== 'Enabled'
    return html`<section aria-labelledby="site">
      <div class="row spread">
        <h3 id="site">Partner site</h3>
        <entente-choice
          side="vendor"
          .engine=${engine}
          .density=${this.density}
          .connection=${connection.id}
          @entente-choice=${(event: CustomEvent<{ readonly connection: ConnectionView['id'] | undefined }>) => (this.connection = event.detail.connection)}
        ></entente-choice>
      </div>
      ${isEnded ? html`<p class="soft">This connection is not open, so its partner site cannot be changed.</p>` : nothing}
      <div class="sides" ?hidden=${isEnded}>
        <form @submit=${(event: Event) => event.preventDefault()}>
          <label>Name<input maxlength="80" .value=${site.name} @input=${(event: Event) => change({ name: typed(event) })} /></label>
          <label
            >Introduction<textarea
              maxlength="1000"
              .value=${site.introduction}
              @input=${(event: Event) => change({ introduction: typed(event).replace(/\s*[\r\n]+\s*/g, ' ') })}
            ></textarea>
          </label>
          <fieldset>
            <legend>Columns of ${engine.records.schema(object).plural}</legend>
            ${orderedChoice('Columns', fields, columns, (names) => changeList({ columns: names }))}
          </fieldset>
          ${this.#order(fields, list, changeList)}
          <fieldset>
            <legend>Shown at first</legend>
            ${conditionLines(fields, list.conditions ?? [], this.language, (conditions) => changeList({ conditions }))}
            <div>
              <button
                type="button"
                @click=${() => fields[0] && changeList({ conditions: [...(list.conditions ?? []), newCondition(fields[0])] })}
              >
                Add a condition
              </button>
            </div>
          </fieldset>
          ${this.#buttons(
            'site',
            this.site !== undefined,
            () => save(complete(this.site ?? site)),
            () => (this.site = undefined),
            () => save(plainSite),
          )}
        </form>
        <div class="preview" role="group" aria-label="Preview of the partner site">
          <span class="soft">Preview</span>
          ${siteHead(site)}
          <entente-records
            inert
            inert
            .engine=${engine}
            .density=${this.density}
            .object=${object}
            .sharedWith=${connection.id}
            .columns=${columns}
            .sort=${list.sort ?? []}
            .conditions=${(list.conditions ?? []).filter(isComplete)}
          ></entente-records>
        </div>
      </div>
    </section>`
  }

  #order(fields: readonly Field[], { sort = [] }: SiteList, change: (part: SiteList) => void): TemplateResult {
    const [key] = sort
    const set = (field: string, direction: 'ascending' | 'descending'): void => change({ sort: field === '' ? [] : [{ field, direction }] })
    return html`<fieldset>
      <legend>Order at first</legend>
      <div class="row">
        <select class="pick" aria-label="Order by" @change=${(event: Event) => set(typed(event), key?.direction ?? 'ascending')}>
          <option value="" .selected=${!key}>None</option>
          ${fields.map(({ name, label }) => html`<option value=${name} .selected=${name === key?.field}>${plainText(label, 80)}</option>`)}
        </select>
        <select
          class="pick"
          aria-label="Direction"
          ?disabled=${!key}
          @change=${(event: Event) => set(key?.field ?? '', typed(event) === 'descending' ? 'descending' : 'ascending')}
        >
          <option value="ascending" .selected=${key?.direction !== 'descending'}>Lowest first</option>
          <option value="descending" .selected=${key?.direction === 'descending'}>Highest first</option>
        </select>
      </div>
    </fieldset>`
  }

  #buttons(name: string, isChanged: boolean, save: () => void, discard: () => void, reset: () => void): TemplateResult {
    const isBusy = this.running.has(name)
    return html`<div class="row">
      <button type="button" class="primary" ?disabled=${!isChanged || isBusy} @click=${save}>Save</button>
      <button type="button" ?disabled=${!isChanged || isBusy} @click=${discard}>Discard</button>
      <button type="button" class="quiet" ?disabled=${isBusy} @click=${reset}>Back to the usual</button>
    </div>`
  }
}

const plainSite: PartnerSite = { name: '', introduction: '', objects: {} }

/** A condition that nobody has filled in would show nothing. */
function complete(site: PartnerSite): PartnerSite {
  const lists = Object.entries(site.objects).map(([object, list]) => [
    object,
    list.conditions ? { ...list, conditions: list.conditions.filter(isComplete) } : list,
  ])
  return { ...site, objects: Object.fromEntries(lists) as PartnerSite['objects'] }
}

/** The own fields of which a mirror may show the counterpart: those that keep flowing over any connection. */
function agreedFields(engine: Engine, object: ObjectName): readonly Field[] {
  const fields = new Map<string, Field>()
  for (const { id, side } of engine.connections.list()) {
    for (const agreed of engine.agreements.get(id)?.effective?.objects[object]?.fields ?? []) {
      const own = side === 'vendor' ? agreed.vendor : agreed.partner
      if (agreed.slot !== undefined) fields.set(own.name, own)
    }
  }
  return [...fields.values()]
}

/** A record to show the preview with: one that has a mirror, if there is any. */
function sampleOf(engine: Engine, object: ObjectName): string | undefined {
  const shared = engine.connections.list().flatMap(({ id }) => engine.records.sharedOver(object, id).slice(0, 20))
  return shared.find((id) => engine.mirrors.of(object, id).length > 0) ?? shared[0] ?? engine.records.ids(object).ids[0]
}
