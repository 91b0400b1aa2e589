import { type ConnectionId, parseFeed } from '@entente/protocol'
import { connectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { backPrefix } from '../heads/index.js'
import { messageFeedKey } from '../replica/feed-key.js'
import { isOver } from '../replica/feed-role.js'
import type { Reconciler } from '../reconcilers.js'
import { type Row, valueOf } from '../row/row.js'
import { listingPrefix } from '../share/listing.js'
import { packagePrefix, requestPrefix, resultPrefix } from './export-messages.js'

const carriesValues = (key: string): boolean =>
  [listingPrefix, packagePrefix, requestPrefix, resultPrefix, backPrefix].some((prefix) => key.startsWith(prefix))

/**
 * Once a connection is over, takes back what was shown over it: listings and the messages of exports and of handing back, at the relay and at this device (rule CN11). Copies,
 * and mirrors as they last stood, stay.
 */
export function eraseReconciler(context: Pick<EngineContext, 'rows' | 'replica'>): Reconciler<Row> {
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
    for (const feed of new Set(changes.map((change) => change.feed))) {
      const parsed = parseFeed(feed)
      if (parsed.kind === 'connection') note(parsed.connection)
    }
  })

  return {
    name: 'erasures',
    subjects() {
      const all = rows.list('Connection')
      const some = (changed ??= new Set([...all.keys()] as ConnectionId[]))
      return [...all.values()].filter((row) => some.has(row.id as ConnectionId) && isOver(row))
    },
    async react(row) {
      const connection = connectionFacts(row)
      if (!connection) return
      // Taken out before, so that a change meanwhile puts it back in.
      changed?.delete(connection.id)
      try {
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
      } catch (error) {
        note(connection.id)
        throw error
      }
    },
  }
}
