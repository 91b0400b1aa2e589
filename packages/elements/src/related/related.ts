import type { ChangeView, Engine, ObjectName, RelatedList, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { formatAge } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'

/** What each related list is called. */
export const listNames: Readonly<Record<RelatedList, string>> = {
  mirrors: 'Connected external records',
  changes: 'Changed since you looked',
  shares: 'Shared over',
}

/**
 * The related lists of one record, those and in the order that the org's admins chose: the mirrors, what changed in them since the person looked, and over which
 * connections the record is shared.
 *
 * @tag entente-related
 * @fires entente-before-stop - Cancelable; detail {share}.
 * @slot mirrors - Below the mirrors.
 */
export class EntenteRelated extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      :host,
      section {
        display: grid !important;
        gap: 8px;
        min-width: 0;
      }
      :host {
        gap: calc(var(--gap) * 1.3);
      }
      .theirs {
        color: var(--theirs);
        font-weight: 550;
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    object: {},
    record: {},
    lists: { attribute: false },
    fields: { attribute: false },
  }
  declare object: ObjectName
  declare record: string | undefined
  /** The lists in their order; those that the admins chose by default. */
  declare lists: readonly RelatedList[] | undefined
  /** API names of the own fields whose counterparts a mirror shows; those that the admins chose by default. */
  declare fields: readonly string[] | undefined
  protected readonly topics: readonly Topic[] = ['changes', 'records']

  constructor() {
    super()
    this.object = 'Opportunity'
  }

  protected view(engine: Engine): TemplateResult {
    const lists = this.lists ?? engine.settings.read().pages[this.object].lists
    return html`${lists.map(
      (list) =>
        html`<section>
          <h3>${listNames[list]}</h3>
          ${this.#list(engine, list)}
        </section>`,
    )}`
  }

  #list(engine: Engine, list: RelatedList): TemplateResult {
    const { density, object, record, fields } = this
    switch (list) {
      case 'mirrors':
        return html`<entente-external
            .engine=${engine}
            .density=${density}
            .object=${object}
            .record=${record}
            .fields=${fields}
          ></entente-external>
          <slot name="mirrors"></slot>`
      case 'shares':
        return html`<entente-shares .engine=${engine} .density=${density} .object=${object} .record=${record}></entente-shares>`
      case 'changes':
        return this.#changes(engine)
    }
  }

  #changes(engine: Engine): TemplateResult {
    const { changes } = engine.changes.list({ object: this.object, record: this.record ?? '' })
    if (changes.length === 0) return html`<p class="soft">Nothing that you have not seen.</p>`
    const see = (): void =>
      this.act('seen', async () => {
        await engine.changes.markSeen(changes.map(({ id }) => id))
        this.requestUpdate()
      })
    return html`<div class="card stack">
      <ul class="stack">
        ${changes.map((change) => this.#change(change))}
      </ul>
      <div><button ?disabled=${this.running.has('seen')} @click=${see}>Mark as seen</button></div>
    </div>`
  }

  #change({ field, what, from, to, peerName, at }: ChangeView): TemplateResult {
    const { language } = this
    return html`<li>
      ${
        field
          ? html`<strong>${showText(field.label, 80)}</strong>:
              ${from === undefined ? nothing : html`<span class="soft">${showValue(field, from, language, 120)}</span> →`}
              <span class="theirs">${showValue(field, to, language, 160)}</span>`
          : html`<strong>${what === 'ended' ? 'No longer shared' : 'Shared again'}</strong>`
      }
      <span class="soft small">${showText(peerName, 60)}, ${formatAge(at, Date.now(), language)}</span>
    </li>`
  }
}
