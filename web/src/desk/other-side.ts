import { connectionName, showText } from '@entente/elements'
import type { Engine } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import type { Route } from './route.js'

/** Says why a page shows nothing of the connection that its address names: it is gone, or the org has the other side in it. Then it leads to the page of that side. */
export function otherSide(engine: Engine, asked: string | undefined, go: (route: Route) => void): TemplateResult {
  const view = engine.connections.list().find(({ id }) => id === asked)
  if (!view)
    return html`<div class="empty card">
      <h3>This connection is not in your list</h3>
      <p>It was removed, or the link is for another org. Choose one of yours.</p>
    </div>`
  const name = showText(connectionName(view), 80)
  return view.side === 'partner'
    ? html`<div class="empty card">
        <h3>Your org is the partner of ${name}</h3>
        <p>${name} decides which of its records you see. What your org shows to its own partners is chosen here.</p>
        <button class="primary" @click=${() => go({ page: 'site', object: 'Opportunity', connection: view.id })}>
          See what ${name} shows you
        </button>
      </div>`
    : html`<div class="empty card">
        <h3>Your org is the vendor of ${name}</h3>
        <p>Here stands what vendors show to your org. What your org shows to ${name} is chosen under Sharing.</p>
        <button class="primary" @click=${() => go({ page: 'sharing', object: 'Opportunity', connection: view.id })}>
          Choose what ${name} sees
        </button>
      </div>`
}
