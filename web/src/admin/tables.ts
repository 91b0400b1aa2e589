import { html, nothing, type TemplateResult } from 'lit'
import { showBytes, showCount, showSpan, showCountOf } from './format.js'
import type { Amounts, OrgReport, RelayStatus, SessionReport } from './status.js'

/** The sessions with most bytes waiting, of the orgs and devices whose ids contain `filter`. */
export function sessionsView({ listed, total }: RelayStatus['sessions'], filter: string): TemplateResult {
  const shown = listed.filter(({ org, device }) => filter === '' || `${org} ${device}`.includes(filter))
  return html`<p class="soft small" id="sessions-note">
      ${note(shown.length, listed.length, total, 'session', 'those with most bytes waiting')}
    </p>
    ${
      shown.length === 0
        ? nothing
        : table('sessions', ['Org', 'Device', 'Role', 'Open for', 'Feeds', 'Queued', 'Oldest undelivered', 'Behind'], shown.map(sessionRow))
    }`
}

function sessionRow({ org, device, role, openedMs, feeds, queuedBytes, oldestMs, behind }: SessionReport): TemplateResult {
  return html`<tr>
    <th scope="row">${org === undefined ? html`<span class="soft">no hello yet</span>` : id(org)}</th>
    <td>${device === undefined ? '–' : id(device)}</td>
    <td>${role ?? '–'}</td>
    <td class="number">${showSpan(openedMs)}</td>
    <td class="number">${showCount(feeds)}</td>
    <td class="number">${showBytes(queuedBytes)}</td>
    <td class="number">${oldestMs > 0 ? showSpan(oldestMs) : '–'}</td>
    <td class="number">${showCount(behind)}</td>
  </tr>`
}

/** The usage and quotas of the fullest orgs whose ids contain `filter`. */
export function orgsView({ listed, total }: NonNullable<RelayStatus['orgs']>, filter: string): TemplateResult {
  const shown = listed.filter((org) => filter === '' || org.id.includes(filter))
  return html`<p class="soft small">${note(shown.length, listed.length, total, 'org', 'those that have used most of their quota')}</p>
    ${shown.length === 0 ? nothing : table('orgs', ['Org', 'Let in', 'Bytes', 'Docs', 'Connections'], shown.map(orgRow))}`
}

function orgRow({ id: org, admitted, quota, ...used }: OrgReport): TemplateResult {
  return html`<tr>
    <th scope="row">${id(org)}</th>
    <td>${admitted ? html`<span class="badge good">Yes</span>` : html`<span class="badge bad">No</span>`}</td>
    <td class="number">${share('bytes', used, quota, showBytes)}</td>
    <td class="number">${share('docs', used, quota, showCount)}</td>
    <td class="number">${share('connections', used, quota, showCount)}</td>
  </tr>`
}

/** An amount with its bound, if there is one; marked from nine tenths of the bound on. */
function share(what: keyof Amounts, used: Amounts, quota: Amounts, show: (amount: number) => string): TemplateResult {
  const bound = quota[what]
  if (bound === 0) return html`${show(used[what])}`
  const text = `${show(used[what])} of ${show(bound)}`
  return used[what] < bound * 0.9 ? html`${text}` : html`<span class="badge ${used[what] < bound ? 'warn' : 'bad'}">${text}</span>`
}

/** A table that scrolls sideways when it is too wide, by keyboard too. */
function table(name: string, columns: readonly string[], rows: readonly TemplateResult[]): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby=${`${name}-title`}>
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

/** Shows the beginning of an id; the whole can be selected, copied and read aloud. */
function id(text: string): TemplateResult {
  return html`<code class="id" title=${text}>${text}</code>`
}

function note(shown: number, listed: number, total: number, noun: string, which: string): string {
  if (total === 0) return `No ${noun}s.`
  const all = showCountOf(total, noun)
  const kept = listed < total ? `${all}, listed are ${showCount(listed)}: ${which}` : all
  return shown < listed ? `${kept}; ${showCount(shown)} with this id.` : `${kept}.`
}
