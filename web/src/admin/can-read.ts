import { html, type TemplateResult } from 'lit'

const sees = [
  'Ids of orgs, devices and users, which are keys’ fingerprints or random, and each device’s role',
  'Keys and slots, which say nothing without secrets that the orgs keep',
  'How many entries there are, how large each is, and when it came',
  'Which two orgs share a connection, and from which addresses their devices dial',
] as const

const cannot = [
  'Names of companies, people, records',
  'What a field is called and which fields were agreed on',
  'Values of any kind: amounts, stages, dates, texts',
  'Who may export, what was exported, and what became of it',
] as const

/** What this relay's operator can learn of its orgs, and what not: the same for every relay, as the orgs' devices seal before they send. */
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
