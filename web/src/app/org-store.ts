import { joinInBrowser, keepRelay, openBrowserEngine } from '@entente/browser'
import type { Engine, Joining } from '@entente/engine'
import { joinToken } from './join-token.js'
import { serveLiveMirrors } from './live-gateway.js'
import { orgStoreName } from './org-store-name.js'
import { relayOfOrg } from './relay-address.js'

/** Opens this browser's org. Resolves to undefined if there is none yet and `create` is not set. */
export async function openOwnOrg(create?: { readonly orgName: string; readonly userName: string }): Promise<Engine | undefined> {
  const join = joinToken()
  const name = orgStoreName()
  const relay = relayOfOrg(name)
  try {
    const engine = await openBrowserEngine({
      name,
      relay,
      ...(join && { join }),
      ...(create && { create }),
    })
    keepRelay(name, relay)
    serveLiveMirrors(engine, relay)
    return engine
  } catch (error) {
    if (create === undefined && error instanceof Error && 'code' in error && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** Joins an org in this browser: begins with a link, or goes on after a reload. Undefined where neither is to be done. */
export async function joinOwnOrg(link: string | undefined): Promise<Joining | undefined> {
  const [join, name] = [joinToken(), orgStoreName()]
  return joinInBrowser({ name, relay: relayOfOrg(name), ...(join && { join }), ...(link !== undefined && { link }) })
}
