import type { Field, PicklistValue, Value } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { isChecked, typed } from '../base/typed.js'
import { currencyCodes } from '../value/currencies.js'
import { isMoney } from '../value/format.js'
import { instantToLocal, readLocalInstant, readNumber, showTypedNumber } from '../value/read-input.js'
import { plainText } from '../value/show-text.js'

export interface FieldInput {
  readonly field: Field
  readonly value: Value
  readonly id: string
  readonly language: string
  /** Of an amount that has none yet: an ISO 4217 code. */
  readonly currency: string
  readonly readonly: boolean
  readonly invalid: boolean
  /** Receives the value in the engine's form; an empty one is null. */
  readonly change: (value: Value) => void
  /** Receives what is being typed into a field whose value is read only when it is complete. */
  readonly typing?: (value: Value) => void
}

/** The native control for a field's type. */
export function fieldInput(input: FieldInput): TemplateResult {
  switch (input.field.type) {
    case 'textArea':
      return html`<textarea
        id=${input.id}
        maxlength=${input.field.length ?? 32_000}
        ?readonly=${input.readonly}
        aria-invalid=${input.invalid}
        aria-describedby="${input.id}-error"
        .value=${textOf(input.value)}
        @input=${(event: Event) => input.change(typed(event) || null)}
      ></textarea>`
    case 'checkbox':
      return html`<span class="check"
        ><input
          id=${input.id}
          type="checkbox"
          ?disabled=${input.readonly}
          .checked=${input.value === true}
          @change=${(event: Event) => input.change(isChecked(event))}
      /></span>`
    case 'picklist':
      return picklist(input)
    case 'currency':
      return currency(input)
    case 'number':
    case 'percent':
      return text(input, 'text', 'decimal', showTypedNumber(textOf(input.value), input.language), (typedText) =>
        readNumber(typedText, input.language),
      )
    case 'date':
      return text(input, 'date', 'text', textOf(input.value), same)
    case 'dateTime':
      return text(input, 'datetime-local', 'text', instantToLocal(textOf(input.value)), readLocalInstant)
    case 'time':
      return text(input, 'time', 'text', textOf(input.value).slice(0, 5), same)
    case 'email':
      return text(input, 'text', 'email', textOf(input.value), same)
    case 'phone':
      return text(input, 'text', 'tel', textOf(input.value), same)
    case 'url':
      return text(input, 'text', 'url', textOf(input.value), same)
    default:
      return text(input, 'text', 'text', textOf(input.value), same)
  }
}

function text(input: FieldInput, type: string, mode: string, shown: string, read: (text: string) => string): TemplateResult {
  const valueOf = (event: Event): Value => (typed(event) === '' ? null : read(typed(event)))
  const take = (event: Event): void => input.change(valueOf(event))
  // A text counts with every key, so that Save appears at once; a number is read when it is complete.
  return html`<input
    id=${input.id}
    type=${type}
    inputmode=${mode}
    autocomplete="off"
    dir="auto"
    maxlength=${input.field.type === 'text' ? (input.field.length ?? 255) : 32_000}
    ?readonly=${input.readonly}
    aria-invalid=${input.invalid}
    aria-describedby="${input.id}-error"
    .value=${shown}
    @input=${read === same ? take : (event: Event) => input.typing?.(valueOf(event))}
    @change=${take}
  />`
}

function currency(input: FieldInput): TemplateResult {
  const money = isMoney(input.value) ? input.value : { amount: '', currency: input.currency }
  const moneyOf = (amount: string, code: string): Value =>
    amount.trim() === '' ? null : { amount: readNumber(amount, input.language), currency: code }
  const change = (amount: string, code: string): void => input.change(moneyOf(amount, code))
  return html`<span class="money">
    <input
      id=${input.id}
      inputmode="decimal"
      autocomplete="off"
      ?readonly=${input.readonly}
      aria-invalid=${input.invalid}
      aria-describedby="${input.id}-error"
      .value=${showTypedNumber(money.amount, input.language)}
      @input=${(event: Event) => input.typing?.(moneyOf(typed(event), chosenBeside(event) ?? money.currency))}
      @change=${(event: Event) => change(typed(event), chosenBeside(event) ?? money.currency)}
    />
    <select
      aria-label="Currency of ${plainText(input.field.label, 80)}"
      ?disabled=${input.readonly}
      @change=${(event: Event) => change(money.amount, typed(event))}
    >
      ${currencyCodes(money.currency, input.currency).map((code) => html`<option ?selected=${code === money.currency}>${code}</option>`)}
    </select>
  </span>`
}

/** The code that was chosen, also before there was an amount to keep it. */
function chosenBeside(event: Event): string | undefined {
  const select = event.target instanceof HTMLElement ? event.target.nextElementSibling : null
  return select instanceof HTMLSelectElement ? select.value : undefined
}

function picklist(input: FieldInput): TemplateResult {
  const { field, value } = input
  const active = (field.picklist ?? []).filter((entry) => entry.active !== false)
  const current = typeof value === 'string' ? value : ''
  const isListed = current === '' || active.some((entry) => entry.value === current)
  const retired: PicklistValue | undefined = field.picklist?.find((entry) => entry.value === current)
  return html`<select
    id=${input.id}
    ?disabled=${input.readonly}
    aria-invalid=${input.invalid}
    aria-describedby="${input.id}-error"
    @change=${(event: Event) => input.change(typed(event) || null)}
  >
    ${field.required === true && current !== '' ? '' : html`<option value="" ?selected=${current === ''}>–</option>`}
    ${isListed ? '' : html`<option value=${current} selected>${plainText(retired?.label ?? current)} (no longer offered)</option>`}
    ${active.map((entry) => html`<option value=${entry.value} ?selected=${entry.value === current}>${plainText(entry.label)}</option>`)}
  </select>`
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : value === null || typeof value === 'object' ? '' : String(value)
}

function same(text: string): string {
  return text
}
