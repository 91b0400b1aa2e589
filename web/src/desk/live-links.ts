import { EntenteElement, plainText } from '@entente/elements'
import type { Engine, ObjectName, Topic } from '@entente/engine'
import { css, html, type TemplateResult } from 'lit'
import { liveMirrorAddress } from '../app/live-gateway.js'

/** Links to a page of its own for each live mirror of a record. */
export class LiveLinks extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      a {
        color: var(--accent);
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, object: {}, record: {} }
  declare object: ObjectName
  declare record: string
  protected readonly topics: readonly Topic[] = ['mirrors', 'connections']

  constructor() {
    super()
    this.object = 'Opportunity'
    this.record = ''
  }

  protected view(engine: Engine): TemplateResult {
    const mirrors = engine.mirrors.of(this.object, this.record).filter((mirror) => mirror.state === 'live')
    return html`${mirrors.map(
      ({ id, peerName }) =>
        html`<p class="small">
          <a href=${liveMirrorAddress(engine, id)} target="_blank" rel="noopener">Live view of ${plainText(peerName, 80)}’s record</a>
        </p>`,
    )}`
  }
}

customElements.define('live-links', LiveLinks)
