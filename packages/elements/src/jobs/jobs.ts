import type { Engine, JobView, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { formatAge, formatCount } from '../value/format.js'
import { showText } from '../value/show-text.js'

/**
 * The exports that this org requested: the progress at the vendor and of the own import, the failures with their reasons, and the button to request them again.
 *
 * @tag entente-jobs
 * @fires entente-copies - The person wants to see the own copies of a finished export; detail {object, job}.
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
        padding-inline-start: 0;
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, connection: {}, limit: { type: Number } }
  declare connection: string | undefined
  /** The number of exports shown, newest first. */
  declare limit: number
  protected readonly topics: readonly Topic[] = ['site', 'sync', 'records']

  constructor() {
    super()
    this.connection = undefined
    this.limit = 5
  }

  protected view(engine: Engine): TemplateResult {
    const jobs = engine.site
      .jobs()
      .filter((job) => this.connection === undefined || job.connection === this.connection)
      .toSorted((a, b) => b.startedAt - a.startedAt)
    if (jobs.length === 0) return html`<slot name="empty"></slot>`
    const offline = engine.sync.status().state !== 'online'
    return html`<div class="stack">${jobs.slice(0, this.limit).map((job) => this.#job(engine, job, offline))}</div>`
  }

  #job(engine: Engine, job: JobView, offline: boolean): TemplateResult {
    const answered = Math.min(job.total, job.exported + job.skipped + job.failed)
    const settled = Math.min(job.total, job.imported + job.skipped + job.failed)
    const what = `${formatCount(job.total, this.language)} ${nouns[job.object][job.total === 1 ? 0 : 1]}`
    const copies = job.done ? engine.site.copies(job.id).length : 0
    return html`<section class="card stack" aria-label="Export of ${what}">
      <div class="row spread">
        <strong>Export of ${what}</strong>
        <span class="soft small">${formatAge(job.startedAt, Date.now(), this.language)}</span>
      </div>
      ${phase('Vendor exports', answered, job.total)} ${phase('Imported here', settled, job.total)}
      <div class="row small" role="status">
        ${job.done ? html`<span class="badge ${job.failed > 0 ? 'warn' : 'good'}">${job.failed > 0 ? 'Finished with errors' : 'Finished'}</span>` : html`<span class="badge accent">${offline ? 'Waiting for the relay' : 'Running'}</span>`}
        ${job.skipped > 0 ? html`<span class="soft">${job.skipped} already exported</span>` : nothing}
        ${job.failed > 0 ? html`<span class="soft">${job.failed} failed</span>` : nothing}
      </div>
      ${
        copies > 0
          ? html`<div>
              <button class="primary" @click=${() => this.tell('entente-copies', { object: job.object, job: job.id })}>
                View the ${copies === 1 ? 'record' : `${formatCount(copies, this.language)} records`}
              </button>
            </div>`
          : nothing
      }
      ${job.errors.length > 0 ? this.#errors(job) : nothing}
    </section>`
  }

  #errors(job: JobView): TemplateResult {
    return html`<details>
        <summary>What went wrong</summary>
        <ul class="errors">
          ${job.errors.slice(0, 20).map(
            (error) =>
              html`<li class="notice bad">
                <div>
                  ${error.field === '' ? nothing : html`<strong>${showText(error.field, 80)}</strong>: `}${showText(error.message, 300)}
                  <span class="soft">${showText(error.fix, 300)}</span>
                </div>
              </li>`,
          )}
        </ul>
        ${job.errors.length > 20 ? html`<p class="soft">and ${job.errors.length - 20} more</p>` : nothing}
      </details>
      ${
        job.done && job.failed > 0
          ? html`<div>
              <button ?disabled=${this.running.has(job.id)} @click=${() => this.act(job.id, () => this.#retry(job.id))}>
                Ask again for the ${job.failed} that failed
              </button>
            </div>`
          : nothing
      }`
  }

  async #retry(job: string): Promise<void> {
    await this.org?.site.retry(job)
  }
}

const nouns = { Lead: ['lead', 'leads'], Opportunity: ['opportunity', 'opportunities'] } as const

function phase(name: string, done: number, total: number): TemplateResult {
  const percent = total === 0 ? 100 : Math.round((done / total) * 100)
  // Announced at quarters only: a screen reader that reads every record reads nothing else.
  const quarter = Math.floor(percent / 25) * 25
  return html`<div class="phase">
    <span>${name}</span>
    <div class="bar" role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${quarter}>
      <span .style=${`width: ${percent}%`}></span>
    </div>
    <span class="soft">${done} / ${total}</span>
  </div>`
}
