import type { FeedName } from '@entente/protocol'
import { feedNumbers, type TestConnection } from '@entente/relay-server/testing'

/** A feed under the number that every session of a run gives it. */
export interface FollowedFeed {
  readonly number: number
  readonly name: FeedName
  readonly side: 'vendor' | 'partner'
  readonly topic: 'opportunity' | 'messages'
}

/** The four feeds of a connection that load goes over. */
export function feedsOf(connection: TestConnection): readonly FollowedFeed[] {
  return (['vendor', 'partner'] as const).flatMap((side) =>
    (['messages', 'opportunity'] as const).map((topic) => ({
      number: feedNumbers[`${side}${topic === 'messages' ? 'Messages' : 'Opportunity'}`],
      name: connection.feed(side, topic),
      side,
      topic,
    })),
  )
}
