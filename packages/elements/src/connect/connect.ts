import type { ConnectionView, Engine, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { troubleBadge, troubleOf } from '../signed/trouble.js'
import { formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { connectionEnds, earlierRecords } from './ends.js'
import { connectStyles } from './styles.js'

/**
 * The org's connections: invite as vendor, accept as partner, compare the codes, and end. Only the person who made an invitation sees its secret.
 *
 * @tag entente-connect
 * @fires entente-invited - Detail {id}.
 * @fires entente-accepted - Detail {id}.
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
  }
  /** Address of the page that accepts invitations. The link's secret goes into its fragment. */
  declare base: string
  /** The ways to connect that the element offers: invite, accept, or both. */
  declare offer: 'both' | 'invite' | 'accept'
  /** An invitation link to accept, from the page's address. It holds a secret. */
  declare link: string
  declare protected copied: string
  declare protected differs: string
  protected readonly topics: readonly Topic[] = ['connections', 'agreements', 'sync']

  constructor() {
    super()
    this.base = ''
    this.offer = 'both'
    this.link = ''
    this.copied = ''
    this.differs = ''
  }

  protected view(engine: Engine): TemplateResult {
    const connections = engine.connections.list()
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
              </form>
            </section>`
      }
    </div>`
  }

  #connection(engine: Engine, view: ConnectionView, isAdmin: boolean): TemplateResult {
    const title = view.peerName === undefined ? (view.side === 'vendor' ? 'Invited partner' : 'Inviting vendor') : view.peerName
    const trouble = troubleOf(engine.sync.status().signed.filter(({ connection }) => connection === view.id))
    return html`<section class="card stack" id="connection-${view.id}" tabindex="-1" aria-label="Connection with ${plainText(title, 100)}">
      <div class="row spread">
        <h3>${showText(title, 100)} <span class="soft small">${view.side === 'vendor' ? 'is your partner' : 'is your vendor'}</span></h3>
        <span class="row">${stateBadge(view)}${verifiedBadge(view)}${troubleBadge(trouble)}</span>
      </div>
      ${view.problem === undefined || (view.why?.what === 'disconnected' && view.first === undefined) ? nothing : html`<div class="notice ${view.state === 'Error' ? 'bad' : 'warn'}" role="status"><div>${showText(view.problem, 400)}</div></div>`}
      ${view.invitation && view.state === 'Pending' && view.code === undefined ? this.#invitation(engine, view) : nothing}
      ${view.code !== undefined && view.verified === 'no' && isAdmin ? this.#codes(engine, view, view.code) : nothing}
      ${view.state === 'Enabled' ? this.#enabled(engine, view) : nothing}
      ${view.code === undefined ? nothing : this.#ends(engine, view, isAdmin)}
    </section>`
  }

  #invitation(engine: Engine, view: ConnectionView): TemplateResult {
    const { invitation } = view
    if (!invitation) return html``
    const copy = async (): Promise<void> => {
      await navigator.clipboard.writeText(invitation.link)
      this.copied = view.id
    }
    return html`<div class="stack">
      <p>Send this link to the partner’s admin. Anyone who has it can accept: treat it like a key.</p>
      <div class="row paste">
        <input id="invitation-link" readonly aria-label="Invitation link" .value=${invitation.link} @focus=${selectAll} />
        <button @click=${() => this.act('copy', copy)}>${this.copied === view.id ? 'Copied' : 'Copy'}</button>
        <button
          class="quiet"
          ?disabled=${this.running.has(view.id)}
          @click=${() => this.act(view.id, () => engine.connections.cancelInvitation(view.id))}
        >
          Cancel it
        </button>
      </div>
      <p class="soft small">Works once, until ${formatInstant(invitation.expires, this.language)}. Waiting for the partner.</p>
    </div>`
  }

  #codes(engine: Engine, view: ConnectionView, code: string): TemplateResult {
    const compare = (same: boolean): void => this.act('codes', () => engine.connections.compareCodes(view.id, same))
    return html`<div class="compare stack">
      <p>
        <strong>Compare this code with ${showText(view.peerName ?? 'the other org', 80)}</strong>, by phone or face to face. Both screens
        must show the same twelve digits. Until you both say so, no value leaves either org.
      </p>
      ${earlierRecords(view, this.language)}
      <output class="code" aria-label="Code to compare">${code.split(' ').map((group) => html`<span>${group}</span>`)}</output>
      ${
        this.differs === view.id
          ? html`<div class="notice bad" role="alert">
              <div>Different codes mean that somebody stands between you. This blocks the connection for good.</div>
              <button class="danger" @click=${() => compare(false)}>Block it</button
              ><button @click=${() => (this.differs = '')}>Back</button>
            </div>`
          : html`<div class="row">
              <button class="primary" ?disabled=${this.running.has('codes')} @click=${() => compare(true)}>They are the same</button>
              <button @click=${() => (this.differs = view.id)}>They differ</button>
            </div>`
      }
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

function stateBadge({ state, code }: ConnectionView): TemplateResult {
  const tone = { Enabled: 'good', Pending: 'accent', Disabled: '', Error: 'bad', Unknown: 'warn' }[state]
  const word = state === 'Pending' && code === undefined ? 'Waiting for the other org' : state
  return html`<span class="badge ${tone}">${word}</span>`
}

/** Who has compared the codes, and who is still to. */
function verifiedBadge({ verified, peerVerified, peerName, code }: ConnectionView): TemplateResult | typeof nothing {
  const peer = showText(peerName ?? 'The other org', 60)
  if (verified === 'yes' && peerVerified) return html`<span class="badge good">Codes compared</span>`
  if (verified === 'yes') return html`<span class="badge warn">${peer} is still to compare the codes</span>`
  if (verified === 'mismatch') return html`<span class="badge bad">Codes differ</span>`
  if (code === undefined) return nothing
  return peerVerified
    ? html`<span class="badge warn">${peer} has compared the codes; you are still to</span>`
    : html`<span class="badge warn">Both are still to compare the codes</span>`
}

function typed(event: Event): string {
  return event.target instanceof HTMLInputElement ? event.target.value : ''
}

function selectAll(event: Event): void {
  if (event.target instanceof HTMLInputElement) event.target.select()
}
