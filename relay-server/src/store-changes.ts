import { connectionGovernedBy, type FeedName, orgOfRosterFeed } from '@entente/protocol'
import type { SessionRevoker } from './auth/session-revoker.js'
import type { FeedReaders } from './deliver/fan-out.js'
import { LruMap } from './flow/lru.js'
import { retry } from './flow/retry.js'
import type { Gateway } from './gateway/gateway.js'
import { orWarn, reasonOf } from './log.js'
import type { PolicyCache } from './publish/policy-cache.js'
import type { SessionTools } from './session/session.js'
import type { Watcher } from './store/store.js'

/** Capacity, in feeds. Evicted feeds are checked again. */
const checkedFeeds = 50_000
/** When a feed is checked again at the same head, in ms. That finds a session which was about to open during the last check. */
const recheckMs = 60_000
/** When devices are to come back after the store was replaced, in ms. Each adds its own jitter. */
const replacedRetryMs = 500

export type WatchingRelay = Pick<
  SessionTools,
  'log' | 'store' | 'groupCommit' | 'readers' | 'policies' | 'mailboxes' | 'gateway' | 'sessions' | 'presence' | 'rosters'
> & { readonly sessionRevoker: SessionRevoker }

/** Acts on the changes that other processes make to the relay's store. */
export function watchStore({
  log,
  store,
  groupCommit,
  readers,
  policies,
  mailboxes,
  gateway,
  sessions,
  presence,
  rosters,
  sessionRevoker,
}: WatchingRelay): Watcher {
  const untilDone = (work: () => Promise<void>): void => retry(work, (error) => log.warn('watch-failed', { reason: reasonOf(error) }))
  /** The store reports the same head again and again, and each check reads from it. */
  const checked = new LruMap<FeedName, { readonly head: number; readonly at: number }>(checkedFeeds)
  const check = async (feed: FeedName, head: number, look: () => Promise<void>): Promise<void> => {
    const [last, now] = [checked.get(feed), performance.now()]
    if (last?.head === head && now - last.at < recheckMs) return
    checked.set(feed, { head, at: now })
    try {
      await look()
    } catch (error) {
      checked.delete(feed)
      throw error
    }
  }
  const checkFor = (feed: FeedName): (() => Promise<void>) | undefined => {
    if (orgOfRosterFeed(feed) !== undefined) return () => sessionRevoker.feedGrew(feed)
    // Another relay may have taken a policy that ends the connection. Whether this feed has readers here does not matter.
    const connection = connectionGovernedBy(feed)
    const isRead = connection !== undefined && (readers.hasDocsOf(connection) || gateway.hasDocsOf(connection))
    return isRead ? () => followPolicy(feed, policies, readers, gateway) : undefined
  }
  return {
    followedFeeds: () => new Set([...readers.names(), ...gateway.feeds(), ...presence.feeds()]),
    followedMailboxes: () => mailboxes.followed(),
    feedGrew: (feed, head) => {
      readers.grew(feed, head)
      orWarn(log, 'watch-failed', gateway.grew(feed))
      const look = checkFor(feed)
      if (look) orWarn(log, 'watch-failed', check(feed, head, look))
    },
    // The store reports these changes once. It reports growth again while the feed is followed.
    mailboxChanged: (mailbox) => untilDone(() => mailboxes.changed(mailbox, Date.now())),
    accountsChanged: () => {
      groupCommit.forgetAccounts()
      untilDone(() => sessionRevoker.accountsChanged())
      untilDone(() => gateway.recheck())
    },
    storeReplaced: () => {
      log.warn('store-replaced', { incarnation: store.incarnation() })
      groupCommit.forgetAll()
      rosters.forget()
      readers.forgetAll()
      for (const session of sessions) session.leave(replacedRetryMs)
      gateway.leave()
    },
  }
}

/**
 * Does what a policy that has come asks for: once one has ended its connection, neither org reads the other's docs any more (rules PO5, GW7), and pages that have read
 * what one withdraws open their docs anew (rule PO10).
 */
export async function followPolicy(messages: FeedName, policies: PolicyCache, readers: FeedReaders, gateway: Gateway): Promise<void> {
  const connection = connectionGovernedBy(messages)
  if (connection === undefined) return
  const { vendor, partner, isEnded } = await policies.current(connection)
  if (isEnded) readers.dismissPeers(connection)
  if (isEnded || vendor?.withdrawn || partner?.withdrawn) gateway.end(connection)
}
