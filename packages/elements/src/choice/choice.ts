import type { ConnectionView, Engine, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { connectionName, connectionRole, connectionsWithPeer } from './name.js'
import { plainText, showText } from '../value/show-text.js'

/**
 * Which connection a screen is about: each by the other org's name, what it is to the own org, and its state. With one to choose from, it says that one.
 *
 * @tag entente-choice
 * @fires entente-choice - The person chose; detail {connection}: its id, undefined for all.
 */
export class EntenteChoice extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    css`
      :host {
        display: inline-block !important;
        max-width: 100%;
      }
      select {
        max-width: 100%;
        text-overflow: ellipsis;
      }
    `,
  ]
  static override properties = { ...EntenteElement.properties, connection: {}, side: {}, all: {} }
  declare connection: ConnectionView['id'] | undefined
  /** Only connections in which the own org is on this side. */
  declare side: ConnectionView['side'] | undefined
  /** The words for all connections at once, where the screen can be about all. */
  declare all: string | undefined
  protected readonly topics: readonly Topic[] = ['connections']

  protected view(engine: Engine): TemplateResult {
    const connections = connectionsWithPeer(engine, this.side)
    const chosen = connections.find(({ id }) => id === this.connection)
    const [first] = connections
    if (first && connections.length === 1 && this.all === undefined && (chosen || this.connection === undefined))
      return html`<span class="soft">${showText(connectionName(first), 80)}, ${connectionRole(first)}</span>`
    const change = ({ target }: Event): void => {
      const next = connections.find(({ id }) => target instanceof HTMLSelectElement && id === target.value)
      this.connection = next?.id
      this.tell('entente-choice', { connection: next?.id })
    }
    return html`<select aria-label="Connection" @change=${change}>
      ${this.all === undefined ? (chosen ? nothing : html`<option value="" selected disabled>Choose a connection</option>`) : html`<option value="" .selected=${!chosen}>${this.all}</option>`}
      ${connections.map(
        (each) =>
          html`<option value=${each.id} .selected=${each === chosen}>
            ${plainText(connectionName(each), 40)} · ${connectionRole(each)}
          </option>`,
      )}
    </select>`
  }
}

/**
 * The connection that a screen is about: the one that is asked for, or where none is, the first that works, or the first.
 *
 * @returns undefined also where the one that is asked for is not in the list, or has the own org on the other side
 */
export function chooseConnection(engine: Engine, asked: string | undefined, side?: ConnectionView['side']): ConnectionView | undefined {
  const connections = connectionsWithPeer(engine, side)
  return asked === undefined
    ? (connections.find(({ state }) => state === 'Enabled') ?? connections[0])
    : connections.find(({ id }) => id === asked)
}
