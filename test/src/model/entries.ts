import type { Epoch } from '@entente/protocol'
import type { Feed } from './names.js'
import type { AgreementClaims } from './policy.js'
import type { Signed } from './signatures.js'

export type Kind = 'doc' | 'message' | 'erased' | 'head' | 'roster' | 'generation'

/** What the writer of a feed states of it (the claims of a head). `root` stands for the hash over all leaves: equal text, equal hash. */
export interface HeadClaims {
  readonly feed: Feed
  readonly incarnation: number
  readonly sequence: number
  readonly root: string
  readonly generation: number
  /** How far the signer had read the peer's messages in this incarnation: what was handed back to it by then, it has seen. */
  readonly read: number
  readonly time: number
}

/** The list of an org's devices. `previous` is the roster before it, as a hash would name it. */
export interface RosterClaims {
  readonly org: string
  readonly number: number
  readonly previous: Signed<RosterClaims> | undefined
  readonly admins: readonly string[]
  readonly members: readonly string[]
  /** The version of the agreement that stands, whoever signed it: the signer of the roster answers for it. */
  readonly agreement: AgreementClaims
  /** The generation that belongs to it: what an earlier one sealed is not believed any more. */
  readonly generation: number
}

/** The next generation of an org's secrets, sealed to the devices of a roster and to the peer. */
export interface GenerationClaims {
  readonly org: string
  readonly generation: number
  /** The rotation before it, as a hash would name it. */
  readonly previous: Signed<GenerationClaims> | undefined
  /** Where the feeds of docs stood. The relay takes the rotation only if they still do. */
  readonly incarnation: number
  readonly last: Readonly<Partial<Record<Feed, number>>>
}

/** An entry of a feed. `copy` is the public copy of a control entry, which the relay reads. */
export interface Entry {
  readonly sequence: number
  readonly key: string
  readonly kind: Kind
  readonly whole: boolean
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  readonly copy?: string | undefined
  readonly token?: unknown
}

/** An entry as a device offers it. `seen` is the sequence of the key's last entry that it absorbed; `roster` and `generation` are the org's highest that it absorbed. */
export interface Offer extends Omit<Entry, 'sequence'> {
  readonly feed: Feed
  readonly seen: number
  readonly roster: number
  readonly generation: number
}

export const noBytes = new Uint8Array()
