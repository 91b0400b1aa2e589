import { type ConnectionId, type Feed, type FeedName, type OrgId, parseFeed, type Side } from '@entente/protocol'
import type { Store } from '../store/store.js'

/** The two orgs of a connection; the partner is undefined until it has claimed the invitation. */
export interface Parties {
  readonly vendor: OrgId
  readonly partner: OrgId | undefined
}

/** What a session may do with a feed. */
export interface Access {
  readonly name: FeedName
  readonly feed: Feed
  readonly writes: boolean
  /** When access ends (ms since 1970), for the feeds of a mailbox. */
  readonly mailboxUntil: number | undefined
}

/**
 * Rules F2, F4 and MB5. Both parties read the feeds of a connection or a mailbox, and the org of each side writes its own. A team's feeds belong to its org
 * alone. A mailbox's feeds exist as long as its invitation.
 *
 * @param attached the connections whose parties this session has proved
 * @returns undefined for a stranger's feed and for one that does not exist, which must look the same
 */
export async function accessTo(
  name: FeedName,
  org: OrgId,
  attached: ReadonlyMap<ConnectionId, Parties>,
  store: Store,
  now: number,
): Promise<Access | undefined> {
  const feed = parseFeed(name)
  if (feed.kind === 'team') return feed.org === org ? { name, feed, writes: true, mailboxUntil: undefined } : undefined
  if (feed.kind === 'connection') {
    const parties = attached.get(feed.connection)
    return parties && side(parties, org, feed.side, { name, feed, mailboxUntil: undefined })
  }
  const invitation = await store.invitation(feed.mailbox)
  if (!invitation || invitation.isVoid || invitation.expires <= now) return undefined
  return side(invitation, org, feed.side, { name, feed, mailboxUntil: invitation.expires })
}

function side(parties: Parties, org: OrgId, writer: Side, access: Omit<Access, 'writes'>): Access | undefined {
  if (org !== parties.vendor && org !== parties.partner) return undefined
  return { ...access, writes: parties[writer] === org }
}
