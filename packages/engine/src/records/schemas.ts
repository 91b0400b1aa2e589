import { EngineError, type ObjectName } from '../api.js'
import type { Field } from '../record/field.js'
import { addCustomField, type ObjectSchema, standardSchema } from '../record/schema.js'
import type { Rows } from '../row/rows.js'
import { type Row, valueOf } from '../row/row.js'

/** The row object that keeps custom fields: id `<object>.<name>`, register `definition`. */
export const customFieldObject = 'CustomField'

/** The org's schemas: Salesforce's standard fields and the org's own. Read from rows, so that a field added on one device is on all. */
export interface Schemas {
  get(object: ObjectName): ObjectSchema
  /** @throws EngineError INVALID for a field that may not be. */
  add(object: ObjectName, field: Field): Promise<void>
}

export function createSchemas(rows: Rows): Schemas {
  const known = new Map<ObjectName, ObjectSchema>()
  rows.watch((changes) => {
    if (changes.some((change) => change.object === customFieldObject)) known.clear()
  })
  const get = (object: ObjectName): ObjectSchema => {
    const schema = known.get(object) ?? readSchema(rows, object)
    known.set(object, schema)
    return schema
  }
  return {
    get,
    async add(object, field) {
      const result = addCustomField(get(object), field)
      if (!result.ok) throw new EngineError('INVALID', result.error.message, [result.error])
      const definition = JSON.parse(JSON.stringify({ ...field, custom: true }))
      await rows.save([{ object: customFieldObject, id: `${object}.${field.name}`, values: { definition } }])
    },
  }
}

function readSchema(rows: Rows, object: ObjectName): ObjectSchema {
  let schema = standardSchema(object)
  const fields = [...rows.list(customFieldObject).values()].filter((row) => row.id.startsWith(`${object}.`)).sort(byAge)
  for (const row of fields) {
    // A definition that this version does not accept (made by a newer one) is left out rather than breaking the whole object.
    const result = addCustomField(schema, valueOf(row, 'definition'))
    if (result.ok) schema = result.schema
  }
  return schema
}

function byAge(a: Row, b: Row): number {
  const age = (row: Row): number => row.registers['definition']?.[0][0] ?? 0
  return age(a) - age(b) || (a.id < b.id ? -1 : 1)
}
