import { controls, plainText, showText, tokens } from '@entente/elements'
import type { Joining } from '@entente/engine'
import { css, html, LitElement, type TemplateResult } from 'lit'

/**
 * The page on which this browser joins an org: who invites, as whom, and the code to compare.
 *
 * @fires joined - The browser's store holds the org now.
 * @fires stopped - The person gave up, or starts over: the store is empty.
 */
export class JoinOrg extends LitElement {
  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: grid;
        align-content: start;
        justify-items: center;
        padding: 8vh 16px;
        overflow: auto;
      }
      .card {
        width: min(480px, 100%);
      }
      .code {
        display: flex;
        flex-wrap: wrap;
        gap: 0.55em;
        padding: var(--gap);
        border-radius: var(--radius);
        background: var(--sunken);
        font: 600 1.9em/1.2 var(--mono);
        font-variant-numeric: tabular-nums;
        letter-spacing: 0.04em;
      }
    `,
  ]
  static override properties = { joining: { attribute: false } }
  declare joining: Joining | undefined
  #endWatch: (() => void) | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#endWatch = this.joining?.watch(() => this.#changed())
    this.#changed()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#endWatch?.()
  }

  #changed(): void {
    this.requestUpdate()
    if (this.joining?.status().state === 'joined') {
      this.#endWatch?.()
      this.dispatchEvent(new CustomEvent('joined'))
    }
  }

  protected override render(): TemplateResult {
    const status = this.joining?.status()
    if (!status) return html``
    const org = showText(status.orgName ?? 'An org without a name', 80)
    const stop = (words: string): TemplateResult => html`<div><button @click=${() => this.#stop()}>${words}</button></div>`
    const line = status.online
      ? html``
      : html`<p class="notice warn" role="status">There is no connection to the relay at the moment. It goes on by itself.</p>`
    switch (status.state) {
      case 'waiting':
        return html`<section class="card stack">
          <h2>Join ${org}</h2>
          <p>The link says that ${org} invites this browser. Waiting for the admin’s device: it must be online, with its page open.</p>
          ${line}${stop('Do not join')}
        </section>`
      case 'compare':
        return html`<section class="card stack">
          <h2>Join ${org}</h2>
          <p>
            This browser joins as <strong>${showText(status.personName ?? '', 80)}</strong>, ${status.role ?? 'member'}.
            <strong>Compare this code with the admin</strong>, side by side or by phone. It must be the same on the admin’s page “Devices”.
          </p>
          <output class="code" aria-label="Code to compare"
            >${(status.code ?? '').split(' ').map((group) => html`<span>${group}</span>`)}</output
          >
          <p class="soft" role="status">Once the admin has confirmed it, the org opens here by itself.</p>
          ${line}${stop('Do not join')}
        </section>`
      case 'joined':
        return html`<section class="card" role="status"><p>Joined. Opening ${plainText(status.orgName ?? 'the org', 80)} …</p></section>`
      case 'over':
        return html`<section class="card stack">
          <h2>This browser did not join</h2>
          <p role="alert">${showText(status.problem ?? 'The invitation is over. Ask for a new one.', 300)}</p>
          ${stop('Start over')}
        </section>`
    }
  }

  #stop(): void {
    const { joining } = this
    this.#endWatch?.()
    void joining?.stop().finally(() => this.dispatchEvent(new CustomEvent('stopped')))
  }
}

customElements.define('join-org', JoinOrg)
