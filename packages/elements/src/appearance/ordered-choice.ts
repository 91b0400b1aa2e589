import { css, html, type TemplateResult } from 'lit'
import { plainText, showText } from '../value/show-text.js'

export interface Choice {
  readonly name: string
  readonly label: string
}

export const orderedChoiceStyles = css`
  .ordered {
    display: grid;
    gap: 2px;
    max-height: 300px;
    overflow: auto;
  }
  .ordered li {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
  }
  .ordered button {
    min-height: 26px;
    padding: 0 8px;
  }
`

/** What is chosen, in its order and movable; below it what is left. */
export function orderedChoice(
  label: string,
  all: readonly Choice[],
  chosen: readonly string[],
  change: (chosen: readonly string[]) => void,
): TemplateResult {
  const known = chosen.flatMap((name) => all.find((each) => each.name === name) ?? [])
  const left = all.filter(({ name }) => !chosen.includes(name))
  const move = (index: number, by: number): void => {
    const names = known.map(({ name }) => name)
    const [moved] = names.splice(index, 1)
    if (moved !== undefined) names.splice(index + by, 0, moved)
    change(names)
  }
  const flip = (name: string, isChosen: boolean): void =>
    change(isChosen ? known.flatMap((each) => (each.name === name ? [] : [each.name])) : [...known.map((each) => each.name), name])
  const arrow = (each: Choice, index: number, by: number, where: string, sign: string): TemplateResult =>
    html`<button
      type="button"
      class="quiet"
      aria-label="Move ${plainText(each.label, 60)} ${where}"
      ?disabled=${!known[index + by]}
      @click=${() => move(index, by)}
    >
      ${sign}
    </button>`
  // A click leaves the box as it is: what is chosen then is drawn, in a box that may have been another's.
  const line = (each: Choice, isChosen: boolean, buttons?: TemplateResult): TemplateResult =>
    html`<li>
      <label class="check"
        ><input
          type="checkbox"
          .checked=${isChosen}
          @click=${(event: Event) => (event.preventDefault(), flip(each.name, isChosen))}
        />${showText(each.label, 80)}</label
      >
      ${buttons ?? ''}
    </li>`
  return html`<ul class="ordered" aria-label=${label}>
    ${known.map((each, index) =>
      line(each, true, html`<span>${arrow(each, index, -1, 'up', '↑')}${arrow(each, index, 1, 'down', '↓')}</span>`),
    )}
    ${left.map((each) => line(each, false))}
  </ul>`
}
