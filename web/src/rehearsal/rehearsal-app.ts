import { askPerson, controls, describeFailure, plainText, showText, tokens } from '@entente/elements'
import { html, LitElement, nothing, type TemplateResult } from 'lit'
import { Noticer } from './memory.js'
import { pointAt } from './point-at.js'
import { forgetOrgs, openOrgs, type Orgs } from './orgs.js'
import type { Places } from './stage.js'
import { type Step, steps } from './steps.js'
import { rehearsalStyles } from './styles.js'

type Side = 'vendor' | 'partner'

/**
 * The rehearsal: a vendor and a partner side by side, each with its own engine and store, over the relay that serves the page. The page reads the progress from
 * the engines, so a reload or a second tab continues where this one was. The address holds the place of each side.
 */
export class RehearsalApp extends LitElement {
  static override styles = [tokens, controls, rehearsalStyles]
  static override properties = {
    orgs: { state: true },
    places: { state: true },
    chosen: { state: true },
    doing: { state: true },
    words: { state: true },
    problem: { state: true },
  }
  declare protected orgs: Orgs | undefined
  declare protected places: Places
  /** The chosen step; without a choice, the first one that is not done. */
  declare protected chosen: number | undefined
  declare protected doing: boolean
  declare protected words: string
  declare protected problem: string
  readonly #noticer = new Noticer()
  #ends: (() => void)[] = []
  #lastStep = -1

  constructor() {
    super()
    this.orgs = undefined
    this.places = readAddress()
    this.chosen = undefined
    this.doing = false
    this.words = ''
    this.problem = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('hashchange', this.#followAddress)
    openOrgs().then(
      (orgs) => this.#opened(orgs),
      (error: unknown) => (this.problem = describeFailure(error).message),
    )
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('hashchange', this.#followAddress)
    for (const end of this.#ends) end()
  }

  protected override render(): TemplateResult {
    const { orgs } = this
    if (!orgs)
      return html`<div class="empty">
        ${
          this.problem === ''
            ? html`<p role="status">Two companies move in …</p>`
            : html`<h3>The rehearsal could not open</h3>
                <p>${this.problem}</p>
                <button @click=${() => this.#startOver()}>Start over</button>`
        }
      </div>`
    const done = steps.map((step) => isDone(step, orgs, this.#noticer))
    const next = done.indexOf(false)
    const current = this.chosen ?? (next < 0 ? steps.length : next)
    return html`<header class="top">
        <a href="./"
          ><svg viewBox="0 0 34 22" aria-hidden="true">
            <circle cx="11" cy="11" r="9.5" fill="none" stroke="#5b7cf0" stroke-width="3" />
            <circle cx="23" cy="11" r="9.5" fill="none" stroke="#d98a2b" stroke-width="3" /></svg
          >Rehearsal</a
        >
        <ol class="steps" aria-label="Steps">
          ${steps.map((step, index) => this.#stepButton(step, index, done[index] === true, index === current))}
        </ol>
        <button class="quiet" @click=${() => this.#startOver()}>Start over</button>
      </header>
      <main>
        ${this.#guide(orgs, current, done)}
        <div class="panes">${this.#pane(orgs, 'vendor')}${this.#pane(orgs, 'partner')}</div>
      </main>`
  }

  #stepButton(step: Step, index: number, done: boolean, current: boolean): TemplateResult {
    return html`<li>
      <button class=${done ? 'done' : ''} aria-current=${current ? 'step' : nothing} @click=${() => this.#choose(index)}>
        <i aria-hidden="true">${done ? '✓' : index + 1}</i
        ><span class="title">${step.title}${done ? html`<span class="visually-hidden">, done</span>` : nothing}</span>
      </button>
    </li>`
  }

  #guide(orgs: Orgs, current: number, done: readonly boolean[]): TemplateResult {
    const step = steps[current]
    if (!step) {
      return html`<section class="guide" aria-label="Guide">
        <div>
          <h1>That is all of it</h1>
          <p class="soft">
            Two companies, each with its own records, following each other. Go on playing: edit, cut, mend. Or open a workspace of your own.
          </p>
        </div>
        <div></div>
        <div class="does"><a class="button" href="workspace.html">Open a workspace</a></div>
      </section>`
    }
    return html`<section class="guide" aria-label="Guide">
      <div>
        <h1>${current + 1}. ${step.title}</h1>
        <p class="soft">${step.text}</p>
      </div>
      <div class="hands small" role="status">
        ${this.words !== '' ? this.words : step.byHand.map(([side, words]) => html`<span><b class=${side}>${side === 'vendor' ? 'Vendor' : 'Partner'}</b> ${words}</span>`)}
      </div>
      <div class="does">
        ${
          done[current] === true && current !== 5 && current !== 6
            ? html`<button class="primary" @click=${() => this.#choose(current + 1)}>Next step</button>`
            : html`<button class="primary" ?disabled=${this.doing} @click=${() => this.#do(orgs, step, current)}>
                ${this.doing ? 'Doing it …' : 'Do it for me'}
              </button>`
        }
        <button ?disabled=${this.doing} @click=${() => this.#point(orgs, step)}>Show me where</button>
      </div>
      ${
        this.problem === ''
          ? nothing
          : html`<div class="notice bad problem" role="alert">
              <div>${this.problem}</div>
              <button class="quiet" @click=${() => (this.problem = '')}>Dismiss</button>
            </div>`
      }
    </section>`
  }

  #pane(orgs: Orgs, side: Side): TemplateResult {
    const engine = orgs[side]
    return html`<section class="pane ${side}" aria-label=${plainText(engine.org.name, 80)}>
      <header>
        <h2>
          ${showText(engine.org.name, 80)} <span class="small">${side === 'vendor' ? 'Vendor' : 'Partner'}</span>
          <span class="soft small">${showText(engine.user.name, 80)}</span>
        </h2>
        <entente-status cuttable .engine=${engine}></entente-status>
      </header>
      <org-desk
        density="compact"
        .engine=${engine}
        .route=${this.places[side]}
        .base=${new URL(`workspace.html${location.search}`, location.href).href}
        .offer=${side === 'vendor' ? 'invite' : 'accept'}
        @entente-route=${(event: CustomEvent<{ readonly route: string }>) => this.#show({ ...this.places, [side]: event.detail.route })}
      ></org-desk>
    </section>`
  }

  #opened(orgs: Orgs): void {
    this.orgs = orgs
    this.#ends = [orgs.vendor, orgs.partner].map((engine) => engine.watch(() => this.#look(orgs)))
    this.#look(orgs)
  }

  /** Follows the progress: when a step is complete and no other is chosen, the panes turn to the next one. */
  #look(orgs: Orgs): void {
    if (this.orgs !== orgs) return
    this.#noticer.look(orgs)
    const next = steps.findIndex((step) => !isDone(step, orgs, this.#noticer))
    if (next !== this.#lastStep) {
      const isFirst = this.#lastStep === -1
      this.#lastStep = next
      this.chosen = undefined
      const step = steps[next]
      if (step && (!isFirst || location.hash.length < 2)) this.#show(step.places(orgs))
    }
    this.requestUpdate()
  }

  #choose(index: number): void {
    this.chosen = index
    this.problem = ''
    const step = steps[index]
    if (this.orgs && step) this.#show(step.places(this.orgs))
  }

  #do(orgs: Orgs, step: Step, index: number): void {
    if (this.doing) return
    this.doing = true
    this.problem = ''
    this.chosen = index
    step
      .run({ orgs, show: (places) => this.#show(places), say: (words) => (this.words = words) })
      .then(() => (this.chosen = undefined))
      .catch((error: unknown) => (this.problem = describeFailure(error).message))
      .finally(() => {
        this.doing = false
        this.words = ''
        this.#look(orgs)
      })
  }

  #show(places: Places): void {
    this.places = places
    history.replaceState(null, '', `#vendor=${places.vendor}&partner=${places.partner}`)
  }

  /** Turns the panes to where a person does the step, and points at each thing to use there. */
  #point(orgs: Orgs, step: Step): void {
    this.#show(step.places(orgs))
    void this.updateComplete.then(() =>
      Promise.all(
        step.things(orgs).map(async ([side, names]) => {
          const pane = this.renderRoot.querySelector(`.pane.${side}`)
          if (pane) await pointAt(pane, names)
        }),
      ),
    )
  }

  #followAddress = (): void => {
    this.places = readAddress()
  }

  async #startOver(): Promise<void> {
    const isSure = await askPerson(this.renderRoot, {
      title: 'Start over?',
      text: 'Both companies of the rehearsal are deleted from this browser, with all that you did in them. New ones move in. Your own workspace stays as it is.',
      action: 'Start over',
    })
    if (!isSure) return
    for (const end of this.#ends) end()
    const { orgs } = this
    // A closed engine has nothing to draw.
    this.orgs = undefined
    void forgetOrgs(orgs).finally(() => {
      history.replaceState(null, '', `${location.pathname}${location.search}`)
      location.reload()
    })
  }
}

function isDone(step: Step, orgs: Orgs, noticer: Noticer): boolean {
  return step.isDone(orgs, noticer.memory)
}

function readAddress(): Places {
  const place = (side: Side): string => new RegExp(`[#&]${side}=([^&]*)`).exec(location.hash)?.[1] ?? 'records/Opportunity'
  return { vendor: place('vendor'), partner: place('partner') }
}

customElements.define('rehearsal-app', RehearsalApp)
