import { type Codec, struct, uint } from './codec.js'

/**
 * Which life of a doc this is: the agreement's version, then a number that grows each time the owner publishes the doc anew. In a team feed
 * the version is 0. A key keeps its last epoch over an erasure, so that a doc never comes back under an epoch it had (rule EP1).
 */
export interface Epoch {
  readonly version: number
  readonly number: number
}

export const epoch: Codec<Epoch> = struct({ version: uint, number: uint })

export const zeroEpoch: Epoch = { version: 0, number: 0 }

/** Negative where `a` came before `b`, 0 where they are the same. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  return a.version - b.version || a.number - b.number
}

/** The epoch that follows `last` for a doc of this agreement version. */
export function nextEpoch(last: Epoch | undefined, version: number): Epoch {
  return { version, number: last && last.version >= version ? last.number + 1 : 0 }
}
