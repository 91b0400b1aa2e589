import { askToPersist, type Persistence, persistence } from '@entente/browser'
import { controls, tokens } from '@entente/elements'
import { html, LitElement, type TemplateResult } from 'lit'

/** Says whether the browser keeps the org's data until a person deletes it, and asks it to. */
export class StorageView extends LitElement {
  static override styles = [tokens, controls]
  static override properties = { answer: { state: true } }
  declare protected answer: Persistence | undefined

  constructor() {
    super()
    this.answer = undefined
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void persistence().then((answer) => (this.answer = answer))
  }

  protected override render(): TemplateResult {
    const { answer } = this
    if (!answer) return html``
    return html`<div class="stack" role="status">
      <p>${words[answer.state]}</p>
      ${answer.used === undefined ? '' : html`<p class="soft small">${megabytes(answer.used)} in use${answer.most === undefined ? '' : ` of ${megabytes(answer.most)}`}.</p>`}
      ${
        answer.state === 'evictable'
          ? html`<div>
              <button @click=${() => void askToPersist().then((now) => (this.answer = now))}>Ask the browser to keep it</button>
            </div>`
          : ''
      }
    </div>`
  }
}

const words: Readonly<Record<Persistence['state'], string>> = {
  kept: 'This browser keeps your org’s data until you delete it.',
  evictable:
    'This browser may delete your org’s data when its disk is full, or when you have not been here for long. Other devices and the recovery kit bring it back.',
  unknown: 'This browser does not say for how long it keeps your org’s data. Other devices and the recovery kit bring it back.',
}

const megabytes = (bytes: number): string =>
  new Intl.NumberFormat(undefined, { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 }).format(bytes / 1e6)

customElements.define('storage-view', StorageView)
