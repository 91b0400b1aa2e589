import type { Engine, MirrorField, MirrorView, ObjectName, Topic, Value } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { path, pathFields, pathStyles } from '../record/path.js'
import { isCancelled, readerOf, shareText, whyText } from '../share/share-words.js'
import { signedLine } from '../signed/signed-line.js'
import { troubleOf } from '../signed/trouble.js'
import { Waits } from '../signed/waits.js'
import { formatAge, formatInstant } from '../value/format.js'
import { inOrderOfPeers } from '../choice/name.js'
import { plainText, showText } from '../value/show-text.js'
import { showValue } from '../value/show-value.js'

/**
 * "Connected External Lead / Opportunity": the values of the connected orgs' records beside those of this org's record, each with a line that says as of when
 * the other org signed it. The list is read only: it has no control that could edit, and the engine offers no way to.
 *
 * @tag entente-external
 * @slot empty - Shown without a mirror.
 */
export class EntenteExternal extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    pathStyles,
    css`
      .mirror {
        display: grid;
        gap: var(--gap);
        border-inline-start: 3px solid var(--theirs);
      }
      .mirror.frozen {
        border-inline-start-style: dashed;
      }
      td.theirs {
        color: var(--text);
        font-weight: 550;
      }
      tr.differs td.theirs {
        background: var(--theirs-soft);
      }
      .state {
        color: var(--soft);
        font-style: italic;
        font-weight: 400;
      }
      td.when {
        white-space: nowrap;
      }
      @keyframes arrive {
        from {
          background: color-mix(in srgb, var(--theirs) 45%, transparent);
        }
      }
      tr.fresh td {
        animation: arrive 2.4s ease-out;
      }
      @media (prefers-reduced-motion: reduce) {
        tr.fresh td {
          animation: none;
        }
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, object: {}, record: {}, fields: { attribute: false } }
  declare object: ObjectName
  declare record: string | undefined
  /** API names of the own fields whose counterparts are shown, in their order; those that the org's admins chose by default. */
  declare fields: readonly string[] | undefined
  protected readonly topics: readonly Topic[] = ['mirrors', 'records', 'connections', 'agreements', 'sync']
  readonly #waits = new Waits()
  protected override readonly showsAge = true
  #openedAt = Date.now()

  constructor() {
    super()
    this.object = 'Opportunity'
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#openedAt = Date.now()
  }

  protected view(engine: Engine): TemplateResult {
    const { object, record } = this
    if (!Object.hasOwn(pathFields, object))
      return missing(html`The object is “${showText(object, 60)}”. Only Lead and Opportunity have mirrors.`)
    if (!record) return missing(html`No record is named: entente-external needs the id of a record.`)
    const mirrors = inOrderOfPeers(engine.mirrors.of(object, record))
    if (mirrors.length === 0) return html`<slot name="empty">${this.#none(engine, record)}</slot>`
    return html`<div class="stack">${mirrors.map((mirror) => this.#mirror(engine, mirror))}</div>`
  }

  /** A record that is not there must not look like one that nobody shares. */
  #none(engine: Engine, record: string): TemplateResult {
    if (!engine.records.get(this.object, record))
      return missing(
        html`${showText(engine.org.name, 80)} has no ${this.object} “${showText(record, 60)}”. It was deleted, or the id is another org’s.`,
      )
    const shares = inOrderOfPeers(engine.records.shares(this.object, record))
    if (shares.length === 0)
      return html`<p class="soft">
        No connected org follows this record. Once it is exported over a connection, the other org’s view of it stands here.
      </p>`
    const reader = readerOf(engine, this.language)
    return html`${shares.map(
      (share) =>
        html`<p class="soft">
          ${
            share.state === 'current' || share.state === 'sending'
              ? html`${showText(share.peerName, 80)} has a copy, and has not edited an agreed field of it yet. Its view appears here with
                its first edit.`
              : html`${shareText(share, reader)}${share.state === 'failed' && !isCancelled(share) ? ' Its page in the workspace says why.' : ''}`
          }
        </p>`,
    )}`
  }

  #mirror(engine: Engine, mirror: MirrorView): TemplateResult {
    const own = this.record === undefined ? undefined : engine.records.get(this.object, this.record)?.values
    const fields = this.#shown(engine, mirror)
    const stage = fields.find((field) => field.name === pathFields[this.object] && field.state === 'value')
    const lines = fields.filter((field) => field.state !== 'not shared')
    // That the record was deleted is said once, and not of each field.
    const rest = mirror.why?.what === 'deleted' ? [] : fields.filter((field) => field.state === 'not shared')
    const name = this.object === 'Lead' ? 'Connected External Lead' : 'Connected External Opportunity'
    return html`<section class="card mirror ${mirror.state}" aria-label="${name} of ${plainText(mirror.peerName, 80)}">
      <div class="row spread">
        <h3>${name} <span class="soft">at</span> ${showText(mirror.peerName, 80)}</h3>
        <span class="row"><span class="badge theirs">Read only</span>${this.#age(engine, mirror)}</span>
      </div>
      ${mirror.why ? html`<p class="soft">${whyText(mirror.why, mirror.peerName, this.language, Date.now())}${lines.length > 0 ? ' These are the last values.' : ''}</p>` : nothing}
      ${this.#signed(engine, mirror)} ${stage ? path(stage.field, stage.value, undefined, 'theirs') : nothing}
      ${
        lines.length + rest.length === 0
          ? nothing
          : html`<div class="scroll" role="group" tabindex="0" aria-label="Values">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Field</th>
                    <th scope="col">Theirs</th>
                    <th scope="col">Ours</th>
                    <th scope="col">Changed</th>
                  </tr>
                </thead>
                <tbody>
                  ${lines.map((field) => this.#line(field, own))} ${this.#notShared(rest)}
                </tbody>
              </table>
            </div>`
      }
    </section>`
  }

  #signed(engine: Engine, mirror: MirrorView): TemplateResult | typeof nothing {
    const now = Date.now()
    const { state, signed } = engine.sync.status()
    const feed = signed.find(
      ({ connection, whose, topic }) => connection === mirror.connection && whose === 'peer' && topic === mirror.object.toLowerCase(),
    )
    return signedLine(mirror, {
      now,
      language: this.language,
      isLongWait: this.#waits.isLong(mirror.id, mirror.signed, now),
      isOffline: state !== 'online',
      isConnected: engine.connections.get(mirror.connection)?.state === 'Enabled',
      isSearching: feed?.state === 'differs' && feed.records.length === 0,
    })
  }

  #line(field: MirrorField, values: Readonly<Record<string, Value>> | undefined): TemplateResult {
    const { language } = this
    const { own, differs } = field
    const fresh = (field.changedAt ?? 0) > this.#openedAt
    return html`<tr class="${differs ? 'differs' : ''} ${fresh ? 'fresh' : ''}">
      <th scope="row">${showText(field.label, 80)}</th>
      <td class="theirs">${theirs(field, language)}</td>
      <td class="soft">${showValue(own, values?.[own.name], language, 160)}</td>
      <td class="soft when">
        ${field.changedAt === undefined ? '' : html`<time title=${formatInstant(field.changedAt, language)}>${formatAge(field.changedAt, Date.now(), language)}</time>`}
      </td>
    </tr>`
  }

  /** The fields that are to be seen, in their order. */
  #shown(engine: Engine, { fields }: MirrorView): readonly MirrorField[] {
    const names = this.fields ?? engine.settings.read().pages[this.object].mirrorFields
    return names ? names.flatMap((name) => fields.find(({ own }) => own.name === name) ?? []) : fields
  }

  /** One line for all fields that are not shared, so that none of them looks like an empty value. */
  #notShared(fields: readonly MirrorField[]): TemplateResult | typeof nothing {
    const labels = fields.map((field) => field.label)
    if (labels.length === 0) return nothing
    return html`<tr>
      <th scope="row" class="soft">${showText(labels.join(', '), 400)}</th>
      <td colspan="3"><span class="state">not shared now</span></td>
    </tr>`
  }

  #age(engine: Engine, mirror: MirrorView): TemplateResult {
    const age = mirror.changedAt === undefined ? undefined : formatAge(mirror.changedAt, Date.now(), this.language)
    if (mirror.state === 'frozen') return html`<span class="badge">Frozen${age === undefined ? '' : `, last heard ${age}`}</span>`
    if (mirror.state === 'waiting') return html`<span class="badge">Waiting for the first word</span>`
    const { state, lastSynced } = engine.sync.status()
    if (!navigator.onLine || state !== 'online') {
      // A page that was opened without a line has heard nothing yet, and shows what the other org last signed.
      const since = lastSynced ?? mirror.signed.signedAt ?? mirror.changedAt
      const heard = since === undefined ? '' : `, as of ${formatAge(since, Date.now(), this.language)}`
      return html`<span class="badge">Offline${heard}</span>`
    }
    const isWhole = troubleOf([mirror.signed]) === undefined
    return html`<span class="badge ${isWhole ? 'good' : ''}">${age === undefined ? 'Live' : `Live, changed ${age}`}</span>`
  }
}

function missing(what: TemplateResult): TemplateResult {
  return html`<div class="notice warn" role="note"><div>${what}</div></div>`
}

/** The text of a field that is not shared or not readable; a blank would look like a value. */
function theirs(field: MirrorField, language: string): TemplateResult {
  if (field.state === 'unreadable')
    return html`<span
      class="badge bad"
      title="The value does not open, or is not of the agreed type. The last good one is kept by its owner."
      >unreadable</span
    >`
  return showValue(field.field, field.value, language, 300)
}
