import { type ObjectTopic, type Policy, policyKey } from '@entente/protocol'
import type { EffectiveAgreement, ObjectName } from '../api/index.js'
import type { Value } from '../schema/value.js'
import { policyText } from '../replica/index.js'
import type { RowEdit } from '../row/rows.js'
import { contentToValue } from './canonical.js'
import { type ConnectionFacts, messageEdit, messageId } from '../connect/connection-facts.js'

/** The key under which each side tells version and hash of its effective agreement. */
export const agreedKey = 'agreed'

/**
 * What follows from an effective agreement, saved with it: the row that carriage reads, the policy by which the relay knows which slots this side
 * accepts, and the hash for the peer to compare.
 */
export function effectiveEdits(connection: ConnectionFacts, agreement: EffectiveAgreement): readonly RowEdit[] {
  return [
    {
      object: 'Agreement',
      id: connection.id,
      values: { effective: contentToValue(agreement), [slotsRegister(agreement.version)]: slotFields(agreement) },
    },
    { object: 'ControlEntry', id: messageId(connection.ownMessages, policyKey), values: { body: policyText(policyOf(agreement)) } },
    messageEdit(connection.ownMessages, agreedKey, { version: agreement.version, hash: agreement.hash }),
  ]
}

/**
 * Which fields the slots of a version stood for. Kept for every version: docs of an earlier one may still stand at the relay, and frozen mirrors do for
 * good, and their slots must never be read as those of the present version.
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

function policyOf({ version, objects }: EffectiveAgreement): Policy {
  const slots = (object: 'Lead' | 'Opportunity'): string[] => (objects[object]?.fields ?? []).flatMap(({ slot }) => slot ?? [])
  const byTopic: Record<ObjectTopic, string[]> = { lead: slots('Lead'), opportunity: slots('Opportunity') }
  return { version, slots: byTopic }
}
