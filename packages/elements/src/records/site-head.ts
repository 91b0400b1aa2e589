import type { PartnerSite } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { showText } from '../value/show-text.js'

/** The name and the introduction that a vendor gave its partner site. */
export function siteHead({ name, introduction }: Pick<PartnerSite, 'name' | 'introduction'>): TemplateResult | typeof nothing {
  if (name === '' && introduction === '') return nothing
  return html`<div class="site">
    ${name === '' ? nothing : html`<h3>${showText(name, 80)}</h3>`}
    ${introduction === '' ? nothing : html`<p class="soft">${showText(introduction, 1_000)}</p>`}
  </div>`
}
