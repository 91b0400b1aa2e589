import type { AuditCheck, AuditEntry, AuditKind, ConnectionView, Engine, Topic } from '@entente/engine'
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { downloadText } from '../base/download.js'
import { EntenteElement } from '../base/element.js'
import { connectionName, connectionsWithPeer } from '../choice/name.js'
import { formatCount, formatInstant } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { auditStyles } from './styles.js'
import { auditKinds, whatWords } from './words.js'

const pageSize = 100

/**
 * What was decided over the org's connections, as this device saw it: who, when, with which device and under which version of the agreement. It checks the chain of
 * hashes, and says whether both orgs hold the same messages.
 *
 * @tag entente-audit
 * @fires entente-choice - Another connection was chosen, or all; detail {connection}.
 */
export class EntenteAudit extends EntenteElement {
  static override styles = [EntenteElement.styles, auditStyles]
  static override properties = {
    ...EntenteElement.properties,
    toCsv: { attribute: false },
    connection: {},
    kind: { state: true },
    pages: { state: true },
    check: { state: true },
  }
  /** Writes a table as CSV that starts no formula in a spreadsheet. Without it there is no button for it. */
  declare toCsv: ((columns: readonly string[], rows: readonly (readonly string[])[]) => string) | undefined
  /** The connection whose lines are shown; all by default. */
  declare connection: ConnectionView['id'] | undefined
  declare protected kind: AuditKind | ''
  /** What was loaded. Undefined until the first page is there. */
  declare protected pages: { readonly entries: readonly AuditEntry[]; readonly more: boolean } | undefined
  declare protected check: AuditCheck | undefined
  protected readonly topics: readonly Topic[] = ['connections', 'agreements', 'people', 'sharing', 'site', 'sync']

  constructor() {
    super()
    this.kind = ''
  }

  protected override changed(topics: ReadonlySet<Topic>): void {
    super.changed(topics)
    const { org } = this
    if (org) void this.#load(org)
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!changed.has('connection') || !this.pages || !this.org) return
    this.pages = undefined
    void this.#load(this.org)
  }

  protected view(engine: Engine): TemplateResult {
    const shown = connectionsWithPeer(engine).filter(({ id }) => this.connection === undefined || id === this.connection)
    return html`<div class="stack">
      ${shown.map((connection) => this.#shared(engine, connection))}
      <div class="row spread">
        <div class="row">${this.#choices(engine)}</div>
        <div class="row">
          <button ?disabled=${this.running.has('verify')} @click=${() => this.act('verify', () => this.#verify(engine))}>
            Check the list
          </button>
          ${
            this.toCsv === undefined
              ? nothing
              : html`<button ?disabled=${this.running.has('csv')} @click=${() => this.act('csv', () => this.#save(engine))}>
                  Save as CSV
                </button>`
          }
        </div>
      </div>
      ${this.#checked()} ${this.#table(engine)}
    </div>`
  }

  #shared(engine: Engine, connection: ConnectionView): TemplateResult {
    const { state, upTo } = engine.audit.compare(connection.id)
    const peer = showText(connectionName(connection), 80)
    const when = upTo === undefined ? undefined : formatInstant(upTo, this.language)
    const words = {
      same: html`You and ${peer} hold the same signed messages, up to ${when}.`,
      differs: html`You and ${peer} do not hold the same messages. They were the same ${when === undefined ? 'never' : html`until ${when}`}.
      The page Sync says more.`,
      waiting: html`${when === undefined ? html`Nothing could be compared with ${peer} yet.` : html`You and ${peer} held the same signed messages until ${when}; what came since is not compared yet.`}`,
    }
    return html`<p class="notice ${state === 'differs' ? 'bad' : ''}" role="status"><span>${words[state]}</span></p>`
  }

  #choices(engine: Engine): TemplateResult {
    const choose = ({ target }: Event): void => {
      this.kind = auditKinds.find((kind) => target instanceof HTMLSelectElement && kind === target.value) ?? ''
      this.pages = undefined
      void this.#load(engine)
    }
    return html`<entente-choice
        all="All connections"
        .engine=${engine}
        .density=${this.density}
        .connection=${this.connection}
        @entente-choice=${(event: CustomEvent<{ readonly connection: ConnectionView['id'] | undefined }>) => (this.connection = event.detail.connection)}
      ></entente-choice>
      <select aria-label="What happened" @change=${choose}>
        <option value="">Everything</option>
        ${auditKinds.map((kind) => html`<option value=${kind} .selected=${kind === this.kind}>${kind}</option>`)}
      </select>`
  }

  #checked(): TemplateResult | typeof nothing {
    if (!this.check) return nothing
    const { entries, broken } = this.check
    if (!broken)
      return html`<p class="notice good" role="status">
        <span>All ${formatCount(entries, this.language)} lines are as they were written, and none is missing.</span>
      </p>`
    const what = { changed: 'was changed', missing: 'is missing', added: 'was added behind the end' }[broken.what]
    return html`<p class="notice bad" role="alert">
      <span
        >Line ${formatCount(broken.sequence, this.language)} ${what}. What stands before it is as it was written; do not rely on the
        rest.</span
      >
    </p>`
  }

  #table(engine: Engine): TemplateResult {
    if (!this.pages) return html`<p class="soft" role="status">Reading …</p>`
    const { entries, more } = this.pages
    if (entries.length === 0)
      return html`<div class="empty">
        <h3>Nothing here yet</h3>
        <p>Proposals, consents, grants, exports and ends stand here as soon as there are any.</p>
      </div>`
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Audit">
        <table>
          <thead>
            <tr>
              ${columns.map((name) => html`<th scope="col">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${entries.map(
              (entry) =>
                html`<tr>
                  <td>${entry.sequence}</td>
                  <td>${formatInstant(entry.at, this.language)}</td>
                  <th scope="row">${whatWords(entry)}</th>
                  <td>${showText(this.#who(engine, entry), 80)}</td>
                  <td>${showText(this.#over(engine, entry), 80)}</td>
                  <td>${entry.version ?? ''}</td>
                  <td title=${entry.about ?? nothing}>${showText(this.#about(engine, entry), 200)}</td>
                  <td class="mono" title=${entry.device ?? ''}>${entry.device?.slice(0, 8) ?? ''}</td>
                  <td class="mono" title=${entry.hash}>${entry.hash.slice(0, 8)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${more ? html`<div><button ?disabled=${this.running.has('more')} @click=${() => this.act('more', () => this.#more(engine))}>Show older ones</button></div>` : nothing}`
  }

  #who(engine: Engine, { org, by, connection }: AuditEntry): string {
    const person = by === undefined ? undefined : engine.people.users().find(({ id }) => id === by)?.name
    const peer = by === undefined || connection === undefined ? undefined : this.#peerName(engine, connection, by)
    const name = org === 'own' ? (person ?? engine.org.name) : peer
    return name ?? (connection === undefined ? 'Who has the link' : this.#over(engine, { connection }))
  }

  #peerName(engine: Engine, connection: ConnectionView['id'], person: string): string | undefined {
    return engine.people.list(connection).find(({ id }) => id === person)?.name
  }

  #over(engine: Engine, { connection }: Pick<AuditEntry, 'connection'>): string {
    const view = connection === undefined ? undefined : engine.connections.get(connection)
    return view ? connectionName(view) : ''
  }

  #about(engine: Engine, { kind, about, connection, count }: AuditEntry): string {
    if (about === undefined) return count === undefined ? '' : formatCount(count, this.language)
    if ((kind === 'grant' || kind === 'revocation') && connection !== undefined) return this.#peerName(engine, connection, about) ?? about
    // Beside a number stands the id of a job: in the title, and in the file.
    return count === undefined ? about : formatCount(count, this.language)
  }

  /** As many entries as are shown, from the newest. */
  async #load(engine: Engine): Promise<void> {
    const [connection, kind] = [this.connection, this.kind]
    try {
      const shown = Math.max(pageSize, this.pages?.entries.length ?? 0)
      const pages = await engine.audit.list({ ...this.#query(), limit: Math.min(shown, 1_000) })
      if (connection === this.connection && kind === this.kind) this.pages = pages
    } catch {
      // A closed engine: `render` says so.
    }
  }

  async #more(engine: Engine): Promise<void> {
    const known = this.pages?.entries ?? []
    const last = known.at(-1)
    if (!last) return
    const { entries, more } = await engine.audit.list({ ...this.#query(), after: last.sequence, limit: pageSize })
    this.pages = { entries: [...known, ...entries], more }
  }

  #query(): { readonly connection?: ConnectionView['id']; readonly kind?: AuditKind } {
    const { connection } = this
    return { ...(connection !== undefined && { connection }), ...(this.kind !== '' && { kind: this.kind }) }
  }

  async #verify(engine: Engine): Promise<void> {
    this.check = await engine.audit.verify()
  }

  /** Everything that the choices show, whole, as a file. */
  async #save(engine: Engine): Promise<void> {
    const rows: string[][] = []
    for (let after: number | undefined, more = true; more;) {
      const page = await engine.audit.list({ ...this.#query(), limit: 1_000, ...(after !== undefined && { after }) })
      for (const entry of page.entries)
        rows.push([
          String(entry.sequence),
          new Date(entry.at).toISOString(),
          whatWords(entry),
          this.#who(engine, entry),
          this.#over(engine, entry),
          String(entry.version ?? ''),
          this.#about(engine, entry),
          entry.about ?? '',
          entry.device ?? '',
          entry.hash,
          entry.by ?? '',
          entry.connection ?? '',
          entry.signed ?? '',
          entry.previous,
        ])
      ;({ more } = page)
      after = page.entries.at(-1)?.sequence
    }
    const text = this.toCsv?.(columnsOfFile, rows)
    if (text !== undefined) downloadText('audit.csv', 'text/csv', text)
  }
}

const columns = ['No.', 'When', 'What', 'Who', 'Connection', 'Version', 'About', 'Device', 'Hash']
const columnsOfFile = [...columns.slice(0, 7), 'Id', ...columns.slice(7), 'Person id', 'Connection id', 'Signed message', 'Hash before']
