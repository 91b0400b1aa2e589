import type { Engine, ExportError, ObjectName, ShareView } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { formatClock } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'
import { type Reader, shareText, shareWord } from './share-words.js'

export const shareStyles = css`
  .ticks {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 14px;
    font-size: 0.9em;
  }
  .ticks li {
    color: var(--soft);
  }
  .ticks .done::before {
    content: '✓ ' / '';
    color: var(--good);
  }
  .ticks .open::before {
    content: '○ ' / '';
  }
`

/** The badge of a share. The published names stand in its title, so that people can look them up. */
export function shareBadge(share: ShareView): TemplateResult {
  const [word, tone] = shareWord(share)
  return html`<span
    class="badge ${tone}"
    title=${[share.outbound, share.inbound].filter((status) => status !== undefined).join(', ') || nothing}
    >${word}</span
  >`
}

/** A share in a list: the other org, and how far the latest edit has come. Its sentence stands in the title. */
export function compactShare(share: ShareView, reader: Reader): TemplateResult {
  const [word, tone] = shareWord(share)
  const { state, receipt, peerName } = share
  const ticks = receipt && (state === 'current' || state === 'sending') ? '✓'.repeat(ticksOf(receipt.reached)) : ''
  const isPlain = state === 'current' || ticks !== ''
  return html`<span class="badge ${state === 'current' ? 'accent' : tone}" title="${word}. ${shareText(share, reader)}"
    >${ticks === '' ? (isPlain ? nothing : html`${word}:`) : html`<span role="img" aria-label=${word}>${ticks}</span>`}
    ${showText(peerName, 40)}</span
  >`
}

/** The shares of a record in a list. Of several, their number, and the one that says most about it: nobody reads five names in a column. */
export function compactShares(shares: readonly ShareView[], reader: Reader): TemplateResult {
  const [first] = shares
  if (!first) return html``
  if (shares.length === 1) return compactShare(first, reader)
  const odd = shares.filter(({ state }) => state !== 'current' && state !== 'sending')
  const title = shares.map((share) => `${plainText(share.peerName, 40)}: ${shareWord(share)[0]}`).join('\n')
  return html`<span class="badge ${odd[0] ? shareWord(odd[0])[1] : 'accent'}" title=${title}
    >${shares.length} orgs${odd.length === 0 ? nothing : `, ${odd.length} not live`}</span
  >`
}

const reaches = ['device', 'relay', 'peer'] as const
const ticksOf = (reached: (typeof reaches)[number]): number => reaches.indexOf(reached) + 1

/** The three ticks of the latest own edit, with their times. */
export function receiptTicks({ receipt, peerName }: ShareView, { language, now }: Reader): TemplateResult | typeof nothing {
  if (!receipt) return nothing
  const count = ticksOf(receipt.reached)
  const peer = plainText(peerName, 80)
  const steps = [
    ['Saved here', 'Saved here', receipt.edited],
    ['At the relay', 'Not at the relay yet', receipt.relayed],
    [`Read by ${peer}`, `Not read by ${peer} yet`, receipt.read],
  ] as const
  return html`<ol class="ticks" role="list" aria-label="Your latest edit">
    ${steps.map(([done, open, at], index) =>
      index < count
        ? html`<li class="done">${done}${at === undefined ? nothing : ` ${formatClock(at, now, language).text}`}</li>`
        : html`<li class="open">${open}</li>`,
    )}
  </ol>`
}

/** One error: the field by its label, the own value, what happened and what to do. */
export function errorLine(engine: Engine, object: ObjectName, error: ExportError, language: string): TemplateResult {
  const field = engine.records.schema(object).fields.find(({ name }) => name === error.field)
  const label = field?.label ?? error.field
  const value =
    field && error.value !== undefined && error.value !== null ? html` (${showValue(field, error.value, language, 60)})` : nothing
  return html`<div class="notice bad" title=${error.rule === '' ? nothing : plainText(error.rule, 60)}>
    <div>
      ${label === '' ? nothing : html`<strong>${showText(label, 80)}</strong>${value}: `}${showText(error.message, 300)}
      <span class="soft">${showText(error.fix, 300)}</span>
    </div>
  </div>`
}
