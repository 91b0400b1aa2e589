import type { Engine, FoundOrg, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { downloadBlob, downloadText } from '../base/download.js'
import { EntenteElement } from '../base/element.js'
import { describeFailure } from '../base/failure.js'
import { showText } from '../value/show-text.js'

/**
 * Says that the org's recovery kit was not saved yet, and leads an admin through saving it: make it, keep file and passphrase apart, and bring both back once, so
 * that it is sure that they open. Then the org's root key leaves this browser. It shows nothing once the kit was saved, unless it is to `manage` the kit: then it lets a person try
 * it, and save a backup. On a restored device it asks whether that is the latest state.
 *
 * @tag entente-recovery
 * @fires entente-backup-made - Detail {name, blob}: a backup is offered as a download. Cancelable, for pages that save it elsewhere.
 * @fires entente-kit-made - Detail {name, file}: the kit's file is offered as a download. Cancelable, for pages that save it elsewhere.
 */
export class EntenteRecovery extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      dialog {
        width: min(620px, calc(100vw - 24px));
        max-height: calc(100vh - 48px);
      }
      .inside {
        display: grid;
        gap: var(--gap);
        padding: 20px;
      }
      .secret {
        padding: 10px 14px;
        border: 1px solid var(--edge);
        border-radius: var(--radius);
        background: var(--sunken);
        font:
          650 1.25em/1.4 ui-monospace,
          monospace;
        letter-spacing: 0.04em;
        user-select: all;
      }
      label {
        display: grid;
        gap: 4px;
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    manage: { type: Boolean },
    kit: { state: true },
    found: { state: true },
    problem: { state: true },
  }
  declare protected kit: { readonly file: string; readonly passphrase: string } | undefined
  /** Whether it stands where a person looks after the kit, and not as a notice. */
  declare manage: boolean
  declare protected found: FoundOrg | undefined
  declare protected problem: string
  protected readonly topics: readonly Topic[] = ['recovery']

  constructor() {
    super()
    this.manage = false
    this.problem = ''
  }

  protected view(engine: Engine): TemplateResult {
    const { kit, savedAt, age } = engine.recovery.status()
    const isAdmin = engine.user.role === 'admin'
    if (age === 'open') return this.#agePart(engine, isAdmin)
    if (kit === 'saved' && !this.manage) return html``
    if (!isAdmin)
      return html`<div class="notice ${kit === 'saved' ? '' : 'warn'}" role="status">
        <div>
          ${kit === 'saved' ? 'Your org’s recovery kit was saved.' : 'Your org’s recovery kit was not saved yet. Ask an admin of your org to save it.'}
        </div>
      </div>`
    return html`${kit === 'saved' ? this.#managing(engine, savedAt) : this.#warning()}
      <dialog aria-labelledby="title" @close=${() => this.#forget()}>
        <div class="inside">
          <div class="row spread">
            <h2 id="title">Recovery kit</h2>
            <button class="quiet" @click=${() => this.#close()}>Close</button>
          </div>
          ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
          ${kit === 'saved' ? nothing : this.kit ? this.#saving(engine, this.kit) : this.#making(engine)}
          ${this.#checking(engine, kit === 'saved')} ${this.found ? this.#shown(this.found) : nothing}
        </div>
      </dialog>`
  }

  #warning(): TemplateResult {
    return html`<div class="notice warn" role="status">
      <div><strong>This org’s root key is only in this browser.</strong> Whoever clears the browser’s data clears the org.</div>
      <button @click=${() => this.#open()}>Save the recovery kit</button>
    </div>`
  }

  #managing(engine: Engine, savedAt: number | undefined): TemplateResult {
    return html`<div class="stack">
      <p>
        The recovery kit was saved on ${savedAt === undefined ? '' : this.#time(savedAt)}. With it your org comes back when all its devices
        are gone.
      </p>
      ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
      <div class="row">
        <button @click=${() => this.#open()}>Try the kit</button>
        <button ?disabled=${this.running.has('backup')} @click=${() => this.#backup(engine)}>
          ${this.running.has('backup') ? 'Sealing it …' : 'Save a backup'}
        </button>
      </div>
      <p class="soft small">A backup is one file with all of your org’s data. Only the recovery kit opens it.</p>
    </div>`
  }

  #agePart(engine: Engine, isAdmin: boolean): TemplateResult {
    return html`<div class="notice warn" role="status">
      <div>
        <strong>Your org was restored, and nothing signed says whether this is its latest state.</strong> Nothing goes to other orgs until
        ${isAdmin ? 'you say that it is' : 'an admin says that it is'}, or another of your devices confirms it. Look at your latest records.
      </div>
      ${isAdmin ? html`<button @click=${() => this.act('age', () => engine.recovery.confirmAge())}>It is the latest</button>` : nothing}
    </div>`
  }

  #shown({ records, connections, people, newestEdit, signedAt }: FoundOrg): TemplateResult {
    const number = new Intl.NumberFormat(this.language)
    const names = people.map(({ name }) => name).filter((name) => name !== '')
    return html`<div class="notice good" role="status">
      <div>
        <strong>The kit works.</strong> It brings back ${number.format(records.Lead)} leads, ${number.format(records.Opportunity)}
        opportunities and ${number.format(connections)}
        connections${names.length === 0 ? '' : html` of ${showText(names.join(', '), 200)}`}.
        ${newestEdit === undefined ? nothing : html`The latest edit is of ${this.#time(newestEdit)}.`}
        ${signedAt === undefined ? 'No device has signed this state yet.' : html`A device of your org signed it on ${this.#time(signedAt)}.`}
      </div>
    </div>`
  }

  #time(at: number): string {
    return new Intl.DateTimeFormat(this.language, { dateStyle: 'medium', timeStyle: 'short' }).format(at)
  }

  #backup(engine: Engine): void {
    this.problem = ''
    this.#do('backup', async () => {
      const blob = new Blob((await engine.recovery.backup()) as Uint8Array<ArrayBuffer>[], { type: 'application/octet-stream' })
      const day = new Date().toISOString().slice(0, 10)
      const name = `entente-${engine.org.id.slice(0, 8)}-${day}.entente-backup`
      if (this.tell('entente-backup-made', { name, blob }, true)) downloadBlob(name, blob)
    })
  }

  #making(engine: Engine): TemplateResult {
    return html`<p>
        The kit is a file and a passphrase. With both, your org can be brought back when all its devices are gone. Whoever has both is your
        org, so keep them outside this browser, and apart.
      </p>
      <div>
        <button
          class="primary"
          ?disabled=${this.running.has('make')}
          @click=${() => this.#do('make', async () => (this.kit = await engine.recovery.makeKit()))}
        >
          ${this.running.has('make') ? 'Making it …' : 'Make the kit'}
        </button>
      </div>`
  }

  #saving(engine: Engine, { file, passphrase }: { readonly file: string; readonly passphrase: string }): TemplateResult {
    return html`<p id="words">1. Write this passphrase down. It is shown now and never again.</p>
      <div class="secret" aria-labelledby="words" role="group">${passphrase}</div>
      <p>2. Save the file somewhere else than the passphrase: on a drive, or in your company’s safe.</p>
      <div><button class="primary" @click=${() => this.#download(engine, file)}>Save the file</button></div>`
  }

  #checking(engine: Engine, isSaved: boolean): TemplateResult {
    return html`<form class="stack" @submit=${(event: SubmitEvent) => this.#check(event, engine)}>
      <p>
        ${
          isSaved
            ? 'Bring both. Your org is read from the relay into a store that is thrown away, and nothing is changed.'
            : `${this.kit ? '3. Bring both back once, so that it is sure that they open.' : 'Have you saved one already? Bring it back here.'} Then the root key leaves this browser.`
        }
      </p>
      <label>File of the kit <input name="file" type="file" required accept=".json,application/json" /></label>
      <label
        >Passphrase <input name="passphrase" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="60"
      /></label>
      <div class="row">
        ${isSaved ? nothing : html`<button ?disabled=${this.running.has('check')}>${this.running.has('check') ? 'Opening it …' : 'Check and finish'}</button>`}
        <button name="try" ?disabled=${this.running.has('try')}>${this.running.has('try') ? 'Reading your org …' : 'Try it'}</button>
      </div>
    </form>`
  }

  #check(event: SubmitEvent, engine: Engine): void {
    event.preventDefault()
    if (!(event.target instanceof HTMLFormElement)) return
    const form = new FormData(event.target)
    const [file, passphrase] = [form.get('file'), form.get('passphrase')]
    if (!(file instanceof File) || typeof passphrase !== 'string') return
    // A kit has some hundred bytes, and a file by mistake may have gigabytes.
    const content = (): Promise<string> => file.slice(0, 32_768).text()
    this.found = undefined
    if (event.submitter?.getAttribute('name') === 'try')
      return this.#do('try', async () => (this.found = await engine.recovery.tryKit(await content(), passphrase)))
    this.#do('check', async () => {
      await engine.recovery.confirmKit(await content(), passphrase)
      this.#close()
    })
  }

  #download(engine: Engine, file: string): void {
    const name = `entente-recovery-kit-${engine.org.id.slice(0, 8)}.json`
    if (this.tell('entente-kit-made', { name, file }, true)) downloadText(name, 'application/json', file)
  }

  /** Runs an action of the dialog, whose failure shows in it. */
  #do(name: string, action: () => Promise<unknown>): void {
    this.problem = ''
    this.act(name, () => action().catch((error: unknown) => void (this.problem = describeFailure(error).message)))
  }

  #open(): void {
    this.renderRoot.querySelector('dialog')?.showModal()
  }

  #close(): void {
    this.renderRoot.querySelector('dialog')?.close()
    this.#forget()
  }

  /** Nothing of the kit stays behind a closed dialog. */
  #forget(): void {
    this.kit = undefined
    this.found = undefined
    this.problem = ''
  }
}
