import type { OrgId } from '@entente/protocol'

/** What an org may take up at the relay; 0 is no bound. */
export interface Quota {
  /** Of merged states, tails and messages in the feeds that the org writes. */
  readonly bytes: number
  /** Keys in those feeds that hold something. */
  readonly docs: number
  /** Connections for which the org has registered a policy. */
  readonly connections: number
}

/** The bounds that an operator set for one org. For those left out the relay's own setting holds. */
export type QuotaOverrides = Partial<Quota>

/** What an org takes up, counted as its quota is. */
export interface Usage {
  readonly bytes: number
  readonly docs: number
  readonly connections: number
}

/** `none` is an org of which the operator has not said anything: an open relay serves it, one with a list does not. */
export const standings = ['none', 'allowed', 'revoked'] as const
export type Standing = (typeof standings)[number]

export interface Account {
  readonly org: OrgId
  readonly standing: Standing
  readonly quota: QuotaOverrides
  readonly usage: Usage
}

/** By bound; null puts one back to the relay's own setting. */
export type QuotaChange = { readonly [bound in keyof Quota]?: number | null }

/** What an operator changes about an org; all that is left out stays as it is. */
export interface AccountChange {
  readonly standing?: Standing
  readonly quota?: QuotaChange
  /** Nothing is changed where the org stands otherwise by now. */
  readonly onlyFrom?: Standing
}

export const noUsage: Usage = { bytes: 0, docs: 0, connections: 0 }
