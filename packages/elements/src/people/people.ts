import type { ConnectionView, Engine, ObjectName, PersonView, Topic } from '@entente/engine'
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { KeptFocus } from '../base/kept-focus.js'
import { typed } from '../base/typed.js'
import { whyClosed } from '../choice/name.js'
import { formatInstant } from '../value/format.js'
import { instantToLocal, readLocalInstant } from '../value/read-input.js'
import { plainText, showText } from '../value/show-text.js'

/**
 * The partner's people who may export: what, and until when. The vendor's admin grants, changes and revokes, up to the number of seats; the partner sees the same list, read only.
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
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--gap);
        min-height: 46px;
        padding: 4px 2px;
        border-bottom: 1px solid var(--line);
      }
      li > form {
        flex-basis: 100%;
        justify-content: end;
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
  static override properties = { ...EntenteElement.properties, connection: {}, changing: { state: true } }
  declare connection: ConnectionView['id'] | undefined
  /** Whose grant is being changed. */
  declare protected changing: string | undefined
  protected readonly topics: readonly Topic[] = ['people', 'connections']

  constructor() {
    super()
    this.addController(new KeptFocus(this))
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('connection')) this.failure = this.changing = undefined
  }

  protected view(engine: Engine): TemplateResult {
    const { connection } = this
    if (connection === undefined) return html`<p class="soft">Choose a connection.</p>`
    const people = engine.people.list(connection)
    const seats = engine.people.seats(connection)
    const holders = people.flatMap((person) => (person.seated ? plainText(person.name, 60) : [])).join(', ')
    const view = engine.connections.get(connection)
    const isOpen = view?.state === 'Enabled'
    const mayChange = isOpen && view.side === 'vendor' && engine.user.role === 'admin'
    return html`<div class="stack">
      <div class="row spread">
        <p>
          ${!isOpen || view.why ? `${whyClosed(view, this.language)} Nobody exports ${isOpen ? 'until then. Grants can be changed.' : 'over it.'}` : view.side === 'vendor' ? 'Only these people may export records to their org.' : 'The vendor decides who may export.'}
        </p>
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
      ${mayChange && seats.used >= seats.total && seats.used < people.length ? html`<p class="soft">All seats are taken: ${holders === '' ? 'there is none' : holders}. Revoke a grant, or add a seat.</p>` : nothing}
      ${
        people.length === 0
          ? html`<slot name="empty"
              ><p class="soft">
                Nobody is announced yet. The partner’s users appear here by themselves once the connection is enabled.
              </p></slot
            >`
          : html`<ul class="card">
              ${people.map((person) => this.#person(engine, person, isOpen, mayChange, seats.used >= seats.total, holders))}
            </ul>`
      }
    </div>`
  }

  #person(engine: Engine, person: PersonView, isOpen: boolean, mayChange: boolean, isFull: boolean, holders: string): TemplateResult {
    const busy = this.running.has(person.id)
    const isChanging = mayChange && this.changing === person.id && person.granted
    return html`<li>
      <span
        ><span class="face" aria-hidden="true">${initials(person.name)}</span
        >${showText(person.name, 100)}${person.id === engine.user.id ? html` <span class="soft">(you)</span>` : nothing}</span
      >
      <span class="row">
        ${isOpen ? this.#terms(person) : nothing}
        ${
          mayChange && person.granted
            ? html`<button class="quiet" aria-expanded=${isChanging} @click=${() => (this.changing = isChanging ? undefined : person.id)}>
                Change
              </button>`
            : nothing
        }
        ${
          mayChange
            ? html`<button
                ?disabled=${busy || (!person.granted && isFull)}
                title=${!person.granted && isFull ? `No seat is left. ${holders} ${holders.includes(', ') ? 'have them' : 'has it'}: revoke a grant, or add a seat` : nothing}
                @click=${() => this.#flip(engine, person)}
              >
                ${person.granted ? 'Revoke' : 'Grant'}
              </button>`
            : nothing
        }
      </span>
      ${isChanging ? this.#form(engine, person) : nothing}
    </li>`
  }

  #terms({ granted, seated, objects, until }: PersonView): TemplateResult {
    if (!granted)
      return until === undefined
        ? html`<span class="badge">May not export</span>`
        : html`<span class="badge warn">Ran out ${formatInstant(until, this.language)}</span>`
    const [only] = objects
    const what = objects.length > 1 || only === undefined ? '' : ` ${nouns[only]}`
    return html`<span class="badge ${seated ? 'good' : 'warn'}">${seated ? `May export${what}` : 'Granted, but has no seat'}</span>${
        until === undefined ? nothing : html` <span class="soft small">until ${formatInstant(until, this.language)}</span>`
      }`
  }

  #form(engine: Engine, { id, objects, until }: PersonView): TemplateResult {
    const save = (event: SubmitEvent): void => {
      event.preventDefault()
      const form = event.target instanceof HTMLFormElement ? new FormData(event.target) : new FormData()
      const chosen = objectNames.filter((object) => form.has(object))
      const typed = form.get('until')
      const end = typeof typed === 'string' ? typed : ''
      const { connection } = this
      if (connection === undefined || !this.tell('entente-before-grant', { person: id }, true)) return
      this.act(id, async () => {
        await engine.people.grant(connection, id, { objects: chosen, ...(end !== '' && { until: Date.parse(readLocalInstant(end)) }) })
        this.changing = undefined
      })
    }
    return html`<form class="row" @submit=${save}>
      ${objectNames.map((object) => html`<label class="check"><input type="checkbox" name=${object} ?checked=${objects.includes(object)} /> ${engine.records.schema(object).plural}</label>`)}
      <label class="row"
        >Until <input type="datetime-local" name="until" .value=${until === undefined ? '' : instantToLocal(new Date(until).toISOString())}
      /></label>
      <button class="primary" ?disabled=${this.running.has(id)}>Save</button>
    </form>`
  }

  #flip(engine: Engine, person: PersonView): void {
    const { connection } = this
    const event = person.granted ? 'entente-before-revoke' : 'entente-before-grant'
    if (connection === undefined || !this.tell(event, { person: person.id }, true)) return
    this.act(person.id, () => (person.granted ? engine.people.revoke(connection, person.id) : engine.people.grant(connection, person.id)))
  }

  #setSeats(engine: Engine, event: Event): void {
    const { connection } = this
    const total = Number(typed(event))
    if (connection !== undefined && Number.isInteger(total) && total >= 0)
      this.act('seats', () => engine.people.setSeats(connection, total))
  }
}

const objectNames: readonly ObjectName[] = ['Lead', 'Opportunity']
const nouns = { Lead: 'leads', Opportunity: 'opportunities' } as const

function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => String.fromCodePoint(word?.codePointAt(0) ?? 32).toUpperCase())
    .join('')
}
