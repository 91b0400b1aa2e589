import type { AgreementView, ObjectName } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import { showText } from '../value/show-text.js'
import { meter } from './proposal.js'

/** The agreement in force: the fields as each side calls them, whether both sides computed the same, and which fields keep flowing. */
export function effectiveTable(view: AgreementView, object: ObjectName): TemplateResult {
  const { effective } = view
  const fields = effective?.objects[object]?.fields ?? []
  if (!effective) return html``
  if (fields.length === 0) return html`<p class="soft">No field of this object is agreed, so none of its records can be shared.</p>`
  return html`<div class="row spread">
      <p>
        ${sameHash(view)}
        <span class="soft small">Version ${effective.version}, fingerprint <code>${effective.hash.slice(0, 12)}</code></span>
      </p>
      ${meter(fields.filter((field) => field.slot !== undefined).length)}
    </div>
    <div class="matrix" tabindex="0" role="region" aria-label="Agreed fields">
      <table>
        <thead>
          <tr>
            <th scope="col">Vendor’s field</th>
            <th scope="col">Partner’s field</th>
            <th scope="col">After the export</th>
          </tr>
        </thead>
        <tbody>
          ${fields.map(
            (field) =>
              html`<tr>
                <th scope="row">${showText(field.vendor.label, 80)} <span class="type">${field.vendor.type}</span></th>
                <td>${showText(field.partner.label, 80)} <span class="type">${field.partner.type}</span></td>
                <td>
                  ${field.slot === undefined ? html`<span class="badge">Stays as exported</span>` : html`<span class="badge accent">Keeps updating</span>`}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

function sameHash({ effective, peerHash }: AgreementView): TemplateResult {
  if (peerHash === undefined) return html`<span class="badge accent">Waiting for the other side to confirm</span>`
  return peerHash === effective?.hash
    ? html`<span class="badge good">Both sides hold the same agreement</span>`
    : html`<span class="badge bad">The two sides differ: nothing flows</span>`
}
