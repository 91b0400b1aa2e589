import { docFeedsGovernedBy, type FeedName } from '@entente/protocol'
import { Backlog } from './session/backlog.js'
import { GroupCommit } from './publish/group-commit.js'
import { isServed } from './auth/org-admission.js'
import { pageBounds } from './deliver/catch-up.js'
import { Compactor } from './store/compaction.js'
import type { RelayConfig } from './config/config.js'
import { SessionRevoker } from './auth/session-revoker.js'
import { Gateway } from './gateway/gateway.js'
import { isOver } from './publish/connection-end.js'
import { Readers } from './deliver/fan-out.js'
import { Authenticator } from './auth/authenticator.js'
import { type Log, reasonOf } from './log.js'
import { Looks } from './flow/recheck.js'
import { Mailboxes } from './publish/mailbox.js'
import type { Metrics } from './observe/metrics.js'
import { isPolicy } from './publish/judge-offer.js'
import { PolicyCache } from './publish/policy-cache.js'
import { Presence } from './auth/presence.js'
import { standingOf } from './auth/revocation.js'
import type { Relay, Session } from './session/session.js'
import type { Store } from './store/store.js'
import type { Watcher } from './store/watcher.js'
import { retry } from './flow/retry.js'
import { TimeSlices } from './deliver/time-slices.js'

/** Of each turn of the event loop, what catching up may take, in ms; pages that may wait for a database at once. */
const catchUpMs = 4
const pagesAtOnce = 4
/** When devices are to come back whose relay's store was replaced, in ms; each adds its own jitter. */
const replacedRetryMs = 500

export interface WholeRelay extends Relay {
  readonly compactor: Compactor
  readonly sessionRevoker: SessionRevoker
}

/** Ties the parts together. What a commit sets off, here or at another relay on the same store, is decided here. */
export function assemble(config: RelayConfig, names: readonly string[], store: Store, log: Log, metrics: Metrics): WholeRelay {
  const sessions = new Set<Session>()
  const presence = new Presence<Session>((session) => orLog(log, 'recheck-failed', sessionRevoker.entered(session)))
  const sessionRevoker = new SessionRevoker(presence, config, store)
  const compactor = new Compactor(store, log, metrics)
  const policies = new PolicyCache(store)
  const timeSlices = new TimeSlices(catchUpMs, pagesAtOnce)
  const policyCame = (feed: FeedName): void => orLog(log, 'end-failed', endReading(feed, policies, readers, gateway))
  const readers = new Readers((feed, after) => timeSlices.take(() => store.page(feed, after, pageBounds)), metrics)
  const gateway = new Gateway({
    store,
    policies,
    log,
    metrics,
    lifeMs: config.gatewayTokenMs,
    slowReaderBytes: config.slowReaderBytes,
    isServed: async ({ org, device }) => {
      const { standing, isRevoked } = await standingOf(org, device, store)
      return isServed({ standing }, config) && !isRevoked
    },
  })
  const mailboxes = new Mailboxes(store)
  const groupCommit = new GroupCommit(
    store,
    policies,
    {
      fanOut: (writes, commit) => {
        // What went into a copy of the store that is no more has no readers: their sessions have ended.
        if (commit.incarnation !== store.incarnation()) return
        readers.fanOut(writes, commit)
        gateway.fanOut(writes, commit)
      },
      revoked: (org, device) => {
        sessionRevoker.revoked(org, device, sessions)
        orLog(log, 'gateway-failed', gateway.recheck())
      },
      measured: ({ offers, entries, commitMs, waitedMs }) => {
        metrics.committed(offers, entries, commitMs)
        for (const ms of waitedMs) metrics.acknowledged(ms)
      },
      grown: (write, tail) => {
        if (tail >= config.tailUpdates) compactor.add(write)
        if (isPolicy(write)) policyCame(write.feed)
      },
    },
    config.quota,
    log,
  )
  const authenticator = new Authenticator(config, names, store)
  const relay: WholeRelay = {
    config,
    log,
    store,
    groupCommit,
    backlog: new Backlog(),
    readers,
    policies,
    timeSlices,
    mailboxes,
    gateway,
    authenticator,
    sessions,
    presence,
    compactor,
    sessionRevoker,
    metrics,
  }
  metrics.watch({ sessions: () => sessions, compactionWaiting: () => compactor.waiting, store: () => store.stats() })
  store.watch(watch(relay))
  return relay
}

/** What this relay does about what others do with its store. */
function watch({
  log,
  store,
  groupCommit,
  readers,
  policies,
  mailboxes,
  gateway,
  sessions,
  presence,
  sessionRevoker,
}: WholeRelay): Watcher {
  const doing = (work: Promise<void>): void => orLog(log, 'watch-failed', work)
  const untilDone = (work: () => Promise<void>): void => retry(work, (error) => log.warn('watch-failed', { reason: reasonOf(error) }))
  const looks = new Looks()
  return {
    followedFeeds: () => new Set([...readers.names(), ...gateway.feeds(), ...presence.feeds()]),
    followedMailboxes: () => mailboxes.followed(),
    feedGrew: (feed, head) => {
      readers.grew(feed, head)
      doing(gateway.grew(feed))
      doing(sessionRevoker.feedGrew(feed, head))
      // Another relay may have told an end in it, whether or not anybody reads it here.
      if (docFeedsGovernedBy(feed).some((docs) => readers.has(docs) || gateway.has(docs)))
        doing(looks.look(feed, head, performance.now(), () => endReading(feed, policies, readers, gateway)))
    },
    // These are told once; growth is told again as long as it is followed.
    mailboxChanged: (mailbox) => untilDone(() => mailboxes.changed(mailbox, Date.now())),
    accountsChanged: () => {
      groupCommit.forgetAccounts()
      untilDone(() => sessionRevoker.accountsChanged())
      untilDone(() => gateway.recheck())
    },
    storeReplaced: () => {
      log.warn('store-replaced', { incarnation: store.incarnation() })
      groupCommit.forgetAll()
      readers.forgetAll()
      for (const session of sessions) session.leave(replacedRetryMs)
      gateway.leave()
    },
  }
}

function orLog(log: Log, event: string, work: Promise<void>): void {
  work.catch((error: unknown) => log.warn(event, { reason: reasonOf(error) }))
}

/** Where a policy has ended its connection, neither org goes on reading the other's docs (rules PO5, GW7). */
async function endReading(messages: FeedName, policies: PolicyCache, readers: Readers, gateway: Gateway): Promise<void> {
  const feeds = docFeedsGovernedBy(messages)
  if (!feeds[0] || !(await isOver(feeds[0], policies))) return
  for (const feed of feeds) {
    readers.dismissPeers(feed)
    gateway.end(feed)
  }
}
