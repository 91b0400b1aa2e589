import type { Engine, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { downloadText } from '../base/download.js'
import { EntenteElement } from '../base/element.js'
import { describeFailure } from '../base/failure.js'
import { showText } from '../value/show-text.js'

/**
 * Says that the org's recovery kit was not saved yet, and leads an admin through saving it: make it, keep file and passphrase apart, and bring both back once, so
 * that it is sure that they open. Then the org's root key leaves this browser. It shows nothing once the kit was saved.
 *
 * @tag entente-recovery
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
  static override properties = { ...EntenteElement.properties, kit: { state: true }, problem: { state: true } }
  declare protected kit: { readonly file: string; readonly passphrase: string } | undefined
  declare protected problem: string
  protected readonly topics: readonly Topic[] = ['recovery']

  constructor() {
    super()
    this.kit = undefined
    this.problem = ''
  }

  protected view(engine: Engine): TemplateResult {
    if (engine.recovery.status().kit === 'saved') return html``
    if (engine.user.role !== 'admin')
      return html`<div class="notice warn" role="status">
        <div>Your org’s recovery kit was not saved yet. Ask an admin of your org to save it.</div>
      </div>`
    return html`<div class="notice warn" role="status">
        <div><strong>This org’s root key is only in this browser.</strong> Whoever clears the browser’s data clears the org.</div>
        <button @click=${() => this.#open()}>Save the recovery kit</button>
      </div>
      <dialog aria-labelledby="title" @close=${() => this.#forget()}>
        <div class="inside">
          <header class="row spread">
            <h2 id="title">Recovery kit</h2>
            <button class="quiet" @click=${() => this.#close()}>Close</button>
          </header>
          ${this.problem === '' ? nothing : html`<div class="notice bad" role="alert"><div>${showText(this.problem, 400)}</div></div>`}
          ${this.kit ? this.#saving(engine, this.kit) : this.#making(engine)} ${this.#checking(engine)}
        </div>
      </dialog>`
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

  #checking(engine: Engine): TemplateResult {
    return html`<form class="stack" @submit=${(event: SubmitEvent) => this.#check(event, engine)}>
      <p>
        ${this.kit ? '3. Bring both back once, so that it is sure that they open.' : 'Have you saved one already? Bring it back here.'} Then
        the root key leaves this browser.
      </p>
      <label>File of the kit <input name="file" type="file" required accept=".json,application/json" /></label>
      <label
        >Passphrase <input name="passphrase" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="60"
      /></label>
      <div><button ?disabled=${this.running.has('check')}>${this.running.has('check') ? 'Opening it …' : 'Check and finish'}</button></div>
    </form>`
  }

  #check(event: SubmitEvent, engine: Engine): void {
    event.preventDefault()
    if (!(event.target instanceof HTMLFormElement)) return
    const form = new FormData(event.target)
    const [file, passphrase] = [form.get('file'), form.get('passphrase')]
    if (!(file instanceof File) || typeof passphrase !== 'string') return
    this.#do('check', async () => {
      // A kit has some hundred bytes, and a file by mistake may have gigabytes.
      await engine.recovery.confirmKit(await file.slice(0, 32_768).text(), passphrase)
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
    this.problem = ''
  }
}
