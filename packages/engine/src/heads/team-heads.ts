import { type FeedName, parseFeedName } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { type Row, valueOf } from '../row/row.js'
import type { FreshnessTable, VerifiedHead } from './freshness.js'
import type { HeadJudge } from './judge.js'

/** How much newer a head must be to be passed on again, in ms. */
const stepMs = 5 * 60_000

/**
 * Passes the newest heads of peers that fitted on to the other devices of this org, and hears theirs (rule HD7). So a relay that shows two devices different
 * histories is seen.
 *
 * @returns a function that ends this
 */
export function shareTeamHeads(context: EngineContext, freshness: FreshnessTable, judge: HeadJudge): () => void {
  const { rows, replica } = context
  for (const row of rows.list('Head').values()) hear(row)
  const ends = [
    freshness.watch((feed) => {
      const { newest, confirmed } = freshness.get(feed)
      if (!newest || confirmed !== newest.time || replica.isOwn(feed)) return
      tell(feed, newest).catch((error: unknown) =>
        context.problem(error instanceof Error ? error.message : 'A head could not be passed on.'),
      )
    }),
    rows.watch((changes) => {
      for (const { object, id } of changes) {
        const row = object === 'Head' ? rows.get(object, id) : undefined
        if (row) hear(row)
      }
    }),
  ]
  return () => ends.forEach((end) => end())

  async function tell(feed: FeedName, { token, time }: VerifiedHead): Promise<void> {
    const told = valueOf(rows.get('Head', feed), 'time')
    if (typeof told === 'number' && time - told < stepMs) return
    await rows.save([{ object: 'Head', id: feed, values: { token, time } }])
  }

  function hear(row: Row): void {
    const token = valueOf(row, 'token')
    if (typeof token !== 'string') return
    try {
      judge.hear(parseFeedName(row.id), token)
    } catch {
      // The row of another version, or of a colleague who means harm: it names no feed.
    }
  }
}
