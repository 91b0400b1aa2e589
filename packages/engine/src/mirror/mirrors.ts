import { parseKey } from '@entente/protocol'
import type { MirrorsApi, MirrorView, ObjectName } from '../api/index.js'
import { connectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { type Row, valueOf } from '../row/row.js'
import { mirrorFeed } from './mirror-view.js'

/**
 * "Connected External Lead / Opportunity": read from the peer's docs. Nobody can write one.
 *
 * @param mirrorOf the mirror beside the record of a record map, if there is one
 */
export function createMirrors(context: EngineContext, mirrorOf: (map: string) => MirrorView | undefined): MirrorsApi {
  const { rows, replica } = context

  return {
    of: (object, record) => [...replica.recordMaps.mapsOfRecord(object, record)].flatMap((id) => mirrorOf(id) ?? []),
    count(id) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (!connection) return 0
      let count = 0
      for (const map of replica.recordMaps.mapsOfConnection(id)) {
        const row = rows.get('RecordMap', map)
        if (!row || valueOf(row, 'carriedOn') !== undefined) continue
        const object = objectOf(row)
        const hasDoc = replica.peerDocs(mirrorFeed(connection.id, connection.side, object)).has(parseKey(map))
        if (hasDoc || (connection.side === 'partner' && valueOf(row, 'on') === true)) count++
      }
      return count
    },
  }
}

function objectOf(map: Row): ObjectName {
  return valueOf(map, 'object') === 'Opportunity' ? 'Opportunity' : 'Lead'
}
