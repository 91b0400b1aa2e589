import type { ConnectionView, Engine } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import type { Question } from '../base/dialog.js'
import { formatCount } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { connectionName, whyClosed } from '../choice/name.js'

/** What the card of a connection gives its foot. */
export interface EndsOptions {
  readonly engine: Engine
  readonly view: ConnectionView
  readonly isAdmin: boolean
  readonly language: string
  /** Runs what a button is for, once at a time. */
  readonly act: (action: () => Promise<unknown>) => void
  readonly confirmed: (question: Question) => Promise<boolean>
  /** Asks the page whether the connection may be ended. */
  readonly mayEnd: () => boolean
  /** Makes an invitation, as the card for it does. */
  readonly invite: () => Promise<void>
  /** Shows the card of another connection. */
  readonly show: (connection: string) => void
}

/** Why nothing flows over a connection, and the ways to pause, resume, end it and connect again. */
export function connectionEnds(options: EndsOptions): TemplateResult {
  const { engine, view, isAdmin, language, act } = options
  const { id, state, why } = view
  const peer = plainText(connectionName(view), 80)
  const isOwnPause = why?.what === 'paused' && why.by !== 'peer'
  return html`${
      why === undefined || why.what === 'mismatch'
        ? nothing
        : html`<p class="notice warn" role="status"><span>${whyClosed(view, language)} ${next(options, peer)}</span></p>`
    }
    <div class="row">
      ${view.first === undefined ? nothing : html`<button @click=${() => options.show(view.first ?? '')}>Show that connection</button>`}
      ${
        isAdmin && state === 'Enabled'
          ? isOwnPause
            ? html`<button class="primary" @click=${() => act(() => engine.connections.resume(id))}>Resume</button>`
            : html`<button class="quiet" @click=${() => pause(options, peer)}>Pause</button>`
          : nothing
      }
      ${
        isAdmin && (state === 'Enabled' || state === 'Error')
          ? html`<button class="quiet" @click=${() => disconnect(options, peer)}>Disconnect</button>`
          : nothing
      }
      ${
        isAdmin && view.side === 'vendor' && isLast(options)
          ? html`<button @click=${() => act(options.invite)}>Connect again</button>`
          : nothing
      }
    </div>`
}

/** What an admin’s confirmation of the codes means for the records of earlier connections with the same org. */
export function earlierRecords(view: ConnectionView, language: string): TemplateResult | typeof nothing {
  const { earlier } = view
  if (earlier === 0) return nothing
  const records = earlier === 1 ? '1 record' : `${formatCount(earlier, language)} records`
  return html`<p>
    ${records} that you and ${showText(connectionName(view), 80)} shared over an earlier connection ${earlier === 1 ? 'goes' : 'go'} on
    under this one, as soon as both have compared the codes and agreed on fields. Nothing is exported twice. What you stopped stays stopped.
  </p>`
}

/** What to do, beside the reason. */
function next(options: EndsOptions, peer: string): string {
  const { why, side } = options.view
  switch (why?.what) {
    case 'disconnected':
      if (!isLast(options)) return 'Your records stay as they are.'
      return side === 'vendor'
        ? 'Your records and mirrors stay as they are. Connect again to go on with the same records.'
        : `Your records and mirrors stay as they are. Ask ${peer} for a new invitation to go on with the same records.`
    default:
      return ''
  }
}

/** Whether a connection is over and no other one with the same org is there. */
function isLast({ engine, view }: EndsOptions): boolean {
  if (view.why?.what !== 'disconnected' || view.first !== undefined) return false
  return !engine.connections.list().some(({ peer, state }) => peer === view.peer && state === 'Enabled')
}

function pause({ engine, view, act, confirmed }: EndsOptions, peer: string): void {
  void confirmed({
    title: `Pause the connection with ${peer}?`,
    text: `Nothing flows either way until you resume. ${peer} is told. What both edit meanwhile flows then; what you delete or stop is taken back at once.`,
    action: 'Pause',
  }).then((agreed) => {
    if (agreed) act(() => engine.connections.pause(view.id))
  })
}

function disconnect({ engine, view, act, confirmed, mayEnd }: EndsOptions, peer: string): void {
  if (!mayEnd()) return
  void confirmed({
    title: `Disconnect from ${peer}?`,
    text: 'Nothing flows any more. Mirrors stay as they are, marked as frozen. Your records are not touched. If you connect again later, the records that you share now go on.',
    action: 'Disconnect',
  }).then((agreed) => {
    if (agreed) act(() => engine.connections.disconnect(view.id))
  })
}
