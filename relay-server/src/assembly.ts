import type { FeedName } from '@entente/protocol'
import { Backlog } from './backlog.js'
import { Batch } from './batch.js'
import { isServed } from './admission.js'
import { pageBounds } from './catch-up.js'
import { Compactor } from './compaction.js'
import type { RelayConfig } from './config.js'
import { Dismissal } from './dismissal.js'
import { Doors } from './door.js'
import { docsBeside, isOver } from './ends.js'
import { Readers } from './fan-out.js'
import { Doorkeeper } from './hello.js'
import { type Log, reasonOf } from './log.js'
import { Looks } from './looks.js'
import { Mailboxes } from './mailbox.js'
import type { Metrics } from './metrics.js'
import { isPolicy } from './offer.js'
import { PolicyBook } from './policy.js'
import { Presence } from './presence.js'
import { resumptionKey } from './resumptions.js'
import { standingOf } from './revocation.js'
import type { Relay, Session } from './session.js'
import type { Store } from './store/store.js'
import type { Watcher } from './store/watcher.js'
import { tryAgain } from './try-again.js'
import { Turns } from './turns.js'

/** Of each turn of the event loop, what catching up may take, in ms; pages that may wait for a database at once. */
const catchUpMs = 4
const pagesAtOnce = 4
/** When devices are to come back whose relay's store was replaced, in ms; each adds its own jitter. */
const reopenedRetryMs = 500

export interface WholeRelay extends Relay {
  readonly compactor: Compactor
  readonly dismissal: Dismissal
}

/** Ties the parts together. What a commit sets off, here or at another relay on the same store, is decided here. */
export function assemble(config: RelayConfig, names: readonly string[], store: Store, log: Log, metrics: Metrics): WholeRelay {
  const sessions = new Set<Session>()
  const presence = new Presence<Session>((session) => orLog(log, 'recheck-failed', dismissal.entered(session)))
  const dismissal = new Dismissal(presence, config, store)
  const compactor = new Compactor(store, log, metrics)
  const policies = new PolicyBook(store)
  const turns = new Turns(catchUpMs, pagesAtOnce)
  const policyCame = (feed: FeedName): void => orLog(log, 'end-failed', endReading(feed, policies, readers, doors))
  const readers = new Readers((feed, after) => turns.take(() => store.page(feed, after, pageBounds)), metrics)
  const doors = new Doors({
    store,
    policies,
    log,
    metrics,
    lifeMs: config.doorMs,
    slowReaderBytes: config.slowReaderBytes,
    isServed: async ({ org, device }) => {
      const { standing, isRevoked } = await standingOf(org, device, store)
      return isServed({ standing }, config) && !isRevoked
    },
  })
  const mailboxes = new Mailboxes(store)
  const batch = new Batch(
    store,
    policies,
    {
      fanOut: (writes, commit) => {
        // What went into a copy of the store that is no more has no readers: their sessions have ended.
        if (commit.opening !== store.opening()) return
        readers.fanOut(writes, commit)
        doors.fanOut(writes, commit)
      },
      revoked: (org, device) => {
        dismissal.revoked(org, device, sessions)
        orLog(log, 'door-failed', doors.recheck())
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
  const doorkeeper = new Doorkeeper(config, names, resumptionKey(config, log), store)
  const relay: WholeRelay = {
    config,
    log,
    store,
    batch,
    backlog: new Backlog(),
    readers,
    policies,
    turns,
    mailboxes,
    doors,
    doorkeeper,
    sessions,
    presence,
    compactor,
    dismissal,
    metrics,
  }
  metrics.watch({ sessions: () => sessions, compactionWaiting: () => compactor.waiting, store: () => store.stats() })
  store.watch(watch(relay))
  return relay
}

/** What this relay does about what others do with its store. */
function watch({ log, store, batch, readers, policies, mailboxes, doors, sessions, presence, dismissal }: WholeRelay): Watcher {
  const doing = (work: Promise<void>): void => orLog(log, 'watch-failed', work)
  const untilDone = (work: () => Promise<void>): void => tryAgain(work, (error) => log.warn('watch-failed', { reason: reasonOf(error) }))
  const looks = new Looks()
  return {
    followedFeeds: () => new Set([...readers.names(), ...doors.feeds(), ...presence.feeds()]),
    followedMailboxes: () => mailboxes.followed(),
    feedGrew: (feed, head) => {
      readers.grew(feed, head)
      doing(doors.grew(feed))
      doing(dismissal.feedGrew(feed, head))
      // Another relay may have told an end in it, whether or not anybody reads it here.
      if (docsBeside(feed).some((docs) => readers.has(docs) || doors.has(docs)))
        doing(looks.look(feed, head, performance.now(), () => endReading(feed, policies, readers, doors)))
    },
    // These are told once; growth is told again as long as it is followed.
    mailboxChanged: (mailbox) => untilDone(() => mailboxes.changed(mailbox, Date.now())),
    accountsChanged: () => {
      batch.forgetAccounts()
      untilDone(() => dismissal.accountsChanged())
      untilDone(() => doors.recheck())
    },
    reopened: () => {
      log.warn('store-replaced', { opening: store.opening() })
      batch.forgetAll()
      readers.forgetAll()
      for (const session of sessions) session.leave(reopenedRetryMs)
      doors.leave()
    },
  }
}

function orLog(log: Log, event: string, work: Promise<void>): void {
  work.catch((error: unknown) => log.warn(event, { reason: reasonOf(error) }))
}

/** Where a policy has ended its connection, neither org goes on reading the other's docs (rules PO5, DR7). */
async function endReading(messages: FeedName, policies: PolicyBook, readers: Readers, doors: Doors): Promise<void> {
  const feeds = docsBeside(messages)
  if (!feeds[0] || !(await isOver(feeds[0], policies))) return
  for (const feed of feeds) {
    readers.dismissPeers(feed)
    doors.end(feed)
  }
}
