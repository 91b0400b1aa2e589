import { type Engine, openEngine, type RestoreOptions, type Store, toEngineError } from '@entente/engine'
import { browserName } from './browser-name.js'
import { openIdbStore } from './idb-store.js'
import { browserClock, browserRandom, watchBrowserNetwork } from './platform.js'
import type { StoreReader } from './store-reader.js'
import { openTabs } from './tabs.js'
import { openWebSocket } from './web-socket.js'

/** Which org to open in this browser, and over which relay. */
export interface BrowserEngineOptions {
  /** Tells the orgs of one browser profile apart; the same name opens the same org again. */
  readonly name: string
  /** The relay's socket, e.g. `wss://relay.example/socket`. */
  readonly relay: string
  /** The join token that the relay's operator gave the org, for a relay that asks for one (rule AM2). */
  readonly join?: string
  /** Makes the org if this browser does not have it, with this person as its first admin. Without it such an org is refused with NOT_FOUND. */
  readonly create?: { readonly orgName: string; readonly userName: string }
  /** Brings an org back from its recovery kit, if this browser has none of this name. */
  readonly restore?: RestoreOptions
  /** Reads the org's store beside the page. Without it the page does that too. */
  readonly reader?: StoreReader
}

/**
 * Opens an org in this browser: its store in IndexedDB, its line to the relay over WebSocket, and one tab that leads.
 *
 * @throws EngineError as `openEngine` does. STORE also where IndexedDB is closed to this page, or was written by a newer version (cause NEWER)
 */
export async function openBrowserEngine(options: BrowserEngineOptions): Promise<Engine> {
  const { name, relay, join, create, restore, reader } = options
  return openEngine({
    store: await openStore(name, reader),
    openSocket: openWebSocket,
    clock: browserClock,
    random: browserRandom,
    tabs: openTabs(name),
    watchNetwork: watchBrowserNetwork,
    relay,
    deviceName: browserName(),
    ...(join !== undefined && { join }),
    ...(create && { create }),
    ...(restore && { restore }),
  })
}

/** The org's store. @throws EngineError STORE */
export async function openStore(name: string, reader?: StoreReader): Promise<Store> {
  try {
    return await openIdbStore(name, reader)
  } catch (error) {
    throw toEngineError(error, 'openBrowserEngine')
  }
}
