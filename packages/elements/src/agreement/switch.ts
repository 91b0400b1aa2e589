import type { AgreementView, ObjectName } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import type { Question } from '../base/dialog.js'
import { formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { countedRecords, type Onlooker } from './changes.js'

/** How an admin switches an object on and off; off only after a question. */
export interface Switching {
  readonly isRunning: boolean
  readonly turn: (on: boolean) => void
}

/** Says which side has an object off, and since when; an admin switches the own side's off and on. @param switching undefined for a member */
export function objectSwitch(
  view: AgreementView,
  object: ObjectName,
  onlooker: Onlooker,
  switching?: Switching,
): TemplateResult | typeof nothing {
  if (!view.effective?.objects[object]) return nothing
  const { peer, plural, language } = onlooker
  const [own, other] = (['own', 'peer'] as const).map((side) => view.off.find((each) => each.object === object && each.by === side))
  const since = (off: typeof own): string => (off ? formatInstant(off.at, language) : '')
  const stays = 'Mirrors stay as they last stood, nothing is listed or exported, and edits wait.'
  return html`${
    other
      ? html`<div class="notice warn">
          <div>
            <strong>${showText(peer, 80)} has switched ${plural(object)} off since ${since(other)}.</strong> ${stays} They go on once
            ${showText(peer, 80)} switches them on again.
          </div>
        </div>`
      : nothing
  }
  ${
    own
      ? html`<div class="notice warn">
          <div><strong>Your org has switched ${plural(object)} off since ${since(own)}.</strong> ${stays}</div>
          ${switching ? html`<button ?disabled=${switching.isRunning} @click=${() => switching.turn(true)}>Switch on</button>` : nothing}
        </div>`
      : switching
        ? html`<div><button class="quiet" @click=${() => switching.turn(false)}>Switch ${plural(object)} off</button></div>`
        : nothing
  }`
}

export function switchQuestion(object: ObjectName, onlooker: Onlooker): Question {
  return {
    title: `Switch ${onlooker.plural(object)} off between your org and ${plainText(onlooker.peer, 80)}?`,
    text: `The sharing of ${countedRecords(onlooker, object)} stops at once. Mirrors stay as they last stood, and so do copies. You can switch them on again, and then edits made meanwhile flow.`,
    action: 'Switch off',
  }
}
