import * as v from 'valibot'
import { type Field, parseField } from '../schema/field.js'
import { instant, version } from '../schema/numbers.js'
import { parseValue, type Value } from '../schema/value.js'

// The shapes of proposals, acceptances and agreements, as they come from the other org or out of a row. Unknown properties are dropped, so that both
// sides compute over the same content.

const field = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, Field>(({ dataset, addIssue, NEVER }) => {
    const result = parseField(dataset.value)
    if (result.ok) return result.field
    addIssue({ message: result.error.message })
    return NEVER
  }),
)

export const value = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, Value>(({ dataset, addIssue, NEVER }) => {
    const result = parseValue(dataset.value)
    if (result.ok) return result.value
    addIssue({ message: result.error.message })
    return NEVER
  }),
)

/** A map from names that the other org chose. `v.record` leaves out names like `constructor`; here they are names like any other. */
export const byName = <Part extends v.GenericSchema>(part: Part) =>
  v.pipe(
    v.custom<Readonly<Record<string, unknown>>>((input) => typeof input === 'object' && input !== null && !Array.isArray(input)),
    v.transform((input) => Object.entries(input)),
    v.array(v.tuple([v.string(), part])),
    v.transform((entries): { readonly [name: string]: v.InferOutput<Part> } => Object.fromEntries(entries)),
  )

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(255))
const fields = <Item extends v.GenericSchema>(item: Item): v.ArraySchema<Item, undefined> => v.array(item)
const values = byName(value)

/** One part per object, each optional. */
export const perObject = <Part extends v.GenericSchema>(part: Part) =>
  v.object({ Lead: v.exactOptional(part), Opportunity: v.exactOptional(part) })

const mapping = v.object({
  source: name,
  target: name,
  update: v.boolean(),
  picklist: v.exactOptional(byName(v.string())),
  default: v.exactOptional(value),
  truncate: v.exactOptional(v.boolean()),
  round: v.exactOptional(v.boolean()),
  zone: v.exactOptional(name),
  currency: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Z]{3}$/))),
  newline: v.exactOptional(v.picklist(['space', 'refuse'])),
})

/** A proposal as the vendor signs it. */
export const proposalTerms = v.object({
  version,
  objects: perObject(
    v.object({
      fields: fields(v.object({ field, update: v.boolean() })),
      owner: v.exactOptional(name),
      passOn: v.exactOptional(v.boolean()),
    }),
  ),
})
export type ProposalTerms = v.InferOutput<typeof proposalTerms>

/** An acceptance as the partner signs it: which proposal (by version and hash), the mapping, and its own definition of each target field. */
export const acceptanceTerms = v.object({
  version,
  proposal: name,
  objects: perObject(
    v.object({
      fields: fields(mapping),
      targets: v.array(field),
      defaults: v.exactOptional(values),
      owner: v.exactOptional(name),
    }),
  ),
})
export type AcceptanceTerms = v.InferOutput<typeof acceptanceTerms>

/** Who decided, and when (milliseconds since 1970). */
const decided = { by: v.string(), at: instant }
export const decidedProposal = v.object({ ...proposalTerms.entries, ...decided })
export const decidedAcceptance = v.object({ ...acceptanceTerms.entries, ...decided })
export type DecidedProposal = v.InferOutput<typeof decidedProposal>
export type DecidedAcceptance = v.InferOutput<typeof decidedAcceptance>

export const effectiveTerms = v.object({
  version,
  hash: name,
  objects: perObject(
    v.object({
      fields: fields(v.object({ vendor: field, partner: field, slot: v.exactOptional(v.string()), mapping })),
      owner: v.exactOptional(name),
      passOn: v.exactOptional(v.literal(true)),
      defaults: v.exactOptional(values),
    }),
  ),
})

/** The message by which each side names the effective agreement that it computed. */
export const agreedTerms = v.object({ version, hash: name })
