import { type Codec, struct, uint } from './codec.js'
import { ProtocolError } from './error.js'

/**
 * The generation of a doc (rules EP1 and EP2). A doc that is published as a whole begins a new epoch. A key keeps its last epoch over an erasure, so that
 * a doc never returns under an epoch it had.
 */
export interface Epoch {
  /** The agreement's version; 0 in a team's feed. */
  readonly version: number
  /** Counts the docs that the owner began under this version, from 0. */
  readonly number: number
}

/** Below what the version and the number of an epoch stay (rule EP2). An agreement has a version of the same bound, and so has a policy. */
export const epochBound = 2 ** 31

/** A uint below the bound: another would leave no room for the next epoch. */
const part: Codec<number> = {
  ...uint,
  read: (decoder) => {
    const value = uint.read(decoder)
    if (value >= epochBound) throw new ProtocolError('FRAME', 'A part of an epoch is 2^31 or more.')
    return value
  },
}

/** The wire format of an epoch. */
export const epoch: Codec<Epoch> = struct({ version: part, number: part })

/** The lowest epoch, which entries without epochs carry. */
export const zeroEpoch: Epoch = { version: 0, number: 0 }

/** Negative where `a` is before `b`, 0 where they are equal, positive where `a` is after `b`. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  return a.version - b.version || a.number - b.number
}

/** The epoch that a doc of this agreement version begins, after `last` (rule EP2). At the bound it stays, and the relay refuses it. */
export function nextEpoch(last: Epoch | undefined, version: number): Epoch {
  return { version, number: last && last.version >= version ? Math.min(last.number + 1, epochBound - 1) : 0 }
}
