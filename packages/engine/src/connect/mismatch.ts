import * as v from 'valibot'
import { type Row, valueOf } from '../row/row.js'

// An admin may say by a slip that the codes differ. The org that said so takes it back by a signed message, and both compare them from the start (rule CN7).

/** How often an org has taken a mismatch back (rule ST8). */
export const mismatchCount = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000))

/** What an org signs that takes a mismatch back: the how many-th it is. */
export const againTerms = v.object({ again: v.pipe(mismatchCount, v.minValue(1)) })

/** A connection whose codes nobody has compared yet. */
export const comparedFromStart = { state: 'Enabled', verified: 'no', peerVerified: null, problem: null } as const

/** How often an org has taken a mismatch of a connection back: `again` of the own org, `peerAgain` of the other. */
export function countOf(connection: Row | undefined, field: 'again' | 'peerAgain'): number {
  const value = valueOf(connection, field)
  return typeof value === 'number' ? value : 0
}

/** How often either org has. A confirmation of the codes names it: one from before confirms nothing (rule CN10). */
export function mismatchesTakenBack(connection: Row | undefined): number {
  return countOf(connection, 'again') + countOf(connection, 'peerAgain')
}
