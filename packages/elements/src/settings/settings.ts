import type { Engine, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { pageLanguage } from '../base/page-language.js'
import { typed } from '../base/typed.js'
import { currencyCodes } from '../value/currencies.js'
import { formatValue } from '../value/format.js'
import { locales } from './locales.js'

/** A choice that is not one of the list. */
const byPage = ''

/**
 * How values are read and shown: the org's currency, for amounts that name none, and the person's way of writing numbers and dates. A change counts at once and everywhere.
 *
 * @tag entente-settings
 */
export class EntenteSettings extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      form {
        display: grid;
        gap: 14px;
        max-width: 520px;
      }
      label {
        display: grid;
        gap: 4px;
      }
    `,
  ]
  protected readonly topics: readonly Topic[] = ['settings']

  protected view(engine: Engine): TemplateResult {
    const { currency, locale } = engine.settings.read()
    const names = new Intl.DisplayNames(this.language, { type: 'currency' })
    const languages = new Intl.DisplayNames(this.language, { type: 'language' })
    const page = pageLanguage(this)
    const isAdmin = engine.user.role === 'admin'
    return html`<form @submit=${(event: Event) => event.preventDefault()}>
      <label
        >Your org’s currency
        <select
          ?disabled=${!isAdmin || this.running.has('currency')}
          @change=${(event: Event) => this.act('currency', () => engine.settings.change({ currency: typed(event) }))}
        >
          ${currencyCodes().map((code) => html`<option value=${code} ?selected=${code === currency}>${code} – ${names.of(code) ?? code}</option>`)}
        </select>
        <span class="soft small"
          >Amounts that name no currency are read in it. Amounts that are stored keep
          theirs.${isAdmin ? '' : ' Only an admin changes it.'}</span
        >
      </label>
      <label
        >Numbers and dates as in
        <select
          ?disabled=${this.running.has('locale')}
          @change=${(event: Event) => this.act('locale', () => engine.settings.change({ locale: typed(event) || null }))}
        >
          <option value=${byPage} ?selected=${locale === undefined}>This page: ${languages.of(page) ?? page}</option>
          ${locale === undefined || locales.includes(locale) ? nothing : html`<option value=${locale} selected>${languages.of(locale) ?? locale}</option>`}
          ${locales.map((tag) => html`<option value=${tag} ?selected=${tag === locale}>${languages.of(tag) ?? tag}</option>`)}
        </select>
        <span class="soft small">Only for you. For example: ${this.#example(currency)}.</span>
      </label>
    </form>`
  }

  /** The example shows what the choice does. */
  #example(currency: string): string {
    const amount = formatValue({ name: 'Amount', label: '', type: 'currency' }, { amount: '1234.5', currency }, this.language)
    const day = formatValue({ name: 'Day', label: '', type: 'dateTime' }, '2027-03-01T14:05:00.000Z', this.language)
    return `${amount}, ${day}`
  }
}
