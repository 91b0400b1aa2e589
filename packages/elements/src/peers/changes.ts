import type { ChangeView, Engine, Field, Value } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { formatAge, formatInstant, formatValue } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'
import { type Column, PeerList, type Reading, text } from './peer-list.js'

/**
 * What the other orgs changed since the person at this device last looked, newest first, as a list to work through: a line opens the own record, and so the
 * record's changes are seen; or all that the filters show are marked as seen at once.
 *
 * @tag entente-changes
 * @fires entente-open - A line was opened; detail {object, id}: the own record.
 * @slot toolbar - Beside the filters.
 * @slot empty - Replaces the text of an empty list.
 * @csspart grid - The scrolling list.
 */
export class EntenteChanges extends PeerList<ChangeView> {
  protected readonly label = 'Changes'
  protected readonly noun = 'change'

  protected read(engine: Engine): Reading<ChangeView> {
    const { object, connection, field } = this
    const all = engine.changes.list()
    const isFiltered = object !== undefined || connection !== undefined || field !== undefined
    const { changes, records, pending } = isFiltered
      ? engine.changes.list({ ...(object && { object }), ...(connection && { connection }), ...(field !== undefined && { field }) })
      : all
    return {
      lines: changes,
      records,
      pending,
      fields: new Map(all.changes.flatMap((change) => (change.field ? [[change.field.name, change.field.label] as const] : []))),
      objects: new Set(all.changes.map((change) => change.object)),
      peers: new Map(all.changes.map((change) => [change.connection, change.peerName])),
    }
  }

  protected override tools(): TemplateResult {
    const ids = (this.reading?.lines ?? []).map(({ id }) => id)
    return html`<button ?disabled=${ids.length === 0 || this.running.has('seen')} @click=${() => this.#see(ids)}>Mark all as seen</button>`
  }

  protected columns(): readonly Column<ChangeView>[] {
    const { language } = this
    return [
      { label: 'Field', width: 'minmax(100px, 1fr)', show: ({ field, what }) => html`${field ? showText(field.label, 80) : words[what]}` },
      {
        label: 'Before',
        width: 'minmax(110px, 1.2fr)',
        show: ({ field, from }) =>
          html`<span class="soft">${field ? (from === undefined ? 'not known' : showValue(field, from, language, 120)) : ''}</span>`,
      },
      {
        label: 'Now',
        width: 'minmax(110px, 1.2fr)',
        show: ({ field, to }) => html`<span class="theirs">${field ? showValue(field, to, language, 120) : ''}</span>`,
      },
      { label: 'By', width: 'minmax(110px, 1fr)', show: ({ peerName }) => showText(peerName, 60) },
      {
        label: 'When',
        width: 'minmax(110px, 0.8fr)',
        show: ({ at }) => html`<time class="soft" title=${formatInstant(at, language)}>${formatAge(at, Date.now(), language)}</time>`,
      },
      {
        label: 'Seen',
        width: '96px',
        show: ({ id }) => html`<button tabindex="-1" title="Mark this change as seen" @click=${() => this.#see([id])}>Seen</button>`,
      },
    ]
  }

  protected file({ field, what, from, to, at }: ChangeView): readonly (readonly [Field, Value])[] {
    const written = (value: Value | undefined): string => (field ? formatValue(field, value, this.language) : '')
    return [
      [text('Field'), field?.label ?? words[what]],
      [text('Before'), written(from)],
      [text('Now'), written(to)],
      [{ name: 'Changed', label: 'Changed', type: 'dateTime' }, new Date(at).toISOString()],
    ]
  }

  protected empty(): TemplateResult {
    return html`<div class="empty card">
      <h3>Nothing new</h3>
      <p>What other orgs change in the records that they share with you appears here until you have seen it.</p>
    </div>`
  }

  /** Who opens a record sees all its changes. */
  protected override open(line: ChangeView): void {
    const { object, record } = line
    const ids = this.org?.changes.list({ object, record }).changes.map(({ id }) => id) ?? []
    super.open(line)
    this.#see(ids)
  }

  #see(ids: readonly string[]): void {
    this.act('seen', async () => {
      await this.org?.changes.markSeen(ids)
      this.readAgain()
    })
  }
}

const words: Readonly<Record<ChangeView['what'], string>> = { field: '', ended: 'No longer shared', resumed: 'Shared again' }
