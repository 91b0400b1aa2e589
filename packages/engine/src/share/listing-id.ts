import { type ConnectionId, type Key, parseKey } from '@entente/protocol'
import type { ObjectName } from '../api/index.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import { nameOf, namingKey } from '../seal/keys.js'

// Ids of one connection are derived from its naming key: the same on every device of both orgs, and meaningless to the relay.

type NamedConnection = Pick<ConnectionFacts, 'id' | 'secret'>

/** The id of a record's listing (rule SH2). */
export function listingId(connection: NamedConnection, object: ObjectName, record: string): string {
  return derive(connection, `listing\n${object}\n${record}`)
}

/** The id of a listed record's record map and of its docs: one per record and connection, the same on both sides (rule EX2). */
export function mapIdOfListing(connection: NamedConnection, listing: string): Key {
  return parseKey(derive(connection, `map\n${listing}`))
}

/** The id of the record map that carries one of an earlier connection on (rule RA2): the same on both sides. */
export function mapIdOfAdopted(connection: NamedConnection, from: ConnectionId, map: Key): Key {
  return parseKey(derive(connection, `adopted\n${from}\n${map}`))
}

/** The id of the partner's copy: derived, so that two devices that import at once create the same one (rule IM2). */
export function copyIdOfMap(map: string): string {
  return `x${map}`
}

// Deriving the key costs as much as hundreds of names, and there is one for each connection.
const keys = new WeakMap<NamedConnection, Uint8Array>()

function derive(connection: NamedConnection, text: string): string {
  let key = keys.get(connection)
  if (!key) keys.set(connection, (key = namingKey(connection.secret, connection.id)))
  return nameOf(key, text)
}
