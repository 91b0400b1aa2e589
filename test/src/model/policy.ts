import { allSlots } from './names.js'
import type { Signed } from './signatures.js'

/** A version of the agreement as both sides signed it. */
export interface AgreementClaims {
  readonly version: number
  readonly slots: readonly string[]
}

/** What one side registers: the version that it holds to, its slots, and what it withdrew from it alone. */
export interface Policy {
  readonly version: number
  readonly slots: readonly string[]
  readonly withdrawn: readonly string[]
}

export interface Agreement extends AgreementClaims {
  /** Signatures of an admin of each side. The first version needs none. */
  readonly signatures: readonly Signed<AgreementClaims>[]
}

export function claimsOf({ version, slots }: Agreement): AgreementClaims {
  return { version, slots }
}

export const firstAgreement: Agreement = { version: 1, slots: allSlots, signatures: [] }

export function policyText(policy: Policy): string {
  return JSON.stringify({ version: policy.version, slots: policy.slots, withdrawn: policy.withdrawn })
}

export function isSamePolicy(one: Policy, other: Policy): boolean {
  return one.version === other.version && one.slots.join() === other.slots.join() && one.withdrawn.join() === other.withdrawn.join()
}

const known = new Map<string, Policy>()

export function readPolicy(text: string): Policy {
  const policy = known.get(text) ?? (JSON.parse(text) as Policy)
  known.set(text, policy)
  return policy
}

/** What flows: the slots of both, less the withdrawals of either. @returns undefined until both have registered the same version */
export function joinPolicies(
  one: Policy | undefined,
  other: Policy | undefined,
): { readonly version: number; readonly slots: readonly string[] } | undefined {
  if (!one || !other || one.version !== other.version) return undefined
  const slots = one.slots.filter((slot) => other.slots.includes(slot) && !one.withdrawn.includes(slot) && !other.withdrawn.includes(slot))
  return { version: one.version, slots }
}
