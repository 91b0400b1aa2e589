import { type ConnectionId, parseFeed } from '@entente/protocol'
import { connectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { messageFeedKey } from '../replica/feed-key.js'
import { isOver } from '../replica/feed-role.js'
import type { Reconciler } from '../reconcilers.js'
import { valueOf } from '../row/row.js'
import { listingPrefix } from '../share/listing.js'
import { packagePrefix, requestPrefix, resultPrefix } from './export-messages.js'

const carriesValues = (key: string): boolean =>
  [listingPrefix, packagePrefix, requestPrefix, resultPrefix].some((prefix) => key.startsWith(prefix))

/**
 * Once a connection is over, takes back what was shown over it: listings and the messages of exports, at the relay and at this device (rule CN11). Copies,
 * and mirrors as they last stood, stay.
 */
export function eraseReconciler(context: EngineContext): Reconciler {
  const { rows, replica } = context
  /** Connections of which something has changed since they were looked at; undefined for all. */
  let changed: Set<ConnectionId> | undefined
  const note = (connection: ConnectionId): void => void changed?.add(connection)
  rows.watch((changes) => {
    for (const { object, id } of changes) {
      if (object === 'Connection') note(id as ConnectionId)
      const feed = object === 'Message' ? parseFeed(id.split('#')[0] ?? '') : undefined
      if (feed?.kind === 'connection') note(feed.connection)
    }
  })
  replica.watchFeeds((changes) => {
    for (const { feed } of changes) {
      const parsed = parseFeed(feed)
      if (parsed.kind === 'connection') note(parsed.connection)
    }
  })

  return {
    name: 'erasures',
    async react() {
      const some = changed
      changed = new Set()
      const over = [...rows.list('Connection').values()].filter((row) => isOver(row) && (!some || some.has(row.id as ConnectionId)))
      if (over.length === 0) return
      try {
        for (const row of over) {
          const connection = connectionFacts(row)
          if (!connection) continue
          const own = [...rows.list('Message').values()].filter((message) => {
            const at = messageFeedKey(message)
            return at?.feed === connection.ownMessages && carriesValues(at.key) && (valueOf(message, 'body') ?? null) !== null
          })
          if (own.length > 0) await rows.save(own.map(({ object, id }) => ({ object, id, values: { body: null } })))
          const peers = [...replica.inbox(connection.peerMessages)].filter(([key, { body }]) => carriesValues(key) && body !== null)
          if (peers.length > 0)
            await replica.dropBodies(
              connection.peerMessages,
              peers.map(([key]) => key),
            )
        }
      } catch (error) {
        for (const row of over) note(row.id as ConnectionId)
        throw error
      }
    },
  }
}
