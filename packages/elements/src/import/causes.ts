import type { Field, FinishedImport, ObjectSchema, ProblemCause } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { select } from '../base/select.js'
import { typed } from '../base/typed.js'
import { currencyCodes } from '../value/currencies.js'
import { formatCount } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import type { ColumnChoice } from './column-lines.js'
import { counterpartSelect, withCounterpart } from './controls.js'

interface Causes {
  readonly report: FinishedImport['report']
  readonly schema: ObjectSchema
  readonly choices: readonly ColumnChoice[]
  readonly language: string
  readonly change: (column: string, update: (format: Format) => Format) => void
}

const mostCauses = 30
const mostValues = 20

/** Why rows are left out, cause by cause, each with what mends all of its rows at once. */
export function causeCards(causes: Causes): TemplateResult {
  const { report, language } = causes
  const shown = report.causes.slice(0, mostCauses)
  return html`<ul class="causes" aria-label="Why rows are left out">
    ${shown.map((cause) => html`<li class="card stack">${head(cause, language)}${fixes(causes, cause)}</li>`)}
    ${report.causes.length > shown.length ? html`<li class="soft">and ${report.causes.length - shown.length} more causes</li>` : nothing}
  </ul>`
}

function head(cause: ProblemCause, language: string): TemplateResult {
  const { count, column, message, fix, rows, values, distinct } = cause
  const listed = rows.slice(0, 5).join(', ')
  return html`<div>
    <strong>${formatCount(count, language)} ${count === 1 ? 'row' : 'rows'}</strong>
    ${column === '' ? nothing : html`<span class="badge">${showText(column, 60)}</span>`} ${showText(message, 200)}
    <div class="soft small">
      ${count === 1 ? 'Row' : 'Rows'}
      ${listed}${count > 5 ? ' …' : ''}.${
        values.length > 0
          ? html` ${distinct === 1 ? 'Cell' : 'Cells'}:
            ${values.slice(0, 5).map(({ text, count: times }, index) => html`${index > 0 ? ', ' : ''}“${showText(text, 30)}”${times > 1 ? ` (${formatCount(times, language)})` : ''}`)}${distinct > 5 ? ' …' : ''}`
          : html` ${showText(fix, 200)}`
      }
    </div>
  </div>`
}

type Format = ColumnChoice['format']

/** What mends all rows of a cause by how its column is read. Nothing for what only the file can mend. */
function fixes({ choices, schema, change, language }: Causes, cause: ProblemCause): TemplateResult | typeof nothing {
  const choice = choices.find(({ guess, field }) => guess.column === cause.column && field !== '')
  const field = choice?.made ?? schema.fields.find(({ name }) => name === choice?.field)
  if (!choice || !field || cause.rule.startsWith('key ')) return nothing
  const { format } = choice
  const set = (part: Partial<Format>): void => change(cause.column, (present) => ({ ...present, ...part }))
  const button = (label: string, isOn: boolean, part: Partial<Format>): TemplateResult =>
    html`<button aria-pressed=${isOn} class=${isOn ? 'primary' : ''} @click=${() => set(part)}>${label}</button>`
  const empty =
    field.required === true || cause.rule === 'required'
      ? nothing
      : button('Leave these cells empty', format.blankUnread === true, { blankUnread: format.blankUnread !== true })
  if (cause.rule === 'offered value') return html`${counterparts(cause, field, format, set, language)}`
  if (cause.rule === 'required') return takenInstead(cause, field, format, set)
  return html`<div class="row" role="group" aria-label=${plainText(`Fix all of ${cause.column}`, 100)}>${specific()}${empty}</div>`

  function specific(): TemplateResult | typeof nothing {
    const isComma = format.decimal === ','
    switch (cause.rule) {
      case 'number format':
      case 'percent format':
      case 'currency format':
        return button(isComma ? 'Read as 1,234.5' : 'Read as 1.234,5', false, { decimal: isComma ? '.' : ',' })
      case 'currency code':
      case 'amount and currency':
        return html`<label class="check"
          >Read in
          ${select(
            `Currency of ${cause.column}`,
            format.currency ?? '',
            currencyCodes(format.currency ?? '').map((code) => [code, code] as const),
            (currency) => set({ currency }),
          )}</label
        >`
      case 'date format':
      case 'dateTime format':
        return html`${orders.filter(([order]) => order !== (format.dateOrder ?? 'ymd')).map(([order, label]) => button(label, false, { dateOrder: order }))}`
      case 'length':
        return field?.type === 'text' || field?.type === 'textArea'
          ? button(
              `Cut to ${formatCount(field.length ?? (field.type === 'text' ? 255 : 32_000), language)} characters`,
              format.truncate === true,
              { truncate: format.truncate !== true },
            )
          : nothing
      case 'scale':
        return button(`Round to ${field?.scale ?? (field?.type === 'currency' ? 2 : 0)} decimal places`, format.round === true, {
          round: format.round !== true,
        })
      default:
        return nothing
    }
  }
}

const orders = [
  ['ymd', 'Read as year, month, day'],
  ['dmy', 'Read as day, month, year'],
  ['mdy', 'Read as month, day, year'],
] as const

/** One choice for all unknown values, and one for each. */
function counterparts(
  { column, values, distinct }: ProblemCause,
  field: Field,
  format: Format,
  set: (part: Partial<Format>) => void,
  language: string,
): TemplateResult {
  const texts = values.map(({ text }) => text)
  const first = format.values?.[texts[0] ?? '']
  const same = texts.every((text) => format.values?.[text] === first) ? first : undefined
  const choose =
    (of: readonly string[]) =>
    (value: string | undefined): void =>
      set({ values: withCounterpart(format.values, of, value) })
  return html`<div class="stack">
    ${texts.length > 1 ? html`<div class="pair"><strong>All ${formatCount(texts.length, language)} values →</strong>${counterpartSelect(`Counterpart of all values of ${column}`, field, same, choose(texts))}</div>` : nothing}
    ${values.slice(0, mostValues).map(
      ({ text, count }) =>
        html`<div class="pair">
          <span>${showText(text, 40)} <span class="soft">(${formatCount(count, language)})</span> →</span
          >${counterpartSelect(`Counterpart of ${text}`, field, format.values?.[text], choose([text]))}
        </div>`,
    )}
    ${distinct > mostValues ? html`<p class="soft small">and ${formatCount(distinct - mostValues, language)} more values${distinct > texts.length ? '. Check again to see the rest' : ''}.</p>` : nothing}
  </div>`
}

/** A value for the cells of a required field that are blank. */
function takenInstead(cause: ProblemCause, field: Field, format: Format, set: (part: Partial<Format>) => void): TemplateResult {
  const { default: value } = format
  const label = `Value for the blank cells of ${cause.column}`
  if (field.type === 'picklist') {
    const values = (field.picklist ?? []).filter(({ active }) => active !== false)
    return html`<label class="pair"
      ><span>Take for all of these</span
      >${select(label, typeof value === 'string' ? value : '', [['', 'Leave these rows out'], ...values.map((entry) => [entry.value, entry.label] as const)], (chosen) => set({ default: chosen || null }))}</label
    >`
  }
  return html`<label class="pair"
    ><span>Take for all of these</span
    ><input
      aria-label=${plainText(label, 120)}
      type=${field.type === 'date' ? 'date' : 'text'}
      .value=${typeof value === 'string' ? value : ''}
      @change=${(event: Event) => set({ default: typed(event) || null })}
  /></label>`
}
