import type { ConnectionView, Engine, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { typed } from '../base/typed.js'
import { troubleBadge, troubleOf } from '../signed/trouble.js'
import { whyText } from '../share/share-words.js'
import { formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { codeBox, linkBox } from './code-box.js'
import { connectionEnds, earlierRecords } from './ends.js'
import { connectionName, inOrder } from '../choice/name.js'
import { markName, nameForm } from './name-form.js'
import { connectStyles } from './styles.js'

/**
 * The org's connections: invite as vendor, accept as partner, compare the codes, and end. Only the person who made an invitation sees its secret.
 *
 * @tag entente-connect
 * @fires entente-invited - Detail {id}.
 * @fires entente-accepted - Detail {id}.
 * @fires entente-declined - The person does not want the link of `link`: forget it.
 * @fires entente-before-disconnect - Cancelable; detail {id}.
 * @slot intro - Replaces the text shown without a connection.
 */
export class EntenteConnect extends EntenteElement {
  static override styles = [EntenteElement.styles, connectStyles]
  static override properties = {
    ...EntenteElement.properties,
    base: {},
    offer: {},
    link: { attribute: false },
    copied: { state: true },
    differs: { state: true },
    naming: { state: true },
  }
  /** Address of the page that accepts invitations. The link's secret goes into its fragment. */
  declare base: string
  /** The ways to connect that the element offers: invite, accept, or both. */
  declare offer: 'both' | 'invite' | 'accept'
  /** An invitation link to accept, from the page's address. It holds a secret. */
  declare link: string
  declare protected copied: string
  declare protected differs: string
  /** The connection whose name is being typed. */
  declare protected naming: string
  protected readonly topics: readonly Topic[] = ['connections', 'agreements', 'sync']

  constructor() {
    super()
    this.base = ''
    this.offer = 'both'
    this.link = ''
    this.copied = ''
    this.differs = ''
    this.naming = ''
  }

  protected view(engine: Engine): TemplateResult {
    const connections = inOrder(engine.connections.list())
    const isAdmin = engine.user.role === 'admin'
    return html`<div class="stack">
      ${
        connections.length === 0
          ? html`<slot name="intro"
              ><div class="card">
                <h3>No connection yet</h3>
                <p class="soft">
                  A vendor invites a partner by a link. Both orgs keep their own records; only what both agree on travels, sealed from end
                  to end.
                </p>
              </div></slot
            >`
          : nothing
      }
      ${connections.map((connection) => this.#connection(engine, connection, isAdmin))}
      ${isAdmin ? this.#offers(engine) : html`<p class="soft">Only admins make and accept connections.</p>`}
    </div>`
  }

  #offers(engine: Engine): TemplateResult {
    return html`<div class="offers">
      ${
        this.offer === 'accept'
          ? nothing
          : html`<section class="card stack">
              <h3>Invite a partner</h3>
              <p class="soft">Makes a link that works once, for 72 hours. Send it to the partner’s admin by a way you trust.</p>
              <div>
                <button
                  class="primary"
                  ?disabled=${this.running.has('invite')}
                  @click=${() => this.act('invite', () => this.#invite(engine))}
                >
                  Make an invitation
                </button>
              </div>
            </section>`
      }
      ${
        this.offer === 'invite'
          ? nothing
          : html`<section class="card">
              <form class="stack" @submit=${(event: Event) => this.#accept(event, engine)}>
                <h3>Accept an invitation</h3>
                <p class="soft"><label for="link">The link that the vendor’s admin sent you</label></p>
                <div class="row paste">
                  <input
                    id="link"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="https://…#invite=…"
                    .value=${this.link}
                    @input=${(event: Event) => (this.link = typed(event))}
                  />
                  <button class="primary" ?disabled=${this.link.trim() === '' || this.running.has('accept')}>Accept</button>
                </div>
                ${this.#inviter(engine)}
              </form>
            </section>`
      }
    </div>`
  }

  /** Who the link says it is from, before anything is accepted. */
  #inviter(engine: Engine): TemplateResult | typeof nothing {
    if (this.link.trim() === '') return nothing
    const read = (): { readonly vendorName: string | undefined } | undefined => {
      try {
        return engine.connections.read(this.link)
      } catch {
        return undefined
      }
    }
    const found = read()
    if (!found) return html`<p class="soft" role="status">This is not a whole invitation link.</p>`
    return html`<p role="status">
        ${found.vendorName === undefined ? 'Its sender gives no name.' : html`It says it is from <strong>${showText(found.vendorName, 80)}</strong>.`}
        Nobody has proven that yet: accept only a link that you expected. Then both compare a code by phone.
      </p>
      <div>
        <button type="button" class="quiet" @click=${() => this.#decline()}>Not now, forget this link</button>
      </div>`
  }

  #decline(): void {
    this.link = ''
    this.tell('entente-declined', {})
  }

  #connection(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    const title = connectionName(view)
    const trouble = troubleOf(engine.sync.status().signed.filter(({ connection }) => connection === view.id))
    return html`<section class="card stack" id="connection-${view.id}" tabindex="-1" aria-label="Connection with ${plainText(title, 100)}">
      <div class="row spread">
        <h3>${showText(title, 100)} <span class="soft small">${relation(view)}</span></h3>
        <span class="row">${stateBadge(view)}${verifiedBadge(view)}${troubleBadge(trouble)}</span>
      </div>
      ${view.problem === undefined || (view.why?.what === 'disconnected' && view.first === undefined) ? nothing : html`<div class="notice ${view.state === 'Error' ? 'bad' : 'warn'}" role="status"><div>${showText(view.problem, 400)}</div></div>`}
      ${view.code === undefined && view.state === 'Pending' ? (view.side === 'vendor' ? this.#invitation(engine, view, isAdmin) : this.#accepted(engine, view, isAdmin)) : nothing}
      ${view.code !== undefined && view.verified === 'no' && isAdmin ? this.#codes(engine, view, view.code) : nothing}
      ${view.verified === 'mismatch' && view.state === 'Error' ? this.#mismatch(engine, view, isAdmin) : nothing}
      ${view.state === 'Enabled' ? this.#enabled(engine, view) : nothing}
      ${view.code === undefined ? nothing : this.#ends(engine, view, isAdmin)} ${isAdmin ? this.#ownName(engine, view) : nothing}
    </section>`
  }

  /** What an admin did with an invitation: the vendor's has answered, or nobody has yet. */
  #accepted(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    return html`<p>
        You have accepted. The connection goes on by itself as soon as the vendor is online too; you may close this page. If the vendor does
        not answer within 72 hours, the invitation is over, and this card says so.
      </p>
      ${isAdmin ? html`<div>${this.#cancel(engine, view)}</div>` : nothing}`
  }

  #cancel(engine: Engine, view: ConnectionView): TemplateResult {
    return html`<button
      class="quiet"
      ?disabled=${this.running.has(view.id)}
      @click=${() => this.act(view.id, () => engine.connections.cancelInvitation(view.id))}
    >
      Cancel it
    </button>`
  }

  /** Whose word it is that the codes differ, and what can be done. */
  #mismatch(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    const said = view.why === undefined ? nothing : whyText(view.why, plainText(connectionName(view), 80), this.language, Date.now())
    if (view.mismatchBy === 'peer')
      return html`<p>
        ${said} If that was a slip, its admin takes it back on its own screen by “Compare again”. If the codes do differ, do not trust this
        connection: ${isAdmin ? 'disconnect, and connect again with a new invitation.' : 'ask an admin of your org.'}
      </p>`
    return html`<p>
        ${said} ${isAdmin ? 'If that was a slip, both compare once more, from the start.' : 'An admin of your org may take it back.'} If the
        codes do differ, do not trust this connection${isAdmin ? ': disconnect, and connect again with a new invitation' : ''}.
      </p>
      ${
        isAdmin
          ? html`<div>
              <button
                ?disabled=${this.running.has(view.id)}
                @click=${() => this.act(view.id, () => engine.connections.compareAgain(view.id))}
              >
                Compare again
              </button>
            </div>`
          : nothing
      }`
  }

  /** A name of the own org's, and the way out of the list for what has ended. */
  #ownName(engine: Engine, view: ConnectionView): TemplateResult {
    const isDead = view.state === 'Disabled' || (view.state === 'Error' && view.code === undefined)
    if (this.naming === view.id)
      return nameForm(
        'Your name for it',
        view.label ?? view.peerName ?? '',
        false,
        (name) => this.act(view.id, () => engine.connections.rename(view.id, name).then(() => (this.naming = ''))),
        () => (this.naming = ''),
      )
    return html`<div class="row">
      <button class="quiet" @click=${() => this.#name(view.id)}>Rename</button>
      ${
        isDead
          ? html`<button
              class="quiet"
              ?disabled=${this.running.has(view.id)}
              @click=${() => this.act(view.id, () => engine.connections.remove(view.id))}
            >
              Remove from the list
            </button>`
          : nothing
      }
    </div>`
  }

  #name(id: string): void {
    this.naming = id
    void this.updateComplete.then(() => markName(this.renderRoot))
  }

  #invitation(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    const { invitation } = view
    if (!invitation) return html``
    if (invitation.state === 'claimed')
      return html`<p>
          The partner has opened the invitation. The connection goes on by itself as soon as both are online; if it does not by
          ${formatInstant(invitation.expires, this.language)}, the invitation is over, and you make a new one.
        </p>
        ${isAdmin ? html`<div>${this.#cancel(engine, view)}</div>` : nothing}`
    const copy = async (): Promise<void> => {
      await navigator.clipboard.writeText(invitation.link)
      this.copied = view.id
    }
    return html`<div class="stack">
      <p>Send this link to the partner’s admin. Anyone who has it can accept: treat it like a key.</p>
      ${linkBox('Invitation link', invitation.link, this.copied === view.id, () => this.act('copy', copy), isAdmin ? this.#cancel(engine, view) : nothing)}
      <p class="soft small">
        Works once, until ${formatInstant(invitation.expires, this.language)}. Waiting for the partner. Cancel it if the link went to the
        wrong person.
      </p>
    </div>`
  }

  #codes(engine: Engine, view: ConnectionView, code: string): TemplateResult {
    const compare = (same: boolean): void =>
      this.act('codes', () => engine.connections.compareCodes(view.id, same).then(() => (this.differs = '')))
    return html`<div class="compare stack">
      <p>
        ${view.comparedAgain > 0 ? 'That the codes differ was taken back, so both begin once more. ' : nothing}<strong
          >Compare this code with ${showText(connectionName(view), 80)}</strong
        >, by phone or face to face: that is what proves who they are. Both screens must show the same twelve digits. Until you both say so,
        no value leaves either org.
      </p>
      ${earlierRecords(view, this.language)}
      ${codeBox({
        code,
        differs: this.differs === view.id,
        warning:
          'Different codes mean that somebody stands between you. This blocks the connection on both sides. Only your org can take it back.',
        end: 'Block it',
        isRunning: this.running.has('codes'),
        ask: (differs) => (this.differs = differs ? view.id : ''),
        answer: compare,
      })}
    </div>`
  }

  #enabled(engine: Engine, view: ConnectionView): TemplateResult {
    const agreement = engine.agreements.get(view.id)
    return html`<div class="row spread">
      <p class="soft small">
        Agreement:
        ${agreement?.effective ? `version ${agreement.effective.version} in force` : agreement?.state === 'proposed' ? 'proposed' : 'none yet'}.
      </p>
    </div>`
  }

  #ends(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    return connectionEnds({
      engine,
      view,
      isAdmin,
      language: this.language,
      act: (action) => this.act(view.id, action),
      confirmed: (question) => this.confirmed(question),
      mayEnd: () => this.tell('entente-before-disconnect', { id: view.id }, true),
      invite: () => this.#invite(engine),
      show: (connection) => this.renderRoot.querySelector<HTMLElement>(`#connection-${connection}`)?.focus(),
    })
  }

  async #invite(engine: Engine): Promise<void> {
    const { id } = await engine.connections.invite(this.base || location.href.split('#')[0] || '')
    this.tell('entente-invited', { id })
  }

  #accept(event: Event, engine: Engine): void {
    event.preventDefault()
    const link = this.link.trim()
    this.act('accept', async () => {
      const { id } = await engine.connections.accept(link)
      this.link = ''
      this.tell('entente-accepted', { id })
    })
  }
}

function stateBadge({ state, code, why }: ConnectionView): TemplateResult {
  if (why?.what === 'paused') return html`<span class="badge warn">Paused</span>`
  const tone = { Enabled: 'good', Pending: 'accent', Disabled: '', Error: 'bad', Unknown: 'warn' }[state]
  const word = state === 'Pending' && code === undefined ? 'Waiting for the other org' : state
  return html`<span class="badge ${tone}">${word}</span>`
}

/** Who the other org is, and whether that is known: its name is its own word until the codes are compared. */
function relation({ side, verified, label, peerName, code }: ConnectionView): TemplateResult | string {
  const role = side === 'vendor' ? 'partner' : 'vendor'
  if (peerName === undefined) return ''
  const claims = label === undefined ? 'the name that it gives itself' : html`it says it is ${showText(peerName, 80)}`
  if (verified === 'yes') return label === undefined ? `is your ${role}` : html`is your ${role} ${showText(peerName, 80)}`
  return html`${code === undefined && side === 'partner' ? 'is inviting you' : `as your ${role}`}: ${claims}, not proven yet`
}

/** Who has compared the codes, and who is still to. */
function verifiedBadge(view: ConnectionView): TemplateResult | typeof nothing {
  const { verified, peerVerified, code, state } = view
  if (state === 'Disabled') return nothing
  const peer = showText(connectionName(view), 60)
  if (verified === 'yes' && peerVerified) return html`<span class="badge good">Codes compared</span>`
  if (verified === 'yes') return html`<span class="badge warn">${peer} is still to compare the codes</span>`
  if (verified === 'mismatch') return html`<span class="badge bad">Codes differ</span>`
  if (code === undefined) return nothing
  return peerVerified
    ? html`<span class="badge warn">${peer} has compared the codes; you are still to</span>`
    : html`<span class="badge warn">Both are still to compare the codes</span>`
}
