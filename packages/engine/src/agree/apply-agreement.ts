import { type Policy, policyKey } from '@entente/protocol'
import type { EffectiveAgreement, ObjectName } from '../api/index.js'
import type { Value } from '../schema/value.js'
import { policyText } from '../replica/index.js'
import type { ObjectTopic } from '../replica/feed-role.js'
import type { RowEdit } from '../row/rows.js'
import { contentToValue } from './canonical.js'
import { type ConnectionFacts, messageEdit, messageId } from '../connect/connection-facts.js'

/** The key of the message with the version and hash of the effective agreement that a side computed. */
export const agreedKey = 'agreed'

/**
 * The edits of an effective agreement: the row that decides the desired state of docs, the policy with the slots that this side accepts, and the hash for
 * the peer to compare.
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

function policyOf({ version, objects }: EffectiveAgreement): Policy {
  const slots = (object: 'Lead' | 'Opportunity'): string[] => (objects[object]?.fields ?? []).flatMap(({ slot }) => slot ?? [])
  return { version, slots: { lead: slots('Lead'), opportunity: slots('Opportunity') } satisfies Record<ObjectTopic, string[]> }
}
