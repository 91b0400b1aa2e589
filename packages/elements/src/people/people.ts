import type { ConnectionView, Engine, PersonView, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { showText } from '../value/show-text.js'

/**
 * The partner's people who may export. The vendor's admin grants and revokes, up to the number of seats; the partner sees the same list, read only.
 *
 * @tag entente-people
 * @fires entente-before-grant - Cancelable; detail {person}.
 * @fires entente-before-revoke - Cancelable; detail {person}.
 * @slot empty - Shown while the partner has announced nobody.
 */
export class EntentePeople extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      .seats input {
        width: 76px;
      }
      li {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--gap);
        min-height: 46px;
        padding: 4px 2px;
        border-bottom: 1px solid var(--line);
      }
      li:last-child {
        border: 0;
      }
      .face {
        display: inline-grid;
        place-items: center;
        width: 30px;
        height: 30px;
        margin-inline-end: 10px;
        border-radius: 50%;
        background: var(--theirs-soft);
        color: var(--theirs);
        font-size: 0.86em;
        font-weight: 650;
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, connection: {} }
  declare connection: ConnectionView['id'] | undefined
  protected readonly topics: readonly Topic[] = ['people', 'connections']

  constructor() {
    super()
    this.connection = undefined
  }

  protected view(engine: Engine): TemplateResult {
    const { connection } = this
    if (connection === undefined) return html`<p class="soft">Choose a connection.</p>`
    const people = engine.people.list(connection)
    const seats = engine.people.seats(connection)
    const mayChange = engine.connections.get(connection)?.side === 'vendor' && engine.user.role === 'admin'
    return html`<div class="stack">
      <div class="row spread">
        <p>${mayChange ? 'Only these people may export records to their org.' : 'The vendor decides who may export.'}</p>
        <span class="row seats"
          ><span class="badge ${seats.used >= seats.total ? 'warn' : 'accent'}">${seats.used} of ${seats.total} seats used</span> ${
            mayChange
              ? html`<label class="row" for="seats"
                  >Seats
                  <input
                    id="seats"
                    type="number"
                    min=${seats.used}
                    max="10000"
                    .value=${String(seats.total)}
                    @change=${(event: Event) => this.#setSeats(engine, event)}
                /></label>`
              : nothing
          }</span
        >
      </div>
      ${
        people.length === 0
          ? html`<slot name="empty"
              ><p class="soft">
                Nobody is announced yet. The partner’s users appear here by themselves once the connection is enabled.
              </p></slot
            >`
          : html`<ul class="card">
              ${people.map((person) => this.#person(engine, person, mayChange, seats.used >= seats.total))}
            </ul>`
      }
    </div>`
  }

  #person(engine: Engine, person: PersonView, mayChange: boolean, isFull: boolean): TemplateResult {
    const busy = this.running.has(person.id)
    return html`<li>
      <span
        ><span class="face" aria-hidden="true">${initials(person.name)}</span
        >${showText(person.name, 100)}${person.id === engine.user.id ? html` <span class="soft">(you)</span>` : nothing}</span
      >
      <span class="row">
        ${person.granted ? html`<span class="badge good">May export</span>` : html`<span class="badge">May not export</span>`}
        ${
          mayChange
            ? html`<button
                ?disabled=${busy || (!person.granted && isFull)}
                title=${!person.granted && isFull ? 'No seat is left: revoke a grant, or add a seat' : nothing}
                @click=${() => this.#flip(engine, person)}
              >
                ${person.granted ? 'Revoke' : 'Grant'}
              </button>`
            : nothing
        }
      </span>
    </li>`
  }

  #flip(engine: Engine, person: PersonView): void {
    const { connection } = this
    const event = person.granted ? 'entente-before-revoke' : 'entente-before-grant'
    if (connection === undefined || !this.tell(event, { person: person.id }, true)) return
    this.act(person.id, () => (person.granted ? engine.people.revoke(connection, person.id) : engine.people.grant(connection, person.id)))
  }

  #setSeats(engine: Engine, event: Event): void {
    const { connection } = this
    const total = event.target instanceof HTMLInputElement ? Number(event.target.value) : Number.NaN
    if (connection !== undefined && Number.isInteger(total) && total >= 0)
      this.act('seats', () => engine.people.setSeats(connection, total))
  }
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => String.fromCodePoint(word?.codePointAt(0) ?? 32).toUpperCase())
    .join('')
}
