import { decodeClientFrame, decodeRelayFrame, encodeRelayFrame, type Entry, type FeedName, type RelayMessage } from '@entente/protocol'
import type { BrowserContext } from 'playwright'

/** What a relay says to one org in place of these entries of a feed, and whether it says that these are all. */
export type Lie = (feed: FeedName, entries: readonly Entry[]) => { readonly entries: readonly Entry[]; readonly live?: false }

/** Stands between a browser's pages and their relay, and lies to one org about the entries of feeds. All else comes as it is. */
export class LyingWire {
  /** The org that is lied to. */
  victim = ''
  lie: Lie | undefined
  /** All entries that came, for any org, as they were. */
  readonly heard: (readonly [FeedName, Entry])[] = []

  /** From now on, every socket of these pages goes through this. */
  async standIn(context: BrowserContext): Promise<void> {
    await context.routeWebSocket(/\/socket$/, (page) => {
      const relay = page.connectToServer()
      const names = new Map<number, FeedName>()
      let org = ''
      page.onMessage((frame) => {
        for (const message of decodeClientFrame(bytesOf(frame))) {
          if (message.type === 'hello') org = orgOf(message.token)
          if (message.type === 'subscribe') names.set(message.feed, message.name)
        }
        relay.send(frame)
      })
      relay.onMessage((frame) => {
        const tell = (message: RelayMessage): RelayMessage => this.#tell(names, message, org)
        page.send(Buffer.from(encodeRelayFrame(decodeRelayFrame(bytesOf(frame)).map(tell))))
      })
    })
  }

  #tell(names: ReadonlyMap<number, FeedName>, message: RelayMessage, org: string): RelayMessage {
    const feed = message.type === 'entries' ? names.get(message.feed) : undefined
    if (message.type !== 'entries' || feed === undefined) return message
    const told = org === this.victim ? this.lie?.(feed, message.entries) : undefined
    for (const entry of message.entries) this.heard.push([feed, entry])
    return told ? { ...message, entries: [...told.entries], live: message.live && told.live !== false } : message
  }
}

/** The org that a hello names (rule ID2). */
function orgOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { readonly org: string }
  return claims.org
}

function bytesOf(frame: string | Buffer): Uint8Array {
  if (typeof frame === 'string') throw new Error('The relay and its clients send bytes only.')
  return new Uint8Array(frame)
}
