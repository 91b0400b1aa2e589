import type { ObjectName, RecordsApi, RecordView, ShareView } from '../api/index.js'
import { EngineError } from '../error.js'
import type { EngineContext } from '../context.js'
import { nextTurn } from '../port/clock.js'
import { isPlain, queryRecords, validateQuery } from '../query/query.js'
import { parseRecord, type RecordResult } from '../schema/validate.js'
import type { Value } from '../schema/value.js'
import { textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit, RowReader } from '../row/rows.js'
import { mayHave } from '../row/stored-row.js'
import { newRecordId, parseRows, sliceRows } from './parse-rows.js'
import type { Schemas } from './schemas.js'
import { SortedIds } from './sorted-ids.js'

/** The register that marks a record as deleted. The row stays, so that the deletion reaches every device. */
export const deletedRegister = '_deleted'
/** The register that names the record map through which a copy came. */
export const importedRegister = '_importedBy'

/** The register of a lead that names the opportunity that it became. */
export const convertedRegister = '_converted'

/** How records are shared. `export/` knows it; the records API passes it on. */
export interface Shares {
  of(object: ObjectName, record: string): readonly ShareView[]
  over(object: ObjectName, connection: string): readonly string[]
  stop(share: string): Promise<void>
  resume(share: string): Promise<void>
}

/** The org's own leads and opportunities. */
export function createRecords(
  context: Pick<EngineContext, 'rows' | 'random' | 'clock' | 'undoLog' | 'drafts'>,
  schemas: Schemas,
  shares: Shares,
): RecordsApi {
  const { rows, random, clock, undoLog, drafts } = context
  const views = new WeakMap<Row, RecordView>()
  const sortedIds = new SortedIds(rows, (row) => !isDeleted(row))

  const viewOf = (object: ObjectName, row: Row): RecordView => {
    const known = views.get(row)
    if (known) return known
    const view = rowToView(object, row)
    views.set(row, view)
    return view
  }
  const requireOpen = (from: RowReader, object: ObjectName, id: string): boolean => {
    requireRecord(from, object, id)
    if (textOf(from.get(object, id), convertedRegister) === undefined) return true
    throw new EngineError('CHANGED', 'This lead was converted. Work on its opportunity.')
  }
  const requireRecord = (from: RowReader, object: ObjectName, id: string): boolean => {
    const row = from.get(object, id)
    if (row && !isDeleted(row)) return true
    throw new EngineError('NOT_FOUND', `This ${object} does not exist, or was deleted. Go back to the list.`)
  }

  const sharedNow = (object: ObjectName, id: string): readonly string[] =>
    shares.of(object, id).flatMap((share) => (share.on ? share.id : []))

  const api: RecordsApi = {
    schema: (object) => schemas.get(object),
    addField: (object, field) => schemas.add(object, field),
    setSchema: (schema) => schemas.set(schema),
    get(object, id) {
      const row = rows.get(object, id)
      return row && !isDeleted(row) ? viewOf(object, row) : undefined
    },
    list(object, query = {}) {
      const schema = schemas.get(object)
      const checked = validateQuery(schema, query)
      if (!checked.ok) throw new EngineError('INVALID', checked.error.message, [checked.error])
      const all: RecordView[] = []
      for (const row of rows.list(object).values()) if (!isDeleted(row)) all.push(viewOf(object, row))
      return { records: queryRecords(schema, all, query), total: all.length }
    },
    ids(object, query = {}) {
      if (!isPlain(query)) {
        const { records, total } = api.list(object, query)
        return { ids: records.map(({ id }) => id), total }
      }
      const ids = sortedIds.of(object)
      return { ids, total: ids.length }
    },
    async create(object, values, draft) {
      const id = newRecordId(random)
      const edit = { object, id, values: accept(parseRecord(schemas.get(object), values, 'create')) }
      const step = undoLog.begin({ kind: 'create', object, record: id })
      await rows.save([edit], undefined, (steps) => {
        const parts = [step(steps), ...(draft === undefined ? [] : [drafts.forget(object, draft)])]
        return { writes: parts.flatMap(({ writes }) => writes), commit: () => void parts.map(({ commit }) => commit()) }
      })
      return id
    },
    async createMany(object, list, onProgress) {
      const edits = await parseRows(
        context,
        schemas.get(object),
        list.map((values) => ({ values })),
      )
      const saved: RowEdit[] = []
      const step = undoLog.newId()
      const alongside = undoLog.begin({ kind: 'import', object }, step)
      try {
        for (let start = 0; start < edits.length; start += sliceRows) {
          const slice = edits.slice(start, start + sliceRows)
          await rows.save(slice, undefined, alongside)
          saved.push(...slice)
          onProgress?.(saved.length)
          await nextTurn(clock)
        }
      } catch (error) {
        // All or nothing. Where the store takes no deletion either, nothing more can be done.
        const undone = saved.map(({ id }) => ({ object, id, values: { [deletedRegister]: true } }))
        await rows.save(undone, undefined, () => undoLog.forget(step)).catch(() => undefined)
        throw error
      }
      return saved.map(({ id }) => id)
    },
    async edit(object, id, values) {
      requireOpen(rows, object, id)
      const edit = { object, id, values: accept(parseRecord(schemas.get(object), values, 'edit')) }
      const alongside = undoLog.begin({ kind: 'save', object, record: id })
      await rows.save([edit], { holds: (stored) => requireOpen(stored, object, id) }, alongside)
    },
    async convert(lead, values) {
      requireOpen(rows, 'Lead', lead)
      const id = newRecordId(random)
      const edits = [
        { object: 'Opportunity', id, values: accept(parseRecord(schemas.get('Opportunity'), values, 'create')) },
        { object: 'Lead', id: lead, values: { [convertedRegister]: id } },
      ]
      const alongside = undoLog.begin({ kind: 'convert', object: 'Lead', record: lead, shared: sharedNow('Lead', lead) })
      await rows.save(edits, { holds: (stored) => requireOpen(stored, 'Lead', lead) }, alongside)
      return id
    },
    async remove(object, id) {
      requireRecord(rows, object, id)
      const edit = { object, id, values: { [deletedRegister]: true } }
      const row = rows.get(object, id)
      const name = [...(object === 'Lead' ? ['FirstName'] : []), schemas.get(object).nameField]
        .flatMap((field) => textOf(row, field) ?? [])
        .join(' ')
      const alongside = undoLog.begin({ kind: 'delete', object, record: id, name, shared: sharedNow(object, id) })
      await rows.save([edit], { holds: (stored) => requireRecord(stored, object, id) }, alongside)
    },
    shares: (object, id) => shares.of(object, id),
    sharedOver: (object, connection) => shares.over(object, connection),
    stopSharing: (share) => shares.stop(share),
    resumeSharing: (share) => shares.resume(share),
  }
  return api
}

export function isDeleted(row: Row): boolean {
  return mayHave(row, deletedRegister) && valueOf(row, deletedRegister) === true
}

/** Whether there is such a record, and it was not deleted. */
export function hasRecord(rows: RowReader, object: string, id: string): boolean {
  const row = rows.get(object, id)
  return row !== undefined && !isDeleted(row)
}

/** A row's own fields as plain values; the engine's registers, which begin with "_", are left out. */
export function valuesOf(row: Row): Readonly<Record<string, Value>> {
  const values: Record<string, Value> = {}
  for (const [field, [, value]] of Object.entries(row.registers)) if (!field.startsWith('_')) values[field] = value
  return values
}

/** A record as the API gives it. */
export function rowToView(object: ObjectName, row: Row): RecordView {
  let changedAt = 0
  for (const [[time]] of Object.values(row.registers)) if (time > changedAt) changedAt = time
  return {
    object,
    id: row.id,
    values: valuesOf(row),
    changedAt,
    imported: valueOf(row, importedRegister) !== undefined,
    converted: textOf(row, convertedRegister),
  }
}

function accept(result: RecordResult): Readonly<Record<string, Value>> {
  if (result.ok) return result.values
  const [first] = result.errors
  const more =
    result.errors.length > 1 ? ` The record has ${result.errors.length - 1} more ${result.errors.length > 2 ? 'problems' : 'problem'}.` : ''
  throw new EngineError('INVALID', `The record was not saved. ${first?.message ?? ''}${more}`, result.errors)
}
