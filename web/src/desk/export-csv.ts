import { type Engine, type ObjectName, writeCsv } from '@entente/engine'

/** All own records of an object as CSV for a spreadsheet. */
export function exportRecordsCsv(engine: Engine, object: ObjectName): string {
  const schema = engine.records.schema(object)
  const { records } = engine.records.list(object)
  return writeCsv(
    schema.fields,
    records.map((record) => record.values),
  )
}
