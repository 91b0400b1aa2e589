import type { Engine, SyncView, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { connectionName, inOrder } from '../choice/name.js'
import { EntenteElement } from '../base/element.js'
import { signedFeeds, signedFeedsStyles } from '../signed/signed-feeds.js'
import { type Trouble, troubleBadge, troubleOf } from '../signed/trouble.js'
import { Waits } from '../signed/waits.js'
import { formatAge, formatCount } from '../value/format.js'
import { plainText } from '../value/show-text.js'

/** What `entente-status-change` tells. */
interface StatusChange {
  readonly state: SyncView['state']
  readonly waiting: number
  readonly trouble: Trouble | undefined
}

/**
 * Two states that must not be confused: the connection to the relay, and the place of this device's changes. Offline is a state, not a fault.
 * Beside them a word, if the relay holds something back or something differs from what was signed; with `details`, which connection and which records.
 *
 * @tag entente-status
 * @fires entente-status-change - Detail {state, waiting, trouble}; trouble is "held back", "differs" or undefined.
 * @fires entente-open - A record that differs was chosen; detail {object, id}.
 */
export class EntenteStatus extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    signedFeedsStyles,
    css`
      :host {
        display: inline-block !important;
      }
      .status {
        display: inline-flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 10px;
        font-size: 0.92em;
        font-variant-numeric: tabular-nums;
      }
      .dot {
        width: 9px;
        height: 9px;
        border: 2px solid var(--edge);
        border-radius: 50%;
      }
      .online .dot {
        border-color: var(--good);
        background: var(--good);
      }
      .connecting .dot {
        border-color: var(--warn);
        border-inline-end-color: transparent;
      }
      .refused .dot {
        border-color: var(--bad);
        background: var(--bad);
      }
      .line {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        font-weight: 550;
      }
      .changes {
        min-width: 11ch;
        color: var(--soft);
      }
      .changes.waiting {
        color: var(--warn);
      }
      .switch {
        min-height: 28px;
        padding: 2px 10px;
      }
      .switch[aria-pressed='true'] {
        border-color: var(--warn);
        background: var(--warn-soft);
        color: var(--warn);
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 4px 16px;
        margin-top: var(--gap);
      }
      dt {
        color: var(--soft);
      }
      dd {
        font-variant-numeric: tabular-nums;
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, cuttable: { type: Boolean }, details: { type: Boolean } }
  /** Whether to show the switch that cuts the connection to the relay. */
  declare cuttable: boolean
  /** Whether to show figures and problems below. */
  declare details: boolean
  /** Any save may leave waiting changes. */
  protected readonly topics: readonly Topic[] = ['sync', 'records', 'connections', 'agreements', 'sharing', 'people', 'site', 'mirrors']
  readonly #waits = new Waits()
  protected override readonly showsAge = true
  #drawn: SyncView | undefined
  #told = ''

  constructor() {
    super()
    this.cuttable = false
    this.details = false
  }

  protected override updated(): void {
    // What was drawn: a closed engine has no status any more.
    const status = this.#drawn
    const trouble = status && troubleOf(status.signed)
    const told = `${status?.state} ${status?.waiting} ${trouble}`
    if (!status || told === this.#told) return
    this.#told = told
    const detail: StatusChange = { state: status.state, waiting: status.waiting, trouble }
    this.tell('entente-status-change', detail)
  }

  protected view(engine: Engine): TemplateResult {
    const status = engine.sync.status()
    this.#drawn = status
    this.paceMs = isReading(status) || status.waiting > many ? calmMs : 0
    const flip = (): void => this.act('flip', async () => (status.cut ? engine.sync.mend() : engine.sync.cut()))
    return html`<span class="status ${status.stoodDown ? 'refused' : status.state}">
        <span class="line" role="status"
          ><span class="dot" aria-hidden="true"></span>${lineWords(status)}${troubleBadge(troubleOf(status.signed))}</span
        >
        <span class="changes ${status.waiting > 0 || status.stoodDown ? 'waiting' : ''}"
          >${changeWords(status, this.language, this.#paused(engine))}</span
        >
        ${this.cuttable ? html`<button class="switch" aria-pressed=${status.cut} @click=${flip}>${status.cut ? 'Mend the wire' : 'Cut the wire'}</button>` : nothing}
      </span>
      ${this.details ? this.#details(engine, status) : nothing}`
  }

  /** The other orgs for which a pause keeps edits back. */
  #paused(engine: Engine): readonly string[] {
    return engine.connections.list().flatMap((each) => (each.why?.what === 'paused' ? plainText(connectionName(each), 60) : []))
  }

  #details(engine: Engine, status: SyncView): TemplateResult {
    const { language } = this
    const age = status.lastSynced === undefined ? 'never' : formatAge(status.lastSynced, Date.now(), language)
    const rows: readonly (readonly [string, string])[] = [
      ['Last in sync', age],
      ['Changes that wait', String(status.waiting)],
    ]
    const diagnosis: readonly (readonly [string, string])[] = [
      ['This tab holds the line', status.leader ? 'yes' : status.stoodDown ? 'no' : 'no, another tab does'],
      ['Sent', `${bytes(status.bytesOut, language)} in ${status.framesOut} frames`],
      ['Received', `${bytes(status.bytesIn, language)} in ${status.framesIn} frames, ${status.entriesIn} entries`],
      ['Clock', `${Math.abs(status.clockOffset)} ms ${status.clockOffset < 0 ? 'ahead of' : 'behind'} the relay’s`],
      ...inOrder(engine.connections.list()).flatMap((connection): readonly (readonly [string, string])[] =>
        connection.integrationUser === undefined
          ? []
          : [[`Integration user for ${plainText(connectionName(connection), 80)}`, plainText(connection.integrationUser, 80)]],
      ),
    ]
    return html`${list(rows)}
      ${signedFeeds({
        engine,
        feeds: status.signed,
        waits: this.#waits,
        now: Date.now(),
        language,
        isOffline: status.state !== 'online',
        open: ({ object, id }) => this.tell('entente-open', { object, id }),
      })}
      ${
        status.problems.length === 0
          ? nothing
          : html`<h3>Problems</h3>
              <ul class="stack">
                ${status.problems.slice(0, 20).map(
                  (problem) =>
                    html`<li class="notice warn">
                      <div>${problem.what} <span class="soft">${formatAge(problem.at, Date.now(), language)}</span></div>
                    </li>`,
                )}
              </ul>`
      }
      <details>
        <summary>Diagnosis</summary>
        ${list(diagnosis)}
      </details>`
  }
}

function list(rows: readonly (readonly [string, string])[]): TemplateResult {
  return html`<dl>
    ${rows.map(
      ([name, text]) =>
        html`<dt>${name}</dt>
          <dd>${text}</dd>`,
    )}
  </dl>`
}

function lineWords({ state, cut, reason, stoodDown }: SyncView): string {
  if (stoodDown) return { outdated: 'Reload this page', elsewhere: 'Open twice' }[stoodDown]
  if (cut) return 'Wire cut'
  if (state === 'refused') return `Refused by the relay${reason === undefined ? '' : ` (${reason})`}`
  return { online: 'Online', offline: 'Offline', connecting: 'Connecting' }[state]
}

/** A device that has so many entries before it was ever in sync reads a whole org: it has just joined. */
const many = 100
const calmMs = 250
const isReading = ({ state, lastSynced, entriesIn }: SyncView): boolean =>
  state === 'online' && lastSynced === undefined && entriesIn >= many

/** @param paused the orgs for which edits wait, though all that may leave was sent */
function changeWords(status: SyncView, language: string, paused: readonly string[]): string {
  const { waiting, state, stoodDown, entriesIn } = status
  if (stoodDown === 'outdated') return 'A newer version of the app is open in this browser, so this page saves nothing.'
  if (stoodDown === 'elsewhere') return 'Another page keeps your org in sync. Close one of the two and reload the other.'
  // Before what waits: its acknowledgement comes behind all that is read.
  if (isReading(status)) return `Receiving: ${formatCount(entriesIn, language)} so far`
  if (waiting > 0) return `${waiting} ${waiting === 1 ? 'change waits' : 'changes wait'}`
  if (paused.length > 0) return `Edits for ${paused.length > 1 ? `${paused.length} orgs` : paused[0]} wait for the pause to end`
  if (state === 'online') return 'All changes sent'
  return 'Nothing waits'
}

function bytes(count: number, language: string): string {
  const unit = count < 10_000 ? 'byte' : count < 10_000_000 ? 'kilobyte' : 'megabyte'
  const size = { byte: 1, kilobyte: 1_000, megabyte: 1_000_000 }[unit]
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: 1,
  }).format(count / size)
}
