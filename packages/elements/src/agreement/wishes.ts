import type { Field, ObjectName, ObjectSchema, WishView } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { typed } from '../base/typed.js'
import { formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import type { Onlooker } from './changes.js'

/** What the partner is about to ask for; undefined while the form is closed. */
export interface WishDraft {
  readonly label: string
  readonly update: boolean
  readonly reason: string
}

export const noWish: WishDraft = { label: '', update: true, reason: '' }

interface Asking {
  readonly wishes: readonly WishView[]
  readonly object: ObjectName
  readonly schema: ObjectSchema
  readonly onlooker: Onlooker
  readonly draft: WishDraft | undefined
  readonly isRunning: boolean
  readonly change: (draft: WishDraft | undefined) => void
  readonly ask: (draft: WishDraft) => void
  readonly takeBack: (wish: string) => void
}

/** The partner's wishes with the vendor's answers, and a form for another one. */
export function askingPanel({ wishes, object, schema, onlooker, draft, isRunning, change, ask, takeBack }: Asking): TemplateResult {
  const plural = onlooker.plural(object)
  return html`${wishList(wishes, (wish) => html`${answerOf(wish, onlooker)} <button class="quiet" aria-label="Take back the wish for ${plainText(wish.label, 80)}" ?disabled=${isRunning} @click=${() => takeBack(wish.id)}>Take back</button>`, onlooker)}
  ${
    draft
      ? html`<form
          class="card stack"
          aria-label="Ask for a field"
          @submit=${(event: Event) => {
            event.preventDefault()
            ask(draft)
          }}
        >
          <label
            >Which field of ${plural} do you need?
            <input
              required
              maxlength="100"
              list="own-fields"
              .value=${draft.label}
              @input=${(event: Event) => change({ ...draft, label: typed(event) })}
          /></label>
          <datalist id="own-fields">${schema.fields.map((field) => html`<option value=${plainText(field.label, 80)}></option>`)}</datalist>
          <label class="check"
            ><input type="checkbox" .checked=${draft.update} @change=${() => change({ ...draft, update: !draft.update })} />It should keep
            updating</label
          >
          <label
            >What for? (${onlooker.peer === '' ? 'The vendor' : showText(onlooker.peer, 80)} reads it)
            <input maxlength="500" .value=${draft.reason} @input=${(event: Event) => change({ ...draft, reason: typed(event) })}
          /></label>
          <span class="row">
            <button class="primary" ?disabled=${isRunning || draft.label.trim() === ''}>Ask</button>
            <button type="button" @click=${() => change(undefined)}>Cancel</button>
          </span>
        </form>`
      : html`<div><button class="quiet" @click=${() => change(noWish)}>Ask for a field of ${plural}</button></div>`
  }`
}

/** The open wishes, for the vendor's admin to put into a proposal or decline. @param act undefined for a member */
export function wishesPanel(
  wishes: readonly WishView[],
  onlooker: Onlooker,
  act?: { readonly isRunning: boolean; readonly offer: (wish: WishView) => void; readonly decline: (wish: string) => void },
): TemplateResult | typeof nothing {
  const open = wishes.filter(({ answer }) => answer === undefined)
  return wishList(
    open,
    (wish) =>
      act
        ? html`<span class="row">
            <button @click=${() => act.offer(wish)} aria-label="Put into a proposal: ${plainText(wish.label, 80)}">
              Put into a proposal
            </button>
            <button ?disabled=${act.isRunning} @click=${() => act.decline(wish.id)} aria-label="Decline ${plainText(wish.label, 80)}">
              Decline
            </button>
          </span>`
        : nothing,
    onlooker,
    `${onlooker.peer} asks for`,
  )
}

function wishList(
  wishes: readonly WishView[],
  end: (wish: WishView) => TemplateResult | typeof nothing,
  onlooker: Onlooker,
  title = 'Your org asked for',
): TemplateResult | typeof nothing {
  if (wishes.length === 0) return nothing
  return html`<section class="notice" aria-label="Wishes">
    <div>
      <strong>${showText(title, 120)}</strong>
      <ul class="wishes">
        ${wishes.map(
          (wish) =>
            html`<li class="row spread">
              <span>
                <strong>${showText(wish.label, 100)}</strong> of
                ${onlooker.plural(wish.object)}${wish.update ? ', to keep updating' : ''}${wish.reason === '' ? nothing : html`: “${showText(wish.reason, 500)}”`}
                <span class="small soft">${formatInstant(wish.at, onlooker.language)}</span>
              </span>
              <span class="row">${end(wish)}</span>
            </li>`,
        )}
      </ul>
    </div>
  </section>`
}

function answerOf({ answer }: WishView, { peer, language }: Onlooker): TemplateResult {
  if (!answer) return html`<span class="badge">Waits for ${showText(peer, 60)}</span>`
  const at = formatInstant(answer.at, language)
  return answer.answer === 'offered'
    ? html`<span class="badge good">In a proposal since ${at}</span>`
    : html`<span class="badge warn">Declined ${at}</span>`
}

/** The vendor's own field that a wish most likely means: the one of that label or API name. */
export function fieldMeant({ label }: WishView, { fields }: ObjectSchema): Field | undefined {
  const wanted = label.trim().toLowerCase()
  return fields.find((field) => [field.label, field.name].some((name) => name.toLowerCase() === wanted))
}
