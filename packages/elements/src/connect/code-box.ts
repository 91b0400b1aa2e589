import { html, type TemplateResult } from 'lit'
import { plainText } from '../value/show-text.js'
import { selectAll } from '../base/typed.js'

// What the pages of connections and of devices share: a link to pass on, and a code to compare.

/** A link to pass on by hand. `beside` stands behind its button. */
export function linkBox(label: string, link: string, isCopied: boolean, copied: () => void, beside: unknown): TemplateResult {
  return html`<div class="row paste">
    <input readonly aria-label=${plainText(label, 100)} .value=${link} @focus=${selectAll} />
    <button @click=${copied}>${isCopied ? 'Copied' : 'Copy'}</button>${beside}
  </div>`
}

/** A code that two people compare, and their answer. */
export interface CodeBox {
  readonly code: string
  /** Whether the person has said that the codes differ, and is asked once more. */
  readonly differs: boolean
  /** What follows where they differ, and the word for it. */
  readonly warning: string
  readonly end: string
  readonly isRunning: boolean
  readonly ask: (differs: boolean) => void
  readonly answer: (same: boolean) => void
  /** Stands behind the buttons. */
  readonly beside?: unknown
}

export function codeBox({ code, differs, warning, end, isRunning, ask, answer, beside }: CodeBox): TemplateResult {
  return html`<output class="code" aria-label="Code to compare">${code.split(' ').map((group) => html`<span>${group}</span>`)}</output> ${
      differs
        ? html`<div class="notice bad" role="alert">
            <div>${warning}</div>
            <button class="danger" @click=${() => answer(false)}>${end}</button><button @click=${() => ask(false)}>Back</button>
          </div>`
        : html`<div class="row">
            <button class="primary" ?disabled=${isRunning} @click=${() => answer(true)}>They are the same</button>
            <button @click=${() => ask(true)}>They differ</button>${beside}
          </div>`
    }`
}
