import type { Stamp } from '@entente/protocol'
import type { EffectiveAgreement, ExportError, ObjectName } from '../api/index.js'
import { conversionLines } from '../agree/mapping-lines.js'
import { type ExportedAnswer, exportError } from '../export/export-messages.js'
import { convertRecord } from '../schema/mapping.js'
import { findField, type ObjectSchema } from '../schema/schema.js'
import { parseRecord, type RecordValues, validateField } from '../schema/validate.js'
import type { RowEdit } from '../row/rows.js'
import { type Value, valueIn } from '../schema/value.js'

type AgreedObject = NonNullable<EffectiveAgreement['objects'][ObjectName]>

export type Imported =
  | {
      readonly ok: true
      readonly values: RecordValues
      /** The fields whose value was cut, rounded or lost a part, as agreed: what happened to each. */
      readonly losses: readonly ExportError[]
    }
  | { readonly ok: false; readonly errors: readonly ExportError[] }

/**
 * Brings one exported record into the own schema. The vendor's values must fit the vendor's fields, then the agreed mapping converts them, then the own
 * rules check the whole. Every error names its field, none its value.
 *
 * @param corrections by own field, values that a person gave in place of what the mapping would bring
 */
export function importAnswer(
  schema: ObjectSchema,
  agreed: AgreedObject,
  answer: ExportedAnswer,
  corrections: Readonly<Record<string, Value>> = {},
): Imported {
  const sources = agreed.fields.map(({ vendor }) => vendor)
  const values: RecordValues = Object.fromEntries(
    sources.filter(({ name }) => Object.hasOwn(answer.values, name)).map(({ name }) => [name, valueIn(answer.values, name)]),
  )
  const unreadable = sources.flatMap((field) => {
    const checked = validateField(field, valueIn(values, field.name))
    return checked.ok ? [] : [checked.error]
  })
  if (unreadable.length > 0) return refused(unreadable)
  const mappings = agreed.fields.map(({ mapping }) => mapping).filter(({ target }) => !Object.hasOwn(corrections, target))
  const lines = conversionLines(mappings, { ...agreed.defaults, ...corrections })
  const converted = convertRecord(sources, schema, lines, values, 'create')
  if (!converted.ok) return refused(converted.errors)
  const owner =
    agreed.owner !== undefined && findField(schema, 'OwnerName') && !Object.hasOwn(converted.values, 'OwnerName')
      ? { OwnerName: agreed.owner }
      : {}
  const record = parseRecord(schema, { ...converted.values, ...owner }, 'create')
  if (!record.ok) return refused(record.errors)
  return {
    ok: true,
    values: record.values,
    losses: Object.entries(converted.flags).flatMap(([field, flags]) =>
      flags.flatMap((flag) => {
        const what = losing.get(flag)
        return what === undefined
          ? []
          : [exportError(answer.listing, flag, `The value ${what}, as agreed.`, 'Correct the copy if you need the rest.', field)]
      }),
    ),
  }

  function refused(
    errors: readonly { readonly field: string; readonly rule: string; readonly message: string; readonly fix: string }[],
  ): Imported {
    return { ok: false, errors: errors.map(({ field, rule, message, fix }) => exportError(answer.listing, rule, message, fix, field)) }
  }
}

/** Flags of conversions that lost a part of the value, in words. */
const losing: ReadonlyMap<string, string> = new Map([
  ['truncated', 'was cut to the length of the field'],
  ['rounded', 'was rounded'],
  ['time dropped', 'lost its time of day'],
  ['currency dropped', 'lost its currency'],
])

/**
 * The edits that make the copy and its record map. The copy has the stamp of the own org's request, on every device that imports it: so a second one
 * does not overwrite what a person edited meanwhile (rule IM1), and nothing that the peer says decides which edit wins (rule ST4). What a person typed in place of
 * a value has the stamp after it: it is the first edit of the copy, which the vendor sees and no recall takes away.
 */
export function copyEdits(options: {
  readonly object: ObjectName
  readonly connection: string
  readonly job: string
  readonly answer: ExportedAnswer
  /** The id of the copy. */
  readonly record: string
  readonly values: RecordValues
  /** By own field, what a person typed in place of a value. */
  readonly corrections: Readonly<Record<string, Value>>
  /** What the map keeps of the vendor's values. */
  readonly base: Value
  readonly partial: boolean
  readonly stamp: Stamp
  readonly now: number
  readonly by: string
}): readonly RowEdit[] {
  const { object, connection, job, answer, record, values, corrections, base, partial, stamp, now, by } = options
  const [time, counter, session] = stamp
  const typed = Object.keys(corrections).flatMap((name): [string, Value][] =>
    Object.hasOwn(values, name) ? [[name, values[name] ?? null]] : [],
  )
  return [
    { object, id: record, values: { ...values, _importedBy: answer.map }, stamp },
    ...(typed.length > 0 ? [{ object, id: record, values: Object.fromEntries(typed), stamp: [time, counter + 1, session] as Stamp }] : []),
    {
      object: 'RecordMap',
      id: answer.map,
      values: {
        connection,
        object,
        record,
        listing: answer.listing,
        exportId: job,
        on: true,
        importStamp: [...stamp],
        inbound: 'ImportSuccess',
        partial,
        base,
        importedAt: now,
        importedBy: by,
      },
    },
  ]
}
