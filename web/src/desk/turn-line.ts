import { EntenteElement } from '@entente/elements'
import type { Engine, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { nextStep } from './next-step.js'
import { formatRoute, parseRoute, type Route } from './route.js'

/**
 * Says on every page but the one where it is done what comes next on the way to the first export, and leads there.
 *
 * @fires entente-route - Detail {route}: as the desk's.
 */
export class TurnLine extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      p {
        margin: 0;
        padding: 8px var(--gap);
        border-bottom: 1px solid var(--line);
        background: var(--tint);
      }
      @media print {
        p {
          display: none;
        }
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, route: {}, link: { attribute: false } }
  /** The present place. */
  declare route: string
  /** An invitation that the person has neither accepted nor declined; '' without one. */
  declare link: string
  protected override paceMs = 200
  protected readonly topics: readonly Topic[] = ['connections', 'agreements', 'sharing', 'people', 'site']

  constructor() {
    super()
    this.route = ''
    this.link = ''
  }

  protected view(engine: Engine): TemplateResult {
    const current = parseRoute(this.route)
    if (this.link !== '' && current.page !== 'connections')
      return this.#line(html`You have an invitation that you have neither accepted nor declined:`, { page: 'connections' }, 'look at it')
    const step = nextStep(engine)
    const isHere =
      step?.route.page === current.page &&
      'connection' in current &&
      (current.connection ?? step.route.connection) === step.route.connection
    return step && !isHere ? this.#line(step.why, step.route, step.words) : html`${nothing}`
  }

  #line(why: TemplateResult, to: Route, words: string): TemplateResult {
    const route = formatRoute(to)
    const go = (event: Event): void => {
      event.preventDefault()
      this.tell('entente-route', { route })
    }
    return html`<p role="status">${why} <a href="#${route}" @click=${go}>${words}</a></p>`
  }
}

customElements.define('turn-line', TurnLine)
