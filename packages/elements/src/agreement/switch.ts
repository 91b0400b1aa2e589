import type { AgreementView, ObjectName } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { formatInstant } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { countedRecords, type Onlooker } from './changes.js'

/** How an admin switches an object off and on. */
export interface Switching {
  /** The object that the person is asked about. */
  readonly asked: ObjectName | undefined
  readonly isRunning: boolean
  readonly ask: (object: ObjectName | undefined) => void
  readonly turn: (object: ObjectName, on: boolean) => void
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
          ${switching ? html`<button ?disabled=${switching.isRunning} @click=${() => switching.turn(object, true)}>Switch on</button>` : nothing}
        </div>`
      : switching
        ? offer(object, onlooker, switching)
        : nothing
  }`
}

function offer(object: ObjectName, onlooker: Onlooker, { asked, isRunning, ask, turn }: Switching): TemplateResult {
  const { peer, plural } = onlooker
  if (asked !== object)
    return html`<div>
      <button class="quiet" @click=${() => ask(object)}>Switch ${plural(object)} off</button>
    </div>`
  return html`<div class="notice warn" role="alertdialog" aria-label="Switch ${plural(object)} off">
    <div>
      <strong>Switch ${plural(object)} off between your org and ${showText(peer, 80)}?</strong> The sharing of
      ${countedRecords(onlooker, object)} stops at once. Mirrors stay as they last stood, and so do copies. You can switch them on again,
      and then edits made meanwhile flow.
    </div>
    <span class="row">
      <button class="primary" ?disabled=${isRunning} @click=${() => turn(object, false)}>Switch off</button>
      <button @click=${() => ask(undefined)}>Keep on</button>
    </span>
  </div>`
}
