import { askToPersist, joinInBrowser, keepOrg, keepRelay, openBrowserEngine, StoreReader } from '@entente/browser'
import type { Engine, Joining, RestoreOptions } from '@entente/engine'
import { startStoreWorker } from '../policy/worker-policy.js'
import { joinToken } from './join-token.js'
import { serveLiveMirrors } from './live-gateway.js'
import { orgStoreName } from './org-store-name.js'
import { relayOfOrg } from './relay-address.js'

/** How an org begins in this browser: it is made, or brought back. */
export interface Beginning {
  readonly create?: { readonly orgName: string; readonly userName: string }
  readonly restore?: RestoreOptions
}

let reader: StoreReader | undefined

/** Opens this browser's org. Resolves to undefined if there is none yet, and it does not begin. */
export async function openOwnOrg({ create, restore }: Beginning = {}): Promise<Engine | undefined> {
  const join = joinToken()
  const name = orgStoreName()
  const relay = relayOfOrg(name)
  try {
    reader ??= new StoreReader(startStoreWorker())
    const engine = await openBrowserEngine({
      name,
      relay,
      reader,
      ...(join && { join }),
      ...(create && { create }),
      ...(restore && { restore }),
    })
    keepRelay(name, relay)
    keepOrg(name, engine.org)
    persistOnceNeeded(engine)
    serveLiveMirrors(engine, relay)
    return engine
  } catch (error) {
    if (create === undefined && restore === undefined && error instanceof Error && 'code' in error && error.code === 'NOT_FOUND')
      return undefined
    throw error
  }
}

/** Joins an org in this browser: begins with a link, or goes on after a reload. Undefined where neither is to be done. */
export async function joinOwnOrg(link: string | undefined): Promise<Joining | undefined> {
  const [join, name] = [joinToken(), orgStoreName()]
  const relay = relayOfOrg(name)
  const joining = await joinInBrowser({ name, relay, ...(join && { join }), ...(link !== undefined && { link }) })
  // From now on the name is taken, and the joining goes on at this relay.
  if (joining) keepRelay(name, relay)
  return joining
}

/** Asks the browser to keep the data once there is something to lose: after the first import or connection. */
function persistOnceNeeded(engine: Engine): void {
  const look = (): boolean => {
    const isNeeded = engine.imports.list().length > 0 || engine.connections.list().some(({ state }) => state === 'Enabled')
    if (isNeeded) void askToPersist()
    return isNeeded
  }
  if (look()) return
  const stop = engine.watch((changed) => {
    if ((changed.has('imports') || changed.has('connections')) && look()) stop()
  })
}
