import { type Joining, joinOrg } from '@entente/engine'
import { openStore } from './open.js'
import { browserClock, browserRandom, watchBrowserNetwork } from './platform.js'
import { openTabs } from './tabs.js'
import { browserName } from './browser-name.js'
import { openWebSocket } from './web-socket.js'

/** Which org's place in this browser, over which relay, and the link with which the device joins. */
export interface BrowserJoiningOptions {
  /** As of `openBrowserEngine`, which opens the org under this name once the browser has joined. */
  readonly name: string
  /** The relay's socket, e.g. `wss://relay.example/socket`. */
  readonly relay: string
  /** The join token of a relay that asks for one (rule AM2). */
  readonly join?: string
  /** The link, the first time. After a reload the browser goes on without it. */
  readonly link?: string
}

/**
 * Joins an org in this browser, or goes on with it after a reload.
 *
 * @returns undefined without a link where none was begun
 * @throws EngineError as `joinOrg`
 */
export async function joinInBrowser({ name, relay, join, link }: BrowserJoiningOptions): Promise<Joining | undefined> {
  const store = await openStore(name)
  let joining: Joining | undefined
  try {
    joining = await joinOrg({
      store,
      openSocket: openWebSocket,
      clock: browserClock,
      random: browserRandom,
      tabs: openTabs(name),
      watchNetwork: watchBrowserNetwork,
      relay,
      deviceName: browserName(),
      ...(join !== undefined && { join }),
      ...(link !== undefined && { link }),
    })
    return joining
  } finally {
    if (!joining) await store.close()
  }
}
