import { keptRelay, openOwnOrg, ownOrgStore } from '@entente/browser'
import { EntenteProvider, libraryVersion, type OpenOrg } from '@entente/elements'
import '@entente/elements/define/external.js'
import '@entente/elements/define/provider.js'
import '@entente/elements/define/record.js'
import '@entente/elements/define/related.js'
import '@entente/elements/define/shares.js'
import '@entente/elements/define/status.js'
import { serveLiveMirrors } from '../app/live-gateway.js'

// The one-file build, for pages without a bundler: what stands on a record's page, the engine and the browser's ports. `vite.tag.config.ts` makes `entente.js` of it.

/** Opens an org as the app does, so that the live mirrors of the app find one that answers also where this page leads. */
const open: OpenOrg = async (asked) => {
  const engine = await openOwnOrg(asked)
  serveLiveMirrors(engine, keptRelay(ownOrgStore(asked.org)) ?? asked.relay)
  return engine
}

// Another copy of the library may have defined the tag before. It stays, and learns to open orgs.
const provider = customElements.get('entente-provider') as typeof EntenteProvider | undefined
if (provider) provider.open ??= open

export { EntenteProvider, libraryVersion, openOwnOrg }
