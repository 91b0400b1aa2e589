import type { EntryKind, OrgId } from '@entente/protocol'

/** The quota of one org (rule QU1); 0 is no bound. */
export interface Quota {
  /** The bytes of merged states, tails, messages and tombstones in the feeds that the org writes. */
  readonly bytes: number
  /** The keys of those feeds that are not erased. */
  readonly docs: number
  /** The connections for which the org has a policy that has not ended them. */
  readonly connections: number
}

/** The bounds that an operator set for one org. The relay's own setting fills the bounds that are left out. */
export type QuotaOverrides = Partial<Quota>

/** What an org uses of its quota. */
export interface Usage {
  readonly bytes: number
  readonly docs: number
  readonly connections: number
}

/** The operator's decision about an org (rules AM1 to AM3). `none` is no decision: an open relay serves the org, any other does not. */
export const standings = ['none', 'allowed', 'revoked'] as const
/** One of the standings of an org. */
export type Standing = (typeof standings)[number]

/** What the relay knows of one org: its standing, its own quota and its usage. */
export interface Account {
  readonly org: OrgId
  readonly standing: Standing
  readonly quota: QuotaOverrides
  readonly usage: Usage
}

/** New bounds. Null restores the relay's own setting; a bound that is left out stays. */
export type QuotaChange = { readonly [bound in keyof Quota]?: number | null }

/** A change of an operator's decisions about an org. What is left out stays. */
export interface AccountChange {
  readonly standing?: Standing
  readonly quota?: QuotaChange
  /** The change applies only while the org has this standing. */
  readonly onlyFrom?: Standing
}

/** The usage of an org that has written nothing. */
export const noUsage: Usage = { bytes: 0, docs: 0, connections: 0 }

/** The usage of a tombstone beside its seal. It stays, so erasing keys that never existed takes room too. */
export const tombstoneBytes = 64

/** The bytes that a write adds to its org's usage. */
export function sizeOf({ kind, bytes }: { readonly kind: EntryKind; readonly bytes: Uint8Array }): number {
  return bytes.length + (kind === 'erased' ? tombstoneBytes : 0)
}
