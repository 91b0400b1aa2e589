import { compareStamps, type DeviceId } from '@entente/protocol'
import type { HistoryApi, HistoryChange, ObjectName, RecordsApi } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { deviceObject } from '../devices/device-report.js'
import { EngineError } from '../error.js'
import { hasRecord } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import { whileUnchanged } from '../row/rows.js'
import type { HistoryLog, LoggedChange } from './history-log.js'

/** The register of a device's row that names its last page loads: who was at it, by the session of the stamps. */
const sessionsRegister = 'sessions'
/** The page loads that a device names. An edit of an earlier one has no name any more. */
const mostSessions = 40

type Session = readonly [session: number, person: string]

/**
 * The history of records: what is written down, and by whom.
 *
 * @param session that of this page load's stamps
 */
export function createHistory(context: EngineContext, log: HistoryLog, records: RecordsApi, session: number): HistoryApi {
  const { rows } = context

  const changesOf = async (object: ObjectName, record: string): Promise<readonly LoggedChange[]> => {
    if (!hasRecord(rows, object, record)) throw new EngineError('NOT_FOUND', 'This record does not exist. Go back to the list.')
    return log.of(object, record)
  }

  return {
    async of(object, record) {
      const changes = await changesOf(object, record)
      const makers = makersIn(context, session)
      const row = rows.get(object, record)
      return changes.map((change) => viewOf(context, row, change, makers.get(change.stamp[2])))
    },
    async putBack(object, record, id, anyway = false) {
      const change = (await changesOf(object, record)).find((each) => each.id === id)
      if (!change) throw new EngineError('NOT_FOUND', 'This change is not in the history any more. Look at the history again.')
      if (!anyway && !isPresent(rows.get(object, record), change))
        throw new EngineError('CHANGED', 'The field was changed again since. Look at the history again, then decide.')
      await records.edit(object, record, { [change.field]: change.from })
    },
  }
}

/** Names this page load to the org's other devices once it has changed a record. @returns a function that ends this */
export function nameSession(context: EngineContext, session: number): () => void {
  const { rows, identity, user, problem } = context
  let isSaving = false
  return rows.watch((changes) => {
    if (isSaving || !changes.some(({ object, origin }) => origin === 'own' && (object === 'Lead' || object === 'Opportunity'))) return
    const known = sessionsOf(rows.get(deviceObject, identity.device))
    if (known.some(([each]) => each === session)) return
    isSaving = true
    const values = { [sessionsRegister]: [...known, [session, user.id] as const].slice(-mostSessions) }
    // Another tab may name itself at the same time. Then this one does with its next edit.
    rows
      .save([{ object: deviceObject, id: identity.device, values }], whileUnchanged(rows, [{ object: deviceObject, id: identity.device }]))
      .catch((error: unknown) => problem(error instanceof Error ? error.message : 'This page could not say who edits in it.'))
      .finally(() => (isSaving = false))
  })
}

interface Maker {
  readonly device: DeviceId
  readonly person: string
}

function makersIn({ rows, identity, user }: EngineContext, session: number): ReadonlyMap<number, Maker> {
  const makers = new Map<number, Maker>()
  for (const [id, row] of rows.list(deviceObject))
    for (const [session, person] of sessionsOf(row)) makers.set(session, { device: id as DeviceId, person })
  makers.set(session, { device: identity.device, person: user.id })
  return makers
}

function viewOf({ rows, identity }: EngineContext, row: Row | undefined, change: LoggedChange, maker: Maker | undefined): HistoryChange {
  const { id, field, from, to, stamp } = change
  return {
    id,
    field,
    from,
    to,
    at: stamp[0],
    person: maker?.person,
    personName: maker && textOf(rows.get('User', maker.person), 'name'),
    device: maker?.device,
    deviceName: maker && textOf(rows.get(deviceObject, maker.device), 'name'),
    own: maker?.device === identity.device,
    present: isPresent(row, change),
  }
}

function isPresent(row: Row | undefined, { field, stamp }: LoggedChange): boolean {
  const register = registerOf(row, field)
  return register !== undefined && compareStamps(register[0], stamp) === 0
}

function sessionsOf(row: Row | undefined): readonly Session[] {
  const value = valueOf(row, sessionsRegister)
  if (!Array.isArray(value)) return []
  return (value as readonly unknown[]).flatMap((each): Session[] => {
    const [session, person] = Array.isArray(each) ? (each as readonly unknown[]) : []
    return typeof session === 'number' && typeof person === 'string' ? [[session, person]] : []
  })
}
