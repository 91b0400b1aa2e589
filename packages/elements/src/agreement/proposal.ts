import type { Engine, Field, ObjectName, ObjectSchema, Proposal, RecordView } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { plainText, showText } from '../value/show-text.js'
import { typeWord } from '../value/type-words.js'
import { showValue } from '../value/show-value.js'

/** The vendor's draft: the fields that travel with an export, and those of them that keep flowing. */
export type ProposalDraft = Readonly<Record<ObjectName, ReadonlyMap<string, { readonly update: boolean }>>> & {
  /** The objects whose copies the partner may list to other orgs. */
  readonly passOn: ReadonlySet<ObjectName>
}

/** The number of slots on the wire. */
export const mostUpdates = 10

export function proposalToDraft({ objects }: Proposal): ProposalDraft {
  const of = (object: ObjectName) => new Map((objects[object]?.fields ?? []).map(({ field, update }) => [field.name, { update }] as const))
  const passOn = new Set((['Lead', 'Opportunity'] as const).filter((object) => objects[object]?.passOn === true))
  return { Lead: of('Lead'), Opportunity: of('Opportunity'), passOn }
}

/** The draft in the engine's form, with fields in the schema's order and without objects that have no field. */
export function draftToProposal(draft: ProposalDraft, engine: Engine): Proposal {
  const objects: Record<string, { fields: { field: Field; update: boolean }[]; passOn?: boolean }> = {}
  for (const object of ['Lead', 'Opportunity'] as const) {
    const fields = engine.records.schema(object).fields.flatMap((field) => {
      const choice = draft[object].get(field.name)
      return choice ? [{ field, update: choice.update }] : []
    })
    if (fields.length > 0) objects[object] = { fields, ...(draft.passOn.has(object) && { passOn: true }) }
  }
  return { objects }
}

export function countUpdates(draft: ProposalDraft, object: ObjectName): number {
  return [...draft[object].values()].filter((choice) => choice.update).length
}

/** What most vendors propose: what tells a partner which deal it is, and, marked, what moves. The person ticks them by one click, sees them, and changes them. */
const usual: Readonly<Record<ObjectName, Readonly<Record<string, boolean>>>> = {
  Opportunity: { Name: false, AccountName: false, Amount: true, CloseDate: true, StageName: true, NextStep: true, OwnerName: false },
  Lead: { FirstName: false, LastName: false, Company: false, Email: true, Phone: true, Status: true, Rating: true },
}

interface Matrix {
  readonly draft: ProposalDraft
  readonly object: ObjectName
  readonly schema: ObjectSchema
  readonly sample: RecordView | undefined
  readonly language: string
  readonly change: (draft: ProposalDraft) => void
}

/** One line per field of the vendor: its name, an example, and two ticks. */
export function proposalMatrix(matrix: Matrix): TemplateResult {
  const { draft, object, schema } = matrix
  const used = countUpdates(draft, object)
  return html`<div class="row spread">
      <p class="soft">Tick what leaves with an export, and what keeps flowing after it, in both directions.</p>
      ${draft[object].size === 0 ? html`<button @click=${() => tickUsual(matrix)}>Tick the usual ones</button>` : nothing} ${meter(used)}
    </div>
    <div class="matrix" tabindex="0" role="region" aria-label="Fields of ${schema.plural}">
      <table>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col" class="example">For example</th>
            <th scope="col" class="tick">Export</th>
            <th scope="col" class="tick">Keep updating</th>
          </tr>
        </thead>
        <tbody>
          ${schema.fields.map((field) => line(matrix, field, used))}
        </tbody>
      </table>
    </div>
    ${passingOn(matrix)}`
}

function tickUsual({ draft, object, schema, change }: Matrix): void {
  const fields = schema.fields.flatMap(({ name }) => {
    const update = usual[object][name]
    return update === undefined ? [] : [[name, { update }] as const]
  })
  change({ ...draft, [object]: new Map(fields) })
}

function passingOn({ draft, object, schema, change }: Matrix): TemplateResult {
  const flip = (): void => {
    const passOn = new Set(draft.passOn)
    if (!passOn.delete(object)) passOn.add(object)
    change({ ...draft, passOn })
  }
  return html`<label class="row">
    <input type="checkbox" .checked=${draft.passOn.has(object)} @change=${flip} />
    The partner may show its copies of these ${schema.plural.toLowerCase()} to its own partners
  </label>`
}

export function meter(used: number): TemplateResult {
  return html`<span class="row small"
    ><span class="meter" aria-hidden="true"
      >${Array.from({ length: mostUpdates }, (_, index) => html`<i class=${index < used ? 'full' : ''}></i>`)}</span
    >
    ${used} of ${mostUpdates} update fields</span
  >`
}

function line(matrix: Matrix, field: Field, used: number): TemplateResult {
  const { draft, object, sample, language, change } = matrix
  const choice = draft[object].get(field.name)
  const full = used >= mostUpdates && choice?.update !== true
  const set = (next: { readonly update: boolean } | undefined): void => {
    const fields = new Map(draft[object])
    if (next) fields.set(field.name, next)
    else fields.delete(field.name)
    change({ ...draft, [object]: fields })
  }
  return html`<tr class=${choice ? '' : 'off'}>
    <th scope="row">
      ${showText(field.label, 80)} <span class="type">${typeWord(field.type)}${field.required === true ? ', required' : ''}</span>
    </th>
    <td class="example">${showValue(field, sample?.values[field.name], language, 60)}</td>
    <td class="tick">
      <input
        type="checkbox"
        aria-label="Export ${plainText(field.label, 80)}"
        .checked=${choice !== undefined}
        @change=${() => set(choice ? undefined : { update: false })}
      />
    </td>
    <td class="tick">
      <input
        type="checkbox"
        aria-label="Keep updating ${plainText(field.label, 80)}"
        title=${full ? `${mostUpdates} fields of ${object} keep updating already: take one off first` : nothing}
        ?disabled=${full}
        .checked=${choice?.update === true}
        @change=${() => set({ update: choice?.update !== true })}
      />
    </td>
  </tr>`
}
