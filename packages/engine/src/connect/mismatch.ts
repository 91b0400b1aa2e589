import * as v from 'valibot'
import { numberOf } from '../replica/feed-role.js'
import type { Row } from '../row/row.js'

// An admin may say by a slip that the codes differ. The org that said so takes it back by a signed message, and both compare them from the start (rule CN7).

/** How often an org has taken a mismatch back (rule ST8). */
export const mismatchCount = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000))

/** The same with the numbers of two rosters (rule CN13). */
export const roundNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 33))

/** What an org signs that takes a mismatch back: the how many-th it is. */
export const againTerms = v.object({ again: v.pipe(mismatchCount, v.minValue(1)) })

/** A connection whose codes nobody has compared yet. */
export const comparedFromStart = { state: 'Enabled', verified: 'no', peerVerified: null, problem: null } as const

/** How often either org has taken a mismatch of a connection back: `again` is the own org's count, `peerAgain` the other's. */
export function mismatchesTakenBack(connection: Row | undefined): number {
  return numberOf(connection, 'again') + numberOf(connection, 'peerAgain')
}

/**
 * Which comparison of the codes counts: it begins once more with a mismatch that is taken back, and with the recovery of either org. A confirmation of the codes names it:
 * one from before confirms nothing (rules CN10, CN13).
 */
export function roundOf(connection: Row | undefined): number {
  return mismatchesTakenBack(connection) + numberOf(connection, 'recovered') + numberOf(connection, 'peerRecovered')
}
