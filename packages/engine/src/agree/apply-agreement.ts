import { type ConnectionId, type Policy, policyKey } from '@entente/protocol'
import type { AgreedField, EffectiveAgreement, ObjectName } from '../api/index.js'
import type { Value } from '../schema/value.js'
import { policyText } from '../replica/index.js'
import type { ObjectTopic } from '../replica/feed-role.js'
import type { RowEdit } from '../row/rows.js'
import type { DecidedAcceptance, DecidedProposal } from './agreement-terms.js'
import { contentToValue } from './canonical.js'
import { isWithdrawn, type WithdrawalTerms } from './withdrawal.js'
import { type ConnectionFacts, messageEdit, messageId } from '../connect/connection-facts.js'

/** The key of the message with the version and hash of the effective agreement that a side computed. */
export const agreedKey = 'agreed'

/** A proposal and its acceptance, as they were signed. */
export interface SignedTerms {
  readonly proposal: DecidedProposal
  readonly proposalJws: string
  readonly acceptance: DecidedAcceptance
  readonly acceptanceJws: string
}

/**
 * The edits of an effective agreement: the row that decides the desired state of docs, the policy with the slots that this side accepts, the hash for
 * the peer to compare, and what was signed, for good.
 *
 * @param withdrawn what this side has withdrawn, also from this version ahead (rule WD4)
 */
export function effectiveEdits(
  connection: ConnectionFacts,
  agreement: EffectiveAgreement,
  signed: SignedTerms,
  withdrawn: WithdrawalTerms | undefined,
): readonly RowEdit[] {
  const { proposal, acceptance } = signed
  return [
    {
      object: 'Agreement',
      id: connection.id,
      values: {
        effective: contentToValue(agreement),
        declined: contentToValue(declinedFields(proposal, agreement)),
        [slotsRegister(agreement.version)]: slotFields(agreement),
      },
    },
    {
      object: versionObject,
      id: versionRowId(connection.id, agreement.version),
      values: {
        agreement: contentToValue(agreement),
        proposal: { by: proposal.by, at: proposal.at, jws: signed.proposalJws },
        acceptance: { by: acceptance.by, at: acceptance.at, jws: signed.acceptanceJws },
      },
    },
    withdrawalPolicy(connection, agreement, withdrawn),
    messageEdit(connection.ownMessages, agreedKey, { version: agreement.version, hash: agreement.hash }),
  ]
}

/** One row for each version that was in force, because a row with all of them would be too large to travel. */
export const versionObject = 'AgreementVersion'

export function versionRowId(connection: ConnectionId, version: number): string {
  return `${connection}:${version}`
}

/** By object, the names of the offered fields that the partner did not take. */
function declinedFields({ objects }: DecidedProposal, agreement: EffectiveAgreement): { readonly [Name in ObjectName]: readonly string[] } {
  const declined = (object: ObjectName): readonly string[] => {
    const taken = new Set((agreement.objects[object]?.fields ?? []).map(({ vendor }) => vendor.name))
    return (objects[object]?.fields ?? []).map(({ field }) => field.name).filter((name) => !taken.has(name))
  }
  return { Lead: declined('Lead'), Opportunity: declined('Opportunity') }
}

/**
 * The register with the fields of a version's slots. There is one for every version: the relay may still hold docs of an earlier one, frozen mirrors stay for
 * good, and nobody may read their slots as those of the present version.
 */
export function slotsRegister(version: number): string {
  return `slots.${version}`
}

function slotFields({ objects }: EffectiveAgreement): Value {
  const named = (object: ObjectName): Value =>
    (objects[object]?.fields ?? []).flatMap(({ slot, vendor, partner }) =>
      slot === undefined ? [] : [{ slot, vendor: vendor.name, partner: partner.name }],
    )
  return { Lead: named('Lead'), Opportunity: named('Opportunity') }
}

/** The edit of a policy with what this side has withdrawn, for the relay (rule PO9). @param agreement as both signed it */
export function withdrawalPolicy(
  connection: ConnectionFacts,
  agreement: EffectiveAgreement,
  withdrawn: WithdrawalTerms | undefined,
): RowEdit {
  const body = policyText(policyOf(agreement, withdrawn))
  return { object: 'ControlEntry', id: messageId(connection.ownMessages, policyKey), values: { body } }
}

function policyOf({ version, objects }: EffectiveAgreement, withdrawn: WithdrawalTerms | undefined): Policy {
  const fieldsOf = (object: ObjectName): readonly AgreedField[] => objects[object]?.fields ?? []
  const slots = (object: ObjectName): string[] => fieldsOf(object).flatMap(({ slot }) => slot ?? [])
  const gone = (object: ObjectName): string[] =>
    fieldsOf(object).flatMap((field) => (isWithdrawn(withdrawn, version, object, field) ? (field.slot ?? []) : []))
  const both = (of: (object: ObjectName) => readonly string[]): Record<ObjectTopic, readonly string[]> => ({
    lead: of('Lead'),
    opportunity: of('Opportunity'),
  })
  const isAny = gone('Lead').length + gone('Opportunity').length > 0
  return { version, slots: both(slots), ...(isAny && { withdrawn: both(gone) }) }
}
