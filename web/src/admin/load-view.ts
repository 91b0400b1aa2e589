import { html, nothing, svg, type TemplateResult } from 'lit'
import { showBytes, showCount, showRate, showSpan, showCountOf } from './format.js'
import type { RelayStatus, StoreReport } from './status.js'

/** The relay's load: rates with their last two minutes, times, memory, sockets. */
export function loadView({ load, sessions, sockets }: RelayStatus, past: readonly RelayStatus[]): TemplateResult {
  const { acknowledgeMs, eventLoopMs, memory } = load
  return html`<dl class="tiles">
    ${tile(
      'Entries in',
      perSecond(load.entriesInPerSecond),
      curve(
        'Entries in',
        past.map((one) => one.load.entriesInPerSecond),
      ),
    )}
    ${tile(
      'Entries out',
      perSecond(load.entriesOutPerSecond),
      curve(
        'Entries out',
        past.map((one) => one.load.entriesOutPerSecond),
      ),
    )}
    ${tile(
      'Time to acknowledge',
      acknowledgeMs ? html`${showSpan(acknowledgeMs.p50)} <small>half of them</small>` : html`– <small>nothing came in</small>`,
      acknowledgeMs ? html`${showSpan(acknowledgeMs.p99)} all but one in a hundred` : nothing,
    )}
    ${tile('Loop lateness', html`${showSpan(eventLoopMs.mean)}`, html`${showSpan(eventLoopMs.max)} at worst`)}
    ${tile('Memory', html`${showBytes(memory.residentBytes)}`, html`${showBytes(memory.heapBytes)} of it in use by objects`)}
    ${tile('Sockets', html`${showCount(sockets)}`, html`${showCountOf(sessions.total, 'session')}`)}
    ${tile(
      'Waiting for readers',
      html`${showBytes(sessions.queuedBytes)}`,
      curve(
        'Bytes that wait',
        past.map((one) => one.sessions.queuedBytes),
      ),
    )}
    ${tile(
      'Oldest undelivered',
      sessions.oldestMs > 0 ? html`${showSpan(sessions.oldestMs)}` : html`–`,
      html`${showCount(sessions.behind)} entries behind the feeds’ heads`,
    )}
  </dl>`
}

/** The contents of the store, and whether it takes more. */
export function storeView({ writable, compactionWaiting, held }: StoreReport): TemplateResult {
  return html`${
      writable
        ? nothing
        : html`<div class="notice bad" role="alert">
            <div>
              <strong>The store takes no entries.</strong> The relay acknowledges nothing until it does; devices can still read. The disk
              may be full or read-only: make room or repair it, and the relay goes on by itself.
            </div>
          </div>`
    }
    <dl class="tiles">
      ${tile('Writable', writable ? html`Yes` : html`No`)}
      ${
        held
          ? html`${tile('On disk', html`${showBytes(held.diskBytes)}`, html`dead space included`)}
            ${tile('Docs and messages', html`${showCount(held.docs)}`, html`${showCountOf(held.tombstones, 'tombstone')}`)}
            ${tile('Feeds', html`${showCount(held.feeds)}`, html`${showCountOf(held.invitations, 'invitation')}`)}
            ${tile('Updates to merge', html`${showCount(held.tailUpdates)}`, html`${showCount(compactionWaiting)} docs wait their turn`)}
            ${tile('Incarnations', html`${showCount(held.incarnations)}`, html`starts and replacements of this store`)}`
          : tile('Docs waiting to be merged', html`${showCount(compactionWaiting)}`)
      }
    </dl>
    ${held ? html`<p class="soft small">These figures, and the accounts of the orgs, are counted every ten seconds.</p>` : nothing}`
}

function perSecond(rate: number): TemplateResult {
  return html`${showRate(rate)} <small>a second</small>`
}

function tile(name: string, figure: TemplateResult, more: TemplateResult | typeof nothing = nothing): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd class="figure">${figure}</dd>
    ${more === nothing ? nothing : html`<dd class="soft small">${more}</dd>`}
  </div>`
}

/** The last two minutes as a curve, the newest value at the right, scaled to its own highest value. */
function curve(name: string, values: readonly number[]): TemplateResult {
  const highest = Math.max(1, ...values)
  const points = values
    .map((value, index) => `${120 - (values.length - 1 - index) * 2},${(23 - (value / highest) * 22).toFixed(1)}`)
    .join(' ')
  const label = `${name}, last ${values.length * 2} seconds: at most ${showCount(Math.max(0, ...values))}`
  return html`<svg class="curve" viewBox="0 0 120 24" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${svg`<polyline points=${points} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />`}
  </svg>`
}
