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

export const firstAgreement: Agreement = { version: 1, slots: allSlots, signatures: [] }

export function policyText(policy: Policy): string {
  return JSON.stringify({ version: policy.version, slots: policy.slots, withdrawn: policy.withdrawn })
}

export function readPolicy(text: string): Policy {
  return JSON.parse(text) as Policy
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
