import { decodeClientFrame, decodeRelayFrame, encodeRelayFrame, type FeedName, type MessageOf, type RelayMessage } from '@entente/protocol'
import type { OpenSocket } from '../port/socket.js'

/** What a relay says in place of a message with entries: one, several or none. */
export type Lie = (feed: FeedName, message: MessageOf<'entries'>) => readonly RelayMessage[]

/** A socket to a relay that lies to one device about the entries of feeds. All else comes as it is. */
export function lyingSocket(openSocket: OpenSocket, lie: Lie): OpenSocket {
  return (url, events) => {
    const names = new Map<number, FeedName>()
    const tell = (message: RelayMessage): readonly RelayMessage[] => {
      const feed = message.type === 'entries' ? names.get(message.feed) : undefined
      return message.type === 'entries' && feed !== undefined ? lie(feed, message) : [message]
    }
    const socket = openSocket(url, {
      ...events,
      onFrame(frame) {
        const told = decodeRelayFrame(frame).flatMap(tell)
        if (told.length > 0) events.onFrame(encodeRelayFrame(told))
      },
    })
    return {
      close: () => socket.close(),
      send(frame) {
        for (const message of decodeClientFrame(frame)) if (message.type === 'subscribe') names.set(message.feed, message.name)
        socket.send(frame)
      },
    }
  }
}
