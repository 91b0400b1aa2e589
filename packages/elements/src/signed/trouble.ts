import type { SignedFeed } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'

export type Trouble = 'held back' | 'differs'

/** The worst of these feeds. Undefined if nothing is wrong. */
export function troubleOf(feeds: readonly Pick<SignedFeed, 'state'>[]): Trouble | undefined {
  if (feeds.some(({ state }) => state === 'differs')) return 'differs'
  return feeds.some(({ state }) => state === 'held back') ? 'held back' : undefined
}

export function troubleBadge(trouble: Trouble | undefined): TemplateResult | typeof nothing {
  if (trouble === undefined) return nothing
  return trouble === 'differs'
    ? html`<span class="badge bad">Differs from what was signed</span>`
    : html`<span class="badge warn">Held back by the relay</span>`
}
