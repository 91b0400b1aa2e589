import { feedName, type FeedName, type OrgId } from '@entente/protocol'

/** A session that has said who it is. */
export interface Present {
  readonly org: OrgId
}

/** Which orgs have sessions here, and the feeds in which their revocations appear. */
export class Presence<S extends Present> {
  readonly #byFeed = new Map<FeedName, { readonly org: OrgId; readonly sessions: Set<S> }>()

  add(session: S): void {
    const feed = revocationsOf(session.org)
    const here = this.#byFeed.get(feed)
    if (here) here.sessions.add(session)
    else this.#byFeed.set(feed, { org: session.org, sessions: new Set([session]) })
  }

  remove(session: S): void {
    const feed = revocationsOf(session.org)
    const here = this.#byFeed.get(feed)
    here?.sessions.delete(session)
    if (here?.sessions.size === 0) this.#byFeed.delete(feed)
  }

  orgs(): readonly OrgId[] {
    return [...this.#byFeed.values()].map(({ org }) => org)
  }

  sessionsOf(org: OrgId): readonly S[] {
    return this.sessionsByFeed(revocationsOf(org))
  }

  /** The sessions of the org in whose feed of revocations something came, or none where the feed is another. */
  sessionsByFeed(feed: FeedName): readonly S[] {
    return [...(this.#byFeed.get(feed)?.sessions ?? [])]
  }

  feeds(): Iterable<FeedName> {
    return this.#byFeed.keys()
  }
}

/** An org's own messages, which hold the notices of its revoked devices (rule ID4). */
export function revocationsOf(org: OrgId): FeedName {
  return feedName({ kind: 'team', org, topic: 'messages' })
}
