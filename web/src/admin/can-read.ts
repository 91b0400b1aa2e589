import { html, type TemplateResult } from 'lit'

const sees = [
  'Ids of orgs, devices and users (fingerprints of keys, or random), and each device’s role',
  'Keys and slots, which reveal nothing without secrets that the orgs keep',
  'The number of entries, the size of each, and when it came',
  'Which two orgs share a connection, and from which addresses their devices dial',
] as const

const cannot = [
  'Names of companies, people, records',
  'Names of fields, and which fields the orgs agreed on',
  'Values of any kind: amounts, stages, dates, texts',
  'Who may export, what was exported, and what became of it',
] as const

/** What a relay's operator can and cannot learn about its orgs. It is the same for every relay, because devices seal before they send. */
export function canRead(): TemplateResult {
  return html`<div class="pair">
    <div>
      <h3>It sees</h3>
      <ul class="plain">
        ${sees.map((line) => html`<li>${line}</li>`)}
      </ul>
    </div>
    <div>
      <h3>It cannot read</h3>
      <ul class="plain">
        ${cannot.map((line) => html`<li>${line}</li>`)}
      </ul>
    </div>
  </div>`
}
