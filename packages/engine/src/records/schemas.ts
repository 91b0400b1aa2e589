import type { ObjectName } from '../api/index.js'
import { EngineError } from '../error.js'
import { type Field, parseField } from '../schema/field.js'
import { addCustomField, findField, type ObjectSchema, schemaWithFields, standardSchema, takenName } from '../schema/schema.js'
import { isSameValue, parseValue, type Value } from '../schema/value.js'
import { type Row, valueOf } from '../row/row.js'
import type { Condition, RowEdit, Rows } from '../row/rows.js'

/**
 * One row per field that is the org's own or differs from the standard: id `<object>.<name>` in small letters, register `definition`. Names that differ by
 * case alone are one name, so they share a row.
 */
const fieldObject = 'Field'
/** What the org calls an object: id `<object>`, registers `label` and `plural`. */
const schemaObject = 'Schema'

/** The org's schemas: Salesforce's standard fields, as the org changed them, and its own. Rows, so that all devices have the same. */
export interface Schemas {
  get(object: ObjectName): ObjectSchema
  /** @throws EngineError INVALID for a field that may not be. */
  add(object: ObjectName, field: Field): Promise<void>
  /** Takes over a whole schema: labels, changed standard fields, own fields. Standard fields that it leaves out stay. */
  set(schema: ObjectSchema): Promise<void>
}

export function createSchemas(rows: Rows): Schemas {
  const known = new Map<ObjectName, ObjectSchema>()
  rows.watch((changes) => {
    if (changes.some((change) => change.object === fieldObject || change.object === schemaObject)) known.clear()
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
      const edit = fieldToEdit(object, { ...field, custom: true })
      await rows.save([edit], whileNew([edit]))
    },
    async set(schema) {
      const { object, label, plural } = schema
      const current = get(object)
      const changed = schema.fields.filter((field) => !isSameValue(fieldToValue(field), fieldToValue(findField(current, field.name))))
      let next = current
      const added: RowEdit[] = []
      for (const field of changed) {
        const parsed = parseField(field)
        if (!parsed.ok) throw new EngineError('INVALID', parsed.error.message, [parsed.error])
        // A new field keeps to the rules of new fields: what is stored is also shown.
        if (findField(current, field.name)) continue
        const result = addCustomField(next, field)
        if (!result.ok) throw new EngineError('INVALID', result.error.message, [result.error])
        next = result.schema
        added.push(fieldToEdit(object, field))
      }
      const edits = changed.map((field) => fieldToEdit(object, field))
      await rows.save([{ object: schemaObject, id: object, values: { label, plural } }, ...edits], whileNew(added))
    },
  }
}

/** That nobody has added fields of these names meanwhile. @throws EngineError INVALID, as for a name that is taken */
function whileNew(fields: readonly RowEdit[]): Condition {
  return {
    holds(stored) {
      for (const { object, id, values } of fields) {
        const [there, own] = [valueOf(stored.get(object, id), 'definition'), parseField(values['definition'])]
        if (there === undefined || !own.ok) continue
        const { error } = takenName(own.field.name)
        throw new EngineError('INVALID', error.message, [error])
      }
      return true
    },
  }
}

function readSchema(rows: Rows, object: ObjectName): ObjectSchema {
  const names = rows.get(schemaObject, object)
  const standard = standardSchema(object)
  let schema: ObjectSchema = {
    ...standard,
    label: textOf(names, 'label') ?? standard.label,
    plural: textOf(names, 'plural') ?? standard.plural,
  }
  const fields = [...rows.list(fieldObject).values()].filter((row) => row.id.startsWith(`${object}.`)).sort(byAge)
  for (const row of fields) {
    // A definition that this version does not accept (made by a newer one) is left out rather than breaking the whole object.
    const parsed = parseField(valueOf(row, 'definition'))
    if (!parsed.ok) continue
    if (findField(schema, parsed.field.name)) schema = schemaWithFields(schema, { [parsed.field.name]: parsed.field })
    else {
      const added = addCustomField(schema, parsed.field)
      if (added.ok) schema = added.schema
    }
  }
  return schema
}

function fieldToEdit(object: ObjectName, field: Field): RowEdit {
  return { object: fieldObject, id: `${object}.${field.name.toLowerCase()}`, values: { definition: fieldToValue(field) } }
}

/** A field as a plain value, without undefined properties. */
function fieldToValue(field: Field | undefined): Value {
  const parsed = parseValue(Object.fromEntries(Object.entries(field ?? {}).filter(([, value]) => value !== undefined)))
  if (!parsed.ok) throw new EngineError('INVALID', parsed.error.message, [parsed.error])
  return parsed.value
}

function textOf(row: Row | undefined, register: string): string | undefined {
  const value = valueOf(row, register)
  return typeof value === 'string' ? value : undefined
}

function byAge(a: Row, b: Row): number {
  const age = (row: Row): number => row.registers['definition']?.[0][0] ?? 0
  return age(a) - age(b) || (a.id < b.id ? -1 : 1)
}
