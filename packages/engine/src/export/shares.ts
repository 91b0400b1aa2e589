import * as v from 'valibot'
import { feedName, parseKey } from '@entente/protocol'
import type { InboundStatus, MirrorsApi, ObjectName, OutboundStatus, ShareView } from '../api/index.js'
import { objectNames } from '../agree/narrow-proposal.js'
import { EngineError } from '../error.js'
import { connectionFacts, type ConnectionFacts, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { outboundStatuses } from './export-messages.js'
import { isDeleted } from '../records/records.js'
import type { Shares } from '../records/records.js'
import { type Row, valueOf } from '../row/row.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { isBegun } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'

const mapErrors = v.array(v.object({ record: v.string(), field: v.string(), rule: v.string(), message: v.string(), fix: v.string() }))

/** How own records are shared over each connection: their statuses, and stopping and resuming one. */
export function createShares(context: EngineContext, mirrors: MirrorsApi): Shares {
  const { rows, replica, undoLog } = context

  return {
    of: (object, record) =>
      [...replica.recordMaps.mapsOfRecord(object, record)].flatMap((id) => {
        const map = rows.get('RecordMap', id)
        const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
        return map && connection && valueOf(map, 'carriedOn') === undefined ? [shareView(map, connection, object)] : []
      }),
    over: (object, connection) =>
      [...replica.recordMaps.mapsOfConnection(connection)].flatMap((id) => {
        const map = rows.get('RecordMap', id)
        const record = textOf(map, 'record')
        return valueOf(map, 'on') === true && valueOf(map, 'object') === object && record !== undefined ? [record] : []
      }),
    stop: (share) => turn(share, false),
    resume: (share) => turn(share, true),
  }

  function shareView(map: Row, connection: ConnectionFacts, object: ObjectName): ShareView {
    const errors = v.safeParse(mapErrors, valueOf(map, 'errors') ?? [])
    const [exported, imported] = [valueOf(map, 'exportedAt'), valueOf(map, 'importedAt')]
    return {
      id: map.id,
      connection: connection.id,
      peerName: connection.peerName,
      on: valueOf(map, 'on') === true,
      outbound: outboundStatus(map, connection, object),
      inbound: inboundStatus(map, connection, object),
      errors: errors.success ? errors.output : [],
      exportedAt: typeof exported === 'number' ? exported : typeof imported === 'number' ? imported : 0,
    }
  }

  /** The export's status while the record is not shared; else whether the relay has the record's desired state. */
  function outboundStatus(map: Row, connection: ConnectionFacts, object: ObjectName): OutboundStatus | undefined {
    const status = outboundStatuses.find((known) => known === valueOf(map, 'outbound'))
    if (valueOf(map, 'on') !== true) return status
    const { id, side } = connection
    const row = rows.get(object, textOf(map, 'record') ?? '')
    if (!connection.enabled) return status
    if (row && isDeleted(row)) return status
    const own = feedName({ kind: 'connection', connection: id, side, topic: object === 'Lead' ? 'lead' : 'opportunity' })
    if (replica.acknowledged(own, parseKey(map.id))) return 'UpdateSuccess'
    // A copy that nobody has edited yet has no doc.
    return side === 'partner' && !isEdited(map, row) ? undefined : 'UpdateInProgress'
  }

  function inboundStatus(map: Row, connection: ConnectionFacts, object: ObjectName): InboundStatus | undefined {
    const doc = replica.peerDocs(mirrorFeed(connection.id, connection.side, object)).get(parseKey(map.id))
    if (!doc) return valueOf(map, 'inbound') === 'ImportSuccess' ? 'ImportSuccess' : undefined
    const mirror = mirrors.of(object, textOf(map, 'record') ?? '').find(({ id }) => id === map.id)
    return mirror?.fields.some(({ state }) => state === 'unreadable') === true ? 'UpdateFieldMapError' : 'UpdateSuccess'
  }

  async function turn(share: string, on: boolean): Promise<void> {
    const map = rows.get('RecordMap', share)
    if (!map) throw new EngineError('NOT_FOUND', 'This share does not exist. Look at the record’s shares again.')
    if (!isBegun(map)) throw new EngineError('NOT_CONNECTED', 'The export is not complete yet. Wait until the partner has its copy.')
    const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
    if (on && !connection?.enabled)
      throw new EngineError('NOT_CONNECTED', 'The connection is not enabled, so sharing cannot be resumed. Connect again.')
    const edit = { object: 'RecordMap', id: share, values: { on } }
    if (on && connection) return void (await rows.save([edit], whileConnected(connection)))
    // Taking back is always possible.
    const [object, record] = [objectNames.find((name) => name === textOf(map, 'object')), textOf(map, 'record')]
    await rows.save([edit], undefined, object && undoLog.begin({ kind: 'stop sharing', object, ...(record !== undefined && { record }) }))
  }
}

function isEdited(map: Row, record: Row | undefined): boolean {
  const stamp = JSON.stringify(valueOf(map, 'importStamp'))
  return Object.entries(record?.registers ?? {}).some(([field, [set]]) => !field.startsWith('_') && JSON.stringify(set) !== stamp)
}
