import { toBase64UrlEncoded } from 'lib0/buffer'
import type { ObjectName, RecordsApi, RecordView, ShareView } from '../api/index.js'
import { EngineError } from '../error.js'
import type { EngineContext } from '../context.js'
import { nextTurn } from '../port/clock.js'
import { queryRecords, validateQuery } from '../query/query.js'
import { parseRecord, type RecordResult } from '../schema/validate.js'
import type { Value } from '../schema/value.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import type { Schemas } from './schemas.js'

/** The register that marks a record as deleted. The row stays, so that the deletion reaches every device. */
export const deletedRegister = '_deleted'
/** The register that names the record map through which a copy came. */
export const importedRegister = '_importedBy'

/** Rows in one transaction of a bulk creation: large enough to be fast, small enough that the page draws in between. */
const sliceRows = 500

/** How records are shared. `export/` knows it; the records API passes it on. */
export interface Shares {
  of(object: ObjectName, record: string): readonly ShareView[]
  stop(share: string): Promise<void>
  resume(share: string): Promise<void>
}

/** The org's own leads and opportunities. */
export function createRecords(context: Pick<EngineContext, 'rows' | 'random' | 'clock'>, schemas: Schemas, shares: Shares): RecordsApi {
  const { rows, random, clock } = context
  const views = new WeakMap<Row, RecordView>()

  const viewOf = (object: ObjectName, row: Row): RecordView => {
    const known = views.get(row)
    if (known) return known
    const view = rowToView(object, row)
    views.set(row, view)
    return view
  }
  const find = (object: ObjectName, id: string): Row => {
    const row = rows.get(object, id)
    if (!row || isDeleted(row)) throw new EngineError('NOT_FOUND', `This ${object} does not exist, or was deleted. Go back to the list.`)
    return row
  }
  const newId = (): string => toBase64UrlEncoded(random(16))

  return {
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
    async create(object, values) {
      const id = newId()
      await rows.save([{ object, id, values: accept(parseRecord(schemas.get(object), values, 'create')) }])
      return id
    },
    async createMany(object, list, onProgress) {
      const ids: string[] = []
      for (let start = 0; start < list.length; start += sliceRows) {
        const edits = list.slice(start, start + sliceRows).map((values): RowEdit => ({ object, id: newId(), values }))
        await rows.save(edits)
        for (const edit of edits) ids.push(edit.id)
        onProgress?.(ids.length)
        await nextTurn(clock)
      }
      return ids
    },
    async edit(object, id, values) {
      find(object, id)
      await rows.save([{ object, id, values: accept(parseRecord(schemas.get(object), values, 'edit')) }])
    },
    async remove(object, id) {
      find(object, id)
      await rows.save([{ object, id, values: { [deletedRegister]: true } }])
    },
    shares: (object, id) => shares.of(object, id),
    stopSharing: (share) => shares.stop(share),
    resumeSharing: (share) => shares.resume(share),
  }
}

export function isDeleted(row: Row): boolean {
  return valueOf(row, deletedRegister) === true
}

/** A row's own fields as plain values; the engine's registers, which begin with "_", are left out. */
export function valuesOf(row: Row): Readonly<Record<string, Value>> {
  const values: Record<string, Value> = {}
  for (const [field, [, value]] of Object.entries(row.registers)) if (!field.startsWith('_')) values[field] = value
  return values
}

function rowToView(object: ObjectName, row: Row): RecordView {
  let changedAt = 0
  for (const [[time]] of Object.values(row.registers)) if (time > changedAt) changedAt = time
  return { object, id: row.id, values: valuesOf(row), changedAt, imported: valueOf(row, importedRegister) !== undefined }
}

function accept(result: RecordResult): Readonly<Record<string, Value>> {
  if (result.ok) return result.values
  const [first] = result.errors
  const more =
    result.errors.length > 1 ? ` The record has ${result.errors.length - 1} more ${result.errors.length > 2 ? 'problems' : 'problem'}.` : ''
  throw new EngineError('INVALID', `The record was not saved. ${first?.message ?? ''}${more}`, result.errors)
}
