import type { DifferencesPage, DifferenceView, Engine, Field, Topic, Value } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { typed } from '../base/typed.js'
import { formatAge, formatInstant, formatValue } from '../value/format.js'
import { readNumber, showTypedNumber } from '../value/read-input.js'
import { plainText, showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'
import { type Column, PeerList, type Reading, text } from './peer-list.js'

/**
 * Where the own records and the other orgs' differ now, field by field: the stage first, or the highest value at stake first. Each currency stands for itself, with
 * its sum; to press one shows its records alone.
 *
 * @tag entente-differences
 * @fires entente-open - A line was opened; detail {object, id}: the own record.
 * @slot toolbar - Beside the filters.
 * @slot empty - Replaces the text of an empty list.
 * @csspart grid - The scrolling list.
 */
export class EntenteDifferences extends PeerList<DifferenceView> {
  static override styles = [
    ...PeerList.styles,
    css`
      .stakes button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--tint);
        color: var(--accent);
      }
      .stakes input {
        width: 9em !important;
      }
    `,
  ]
  static override properties = { ...PeerList.properties, sort: {}, stake: { attribute: false } }
  /** The stage first, or the highest value at stake first. */
  declare sort: 'field' | 'value'
  /** Only records with an amount in this currency, of at least so much. */
  declare stake: { readonly currency: string; readonly least?: string } | undefined
  protected override readonly topics: readonly Topic[] = ['differences', 'records', 'connections', 'settings']
  protected readonly label = 'Differences'
  protected readonly noun = 'difference'
  #stakes: DifferencesPage['stakes'] = []

  constructor() {
    super()
    this.sort = 'field'
  }

  protected read(engine: Engine): Reading<DifferenceView> {
    const { object, connection, field, sort, stake } = this
    const all = engine.differences.list({ sort })
    const isFiltered = object !== undefined || connection !== undefined || field !== undefined || stake !== undefined
    const query = { sort, ...(object && { object }), ...(connection && { connection }), ...(field !== undefined && { field }) }
    const found = isFiltered ? engine.differences.list({ ...query, ...(stake && { stake }) }) : all
    this.#stakes = stake ? engine.differences.list(query).stakes : found.stakes
    return {
      lines: found.differences,
      records: found.records,
      pending: found.pending,
      fields: new Map(all.differences.map(({ own }) => [own.name, own.label])),
      objects: new Set(all.differences.map((each) => each.object)),
      peers: new Map(all.differences.map((each) => [each.connection, each.peerName])),
    }
  }

  protected override tools(): TemplateResult {
    const order = (event: Event): void => {
      this.sort = typed(event) === 'value' ? 'value' : 'field'
    }
    return html`<select aria-label="Order" @change=${order}>
        <option value="field" .selected=${this.sort === 'field'}>Stage first</option>
        <option value="value" .selected=${this.sort === 'value'}>Highest value first</option>
      </select>
      ${
        this.#stakes.length === 0
          ? nothing
          : html`<span class="row stakes" role="group" aria-label="Value at stake"
              ><span class="soft small">At stake:</span>
              ${this.#stakes.map((each) => this.#stake(each))} ${this.stake ? this.#least(this.stake) : nothing}
            </span>`
      }`
  }

  #stake({ amount, currency, records }: DifferencesPage['stakes'][number]): TemplateResult {
    const isChosen = this.stake?.currency === currency
    const press = (): void => {
      this.stake = isChosen ? undefined : { currency }
    }
    return html`<button aria-pressed=${isChosen} title="At stake in ${records} ${records === 1 ? 'record' : 'records'}" @click=${press}>
      ${plainText(formatValue(money, { amount, currency }, this.language))}
    </button>`
  }

  #least({ currency, least }: NonNullable<EntenteDifferences['stake']>): TemplateResult {
    const set = (event: Event): void => {
      const number = readNumber(typed(event), this.language)
      this.stake = /^-?\d+(\.\d+)?$/.test(number) ? { currency, least: number } : { currency }
    }
    return html`<input
      aria-label="At least, in ${currency}"
      placeholder="At least"
      inputmode="decimal"
      .value=${least === undefined ? '' : showTypedNumber(least, this.language)}
      @change=${set}
    />`
  }

  protected columns(): readonly Column<DifferenceView>[] {
    const { language } = this
    return [
      { label: 'Field', width: 'minmax(100px, 1fr)', show: ({ own }) => showText(own.label, 80) },
      { label: 'Ours', width: 'minmax(110px, 1.2fr)', show: ({ own, ours }) => showValue(own, ours, language, 120) },
      {
        label: 'Theirs',
        width: 'minmax(110px, 1.2fr)',
        show: ({ peer, theirs }) => html`<span class="theirs">${showValue(peer, theirs, language, 120)}</span>`,
      },
      {
        label: 'Value at stake',
        width: 'minmax(130px, 0.9fr)',
        isNumber: true,
        show: ({ stake }) => (stake ? showValue(money, { ...stake }, language) : nothing),
      },
      { label: 'Organisation', width: 'minmax(110px, 1fr)', show: ({ peerName }) => showText(peerName, 60) },
      {
        label: 'Changed',
        width: 'minmax(128px, 0.8fr)',
        show: ({ at }) =>
          at === undefined
            ? nothing
            : html`<time class="soft" title=${formatInstant(at, language)}>${formatAge(at, Date.now(), language)}</time>`,
      },
    ]
  }

  protected file({ own, ours, peer, theirs, stake, at }: DifferenceView): readonly (readonly [Field, Value])[] {
    return [
      [text('Field'), own.label],
      [text('Ours'), formatValue(own, ours, this.language)],
      [text('Theirs'), formatValue(peer, theirs, this.language)],
      [{ name: 'Amount', label: 'Value at stake', type: 'number', scale: 2 }, stake?.amount ?? null],
      [text('Currency'), stake?.currency ?? ''],
      [{ name: 'Changed', label: 'Changed', type: 'dateTime' }, at === undefined ? null : new Date(at).toISOString()],
    ]
  }

  protected empty(): TemplateResult {
    return html`<div class="empty card">
      <h3>No differences</h3>
      <p>In every field that keeps flowing, your records and the other orgs’ say the same.</p>
    </div>`
  }
}

const money: Field = { name: 'Amount', label: 'Amount', type: 'currency' }
