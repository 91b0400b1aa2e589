import type { FeedName } from '@entente/protocol'
import { InboundBacklog } from './session/inbound-backlog.js'
import { GroupCommit } from './publish/group-commit.js'
import { isServed } from './auth/org-admission.js'
import { pageBounds } from './deliver/catch-up.js'
import { Compactor } from './store/compaction.js'
import type { RelayConfig } from './config/config.js'
import { SessionRevoker } from './auth/session-revoker.js'
import { Gateway } from './gateway/gateway.js'
import { FeedReaders } from './deliver/fan-out.js'
import { Authenticator } from './auth/authenticator.js'
import { type Log, orWarn } from './log.js'
import { Mailboxes } from './publish/mailbox.js'
import type { Metrics } from './observe/metrics.js'
import { isPolicy } from './publish/judge-offer.js'
import { PolicyCache } from './publish/policy-cache.js'
import { Presence } from './auth/presence.js'
import { Rosters } from './auth/rosters.js'
import { LargeFrames } from './session/large-frames.js'
import type { SessionTools, Session } from './session/session.js'
import type { Store } from './store/store.js'
import { Burden } from './flow/burden.js'
import { TimeSlices } from './flow/time-slices.js'
import { WithdrawnSlots } from './deliver/withdrawn-slots.js'
import { followPolicy, watchStore } from './store-changes.js'

/**
 * Catch-up's share of each turn of the event loop, in ms, and the pages that it may read from the store at once. An offer takes some five turns from its arrival to its
 * acknowledgement, so what a flood gets of each is small.
 */
const catchUpMs = 0.15
/** The same for what arrives. */
const turnMs = 0.3
/** Sessions of which large chunks are read in one turn, a chunk or two of 64 KiB each. */
const readAtOnce = 2
const pagesAtOnce = 4

export interface RelayParts extends SessionTools {
  readonly compactor: Compactor
  readonly sessionRevoker: SessionRevoker
}

/** Ties the parts together. What a commit sets off is decided here. */
export function assemble(config: RelayConfig, names: readonly string[], store: Store, log: Log, metrics: Metrics): RelayParts {
  const sessions = new Set<Session>()
  const presence = new Presence<Session>((session) => orWarn(log, 'recheck-failed', sessionRevoker.entered(session)))
  const rosters = new Rosters(store, (org) => {
    orWarn(log, 'recheck-failed', sessionRevoker.rosterChanged(org))
    orWarn(log, 'gateway-failed', gateway.recheck())
  })
  const sessionRevoker = new SessionRevoker(presence, config, store, rosters)
  const compactor = new Compactor(store, log, metrics)
  const policies = new PolicyCache(store)
  const withdrawnSlots = new WithdrawnSlots(store, policies)
  const timeSlices = new TimeSlices(catchUpMs, pagesAtOnce)
  const policyCame = (feed: FeedName): void => orWarn(log, 'end-failed', followPolicy(feed, policies, readers, gateway))
  // Reads for those who are live go first: everybody's entries come that way.
  const readers = new FeedReaders((feed, after) => timeSlices.take(new Burden(), () => store.page(feed, after, pageBounds)), metrics)
  const turns = new TimeSlices(turnMs)
  const reads = new TimeSlices(turnMs, readAtOnce)
  const isBusy = (): boolean => turns.isBusy || timeSlices.isBusy || reads.isBusy
  const largeFrames = new LargeFrames(turnMs)
  const gateway = new Gateway({
    store,
    turns,
    policies,
    withdrawnSlots,
    log,
    metrics,
    lifeMs: config.gatewayTokenMs,
    slowReaderBytes: config.slowReaderBytes,
    isServed: async ({ org, device }) => {
      const { standing, roster } = await store.standing(org)
      return isServed({ standing }, config) && (await rosters.highest(org, roster))?.devices.has(device) === true
    },
  })
  const mailboxes = new Mailboxes(store)
  const groupCommit = new GroupCommit(
    store,
    policies,
    {
      isBusy,
      fanOut: (writes, commit) => {
        // Writes to a copy of the store that was replaced have no readers: their sessions have ended.
        if (commit.incarnation !== store.incarnation()) return
        readers.fanOut(writes, commit)
        gateway.fanOut(writes, commit)
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
    rosters,
    log,
  )
  const authenticator = new Authenticator(config, names, store, rosters)
  const relay: RelayParts = {
    config,
    log,
    store,
    groupCommit,
    inboundBacklog: new InboundBacklog(),
    readers,
    policies,
    timeSlices,
    isBusy,
    withdrawnSlots,
    mailboxes,
    gateway,
    authenticator,
    rosters,
    sessions,
    silent: new Set(),
    presence,
    turns,
    reads,
    largeFrames,
    compactor,
    sessionRevoker,
    metrics,
  }
  metrics.watch({ sessions: () => sessions, compactionWaiting: () => compactor.waiting, store: () => store.stats() })
  store.watch(watchStore(relay))
  return relay
}
