import type { Acceptance, AgreedField, FieldMapping, ObjectName, PreflightLine, ProposedField } from '../api/index.js'
import { type MappingLine, preflight, suggestMapping } from '../schema/mapping.js'
import { findField, type ObjectSchema } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'
import type { Value } from '../schema/value.js'

type AcceptedObject = NonNullable<Acceptance['objects'][ObjectName]>

/** The lines that convert a record: the agreed mapping, and the defaults of own required fields that nothing is mapped to. */
export function conversionLines(fields: readonly FieldMapping[], defaults: Readonly<Record<string, Value>> = {}): readonly MappingLine[] {
  const mapped = new Set(fields.map(({ target }) => target))
  const filled = Object.entries(defaults).filter(([target]) => !mapped.has(target))
  return [...fields, ...filled.map(([target, value]): MappingLine => ({ target, default: value }))]
}

/** Suggests a mapping for the proposed fields. Lines that a person chose stay as they are. */
export function suggestFields(
  proposed: readonly ProposedField[],
  schema: ObjectSchema,
  chosen: readonly FieldMapping[] = [],
): readonly FieldMapping[] {
  const chosenBySource = new Map(chosen.map((line) => [line.source, line]))
  const lines = suggestMapping(
    proposed.map(({ field }) => field),
    schema,
    chosen,
  )
  return lines.flatMap(({ source, target }): readonly FieldMapping[] => {
    if (source === undefined) return []
    const update = proposed.some(({ field, update: flows }) => flows && field.name === source)
    return [chosenBySource.get(source) ?? { source, target, update }]
  })
}

/**
 * The lines of the agreement in force that a new proposal still offers: what was declined or is new is left out. Lines that a person chose stay as they are.
 */
export function agreedAgain(
  proposed: readonly ProposedField[],
  schema: ObjectSchema,
  agreed: readonly AgreedField[],
  chosen: readonly FieldMapping[] = [],
): readonly FieldMapping[] {
  const isNamed = ({ source, target }: FieldMapping): boolean => chosen.some((line) => line.source === source || line.target === target)
  const isOffered = ({ source }: FieldMapping): boolean => proposed.some(({ field }) => field.name === source)
  const again = agreed.flatMap(({ mapping }): readonly FieldMapping[] => {
    const offer = proposed.find(({ field }) => field.name === mapping.source)
    if (!offer || isNamed(mapping) || !findField(schema, mapping.target)) return []
    return [{ ...mapping, update: mapping.update && offer.update }]
  })
  return [...again, ...chosen.filter(isOffered)]
}

/** The effect of each line of a mapping, with values of real records. A required own field that nothing fills is a blocked line of its own. */
export function preflightLines(
  proposed: readonly ProposedField[],
  schema: ObjectSchema,
  { fields, defaults }: Pick<AcceptedObject, 'fields' | 'defaults'>,
  samples: readonly RecordValues[],
): readonly PreflightLine[] {
  const { fields: checked, unmapped } = preflight(
    proposed.map(({ field }) => field),
    schema,
    conversionLines(fields, defaults),
    samples,
  )
  const lines = checked.map((line): PreflightLine => ({
    source: line.source ?? '',
    target: line.target,
    verdict: line.verdict,
    reason:
      line.refusedRows > 0 && line.verdict !== 'blocked'
        ? `${line.reason} ${line.refusedRows} of the records looked at would be refused.`
        : line.reason,
    samples: line.samples.map(({ before, after }) => ({ before, after })),
  }))
  const left = unmapped.map((source): PreflightLine => ({
    source,
    target: undefined,
    verdict: 'lossy',
    reason: 'Not mapped: this field is not taken over.',
    samples: [],
  }))
  return [...lines, ...left]
}
