import { otherSide, parseKey } from '@entente/protocol'
import type { MirrorsApi, MirrorView, ObjectName } from '../api/index.js'
import { agreementFacts, slotOf } from '../agree/agreement-row.js'
import { connectionFacts, type ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import type { FreshnessView } from '../heads/index.js'
import { type Row, valueOf } from '../row/row.js'
import { mirrorFeed, mirrorView } from './mirror-view.js'
import { textOf } from '../replica/feed-role.js'

/** "Connected External Lead / Opportunity": read from the peer's docs. Nobody can write one. */
export function createMirrors(context: EngineContext, freshness: FreshnessView): MirrorsApi {
  const { rows, replica } = context

  return {
    of(object, record) {
      const views: MirrorView[] = []
      for (const id of replica.recordMaps.mapsOfRecord(object, record)) {
        const map = rows.get('RecordMap', id)
        if (valueOf(map, 'carriedOn') !== undefined) continue
        const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
        const view = map && connection && viewOf(map, connection, object)
        if (view) views.push(view)
      }
      return views
    },
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

  function viewOf(map: Row, connection: ConnectionFacts, object: ObjectName): MirrorView | undefined {
    const agreement = rows.get('Agreement', connection.id)
    const { signed, effective } = agreementFacts(agreement)
    const flowing = new Set((effective?.objects[object]?.fields ?? []).map(({ slot }) => slot))
    const [feed, key] = [mirrorFeed(connection.id, connection.side, object), parseKey(map.id)]
    return mirrorView({
      map,
      connection: connection.id,
      side: connection.side,
      enabled: connection.enabled,
      peerName: connection.peerName,
      object,
      // A field that was withdrawn stays, as one that is not shared.
      fields: (signed?.objects[object]?.fields ?? []).map((field) => (flowing.has(field.slot) ? field : { ...field, slot: undefined })),
      slotOf: (version, field) => slotOf(agreement, version, object, otherSide(connection.side), field),
      signed: freshness.mirror(feed, key),
      doc: replica.peerDocs(feed).get(key),
    })
  }
}

function objectOf(map: Row): ObjectName {
  return valueOf(map, 'object') === 'Opportunity' ? 'Opportunity' : 'Lead'
}
