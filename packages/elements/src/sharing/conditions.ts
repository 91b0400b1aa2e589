import type { Condition, Field, Operator, Value } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { select } from '../base/select.js'
import { typed } from '../base/typed.js'
import { readNumber, showTypedNumber } from '../value/read-input.js'
import { plainText } from '../value/show-text.js'

const words: Readonly<Record<Operator, string>> = {
  equals: 'is',
  notEquals: 'is not',
  lessThan: 'is less than',
  greaterThan: 'is more than',
  lessOrEqual: 'is at most',
  greaterOrEqual: 'is at least',
  contains: 'contains',
  startsWith: 'begins with',
  oneOf: 'is one of',
  isEmpty: 'is empty',
  isNotEmpty: 'is not empty',
}

/** The comparisons that make sense for a type; the engine checks them again. */
function operatorsFor(field: Field): readonly Operator[] {
  switch (field.type) {
    case 'checkbox':
      return ['equals', 'notEquals']
    case 'number':
    case 'percent':
    case 'currency':
    case 'date':
    case 'dateTime':
    case 'time':
      return ['equals', 'lessThan', 'lessOrEqual', 'greaterThan', 'greaterOrEqual', 'isEmpty', 'isNotEmpty']
    case 'picklist':
      return ['oneOf', 'equals', 'notEquals', 'isEmpty', 'isNotEmpty']
    default:
      return ['equals', 'contains', 'startsWith', 'notEquals', 'isEmpty', 'isNotEmpty']
  }
}

/** The styles of conditions, wherever people edit them. */
export const conditionStyles = css`
  .condition {
    display: grid;
    grid-template-columns: minmax(120px, 1fr) minmax(110px, 0.7fr) minmax(140px, 1.6fr) auto;
    gap: 8px;
    align-items: start;
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  .choices button {
    min-height: 28px;
    padding: 1px 9px;
    border-radius: 99px;
    font-size: 0.9em;
    font-weight: 400;
  }
  .choices button[aria-pressed='true'] {
    border-color: var(--accent);
    background: var(--tint);
    color: var(--accent);
  }
  @container (max-width: 560px) {
    .condition {
      grid-template-columns: 1fr auto;
    }
    .condition > :not(button) {
      grid-column: 1;
    }
    .condition > button {
      grid-column: 2;
      grid-row: 1;
    }
  }
  .stack {
    container-type: inline-size;
  }
`

/** A new condition: the field's first comparison, without a value. */
export function newCondition(field: Field): Condition {
  return { field: field.name, operator: operatorsFor(field)[0] ?? 'equals', value: null }
}

/** Conditions as lines of controls, each of which people can change or remove. */
export function conditionLines(
  fields: readonly Field[],
  conditions: readonly Condition[],
  language: string,
  change: (conditions: readonly Condition[]) => void,
): TemplateResult {
  const set = (index: number, next: readonly Condition[]): void =>
    change(conditions.flatMap((known, at) => (at === index ? next : [known])))
  return html`<ul class="stack">
    ${conditions.map((condition, index) =>
      conditionLine(
        fields,
        condition,
        language,
        (next) => set(index, [next]),
        () => set(index, []),
      ),
    )}
  </ul>`
}

/** Whether a condition is complete. An incomplete one matches no record. */
export function isComplete({ operator, value = null }: Condition): boolean {
  return value !== null || operator === 'isEmpty' || operator === 'isNotEmpty'
}

/** One condition as a line of controls. */
function conditionLine(
  fields: readonly Field[],
  condition: Condition,
  language: string,
  change: (condition: Condition) => void,
  remove: () => void,
): TemplateResult {
  const field = fields.find((candidate) => candidate.name === condition.field)
  const choose = (name: string): void => {
    const next = fields.find((candidate) => candidate.name === name)
    if (next) change(newCondition(next))
  }
  return html`<li class="condition">
    ${select(
      'Field',
      field?.name ?? '',
      [...(field ? [] : [['', `${condition.field} (gone)`] as const]), ...fields.map((each) => [each.name, each.label] as const)],
      choose,
    )}
    ${
      field
        ? html`${select(
            'Comparison',
            condition.operator,
            operatorsFor(field).map((operator) => [operator, words[operator]] as const),
            (operator) => change(withOperator(condition, operator)),
          )}
          ${operand(field, condition, language, (value) => change({ ...condition, value }))}`
        : nothing
    }
    <button class="quiet" aria-label="Remove this condition" @click=${remove}>✕</button>
  </li>`
}

function operand(field: Field, condition: Condition, language: string, change: (value: Value) => void): TemplateResult {
  const { operator, value = null } = condition
  if (operator === 'isEmpty' || operator === 'isNotEmpty') return html`<span></span>`
  if (field.type === 'picklist') return operator === 'oneOf' ? choices(field, value, change) : choice(field, value, change)
  if (field.type === 'checkbox') {
    return html`<select aria-label="Value" @change=${(event: Event) => change(typed(event) === 'true')}>
      <option value="" disabled ?selected=${value === null}>Choose</option>
      <option value="true" ?selected=${value === true}>Yes</option>
      <option value="false" ?selected=${value === false}>No</option>
    </select>`
  }
  const type = field.type === 'date' ? 'date' : field.type === 'time' ? 'time' : 'text'
  const isNumber = field.type === 'number' || field.type === 'percent' || field.type === 'currency'
  const read = (text: string): Value => (text.trim() === '' ? null : isNumber ? readNumber(text, language) : text)
  return html`<input
    aria-label="Value"
    type=${type}
    .value=${typeof value !== 'string' ? '' : isNumber ? showTypedNumber(value, language) : value}
    @change=${(event: Event) => change(read(typed(event)))}
  />`
}

function choice(field: Field, value: Value, change: (value: Value) => void): TemplateResult {
  return html`<select aria-label="Value" @change=${(event: Event) => change(typed(event))}>
    <option value="" disabled ?selected=${value === null}>Choose</option>
    ${(field.picklist ?? []).map((entry) => html`<option value=${entry.value} ?selected=${entry.value === value}>${plainText(entry.label, 80)}</option>`)}
  </select>`
}

function choices(field: Field, value: Value, change: (value: Value) => void): TemplateResult {
  const chosen = new Set(Array.isArray(value) ? value.map(String) : [])
  const flip = (name: string): void => {
    if (!chosen.delete(name)) chosen.add(name)
    change(chosen.size === 0 ? null : [...chosen])
  }
  return html`<span class="choices" role="group" aria-label="Values">
    ${(field.picklist ?? []).map((entry) => html`<button type="button" aria-pressed=${chosen.has(entry.value)} @click=${() => flip(entry.value)}>${plainText(entry.label, 60)}</button>`)}
  </span>`
}

function withOperator(condition: Condition, name: string): Condition {
  const operator = (Object.keys(words) as Operator[]).find((candidate) => candidate === name) ?? condition.operator
  const isList = operator === 'oneOf'
  const keep = operator !== 'isEmpty' && operator !== 'isNotEmpty' && Array.isArray(condition.value) === isList
  return { field: condition.field, operator, value: keep ? (condition.value ?? null) : null }
}
