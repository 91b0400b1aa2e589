import { type Engine, openEngine, type Store, toEngineError } from '@entente/engine'
import { openIdbStore } from './idb-store.js'
import { browserClock, browserRandom } from './platform.js'
import { openTabs } from './tabs.js'
import { openWebSocket } from './web-socket.js'

export interface BrowserEngineOptions {
  /** Tells the orgs of one browser profile apart; the same name opens the same org again. */
  readonly name: string
  /** The relay's socket, e.g. `wss://relay.example/socket`. */
  readonly relay: string
  /** What the relay's operator gave the org to be let in with, where the relay asks for it. */
  readonly join?: string
  /** Makes the org when this browser does not have it yet. Without it, opening an org that is not there is refused with NOT_FOUND. */
  readonly create?: { readonly orgName: string; readonly userName: string }
}

/**
 * Opens an org in this browser: its store in IndexedDB, its line to the relay over WebSocket, and one tab that leads.
 *
 * @throws EngineError as `openEngine` does. STORE also where IndexedDB is closed to this page, or was written by a newer version (cause NEWER)
 */
export async function openBrowserEngine(options: BrowserEngineOptions): Promise<Engine> {
  const { name, relay, join, create } = options
  return openEngine({
    store: await openStore(name),
    openSocket: openWebSocket,
    clock: browserClock,
    random: browserRandom,
    tabs: openTabs(name),
    relay,
    ...(join !== undefined && { join }),
    ...(create && { create }),
  })
}

async function openStore(name: string): Promise<Store> {
  try {
    return await openIdbStore(name)
  } catch (error) {
    throw toEngineError(error, 'openBrowserEngine')
  }
}
