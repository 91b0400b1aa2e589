import type {
  Acceptance,
  Field,
  FieldMapping,
  ObjectName,
  ObjectSchema,
  PreflightLine,
  Proposal,
  ProposedField,
  Value,
} from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { select } from '../base/select.js'
import { typed } from '../base/typed.js'
import { fieldInput } from '../record/field-input.js'
import { formatValue } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { typeWord } from '../value/type-words.js'

/** The partner's choices for each object of the proposal. */
export type AcceptanceDraft = Readonly<Partial<Record<ObjectName, ObjectDraft>>>

export interface ObjectDraft {
  readonly fields: readonly FieldMapping[]
  /** Defaults for own required fields that no offered field fills. */
  readonly defaults: Readonly<Record<string, Value>>
}

export function draftToAcceptance(draft: AcceptanceDraft): Acceptance {
  const objects: Record<string, { fields: readonly FieldMapping[]; defaults?: Readonly<Record<string, Value>> }> = {}
  for (const object of ['Lead', 'Opportunity'] as const) {
    const { fields = [], defaults = {} } = draft[object] ?? {}
    if (fields.length > 0) objects[object] = Object.keys(defaults).length > 0 ? { fields, defaults } : { fields }
  }
  return { objects }
}

export function objectsOf(proposal: Proposal): readonly ObjectName[] {
  return (['Opportunity', 'Lead'] as const).filter((object) => (proposal.objects[object]?.fields.length ?? 0) > 0)
}

interface Table {
  readonly offered: readonly ProposedField[]
  readonly lines: readonly FieldMapping[]
  readonly defaults: ObjectDraft['defaults']
  readonly preflight: readonly PreflightLine[]
  readonly schema: ObjectSchema
  /** The offered fields that this org declined with the version in force. */
  readonly declined: readonly string[]
  /** The offered fields that the vendor has withdrawn since. */
  readonly takenBack: readonly string[]
  readonly language: string
  /** The org's own. */
  readonly currency: string
  readonly change: (lines: readonly FieldMapping[]) => void
  readonly setDefaults: (defaults: ObjectDraft['defaults']) => void
}

/** One line per offered field: the field, the own field that it fills, whether it fits, and whether it keeps flowing. */
export function mappingTable(table: Table): TemplateResult {
  const unfilled = unfilledLines(table.preflight, table.lines)
  return html`<div class="matrix mapping" tabindex="0" role="region" aria-label="Offered fields">
      <table>
        <thead>
          <tr>
            <th scope="col">They offer</th>
            <th scope="col">Into your field</th>
            <th scope="col">Fit</th>
            <th scope="col" class="tick">Keep updating</th>
          </tr>
        </thead>
        <tbody>
          ${table.offered.map((offer) => line(table, offer))}
        </tbody>
      </table>
    </div>
    ${
      table.lines.length === 0
        ? html`<p class="notice">You take none of these fields, so no ${showText(table.schema.plural.toLowerCase(), 80)} travel.</p>`
        : unfilled.map((found) => fallback(table, found))
    }`
}

/** The own required fields that no offered field fills. */
function unfilledLines(preflight: readonly PreflightLine[], lines: readonly FieldMapping[]): readonly PreflightLine[] {
  return preflight.filter(
    ({ target, verdict }) => target !== undefined && verdict === 'blocked' && !lines.some((known) => known.target === target),
  )
}

/** The number of lines that block the acceptance. A required field with a default does not block it. */
export function countBlocked(preflight: readonly PreflightLine[], { fields, defaults }: ObjectDraft): number {
  const filled = new Set(unfilledLines(preflight, fields).filter(({ target = '' }) => (defaults[target] ?? null) !== null))
  return preflight.filter((line) => line.verdict === 'blocked' && !filled.has(line)).length
}

/** A value for a required field of the own org that no offered field fills. */
function fallback({ schema, defaults, language, currency, setDefaults }: Table, found: PreflightLine): TemplateResult {
  const field = schema.fields.find((candidate) => candidate.name === found.target)
  if (!field) return html`<div class="notice bad"><div>${showText(found.reason, 300)}</div></div>`
  const value = defaults[field.name] ?? null
  const id = `default-${field.name}`
  const change = (next: Value): void => setDefaults({ ...defaults, [field.name]: next })
  return html`<div class="notice ${value === null ? 'bad' : 'good'}">
    <div>
      <label for=${id}>${value === null ? showText(found.reason, 300) : html`${showText(field.label, 80)} of every imported record`}</label>
    </div>
    ${fieldInput({ field, value, id, language, currency, readonly: false, invalid: value === null, change })}
    <span id="${id}-error"></span>
  </div>`
}

function line(table: Table, { field, update }: ProposedField): TemplateResult {
  const { lines, schema, takenBack } = table
  const isGone = takenBack.includes(field.name)
  const mapping = lines.find((candidate) => candidate.source === field.name)
  const target = mapping && schema.fields.find((candidate) => candidate.name === mapping.target)
  const check = mapping && table.preflight.find((candidate) => candidate.source === field.name && candidate.target === mapping.target)
  const set = (change: Partial<FieldMapping>): void => {
    if (mapping) table.change(lines.map((candidate) => (candidate === mapping ? { ...candidate, ...change } : candidate)))
  }
  const choose = (name: string): void => {
    const others = lines.filter((candidate) => candidate.source !== field.name)
    table.change(name === '' ? others : [...others, { source: field.name, target: name, update: mapping?.update ?? update }])
  }
  return html`<tr class=${mapping ? '' : 'off'}>
    <th scope="row">
      ${showText(field.label, 80)} <span class="type">${typeWord(field.type)}${update && !isGone ? ', keeps updating' : ''}</span>
      ${isGone ? html`<span class="badge warn">The vendor has withdrawn it since</span>` : nothing}
    </th>
    <td>${targetSelect(table, field, mapping, choose)}</td>
    <td>
      ${check && target ? fit(table, field, target, mapping, check, set) : html`<span class="soft">${table.declined.includes(field.name) ? 'declined' : 'waits for your answer'}</span>`}
    </td>
    <td class="tick">
      <input
        type="checkbox"
        aria-label="Keep updating ${plainText(field.label, 80)}"
        title=${update && !isGone ? nothing : 'The vendor does not offer updates of this field'}
        ?disabled=${!mapping || !update || isGone}
        .checked=${mapping?.update === true && update && !isGone}
        @change=${() => set({ update: !mapping?.update })}
      />
    </td>
  </tr>`
}

/** The choices that still stand where another proposal has come: what it does not offer any more is gone, and nothing is added. */
export function rebaseDraft(draft: AcceptanceDraft, proposal: Proposal): AcceptanceDraft {
  const objects: Partial<Record<ObjectName, ObjectDraft>> = {}
  for (const object of objectsOf(proposal)) {
    const { fields = [], defaults = {} } = draft[object] ?? {}
    const offers = new Map((proposal.objects[object]?.fields ?? []).map(({ field, update }) => [field.name, update]))
    const lines = fields.filter(({ source }) => offers.has(source))
    objects[object] = { fields: lines.map((line) => ({ ...line, update: line.update && offers.get(line.source) === true })), defaults }
  }
  return objects
}

function targetSelect(
  { lines, schema }: Table,
  field: Field,
  mapping: FieldMapping | undefined,
  choose: (name: string) => void,
): TemplateResult {
  const taken = new Set(lines.filter((line) => line !== mapping).map((line) => line.target))
  return select(
    `Own field for ${plainText(field.label, 80)}`,
    mapping?.target ?? '',
    [
      ['', 'Do not take'],
      ...schema.fields
        .filter((own) => !taken.has(own.name))
        .map((own) => [own.name, own.label + (own.type === field.type ? '' : ` (${typeWord(own.type)})`)] as const),
    ],
    choose,
  )
}

function fit(
  table: Table,
  source: Field,
  target: Field,
  mapping: FieldMapping,
  check: PreflightLine,
  set: (change: Partial<FieldMapping>) => void,
): TemplateResult {
  const tone = { same: 'good', converts: 'good', lossy: 'warn', blocked: 'bad' }[check.verdict]
  const word = { same: 'Fits', converts: 'Converts', lossy: 'Loses some', blocked: 'Does not fit' }[check.verdict]
  const sample = check.samples.find(
    (candidate) => candidate.after !== undefined && JSON.stringify(candidate.after) !== JSON.stringify(candidate.before),
  )
  return html`<span class="badge ${tone}">${word}</span>
    <span class="small soft">${check.verdict === 'same' ? '' : showText(check.reason, 200)}</span>
    ${sample ? html`<div class="small soft">${showText(formatValue(source, sample.before, table.language), 50)} → ${showText(formatValue(target, sample.after ?? null, table.language), 50)}</div>` : nothing}
    ${target.type === 'picklist' && source.type === 'picklist' ? pairs(source, target, mapping, check, set) : nothing}
    ${
      check.verdict === 'lossy' && (target.type === 'text' || target.type === 'textArea')
        ? html`<label class="check small"
            ><input
              type="checkbox"
              .checked=${mapping.truncate === true}
              @change=${() => set({ truncate: mapping.truncate !== true })}
            />Cut texts that are too long</label
          >`
        : nothing
    }
    ${
      check.verdict === 'lossy' &&
      target.scale !== source.scale &&
      (target.type === 'number' || target.type === 'percent' || target.type === 'currency')
        ? html`<label class="check small"
            ><input
              type="checkbox"
              .checked=${mapping.round === true}
              @change=${() => set({ round: mapping.round !== true })}
            />Round</label
          >`
        : nothing
    }`
}

/** A table from each offered picklist value to an own one. It starts open unless every value has its counterpart. */
function pairs(
  source: Field,
  target: Field,
  mapping: FieldMapping,
  check: PreflightLine,
  set: (change: Partial<FieldMapping>) => void,
): TemplateResult {
  const values = (field: Field) => (field.picklist ?? []).filter((entry) => entry.active !== false)
  const paired = (value: string): string =>
    mapping.picklist?.[value] ?? values(target).find((own) => own.value === value || own.label === value)?.value ?? ''
  const missing = values(source).filter((entry) => paired(entry.value) === '').length
  return html`<details ?open=${missing > 0 && check.verdict !== 'same'}>
    <summary class="small">
      ${missing === 0 ? 'All values have a counterpart' : `${missing} ${missing === 1 ? 'value needs' : 'values need'} a counterpart`}
    </summary>
    <div class="pairs">
      ${values(source).map(
        (entry) =>
          html`<span class="small">${showText(entry.label, 60)}</span><span aria-hidden="true">→</span>
            <select
              aria-label="Counterpart of ${plainText(entry.label, 60)}"
              @change=${(event: Event) => set({ picklist: { ...mapping.picklist, [entry.value]: typed(event) } })}
            >
              <option value="" ?selected=${paired(entry.value) === ''} disabled>Choose</option>
              ${values(target).map((own) => html`<option value=${own.value} ?selected=${own.value === paired(entry.value)}>${plainText(own.label, 60)}</option>`)}
            </select>`,
      )}
    </div>
  </details>`
}
