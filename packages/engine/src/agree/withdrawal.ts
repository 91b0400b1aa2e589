import { limits } from '@entente/protocol'
import * as v from 'valibot'
import type { AgreedField, AgreedObject, EffectiveAgreement, ObjectName } from '../api/index.js'
import { objectNames } from './narrow-proposal.js'
import { instant, version } from '../schema/numbers.js'
import { perObject } from './agreement-terms.js'

// Either side may withdraw update fields alone, without a new version of the agreement (rules WD1 and WD2). The relay learns of it by the policy's public copy
// (rule PO9).

/** The key of a side's withdrawal in its messages of a connection. */
export const withdrawalKey = 'withdrawal'

const slots = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[0-9]$/))),
  v.maxLength(limits.slotsPerTopic),
  v.check((names) => new Set(names).size === names.length),
)

/** A withdrawal as an admin signs it: all slots that the side has withdrawn from this version so far, by object. */
export const withdrawalTerms = v.object({ version, slots: perObject(slots) })
export type WithdrawalTerms = v.InferOutput<typeof withdrawalTerms>

/** A withdrawal, and who decided it when (milliseconds since 1970), as the Agreement row keeps it. */
export const decidedWithdrawal = v.object({ ...withdrawalTerms.entries, by: v.string(), at: instant })
export type DecidedWithdrawal = v.InferOutput<typeof decidedWithdrawal>

/** What a side has withdrawn once a further withdrawal of it has arrived: the set only grows, and each version begins with none. */
export function growWithdrawal(known: WithdrawalTerms | undefined, arrived: WithdrawalTerms): WithdrawalTerms {
  if (!known || arrived.version > known.version) return arrived
  if (arrived.version < known.version) return known
  const both: { -readonly [Name in ObjectName]?: string[] } = {}
  for (const object of objectNames) {
    const names = new Set([...(known.slots[object] ?? []), ...(arrived.slots[object] ?? [])])
    if (names.size > 0) both[object] = [...names].sort()
  }
  return { version: known.version, slots: both }
}

/**
 * What flows: the agreement in force without the fields that either side has withdrawn from it. The agreement's version and hash stay, because both sides signed
 * that one.
 *
 * @param withdrawals those of both sides; one of another version counts nothing
 */
export function withoutWithdrawn(agreement: EffectiveAgreement, withdrawals: readonly WithdrawalTerms[]): EffectiveAgreement {
  const present = withdrawals.filter((withdrawal) => withdrawal.version === agreement.version)
  const objects: { -readonly [Name in ObjectName]?: AgreedObject } = {}
  for (const object of objectNames) {
    const part = agreement.objects[object]
    const gone = present.flatMap((withdrawal) => withdrawal.slots[object] ?? [])
    const isLeft = ({ slot }: AgreedField): boolean => slot === undefined || !gone.includes(slot)
    if (part) objects[object] = { ...part, fields: part.fields.filter(isLeft) }
  }
  return { ...agreement, objects }
}
