import type { Engine, JobError, JobView, Topic, Value } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { downloadText } from '../base/download.js'
import { EntenteElement } from '../base/element.js'
import { KeptFocus } from '../base/kept-focus.js'
import { fieldInput } from '../record/field-input.js'
import { formatAge, formatCount } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { countLine, leftWords, paceWords, recallLine } from './job-words.js'

/** A long export changes many times a second; it is drawn twice. In milliseconds, and in records. */
const [calmMs, manyRecords] = [500, 100]
/** The errors that are shown; the file has all. */
const shownErrors = 20

/**
 * The exports over a connection, on both sides: who asked, the progress at the vendor and of the import, the failures with their reasons. The partner pauses, resumes and
 * cancels an export, corrects what failed and asks for it again; an admin of the vendor recalls what was exported.
 *
 * @tag entente-jobs
 * @fires entente-copies - The person wants to see the own copies of a finished export; detail {object, job}.
 * @fires entente-before-cancel - Cancelable; detail {job}.
 * @fires entente-before-recall - Cancelable; detail {job}.
 * @slot empty - Shown without an export.
 */
export class EntenteJobs extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      .phase {
        display: grid;
        grid-template-columns: minmax(110px, auto) 1fr minmax(64px, auto);
        align-items: center;
        gap: 10px;
      }
      .phase > :last-child {
        text-align: end;
        font-variant-numeric: tabular-nums;
      }
      ul.errors {
        display: grid;
        gap: 6px;
      }
      ul.errors li > div {
        display: grid;
        gap: 6px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    connection: {},
    limit: { type: Number },
    opened: { state: true },
    typed: { state: true },
  }
  declare connection: string | undefined
  /** The number of exports shown, newest first. */
  declare limit: number
  /** The jobs whose errors are shown. */
  declare protected opened: ReadonlySet<string>
  /** What a person typed in place of a refused value, by job, listing and field. */
  declare protected typed: ReadonlyMap<string, Value>
  protected readonly topics: readonly Topic[] = ['site', 'sync', 'records', 'people']

  constructor() {
    super()
    this.addController(new KeptFocus(this))
    this.limit = 5
    this.opened = new Set()
    this.typed = new Map()
  }

  protected view(engine: Engine): TemplateResult {
    const jobs = engine.site.jobs().filter((job) => this.connection === undefined || job.connection === this.connection)
    const shown = jobs.toSorted((a, b) => b.startedAt - a.startedAt).slice(0, this.limit)
    this.paceMs = shown.some(({ done, total }) => !done && total > manyRecords) ? calmMs : 0
    if (shown.length === 0) return html`<slot name="empty"></slot>`
    const offline = engine.sync.status().state !== 'online'
    return html`<div class="stack">${shown.map((job) => this.#job(engine, job, offline))}</div>`
  }

  #job(engine: Engine, job: JobView, offline: boolean): TemplateResult {
    const { total, skipped, failed } = job
    const isOwn = job.side === 'partner'
    const what = `${formatCount(total, this.language)} ${nouns[job.object][total === 1 ? 0 : 1]}`
    const copies = job.done && isOwn ? engine.site.copies(job.id).length : 0
    return html`<section class="card stack" aria-label="Export of ${what}">
      <div class="row spread">
        <strong>Export of ${what}</strong>
        <span class="soft small">${this.#who(engine, job)}, ${formatAge(job.startedAt, Date.now(), this.language)}</span>
      </div>
      ${phase(isOwn ? 'Vendor exports' : 'Exported here', Math.min(total, job.exported + skipped), total, this.language)}
      ${phase(isOwn ? 'Imported here' : 'Partner imports', Math.min(total, job.imported + job.partial + skipped), total, this.language)}
      <div class="row small" role="status">
        ${stateBadge(job, offline)}
        <span class="soft">${countLine(job, this.language)}</span>
        ${job.state === 'running' && job.perSecond > 0 ? html`<span class="soft">${paceWords(job, this.language)}${leftWords(job)}</span>` : nothing}
      </div>
      ${job.waits ? html`<div class="notice warn"><div>${showText(job.waits.message, 300)}</div></div>` : nothing}
      ${this.#controls(engine, job, copies)} ${job.recall ? this.#recalls(engine, job) : nothing}
      ${failed > 0 ? this.#errors(engine, job) : nothing}
    </section>`
  }

  /** Which export a question is about. */
  #which({ total, object, startedAt }: JobView): string {
    return `${formatCount(total, this.language)} ${nouns[object][total === 1 ? 0 : 1]}, ${formatAge(startedAt, Date.now(), this.language)}`
  }

  #who(engine: Engine, { by, connection, side }: JobView): TemplateResult | string {
    const people = side === 'partner' ? engine.people.users() : engine.people.list(connection)
    const name = people.find(({ id }) => id === by)?.name
    return name === undefined ? 'By somebody' : html`By ${showText(name, 80)}`
  }

  #controls(engine: Engine, job: JobView, copies: number): TemplateResult | typeof nothing {
    const button = (name: 'pause' | 'resume', text: string): TemplateResult =>
      html`<button ?disabled=${this.running.has(job.id)} @click=${() => this.act(job.id, () => engine.site[name](job.id))}>${text}</button>`
    const buttons: TemplateResult[] = []
    if (job.side === 'partner' && !job.done) {
      buttons.push(job.state === 'paused' ? button('resume', 'Resume') : button('pause', 'Pause'))
      buttons.push(html`<button ?disabled=${this.running.has(job.id)} @click=${() => this.#cancel(engine, job)}>Cancel</button>`)
    }
    if (copies > 0)
      buttons.push(
        html`<button class="primary" @click=${() => this.tell('entente-copies', { object: job.object, job: job.id })}>
          View the ${copies === 1 ? 'record' : `${formatCount(copies, this.language)} records`}
        </button>`,
      )
    const isOver = isEnded(engine, job)
    const { asked = 0, deleted = 0, kept = 0 } = job.recall ?? {}
    if (job.side === 'vendor' && !isOver && engine.user.role === 'admin' && job.exported > asked + deleted + kept)
      buttons.push(html`<button ?disabled=${this.running.has(job.id)} @click=${() => this.#recall(engine, job)}>Recall</button>`)
    return buttons.length === 0 ? nothing : html`<div class="row">${buttons}</div>`
  }

  #cancel(engine: Engine, job: JobView): void {
    this.act(job.id, async () => {
      const text = 'Nothing more of it is imported, also of what has left the vendor. The copies that were made stay.'
      const agreed = await this.confirmed({ title: `Cancel this export of ${this.#which(job)}?`, text, action: 'Cancel the export' })
      if (agreed && this.tell('entente-before-cancel', { job: job.id }, true)) await engine.site.cancel(job.id)
    })
  }

  #recall(engine: Engine, job: JobView): void {
    this.act(job.id, async () => {
      const text =
        'What the partner has not imported is taken back. What it has imported is deleted there, unless somebody has edited the copy or shared it on. Sharing of what is deleted stops; the sharing rule stays as it is.'
      const agreed = await this.confirmed({ title: `Recall this export of ${this.#which(job)}?`, text, action: 'Recall' })
      if (agreed && this.tell('entente-before-recall', { job: job.id }, true)) await engine.site.recall(job.id)
    })
  }

  #recalls(engine: Engine, job: JobView): TemplateResult {
    const kept = engine.site.recalls(job.id).filter(({ outcome }) => outcome === 'edited' || outcome === 'shared on')
    return html`<div class="notice small">
      <div>
        ${recallLine(job, this.language)}
        ${kept
          .slice(0, shownErrors)
          .map(
            ({ name, outcome }) =>
              html`<div>
                <strong>${showText(name === '' ? 'A record' : name, 120)}</strong> stays:
                ${job.side === 'vendor' ? 'the partner' : 'your org'} has
                ${outcome === 'edited' ? 'edited its copy' : 'shared its copy on'}.
              </div>`,
          )}
        ${kept.length > shownErrors ? html`<div class="soft">and ${kept.length - shownErrors} more</div>` : nothing}
      </div>
    </div>`
  }

  // ---- what failed

  #errors(engine: Engine, job: JobView): TemplateResult {
    const isShown = job.failed <= shownErrors || this.opened.has(job.id)
    const errors = isShown ? engine.site.errors(job.id) : []
    return html`<details ?open=${this.opened.has(job.id)} @toggle=${(event: Event) => this.#turn(job.id, event)}>
        <summary>What went wrong</summary>
        <ul class="errors">
          ${errors.slice(0, shownErrors).map((error, index) => this.#error(engine, job, errors, error, index))}
        </ul>
        ${errors.length > shownErrors ? html`<p class="soft">and ${errors.length - shownErrors} more, in the file</p>` : nothing}
      </details>
      <div class="row">
        ${
          job.side === 'partner' && job.done && !isEnded(engine, job)
            ? html`<button ?disabled=${this.running.has(job.id)} @click=${() => this.act(job.id, () => engine.site.retry(job.id))}>
                Ask again for the ${formatCount(job.failed, this.language)} that failed
              </button>`
            : nothing
        }
        <button class="quiet" @click=${() => downloadText('export-errors.csv', 'text/csv', engine.site.errorFile(job.id))}>
          Save errors as CSV
        </button>
      </div>`
  }

  #turn(job: string, event: Event): void {
    const isOpen = event.target instanceof HTMLDetailsElement && event.target.open
    if (isOpen === this.opened.has(job)) return
    this.opened = new Set(isOpen ? [...this.opened, job] : [...this.opened].filter((other) => other !== job))
  }

  #error(engine: Engine, job: JobView, errors: readonly JobError[], error: JobError, index: number): TemplateResult {
    const value = valueText(error.value)
    return html`<li class="notice bad">
      <div>
        <div>
          <strong>${showText(error.name === '' ? 'A record that is not shared any more' : error.name, 120)}</strong>${
            error.label === '' ? nothing : html` · ${showText(error.label, 80)}${value === '' ? nothing : html`: “${showText(value, 80)}”`}`
          }
        </div>
        <div title="Rule: ${error.rule}">${showText(error.message, 300)} <span class="soft">${showText(error.fix, 300)}</span></div>
        ${error.correct && job.done ? this.#correction(engine, job, errors, error, `correct-${job.id}-${index}`) : nothing}
      </div>
    </li>`
  }

  #correction(engine: Engine, job: JobView, errors: readonly JobError[], error: JobError, id: string): TemplateResult | typeof nothing {
    const { correct, listing } = error
    if (!correct) return nothing
    const key = (of: string): string => `${job.id} ${of} ${correct.name}`
    const chosen = this.typed.get(key(listing)) ?? null
    const type = (value: Value): void => void (this.typed = new Map([...this.typed, [key(listing), value]]))
    const alike = errors.filter(
      (other) => other.correct?.name === correct.name && JSON.stringify(other.value) === JSON.stringify(error.value),
    )
    const retry = (listings: readonly string[]): void =>
      this.act(job.id, () =>
        engine.site.retry(
          job.id,
          Object.fromEntries(listings.map((each) => [each, { ...this.#typedFor(job.id, each, errors), [correct.name]: chosen }])),
        ),
      )
    const isIdle = chosen === null || this.running.has(job.id)
    return html`<div class="row">
      <label for=${id}>${plainText(correct.label, 80)} of the copy</label>
      ${fieldInput({
        field: correct,
        value: chosen,
        id,
        language: this.language,
        currency: engine.settings.read().currency,
        readonly: false,
        invalid: false,
        change: type,
        typing: type,
      })}
      <button ?disabled=${isIdle} @click=${() => retry([listing])}>Retry with this</button>
      ${
        alike.length > 1
          ? html`<button ?disabled=${isIdle} @click=${() => retry(alike.map((other) => other.listing))}>
              Retry all ${formatCount(alike.length, this.language)} with this value
            </button>`
          : nothing
      }
      <span class="soft small">It counts as your edit of the copy.</span>
    </div>`
  }

  /** All that was typed for one listing: each of its errors may need another value. */
  #typedFor(job: string, listing: string, errors: readonly JobError[]): Readonly<Record<string, Value>> {
    const fields = errors.flatMap((error) => (error.listing === listing && error.correct ? error.correct.name : []))
    return Object.fromEntries(
      fields.flatMap((name) => {
        const value = this.typed.get(`${job} ${listing} ${name}`) ?? null
        return value === null ? [] : [[name, value] as const]
      }),
    )
  }
}

/** Whether the connection of an export has ended, so that nothing more can be asked for over it. */
function isEnded(engine: Engine, { connection }: JobView): boolean {
  return engine.connections.get(connection)?.state === 'Disabled'
}

const nouns = { Lead: ['lead', 'leads'], Opportunity: ['opportunity', 'opportunities'] } as const

function stateBadge({ state, failed, partial, cancelled, waits }: JobView, offline: boolean): TemplateResult {
  if (state === 'paused') return html`<span class="badge warn">Paused</span>`
  if (state === 'running')
    return html`<span class="badge accent">${offline ? 'Waiting for the relay' : waits ? 'Waiting' : 'Running'}</span>`
  if (failed > 0) return html`<span class="badge warn">Finished with errors</span>`
  if (cancelled > 0) return html`<span class="badge">Cancelled</span>`
  return html`<span class="badge ${partial > 0 ? 'warn' : 'good'}">Finished</span>`
}

function valueText(value: Value): string {
  return value === null ? '' : typeof value === 'object' ? Object.values(value).map(String).join(' ') : String(value)
}

function phase(name: string, done: number, total: number, language: string): TemplateResult {
  const percent = total === 0 ? 100 : Math.round((done / total) * 100)
  // Announced at quarters only: a screen reader that reads every record reads nothing else.
  const quarter = Math.floor(percent / 25) * 25
  return html`<div class="phase">
    <span>${name}</span>
    <div class="bar" role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${quarter}>
      <span .style=${`width: ${percent}%`}></span>
    </div>
    <span class="soft">${formatCount(done, language)} / ${formatCount(total, language)}</span>
  </div>`
}
