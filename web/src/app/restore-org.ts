import { controls, describeFailure, showText, tokens } from '@entente/elements'
import type { Engine, FoundOrg, RestoreDecision } from '@entente/engine'
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'

/** A kit's file and passphrase, as a person brings them, and what decides about what was found. */
export interface BroughtKit {
  readonly file: string
  readonly passphrase: string
  /** A backup of the org, where there is one beside the kit. */
  readonly backup?: Blob
  decide(found: FoundOrg): Promise<RestoreDecision>
  onProgress(entries: number): void
}

/** The person looked at what was found, and does not want it. */
class NotWanted extends Error {}

/**
 * Brings an org back in this browser: it takes the recovery kit, shows what the kit brings back, and asks who is here. It opens nothing itself.
 *
 * @slot else - What the person may do instead, while nothing is under way.
 * @fires org-restored - Detail {engine}
 */
export class RestoreOrg extends LitElement {
  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: block;
      }
      h2:focus {
        outline: none;
      }
      label {
        display: grid;
        gap: 4px;
      }
      label.choice {
        display: flex;
        gap: 8px;
        align-items: start;
        font-weight: inherit;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 4px 14px;
        margin: 0;
      }
      dt {
        color: var(--soft);
      }
      dd {
        margin: 0;
      }
    `,
  ]
  static override properties = {
    restore: { attribute: false },
    found: { state: true },
    entries: { state: true },
    running: { state: true },
    problem: { state: true },
  }
  /** Opens the org that a kit brings back. */
  declare restore: (kit: BroughtKit) => Promise<Engine | undefined>
  declare protected found: FoundOrg | undefined
  declare protected entries: number
  declare protected running: boolean
  declare protected problem: string
  #decide: ((decision: RestoreDecision | undefined) => void) | undefined

  constructor() {
    super()
    this.found = undefined
    this.entries = 0
    this.running = false
    this.problem = ''
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#decide?.(undefined)
  }

  protected override render(): TemplateResult {
    return html`<section class="card stack" aria-labelledby="title">
      <h2 id="title" tabindex="-1">Restore your org</h2>
      ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
      ${this.found ? this.#deciding(this.found) : this.running ? this.#reading() : nothing} ${this.#asking()}
    </section>`
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('input')?.focus()
  }

  /** What the person has pressed is gone with its step, so the keyboard goes on from the card's top. */
  protected override updated(changed: PropertyValues): void {
    if ((changed.has('found') && this.found) || changed.get('running') !== undefined) this.renderRoot.querySelector('h2')?.focus()
  }

  #asking(): TemplateResult {
    return html`<form class="stack" ?hidden=${this.running} @submit=${this.#look}>
      <p class="soft">
        With its recovery kit, a file and a passphrase, your org comes back from the relay. You see what there is before anything changes.
      </p>
      <label>File of the kit <input name="file" type="file" required accept=".json,application/json" /></label>
      <label
        >Passphrase <input name="passphrase" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="60"
      /></label>
      <label>Backup, if you have one <input name="backup" type="file" accept=".entente-backup" /></label>
      <div class="row spread"><button class="primary">See what it brings back</button><slot name="else"></slot></div>
    </form>`
  }

  #reading(): TemplateResult {
    return html`<p role="status">Reading your org from the relay …</p>
      <p class="soft">${new Intl.NumberFormat().format(this.entries)} entries so far.</p>`
  }

  #deciding(found: FoundOrg): TemplateResult {
    const { org, records, connections, people, newestEdit, signedAt, devices } = found
    const admins = people.filter(({ role }) => role === 'admin')
    const number = new Intl.NumberFormat()
    return html`<form class="stack" @submit=${this.#restoreIt}>
      <dl>
        <dt>Org</dt>
        <dd>${showText(org.name, 80)}</dd>
        <dt>Leads</dt>
        <dd>${number.format(records.Lead)}</dd>
        <dt>Opportunities</dt>
        <dd>${number.format(records.Opportunity)}</dd>
        <dt>Connections</dt>
        <dd>${number.format(connections)}</dd>
        <dt>Latest edit</dt>
        <dd>${newestEdit === undefined ? 'none' : time(newestEdit)}</dd>
      </dl>
      ${
        signedAt === undefined
          ? html`<div class="notice warn">
              <div>
                Nothing signed says whether this is the latest state of your org. Nothing goes to other orgs until you have said that it is.
              </div>
            </div>`
          : html`<p class="soft">A device of your org signed just this on ${time(signedAt)}.</p>`
      }
      ${
        admins.length < 2
          ? nothing
          : html`<label
              >You are
              <select name="person">
                ${admins.map(({ id, name }) => html`<option value=${id}>${showText(name === '' ? 'An admin without a name' : name, 80)}</option>`)}
              </select></label
            >`
      }
      <label class="choice"
        ><input name="alone" type="checkbox" /><span
          >Shut out ${devices === 1 ? 'the device' : `the ${number.format(devices)} devices`} that your org had. Choose this if they are
          lost or stolen. Otherwise they stay.</span
        ></label
      >
      <div class="row">
        <button class="primary">Restore</button>
        <button type="button" @click=${() => this.#decide?.(undefined)}>Not now</button>
      </div>
    </form>`
  }

  readonly #look = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const brought = new FormData(form)
    const [file, passphrase, backup] = [brought.get('file'), brought.get('passphrase'), brought.get('backup')]
    if (!(file instanceof File) || typeof passphrase !== 'string') return
    this.running = true
    this.problem = ''
    this.entries = 0
    const decide = (found: FoundOrg): Promise<RestoreDecision> => {
      this.found = found
      return new Promise((resolve, reject) => {
        this.#decide = (decision) => (decision ? resolve(decision) : reject(new NotWanted()))
      })
    }
    // A kit has some hundred bytes, and a file by mistake may have gigabytes.
    file
      .slice(0, 32_768)
      .text()
      .then((text) =>
        this.restore({
          file: text,
          passphrase,
          decide,
          onProgress: (entries) => (this.entries = entries),
          ...(backup instanceof File && backup.size > 0 && { backup }),
        }),
      )
      .then((engine) => engine && this.dispatchEvent(new CustomEvent('org-restored', { detail: { engine } })))
      .catch((error: unknown) => {
        if (!isNotWanted(error)) this.problem = describeFailure(error).message
        // What was typed stays for another try, unless nothing is to be tried.
        else form.reset()
      })
      .finally(() => {
        this.running = false
        this.found = undefined
        this.#decide = undefined
      })
  }

  readonly #restoreIt = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    const person = form.get('person')
    this.#decide?.({ alone: form.get('alone') === 'on', ...(typeof person === 'string' && { person }) })
    this.found = undefined
  }
}

function isNotWanted(error: unknown): boolean {
  return error instanceof Error && (error instanceof NotWanted || error.cause instanceof NotWanted)
}

const time = (at: number): string => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(at)

customElements.define('restore-org', RestoreOrg)
