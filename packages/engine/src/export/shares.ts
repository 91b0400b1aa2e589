import { EngineError } from '../error.js'
import { connectionFacts, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { objectNames } from '../agree/narrow-proposal.js'
import type { Shares } from '../records/records.js'
import { isBegun } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { ShareReader } from './share-facts.js'

/** How own records are shared over each connection: their statuses, and stopping and resuming one. */
export function createShares(context: EngineContext, reader: ShareReader): Shares {
  const { rows, replica, undoLog } = context

  return {
    of: (object, record) => [...replica.recordMaps.mapsOfRecord(object, record)].flatMap((id) => reader.share(id) ?? []),
    over: (object, connection) =>
      [...replica.recordMaps.mapsOfConnection(connection)].flatMap((id) => {
        const map = rows.get('RecordMap', id)
        const record = textOf(map, 'record')
        return valueOf(map, 'on') === true && valueOf(map, 'object') === object && record !== undefined ? [record] : []
      }),
    stop: (share) => turn(share, false),
    resume: (share) => turn(share, true),
  }

  async function turn(share: string, on: boolean): Promise<void> {
    const map = rows.get('RecordMap', share)
    if (!map) throw new EngineError('NOT_FOUND', 'This share does not exist. Look at the record’s shares again.')
    if (!isBegun(map)) throw new EngineError('NOT_CONNECTED', 'The export is not complete yet. Wait until the partner has its copy.')
    const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
    if (on && !connection?.enabled)
      throw new EngineError('NOT_CONNECTED', 'The connection is not enabled, so sharing cannot be resumed. Connect again.')
    const why = reader.share(share)?.why
    if (on && why?.by === 'own' && (why.what === 'deleted' || why.what === 'converted'))
      throw new EngineError('CHANGED', 'The record was deleted or converted, so it cannot be shared. Undo that first.')
    const edit = { object: 'RecordMap', id: share, values: { on } }
    const [object, record] = [objectNames.find((name) => name === textOf(map, 'object')), textOf(map, 'record')]
    if (on && connection) {
      const undone = await stopOf(share, record)
      return void (await rows.save([edit], whileConnected(connection), undone === undefined ? undefined : () => undoLog.forget(undone)))
    }
    // Taking back is always possible.
    await rows.save([edit], undefined, object && undoLog.begin({ kind: 'stop sharing', object, ...(record !== undefined && { record }) }))
  }

  /** The step that stopped a share: once it is resumed there is nothing to undo. */
  async function stopOf(share: string, record: string | undefined): Promise<string | undefined> {
    const step = undoLog.list().find((each) => each.kind === 'stop sharing' && each.record === record)
    const [first] = step ? await undoLog.parts(step.id) : []
    return first?.part.changed.some(([, id]) => id === share) === true ? step?.id : undefined
  }
}
