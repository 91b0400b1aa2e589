import { type ConnectionId, type Key, parseKey } from '@entente/protocol'
import type { ObjectName } from '../api/index.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
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

/** The record map of an own record over a connection that carries one of an earlier connection on. */
export function adoptedMap(
  { rows, replica }: Pick<EngineContext, 'rows' | 'replica'>,
  connection: Pick<NamedConnection, 'id'>,
  object: string,
  record: string,
): Key | undefined {
  for (const id of replica.recordMaps.mapsOfRecord(object, record)) {
    const map = rows.get('RecordMap', id)
    if (valueOf(map, 'connection') === connection.id && textOf(map, 'adopted') !== undefined) return parseKey(id)
  }
  return undefined
}

/** The record of a record map here: the copy that it made or will make. */
export function copyOfMap(rows: RowReader, connection: Pick<NamedConnection, 'id'>, map: string): string {
  const row = rows.get('RecordMap', map)
  const record = valueOf(row, 'record')
  return valueOf(row, 'connection') === connection.id && typeof record === 'string' ? record : copyIdOfMap(map)
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
