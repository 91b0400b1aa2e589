import { connectionName, plainText, showText } from '@entente/elements'
import type { ConnectionView, Engine } from '@entente/engine'
import { html, type TemplateResult } from 'lit'

/** The requested connection, else the first one that works, else the first. */
export function chosenConnection(engine: Engine, asked: string | undefined, side?: ConnectionView['side']): ConnectionView | undefined {
  const connections = pickable(engine, side)
  return (
    connections.find((connection) => connection.id === asked) ??
    connections.find((connection) => connection.state === 'Enabled') ??
    connections[0]
  )
}

/** Whom the page is about: a name, or a choice where there are several. The same on every page about one connection. */
export function connectionPicker(
  engine: Engine,
  chosen: ConnectionView,
  choose: (id: ConnectionView['id']) => void,
  side?: ConnectionView['side'],
): TemplateResult {
  const connections = pickable(engine, side)
  if (connections.length < 2) return html`<span class="soft">${showText(connectionName(chosen), 80)}</span>`
  const change = ({ target }: Event): void => {
    const next = connections.find(({ id }) => target instanceof HTMLSelectElement && id === target.value)
    if (next) choose(next.id)
  }
  return html`<select class="pick" aria-label="Connection" @change=${change}>
    ${connections.map(
      (connection) =>
        html`<option value=${connection.id} .selected=${connection.id === chosen.id}>
          ${plainText(connectionName(connection), 80)}${connection.state === 'Enabled' ? '' : connection.state === 'Pending' ? ' (not complete)' : ' (ended)'}
        </option>`,
    )}
  </select>`
}

/** Those that somebody is at the other end of: an open invitation has no page of its own. */
function pickable(engine: Engine, side: ConnectionView['side'] | undefined): readonly ConnectionView[] {
  return engine.connections
    .list()
    .filter(
      (connection) => (side === undefined || connection.side === side) && (connection.code !== undefined || connection.state !== 'Pending'),
    )
}
