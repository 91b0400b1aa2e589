import { type KeptOrg, keptOrgs } from '@entente/browser'
import { controls, plainText, showText, tokens } from '@entente/elements'
import { css, html, LitElement, type TemplateResult } from 'lit'
import { addressOfOrg } from './org-address.js'

/**
 * The list of this browser's orgs, behind a button. Another org opens in a tab of its own, so that nothing that stands unsaved in this one is lost; this tab keeps
 * the org that its address names.
 */
export class OrgSwitcher extends LitElement {
  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: inline-block !important;
      }
      [popover] {
        inset: 46px auto auto 12px;
        margin: 0;
        width: max-content;
        max-width: calc(100vw - 24px);
        max-height: 70vh;
        overflow: auto;
        padding: 6px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--text);
        box-shadow: var(--shadow);
      }
      [popover] a,
      [popover] span.here {
        display: block;
        padding: 8px 12px;
        border-radius: 6px;
        color: inherit;
        text-decoration: none;
        overflow-wrap: anywhere;
      }
      [popover] a:hover {
        background: var(--sunken);
      }
      .here {
        background: var(--tint);
        font-weight: 600;
      }
      .all {
        border-top: 1px solid var(--line);
        margin-top: 4px;
      }
    `,
  ]
  static override properties = { store: {}, page: {}, orgs: { state: true } }
  /** The store of the org that this page shows. */
  declare store: string
  /** The page at which another org opens. */
  declare page: string
  declare protected orgs: readonly KeptOrg[]

  constructor() {
    super()
    this.store = ''
    this.page = 'workspace.html'
    this.orgs = []
  }

  /** The person comes back to this tab, and the list would lie over it. */
  readonly #close = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLElement) currentTarget.hidePopover()
  }

  protected override render(): TemplateResult {
    return html`<button class="quiet" aria-label="Orgs in this browser" title="Orgs in this browser" popovertarget="orgs">▾</button>
      <nav id="orgs" popover aria-label="Orgs in this browser" @beforetoggle=${() => (this.orgs = keptOrgs())} @click=${this.#close}>
        ${this.orgs.map(({ org, name, store }) =>
          store === this.store
            ? html`<span class="here" aria-current="page">${showText(name, 80)}</span>`
            : html`<a href=${addressOfOrg(org, this.page)} target="_blank" rel="noopener" title="Opens in a tab of its own"
                >${plainText(name, 80)}</a
              >`,
        )}
        <a class="all" href="orgs.html" target="_blank" rel="noopener">Create or join another org</a>
      </nav>`
  }
}

customElements.define('org-switcher', OrgSwitcher)
