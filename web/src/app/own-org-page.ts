import { controls, describeFailure, plainText, showText, tokens } from '@entente/elements'
import type { Engine, Joining } from '@entente/engine'
import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { forgetRelay, hadOrg, keptOrgs } from '@entente/browser'
import { linkUnderAnotherName, takeJoinLink } from './join-link.js'
import { addressOfOrg } from './org-address.js'
import type { Beginning } from './org-store.js'
import { orgStoreName } from './org-store-name.js'
import './org-switcher.js'
import { otherRelay } from './relay-address.js'

/** The base of the workspace and the partner site: it opens this browser's org and draws the page's head. */
export abstract class OwnOrgPage extends LitElement {
  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: grid !important;
        grid-template-rows: auto auto minmax(0, 1fr);
        height: calc(100vh - var(--notice, 0px));
        background: var(--page);
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 6px 18px;
        padding: 8px 16px;
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }
      h1 {
        margin: 0;
        font-size: inherit;
      }
      .top a.brand {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        color: inherit;
        font-weight: 680;
        text-decoration: none;
      }
      .top svg {
        width: 30px;
        height: 20px;
      }
      .begin {
        display: grid;
        align-content: start;
        justify-content: center;
        grid-template-columns: min(440px, 100%);
        gap: var(--gap);
        padding: 8vh 16px;
        overflow: auto;
      }
      .begin label {
        display: grid;
        gap: 4px;
      }
      @media print {
        :host,
        main {
          display: block !important;
          height: auto;
        }
        .top .line,
        .top svg,
        .top ~ div {
          display: none !important;
        }
      }
      main {
        grid-row: 3;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        min-height: 0;
      }
    `,
  ]
  static override properties = {
    engine: { state: true },
    joining: { state: true },
    opening: { state: true },
    problem: { state: true },
    hasHead: { state: true },
  }
  declare protected engine: Engine | undefined
  declare protected joining: Joining | undefined
  declare protected opening: boolean
  declare protected problem: string
  /** Whether the head and the notices show what they know of the engine. */
  declare private hasHead: boolean
  /** The link by which this browser is to join an org, until it has begun. */
  #joinLink = takeJoinLink()
  readonly #title = document.title

  constructor() {
    super()
    this.engine = undefined
    this.joining = undefined
    this.opening = true
    this.problem = ''
    this.hasHead = false
  }

  /** The page's own content, once the org is open. */
  protected abstract content(engine: Engine): TemplateResult
  /** Loads the elements of the content, so that the page's frame shows before they are read. */
  protected abstract loadContent(): Promise<unknown>
  /** The page's file, at which another org of this browser opens too. */
  protected abstract readonly page: string
  /** The content while this browser has no org yet. */
  protected abstract first(): TemplateResult

  override connectedCallback(): void {
    super.connectedCallback()
    if (!this.engine) this.open()
    // After the first frame, and before the first row.
    requestAnimationFrame(() => setTimeout(loadFormats))
  }

  protected open(beginning?: Beginning): void {
    this.opening = true
    this.problem = ''
    this.begin(openOrg(beginning))
  }

  /** Shows an org once it is open. */
  protected begin(org: Promise<Engine | undefined>): void {
    Promise.all([org, this.loadContent()])
      .then(async ([engine]) => {
        // Opening ends in one task. The content is drawn in the next, and the head, which nobody waits for, in another.
        await nextTask()
        this.engine = engine
        if (engine) document.title = `${plainText(engine.org.name, 60)} – ${this.#title}`
        if (!engine) this.joining = await openJoining(this.#joinLink)
        if (this.joining) this.#joinLink = undefined
        await this.updateComplete
        await nextTask()
        this.hasHead = engine !== undefined
      })
      .catch((error: unknown) => (this.problem = describeFailure(error).message))
      .finally(() => (this.opening = false))
  }

  protected override render(): TemplateResult {
    const { engine } = this
    const head = this.hasHead ? engine : undefined
    const name = engine?.org.name ?? (this.opening ? hadOrg(orgStoreName())?.name : undefined)
    return html`<header class="top">
        <span class="row">
          <h1>
            <a class="brand" href="./"
              ><svg viewBox="0 0 34 22" aria-hidden="true">
                <circle cx="11" cy="11" r="9.5" fill="none" stroke="#5b7cf0" stroke-width="3" />
                <circle cx="23" cy="11" r="9.5" fill="none" stroke="#d98a2b" stroke-width="3" /></svg
              >${name === undefined ? 'Entente' : showText(name, 80)}</a
            >
          </h1>
          <org-switcher .store=${orgStoreName()} .page=${this.page}></org-switcher>
          ${head ? html`<span class="soft small">${showText(head.user.name, 80)}, ${head.user.role}</span>` : ''}
        </span>
        ${head ? html`<div class="line"><entente-status .engine=${head}></entente-status></div>` : ''}
      </header>
      ${head ? html`<div>${this.notices(head)}${this.#otherRelay()}${this.#joinElsewhere()}<entente-recovery .engine=${head}></entente-recovery></div>` : ''}
      <main>${engine ? this.content(engine) : this.#begin()}</main>`
  }

  /** The content while the org opens. */
  protected meanwhile(): TemplateResult {
    return html`<div class="empty" role="status"><p>Opening …</p></div>`
  }

  /** What the page has to say above its content. */
  protected notices(_engine: Engine): TemplateResult | typeof nothing {
    return nothing
  }

  /** This page's whole address, also where it holds a secret that does not stay in it. */
  protected address(): string {
    return location.href
  }

  /** The other orgs of this browser, where the one that the address names is not here. */
  protected otherOrgs(): TemplateResult | '' {
    const orgs = keptOrgs().filter(({ store }) => store !== orgStoreName())
    if (orgs.length === 0) return ''
    return html`<div class="card stack">
      <h2>This browser has ${orgs.length === 1 ? 'another org' : 'other orgs'}</h2>
      ${orgs.map(({ org, name }) => html`<div><a class="button" href=${addressOfOrg(org, this.page)}>Open ${showText(name, 80)}</a></div>`)}
    </div>`
  }

  /** A link to join, in a browser that has an org: it is for another one. */
  #joinElsewhere(): TemplateResult | '' {
    if (this.#joinLink === undefined) return ''
    return html`<p class="notice warn" role="status">
      This link is for a new device, and this browser has an org already. Open it on the device that is to join, or
      <a href=${linkUnderAnotherName(this.#joinLink)}>join in this browser too, beside the org that is here</a>.
    </p>`
  }

  #otherRelay(): TemplateResult | '' {
    const other = otherRelay(orgStoreName(), this.address())
    return other === undefined
      ? ''
      : html`<p class="notice warn" role="status">
          This link is for the relay ${plainText(other.asked)}. The org in this browser uses another one and stays there.
          <a href=${other.href}>Make another org for it</a>
        </p>`
  }

  #leaveJoining(closed: Promise<void> | undefined): void {
    void closed?.finally(() => {
      this.joining = undefined
      this.open()
    })
  }

  #begin(): TemplateResult {
    if (this.problem !== '')
      return html`<div class="empty">
        <h3>This org could not be opened</h3>
        <p role="alert">${showText(this.problem)}</p>
        <button @click=${() => this.open()}>Try again</button>
      </div>`
    if (this.joining)
      return html`<join-org
        .joining=${this.joining}
        @joined=${() => this.#leaveJoining(this.joining?.close())}
        @stopped=${() => {
          forgetRelay(orgStoreName())
          this.#leaveJoining(Promise.resolve())
        }}
      ></join-org>`
    return this.opening ? this.meanwhile() : this.first()
  }
}

/** Opens this browser's org. The engine is read after the page's frame, too. */
export async function openOrg(beginning?: Beginning): Promise<Engine | undefined> {
  const { openOwnOrg } = await import('./org-store.js')
  return openOwnOrg(beginning)
}

/** Goes on joining an org, or begins with a link. Undefined where neither is to be done. */
async function openJoining(link: string | undefined): Promise<Joining | undefined> {
  const [{ joinOwnOrg }] = await Promise.all([import('./org-store.js'), import('./join-org.js')])
  try {
    return await joinOwnOrg(link)
  } catch (error) {
    // Another org is being joined under this name: this one gets a name of its own.
    if (link === undefined || !(error instanceof Error && 'code' in error && error.code === 'NOT_ALLOWED')) throw error
    location.replace(linkUnderAnotherName(link))
    return undefined
  }
}

const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/** Chromium reads its data on languages with the first number that it formats, in 25 ms. So this is not done while a list is drawn. */
function loadFormats(): void {
  new Intl.NumberFormat().format(0)
}
