import type { Engine, Field, RecordView, Value } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { showText } from '../value/show-text.js'
import { fieldInput } from './field-input.js'

/** What the opportunity of a lead begins with: the company's name, and the first stage. */
export function opportunityOf(engine: Engine, { values }: RecordView): Readonly<Record<string, Value>> {
  const stage = engine.records.schema('Opportunity').fields.find(({ name }) => name === 'StageName')
  const name = values['Company'] ?? values['LastName'] ?? ''
  return { Name: name, StageName: stage?.picklist?.find(({ active }) => active !== false)?.value ?? '' }
}

/** The form that makes an opportunity of a lead: its required fields. */
export function convertForm(options: {
  readonly engine: Engine
  readonly values: Readonly<Record<string, Value>>
  readonly language: string
  readonly invalid: ReadonlySet<string>
  readonly busy: boolean
  readonly change: (field: Field, value: Value) => void
  readonly convert: () => void
  readonly cancel: () => void
}): TemplateResult {
  const { engine, values, language, invalid, busy, change, convert, cancel } = options
  const schema = engine.records.schema('Opportunity')
  const currency = engine.settings.read().currency
  return html`<fieldset class="stack" id="convert">
    <legend><strong>Make an opportunity of this lead</strong></legend>
    <p class="soft">
      The lead stays, marked as converted, and is shared no more: each partner sees why. The opportunity is not shared by itself.
    </p>
    <div class="fields">
      ${schema.fields
        .filter(({ required }) => required)
        .map((field) => {
          const id = `convert-${field.name}`
          return html`<div class="field">
            <label for=${id}>${showText(field.label, 80)}</label>
            ${fieldInput({ field, value: values[field.name] ?? null, id, language, currency, readonly: false, invalid: invalid.has(field.name), change: (next) => change(field, next), typing: (next) => change(field, next) })}
          </div>`
        })}
    </div>
    <div class="row">
      <button type="button" class="primary" ?disabled=${busy} @click=${convert}>Convert</button>
      <button type="button" @click=${cancel}>Cancel</button>
    </div>
  </fieldset>`
}
