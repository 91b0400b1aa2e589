import { compareFields, type FieldComparison, type Verdict } from './compare-fields.js'
import { convertValue, takeDefault, type ConversionChoices, type ConversionFlag } from './convert.js'
import { type RecordError } from './error.js'
import { type Field } from './field.js'
import { foldLabel } from './match-picklist.js'
import { findField, type ObjectSchema } from './schema.js'
import type { RecordValues } from './validate.js'
import { type Value, valueIn } from './value.js'

/** One line of a mapping: which source field fills which local field, and how. Without a source, the default fills it in every record. */
export interface MappingLine extends ConversionChoices {
  /** The source field's API name. */
  readonly source?: string
  /** The local field's API name. */
  readonly target: string
}

/** A value before and after. `after` is absent for a refused value, and `error` says why. */
export interface PreflightSample {
  readonly before: Value
  readonly after?: Value
  readonly flags: readonly ConversionFlag[]
  readonly error?: RecordError
}

/** What one line of a mapping will do. */
export interface PreflightField {
  readonly source?: string
  readonly target: string
  readonly verdict: Verdict
  readonly reason: string
  /** At most three different values of real rows, refused and changed ones first. */
  readonly samples: readonly PreflightSample[]
  /** How many of the rows looked at are refused by this field. */
  readonly refusedRows: number
}

/** What a whole mapping will do. */
export interface Preflight {
  readonly fields: readonly PreflightField[]
  /** Offered fields that the mapping does not take. */
  readonly unmapped: readonly string[]
  /** False while any line is blocked: such a mapping must not be accepted. */
  readonly ok: boolean
}

/** The values of a converted record, or every problem of it. */
export type RecordConversion =
  | {
      readonly ok: true
      readonly values: RecordValues
      /** By target field, only those with a flag. */
      readonly flags: Readonly<Record<string, readonly ConversionFlag[]>>
    }
  | { readonly ok: false; readonly errors: readonly RecordError[] }

const maxSamples = 3

/**
 * Compares the offered fields with the local schema line by line, and tries the mapping on `rows` (source values). Each required local field that nothing
 * fills is a blocked line of its own. Pure, and the same on both sides.
 */
export function preflight(
  sourceFields: readonly Field[],
  target: ObjectSchema,
  mapping: readonly MappingLine[],
  rows: readonly RecordValues[],
): Preflight {
  const fields = mapping.map((line, index) => checkLine(line, sourceFields, target, mapping.slice(0, index), rows))
  const filled = new Set(mapping.map((line) => line.target))
  for (const field of target.fields) {
    if (field.required === true && !filled.has(field.name)) {
      fields.push({
        target: field.name,
        verdict: 'blocked',
        reason: `${field.label} is required here, and nothing fills it. Map a field to it or give a default.`,
        samples: [],
        refusedRows: rows.length,
      })
    }
  }
  const taken = new Set(mapping.map((line) => line.source))
  const unmapped = sourceFields.map(({ name }) => name).filter((name) => !taken.has(name))
  return { fields, unmapped, ok: fields.every((field) => field.verdict !== 'blocked') }
}

/**
 * Suggests a line for each offered field that has none: the local field of the same API name, then the one of the same label, both without case. Existing
 * lines stay as they are, in their order. No local field gets two sources, and blocked pairs are not suggested.
 */
export function suggestMapping(
  sourceFields: readonly Field[],
  target: ObjectSchema,
  existing: readonly MappingLine[] = [],
): readonly MappingLine[] {
  const lines = [...existing]
  const taken = new Set(existing.map((line) => line.target))
  const mapped = new Set(existing.map((line) => line.source))
  const matchers: readonly ((source: Field, local: Field) => boolean)[] = [
    (source, local) => source.name.toLowerCase() === local.name.toLowerCase(),
    (source, local) => foldLabel(source.label) === foldLabel(local.label),
  ]
  for (const matches of matchers) {
    for (const source of sourceFields) {
      if (mapped.has(source.name)) continue
      const local = target.fields.find((field) => !taken.has(field.name) && matches(source, field))
      if (local === undefined || compareFields(source, local).verdict === 'blocked') continue
      lines.push({ source: source.name, target: local.name })
      taken.add(local.name)
      mapped.add(source.name)
    }
  }
  return lines
}

/**
 * Converts one record's values through a mapping. `create` fills every line and checks required local fields; `update` converts only the given fields.
 * Refuses with every problem at once.
 */
export function convertRecord(
  sourceFields: readonly Field[],
  target: ObjectSchema,
  mapping: readonly MappingLine[],
  values: RecordValues,
  mode: 'create' | 'update',
): RecordConversion {
  const errors: RecordError[] = []
  const converted: [string, Value][] = []
  const flags: [string, readonly ConversionFlag[]][] = []
  for (const line of mapping) {
    const local = findField(target, line.target)
    const isGiven = line.source !== undefined && Object.hasOwn(values, line.source)
    if (local === undefined || (mode === 'update' && !isGiven)) continue
    const source = sourceFields.find((field) => field.name === line.source)
    const value = isGiven && line.source !== undefined ? (values[line.source] ?? null) : null
    const result = source === undefined ? fillAlways(local, line) : convertValue(source, local, value, line)
    if (!result.ok) {
      errors.push(result.error)
      continue
    }
    converted.push([line.target, result.value])
    if (result.flags.length > 0) flags.push([line.target, result.flags])
  }
  if (mode === 'create') {
    for (const field of target.fields) {
      if (field.required === true && !mapping.some((line) => line.target === field.name)) {
        const missing = takeDefault(field, {})
        if (!missing.ok) errors.push(missing.error)
      }
    }
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values: Object.fromEntries(converted), flags: Object.fromEntries(flags) }
}

function checkLine(
  line: MappingLine,
  sourceFields: readonly Field[],
  target: ObjectSchema,
  earlier: readonly MappingLine[],
  rows: readonly RecordValues[],
): PreflightField {
  const source = sourceFields.find((field) => field.name === line.source)
  const local = findField(target, line.target)
  const { verdict, reason } = compareLine(line, source, local, earlier)
  const base = { target: line.target, ...(line.source === undefined ? {} : { source: line.source }), verdict, reason }
  if (source === undefined || local === undefined) return { ...base, samples: [], refusedRows: 0 }
  return { ...base, ...trySamples(source, local, line, rows) }
}

function compareLine(
  line: MappingLine,
  source: Field | undefined,
  local: Field | undefined,
  earlier: readonly MappingLine[],
): FieldComparison {
  if (local === undefined) return { verdict: 'blocked', reason: 'There is no such field here.' }
  if (earlier.some((other) => other.target === line.target)) {
    return { verdict: 'blocked', reason: `${local.label} already has a source: one source per field.` }
  }
  if (line.source === undefined) {
    return fillAlways(local, line).ok
      ? { verdict: 'same', reason: 'Every record gets the default.' }
      : { verdict: 'blocked', reason: 'A line without a source needs a default that fits.' }
  }
  if (earlier.some((other) => other.source === line.source)) {
    return { verdict: 'blocked', reason: 'This source already fills another field.' }
  }
  if (source === undefined) return { verdict: 'blocked', reason: 'The other org does not offer this field.' }
  return compareFields(source, local, line)
}

function fillAlways(local: Field, line: MappingLine): ReturnType<typeof takeDefault> {
  return takeDefault({ ...local, required: true }, line)
}

function trySamples(
  source: Field,
  local: Field,
  line: MappingLine,
  rows: readonly RecordValues[],
): Pick<PreflightField, 'samples' | 'refusedRows'> {
  const samples = new Map<string, PreflightSample>()
  let refusedRows = 0
  for (const row of rows) {
    const before = valueIn(row, source.name)
    const result = convertValue(source, local, before, line)
    if (!result.ok) refusedRows++
    samples.set(
      JSON.stringify(before),
      result.ok ? { before, after: result.value, flags: result.flags } : { before, flags: [], error: result.error },
    )
  }
  const telling = [...samples.values()].toSorted((left, right) => interest(right) - interest(left))
  return { samples: telling.slice(0, maxSamples), refusedRows }
}

function interest(sample: PreflightSample): number {
  if (sample.error !== undefined) return 3
  if (sample.flags.length > 0) return 2
  return sample.before === null ? 0 : 1
}
