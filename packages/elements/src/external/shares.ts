import type { Engine, ExportError, ObjectName, ShareView, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { statusBadge } from '../jobs/status-words.js'
import { formatAge } from '../value/format.js'
import { showText } from '../value/show-text.js'

/**
 * With whom a record is shared since its export, in which state each share is, and the switch to stop or resume it.
 *
 * @tag entente-shares
 * @fires entente-before-stop - Cancelable; detail {share}.
 */
export class EntenteShares extends EntenteElement {
  static override properties = { ...EntenteElement.properties, object: {}, record: {} }
  declare object: ObjectName
  declare record: string | undefined
  protected readonly topics: readonly Topic[] = ['records', 'connections', 'mirrors', 'sync']

  constructor() {
    super()
    this.object = 'Opportunity'
    this.record = undefined
  }

  protected view(engine: Engine): TemplateResult {
    const shares = this.record === undefined ? [] : engine.records.shares(this.object, this.record)
    if (shares.length === 0) return html`<p class="soft">Not exported over any connection.</p>`
    return html`<ul class="stack">
      ${shares.map((share) => this.#share(engine, share))}
    </ul>`
  }

  #share(engine: Engine, share: ShareView): TemplateResult {
    const busy = this.running.has(share.id)
    const turn = share.on ? () => engine.records.stopSharing(share.id) : () => engine.records.resumeSharing(share.id)
    const click = (): void => {
      if (share.on && !this.tell('entente-before-stop', { share: share.id }, true)) return
      this.act(share.id, turn)
    }
    return html`<li class="card stack">
      <div class="row spread">
        <span
          ><strong>${showText(share.peerName, 80)}</strong>
          <span class="soft small">exported ${formatAge(share.exportedAt, Date.now(), this.language)}</span></span
        >
        <span class="row">
          ${share.on ? statusBadge(share.outbound) : html`<span class="badge">Stopped</span>`}
          ${share.on ? statusBadge(share.inbound) : nothing}
          <button ?disabled=${busy} @click=${click}>${share.on ? 'Stop sharing' : 'Resume'}</button>
        </span>
      </div>
      ${share.errors.map((error) => line(error))}
    </li>`
  }
}

function line(error: ExportError): TemplateResult {
  return html`<div class="notice bad">
    <div>
      ${error.field === '' ? nothing : html`<strong>${showText(error.field, 80)}</strong>: `}${showText(error.message, 300)}
      <span class="soft">${showText(error.fix, 300)}</span>
    </div>
  </div>`
}
