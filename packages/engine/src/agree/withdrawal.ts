import { limits } from '@entente/protocol'
import * as v from 'valibot'
import type { AgreedField, AgreedObject, EffectiveAgreement, ObjectName } from '../api/index.js'
import { objectNames } from './narrow-proposal.js'
import { instant, version } from '../schema/numbers.js'
import { byName, perObject } from './agreement-terms.js'

// Either side may withdraw update fields alone, without a new version of the agreement (rules WD1 and WD2). The relay learns of it by the policy's public copy
// (rule PO9).

/** The key of a side's withdrawal in its messages of a connection. */
export const withdrawalKey = 'withdrawal'

const slots = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[0-9]$/))),
  v.maxLength(limits.slotsPerTopic),
  v.check((names) => new Set(names).size === names.length),
)

/** The fields that may be withdrawn from versions which nobody has accepted yet, for each object. */
const mostLater = 100
const laterFields = v.pipe(
  byName(version),
  v.check((fields) => Object.keys(fields).length <= mostLater),
)

/**
 * A withdrawal as an admin signs it: all slots that the side has withdrawn from this version so far, by object. `later`: by the vendor's API name of a field, the
 * last version from which it is withdrawn too (rule WD4). So what the vendor proposed before does not bring the field back.
 */
export const withdrawalTerms = v.object({ version, slots: perObject(slots), later: v.exactOptional(perObject(laterFields)) })
export type WithdrawalTerms = v.InferOutput<typeof withdrawalTerms>

const decision = { by: v.string(), at: instant }

/**
 * A withdrawal, and who decided it when (milliseconds since 1970), as the Agreement row keeps it. `since`: by the vendor's API name of a field, the decision that named it first.
 */
export const decidedWithdrawal = v.object({ ...withdrawalTerms.entries, ...decision, since: perObject(byName(v.object(decision))) })
export type DecidedWithdrawal = v.InferOutput<typeof decidedWithdrawal>

type Later = NonNullable<WithdrawalTerms['later']>
type MutableLater = { -readonly [Name in ObjectName]?: { [field: string]: number } }

/** What a side has withdrawn once a further withdrawal of it has arrived: the set only grows, and each version begins with none but what was withdrawn ahead. */
export function growWithdrawal(known: WithdrawalTerms | undefined, arrived: WithdrawalTerms): WithdrawalTerms {
  const top = Math.max(known?.version ?? 0, arrived.version)
  const present = [known, arrived].filter((terms) => terms?.version === top)
  const both: { -readonly [Name in ObjectName]?: string[] } = {}
  for (const object of objectNames) {
    const names = new Set(present.flatMap((terms) => terms?.slots[object] ?? []))
    if (names.size > 0) both[object] = [...names].sort()
  }
  const later = growLater([known?.later, arrived.later], top)
  return { version: top, slots: both, ...(Object.keys(later).length > 0 && { later }) }
}

/** What two admins of one org have withdrawn, each at a device of their own. Who named a field first has withdrawn it. */
export function joinWithdrawals(one: DecidedWithdrawal | undefined, other: DecidedWithdrawal): DecidedWithdrawal {
  if (!one) return other
  const [earlier, later] = one.at <= other.at ? [one, other] : [other, one]
  const since: { -readonly [Name in ObjectName]?: { [field: string]: { by: string; at: number } } } = {}
  for (const object of objectNames) {
    const named = { ...later.since[object], ...earlier.since[object] }
    if (Object.keys(named).length > 0) since[object] = named
  }
  return { ...growWithdrawal(one, other), by: later.by, at: later.at, since }
}

/** A withdrawal as it is signed. */
export function termsOf({ version: of, slots: withdrawn, later }: WithdrawalTerms): WithdrawalTerms {
  return { version: of, slots: withdrawn, ...(later && { later }) }
}

function growLater(parts: readonly (Later | undefined)[], from: number): Later {
  const grown: MutableLater = {}
  for (const object of objectNames) {
    const ends = new Map<string, number>()
    for (const part of parts)
      for (const [name, end] of Object.entries(part?.[object] ?? {})) if (end >= from) ends.set(name, Math.max(end, ends.get(name) ?? 0))
    if (ends.size > 0) grown[object] = Object.fromEntries(ends)
  }
  return grown
}

/** Whether a withdrawal names a field of a version. */
export function isWithdrawn(
  withdrawal: WithdrawalTerms | undefined,
  of: number,
  object: ObjectName,
  { slot, vendor }: AgreedField,
): boolean {
  if (!withdrawal || slot === undefined) return false
  const isNamed = withdrawal.version === of && withdrawal.slots[object]?.includes(slot) === true
  return isNamed || isWithdrawnAhead(withdrawal, of, object, vendor.name)
}

/** Whether a withdrawal names a field, by the vendor's API name, ahead of a version (rule WD4). */
export function isWithdrawnAhead(withdrawal: WithdrawalTerms | undefined, of: number, object: ObjectName, name: string): boolean {
  const ends = withdrawal?.later?.[object] ?? {}
  return Object.hasOwn(ends, name) && (ends[name] ?? 0) >= of
}

/** A withdrawal with who decided it: what was withdrawn before keeps its own decision. @param agreement as both signed it */
export function decideWithdrawal(
  agreement: EffectiveAgreement,
  known: DecidedWithdrawal | undefined,
  terms: WithdrawalTerms,
  by: string,
  at: number,
): DecidedWithdrawal {
  const since: { -readonly [Name in ObjectName]?: { [field: string]: { by: string; at: number } } } = {}
  for (const object of objectNames) {
    const gone = (agreement.objects[object]?.fields ?? []).filter((field) => isWithdrawn(terms, agreement.version, object, field))
    const before = known?.since[object] ?? {}
    const lines = gone.map(({ vendor: { name } }) => [name, (Object.hasOwn(before, name) && before[name]) || { by, at }] as const)
    if (lines.length > 0) since[object] = Object.fromEntries(lines)
  }
  return { ...terms, by, at, since }
}

/**
 * What flows: the agreement in force without the fields that either side has withdrawn from it. The agreement's version and hash stay, because both sides signed
 * that one.
 *
 * @param withdrawals those of both sides
 */
export function withoutWithdrawn(agreement: EffectiveAgreement, withdrawals: readonly WithdrawalTerms[]): EffectiveAgreement {
  const objects: { -readonly [Name in ObjectName]?: AgreedObject } = {}
  for (const object of objectNames) {
    const part = agreement.objects[object]
    const isLeft = (field: AgreedField): boolean => !withdrawals.some((each) => isWithdrawn(each, agreement.version, object, field))
    if (part) objects[object] = { ...part, fields: part.fields.filter(isLeft) }
  }
  return { ...agreement, objects }
}
