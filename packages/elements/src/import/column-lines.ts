import type { ColumnGuess, ColumnMapping, Field, FieldType, ObjectSchema } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { select } from '../base/select.js'
import { isChecked, typed } from '../base/typed.js'
import { currencyCodes } from '../value/currencies.js'
import { formatCount, formatValue } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { typeWord } from '../value/type-words.js'
import { counterpartSelect, withCounterpart } from './controls.js'
import type { CsvTools } from './csv-tools.js'

/** The target of one column: a field of the object, a new field, or none. */
export interface ColumnChoice {
  readonly guess: ColumnGuess
  /** API name; '' if the column is left out. */
  readonly field: string
  /** A field to create first. */
  readonly made: Field | undefined
  readonly format: Omit<ColumnMapping, 'column' | 'field'>
}

/** @param currency the org's, for amounts that name none */
export function choiceFromGuess(guess: ColumnGuess, currency: string): ColumnChoice {
  const { format, currencyColumn, field = '' } = guess
  return { guess, field, made: undefined, format: { currency, ...format, ...(currencyColumn === undefined ? {} : { currencyColumn }) } }
}

export function choicesToMapping(choices: readonly ColumnChoice[]): readonly ColumnMapping[] {
  return choices.flatMap(({ guess, field, format }) => (field === '' ? [] : [{ column: guess.column, field, ...format }]))
}

const newField = '+'
const types: readonly FieldType[] = [
  'text',
  'textArea',
  'email',
  'phone',
  'url',
  'checkbox',
  'number',
  'percent',
  'currency',
  'date',
  'dateTime',
  'time',
  'picklist',
]

interface Lines {
  readonly choices: readonly ColumnChoice[]
  /** How many of them are drawn; all without it. */
  readonly lines: number | undefined
  readonly schema: ObjectSchema
  readonly propose: (guess: ColumnGuess) => Field
  readonly readCell: CsvTools['readCell']
  readonly language: string
  readonly change: (choices: readonly ColumnChoice[]) => void
}

/** One line per column: some of its cells, the field that they fill, and how to read them. */
export function columnLines(lines: Lines): TemplateResult {
  return html`<div class="matrix" tabindex="0" role="region" aria-label="Columns of the file">
    <table>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Cells</th>
          <th scope="col">Into</th>
          <th scope="col">Read as</th>
        </tr>
      </thead>
      <tbody>
        ${lines.choices.slice(0, lines.lines).map((choice) => line(lines, choice))}
      </tbody>
    </table>
  </div>`
}

function line(lines: Lines, choice: ColumnChoice): TemplateResult {
  const { choices, schema, propose, change, language } = lines
  const { guess } = choice
  const taken = new Set(choices.filter((other) => other !== choice).map((other) => other.field))
  const set = (part: Partial<ColumnChoice>): void => change(choices.map((other) => (other === choice ? { ...other, ...part } : other)))
  const choose = (name: string): void => {
    if (name !== newField) return set({ field: name, made: undefined })
    const made = propose(guess)
    set({ field: made.name, made })
  }
  const target = choice.made ?? schema.fields.find((field) => field.name === choice.field)
  return html`<tr class=${choice.field === '' ? 'off' : ''}>
    <th scope="row">${showText(guess.column, 60)}</th>
    <td class="small">
      ${guess.samples.slice(0, 3).map((sample, index) => html`${index > 0 ? ', ' : ''}${showText(sample, 24)}`)}${guess.blank > 0 ? html` <span class="soft">(${guess.blank} blank)</span>` : nothing}
    </td>
    <td>
      ${select(
        `Field for ${plainText(guess.column, 80)}`,
        choice.made ? newField : choice.field,
        [
          ['', 'Leave out'],
          [newField, `New field “${plainText((choice.made ?? propose(guess)).label, 40)}”`],
          ...schema.fields
            .filter((field) => !taken.has(field.name))
            .map((field) => [field.name, plainText(field.label, 58) + (field.required === true ? ' *' : '')] as const),
        ],
        choose,
      )}
      ${choice.made ? typeSelect(choice.made, (made) => set({ made, field: made.name })) : nothing}
    </td>
    <td class="small">
      ${guess.isCurrencyCode && choice.field === '' ? html`<span class="soft">Currency of the amounts</span>` : nothing}
      ${target ? reading(choice, target, (format) => set({ format: { ...choice.format, ...format } })) : ''}
      ${target ? understood(lines, choice, target) : nothing}
      ${target ? placeholders(choice, language, (nothingTexts) => set({ format: { ...choice.format, nothing: nothingTexts } })) : nothing}
      ${target?.required === true && guess.blank > 0 ? blanks(choice, target, (value) => set({ format: { ...choice.format, default: value } })) : nothing}
      ${choice.field !== '' ? guess.doubts.map((doubt) => html`<div class="doubt">${showText(doubt, 200)}</div>`) : nothing}
    </td>
  </tr>`
}

function typeSelect(made: Field, change: (field: Field) => void): TemplateResult {
  const choose = (type: string): void => {
    const known = types.find((candidate) => candidate === type)
    const { picklist, precision: _p, scale: _s, length: _l, restricted: _r, ...rest } = made
    if (known === 'picklist') change({ ...rest, type: known, picklist: picklist ?? [], restricted: false })
    else if (known === 'number' || known === 'currency') change({ ...rest, type: known, precision: 18, scale: 2 })
    else if (known) change({ ...rest, type: known })
  }
  const offered = types.filter((type) => type !== 'picklist' || (made.picklist?.length ?? 0) > 0)
  return select(
    'Type of the new field',
    made.type,
    offered.map((type) => [type, typeWord(type)] as const),
    choose,
  )
}

/** The choices needed to read the cells of a type: the order of dates, the decimal sign, the currency, counterparts of picklist values. */
function reading({ guess, format }: ColumnChoice, field: Field, set: (format: ColumnChoice['format']) => void): TemplateResult | string {
  switch (field.type) {
    case 'date':
    case 'dateTime':
      return select(
        'Order of dates',
        format.dateOrder ?? 'ymd',
        [
          ['ymd', 'Year first'],
          ['dmy', 'Day first'],
          ['mdy', 'Month first'],
        ],
        (order) => set({ dateOrder: order === 'dmy' || order === 'mdy' ? order : 'ymd' }),
      )
    case 'number':
    case 'percent':
      return decimalSelect(format, set)
    case 'currency':
      return html`${decimalSelect(format, set)}
      ${format.currencyColumn === undefined ? nothing : html`<div>Currency from ${showText(format.currencyColumn, 40)}, and else</div>`}
      ${select(
        'Currency',
        format.currency ?? '',
        currencyCodes(format.currency ?? '').map((code) => [code, code] as const),
        (currency) => set({ currency }),
      )}`
    case 'picklist':
      return counterparts(guess.field === field.name ? guess.unknownValues : [], field, format, set)
    case 'text':
    case 'textArea':
      return ''
    default:
      return field.type
  }
}

/** How the first cell is understood, where that is not plain. */
function understood({ readCell, language }: Lines, { guess, format }: ColumnChoice, field: Field): TemplateResult | typeof nothing {
  const [sample] = guess.samples
  if (sample === undefined || !['number', 'percent', 'currency', 'date', 'dateTime', 'time', 'checkbox'].includes(field.type))
    return nothing
  const read = readCell(field, sample, format)
  if (!read.ok || read.value === null) return nothing
  return html`<div class="soft">${showText(sample, 24)} is ${showText(formatValue(field, read.value, language), 40)}</div>`
}

/** Texts such as “--None--” are nothing, unless the person says otherwise. */
function placeholders(
  { guess, format }: ColumnChoice,
  language: string,
  set: (texts: readonly string[]) => void,
): TemplateResult | typeof nothing {
  const { placeholders: found } = guess
  if (found.length === 0) return nothing
  const cells = found.reduce((sum, { count }) => sum + count, 0)
  return html`<label class="check"
    ><input
      type="checkbox"
      .checked=${(format.nothing ?? []).length > 0}
      @change=${(event: Event) => set(isChecked(event) ? found.map(({ text }) => text) : [])}
    /><span
      >${found.slice(0, 4).map(({ text }, index) => html`${index > 0 ? ', ' : ''}“${showText(text, 24)}”`)}${found.length > 4 ? ' …' : ''}
      (${formatCount(cells, language)}) mean nothing</span
    ></label
  >`
}

/** Defaults for required fields that the file does not fill. */
function blanks({ guess, format }: ColumnChoice, field: Field, change: (value: string | null) => void): TemplateResult {
  const { default: value } = format
  return html`<label class="blanks"
    ><span>${guess.blank} blank: take</span>
    <input
      aria-label="Value for the blank cells of ${plainText(guess.column, 80)}"
      type=${field.type === 'date' ? 'date' : 'text'}
      .value=${typeof value === 'string' ? value : ''}
      @change=${(event: Event) => change(typed(event) || null)}
  /></label>`
}

function counterparts(
  unknown: readonly string[],
  field: Field,
  format: ColumnChoice['format'],
  set: (format: ColumnChoice['format']) => void,
): TemplateResult | string {
  if (unknown.length === 0) return ''
  return html`<details open>
    <summary>${unknown.length} unknown ${unknown.length === 1 ? 'value' : 'values'}</summary>
    ${unknown
      .slice(0, 50)
      .map(
        (value) =>
          html`<div class="pair">
            <span>${showText(value, 40)} →</span
            >${counterpartSelect(`Counterpart of ${value}`, field, format.values?.[value], (chosen) => set({ values: withCounterpart(format.values, [value], chosen) }))}
          </div>`,
      )}
    ${unknown.length > 50 ? html`<div class="soft">and ${unknown.length - 50} more, after the check</div>` : nothing}
  </details>`
}

function decimalSelect(format: ColumnChoice['format'], set: (format: ColumnChoice['format']) => void): TemplateResult {
  return select(
    'Decimal sign',
    format.decimal ?? '.',
    [
      ['.', '1,234.5'],
      [',', '1.234,5'],
    ],
    (sign) => set({ decimal: sign === ',' ? ',' : '.' }),
  )
}
