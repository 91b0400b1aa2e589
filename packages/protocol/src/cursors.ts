import * as v from 'valibot'
import { type Feed, type FeedName, parseFeed, parseFeedName } from './feed.js'
import { limits } from './limits.js'
import { parsedText } from './parsed-text.js'

const sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** The last sequence that was read, by feed. */
export type ReadCursors = ReadonlyMap<FeedName, number>

/**
 * Read cursors: how far the signer of a head has read the peer's feeds, as the last sequence of each (rule RC1). They stand in the claims of a signed head,
 * in the incarnation that the head names. Check them with `areCursorsOf` as well.
 */
export const readCursors: v.GenericSchema<Record<string, number>, ReadCursors> = v.pipe(
  v.record(v.string(), sequence),
  v.transform((value) => Object.entries(value)),
  v.pipe(v.array(v.tuple([parsedText(parseFeedName), sequence])), v.maxLength(limits.cursorsPerHead)),
  v.transform((entries): ReadCursors => new Map(entries)),
)

/** Whether cursors may stand in the head of a feed: each names a feed of the other side of its connection (rule RC1). */
export function areCursorsOf(feed: Feed, cursors: ReadCursors): boolean {
  if (feed.kind !== 'connection') return cursors.size === 0
  return [...cursors.keys()]
    .map(parseFeed)
    .every((read) => read.kind === 'connection' && read.connection === feed.connection && read.side !== feed.side)
}
