import * as v from 'valibot'
import { otherSide, type Side } from '@entente/protocol'
import type { AgreedField, AgreementVersion, AgreementView, EffectiveAgreement, ObjectName } from '../api/index.js'
import { type Row, valueOf } from '../row/row.js'
import { ownWithdrawals, peerWithdrawal } from '../replica/desired-state.js'
import { slotsRegister } from './apply-agreement.js'
import {
  type DecidedWithdrawal,
  decidedWithdrawal,
  isWithdrawn,
  isWithdrawnAhead,
  joinWithdrawals,
  withoutWithdrawn,
} from './withdrawal.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import { switchedOff } from './objects.js'
import { objectNames } from './narrow-proposal.js'
import {
  agreedTerms,
  type DecidedAcceptance,
  decidedAcceptance,
  type DecidedProposal,
  decidedProposal,
  effectiveTerms,
} from './agreement-terms.js'

/** The content of an Agreement row, parsed. Its id is the connection's. */
export interface AgreementFacts {
  readonly proposal: DecidedProposal | undefined
  readonly acceptance: DecidedAcceptance | undefined
  /** What flows: the agreement in force without what either side has withdrawn (rule WD2). */
  readonly effective: EffectiveAgreement | undefined
  /** The agreement as both sides signed it. */
  readonly signed: EffectiveAgreement | undefined
  readonly withdrawn: DecidedWithdrawal | undefined
  readonly peerWithdrawn: DecidedWithdrawal | undefined
  readonly peerHash: v.InferOutput<typeof agreedTerms> | undefined
}

const nothingYet: AgreementFacts = {
  proposal: undefined,
  acceptance: undefined,
  effective: undefined,
  signed: undefined,
  withdrawn: undefined,
  peerWithdrawn: undefined,
  peerHash: undefined,
}
const factsByRow = new WeakMap<Row, AgreementFacts>()

export function agreementFacts(row: Row | undefined): AgreementFacts {
  if (!row) return nothingYet
  const known = factsByRow.get(row)
  if (known) return known
  const signed = readEffective(row)
  const withdrawn = ownWithdrawals(row)
    .flatMap((register) => read(decidedWithdrawal, row, register) ?? [])
    .reduce<DecidedWithdrawal | undefined>(joinWithdrawals, undefined)
  const peerWithdrawn = read(decidedWithdrawal, row, peerWithdrawal)
  const facts: AgreementFacts = {
    proposal: read(decidedProposal, row, 'proposal'),
    acceptance: read(decidedAcceptance, row, 'acceptance'),
    effective:
      signed &&
      withoutWithdrawn(
        signed,
        [withdrawn, peerWithdrawn].filter((each) => each !== undefined),
      ),
    signed,
    withdrawn,
    peerWithdrawn,
    peerHash: read(agreedTerms, row, 'peerHash'),
  }
  factsByRow.set(row, facts)
  return facts
}

/** The row as a page sees it. */
export function agreementView(
  { id, side }: Pick<ConnectionFacts, 'id' | 'side'>,
  connection: Row | undefined,
  row: Row | undefined,
): Omit<AgreementView, 'offer'> {
  const { proposal, acceptance, effective, signed, withdrawn, peerWithdrawn, peerHash } = agreementFacts(row)
  const current = acceptance?.version === proposal?.version ? acceptance : undefined
  const settled = effective !== undefined && effective.version === (proposal?.version ?? effective.version)
  return {
    connection: id,
    side,
    proposal,
    acceptance: current,
    effective,
    withdrawn: [...withdrawnFields(signed, withdrawn, side), ...withdrawnFields(signed, peerWithdrawn, otherSide(side))],
    takenBack: proposal ? takenBack(proposal, [withdrawn, peerWithdrawn]) : {},
    declined: declinedOf(row),
    off: switchedOff(connection),
    peerHash: peerHash?.version === effective?.version ? peerHash?.hash : undefined,
    state: settled ? 'agreed' : proposal ? 'proposed' : 'none',
    turn: settled ? undefined : !proposal || current ? 'vendor' : 'partner',
  }
}

/** What a proposal offers and the vendor has withdrawn since (rule WD4). */
function takenBack(
  { version, objects }: DecidedProposal,
  withdrawals: readonly (DecidedWithdrawal | undefined)[],
): AgreementView['takenBack'] {
  const named = (object: ObjectName): readonly string[] =>
    (objects[object]?.fields ?? []).flatMap(({ field: { name } }) =>
      withdrawals.some((each) => isWithdrawnAhead(each, version, object, name)) ? [name] : [],
    )
  return { Lead: named('Lead'), Opportunity: named('Opportunity') }
}

function withdrawnFields(
  signed: EffectiveAgreement | undefined,
  withdrawal: DecidedWithdrawal | undefined,
  by: Side,
): readonly AgreementView['withdrawn'][number][] {
  if (!signed || !withdrawal) return []
  return objectNames.flatMap((object) =>
    (signed.objects[object]?.fields ?? []).flatMap((field) => {
      if (!isWithdrawn(withdrawal, signed.version, object, field)) return []
      const { by: person, at } = withdrawal.since[object]?.[field.vendor.name] ?? withdrawal
      return [{ object, field, by, person, at }]
    }),
  )
}

/** A version's row as a page sees it. */
export function versionView(row: Row): AgreementVersion | undefined {
  const agreement = readEffective(row, 'agreement')
  const [proposal, acceptance] = [read(signedTerms, row, 'proposal'), read(signedTerms, row, 'acceptance')]
  return agreement && proposal && acceptance && { agreement, proposal, acceptance }
}

const signedTerms = v.object({ by: v.string(), at: v.number(), jws: v.string() })
const names = v.array(v.string())

function declinedOf(row: Row | undefined): AgreementView['declined'] {
  return (row && read(v.object({ Lead: names, Opportunity: names }), row, 'declined')) ?? {}
}

/** The slot of one side's field in docs of a version; undefined where they do not have it. */
export function slotOf(row: Row | undefined, version: number, object: ObjectName, side: Side, field: string): string | undefined {
  return slotLines(row, version)?.[object].find((line) => line[side] === field)?.slot
}

const lines = v.array(v.object({ slot: v.string(), vendor: v.string(), partner: v.string() }))
const slotsSchema = v.object({ Lead: lines, Opportunity: lines })
const slotsByRow = new WeakMap<Row, Map<number, v.InferOutput<typeof slotsSchema> | undefined>>()

function slotLines(row: Row | undefined, version: number): v.InferOutput<typeof slotsSchema> | undefined {
  if (!row) return undefined
  let byVersion = slotsByRow.get(row)
  if (!byVersion) slotsByRow.set(row, (byVersion = new Map()))
  if (!byVersion.has(version)) byVersion.set(version, read(slotsSchema, row, slotsRegister(version)))
  return byVersion.get(version)
}

function readEffective(row: Row, register = 'effective'): EffectiveAgreement | undefined {
  const terms = read(effectiveTerms, row, register)
  if (!terms) return undefined
  const objects: { -readonly [Name in ObjectName]?: NonNullable<EffectiveAgreement['objects'][Name]> } = {}
  for (const object of objectNames) {
    const part = terms.objects[object]
    if (!part) continue
    const fields = part.fields.map((field): AgreedField => ({ ...field, slot: field.slot }))
    objects[object] = { ...part, fields }
  }
  return { version: terms.version, hash: terms.hash, objects }
}

function read<Schema extends v.GenericSchema>(schema: Schema, row: Row, register: string): v.InferOutput<Schema> | undefined {
  const value = valueOf(row, register)
  if (value === undefined || value === null) return undefined
  const result = v.safeParse(schema, value)
  return result.success ? result.output : undefined
}
