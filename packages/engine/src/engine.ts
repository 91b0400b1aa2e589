import { type FeedName, parseFeed } from '@entente/protocol'
import { adoptionReconciler, createAdoptions } from './adopt/adoptions.js'
import { createAgreements } from './agree/agreements.js'
import type { Engine, RestoreOptions, Topic } from './api/index.js'
import { reportDevice } from './devices/device-report.js'
import { createDevices } from './devices/devices.js'
import { createAudit } from './audit/audit.js'
import { AuditTrail } from './audit/trail.js'
import { EngineError, toEngineError } from './error.js'
import { createChanges } from './compare/changes.js'
import { createDifferences } from './compare/differences.js'
import { PeerIndex } from './compare/peer-index.js'
import { createConnections } from './connect/connections.js'
import { withBoundary } from './boundary.js'
import { asLeader, type EngineContext } from './context.js'
import { answerReconciler } from './export/answer-reconciler.js'
import { eraseReconciler } from './export/erase-reconciler.js'
import { recallCopiesReconciler } from './export/recall-copies.js'
import { recallReconciler } from './export/recall-reconciler.js'
import { resultReconciler } from './export/result-reconciler.js'
import { createShareReader } from './export/share-facts.js'
import { createShares } from './export/shares.js'
import {
  differenceReconciler,
  FreshnessTable,
  FreshnessView,
  handingBackReconciler,
  HeadJudge,
  HeadSigner,
  shareTeamHeads,
} from './heads/index.js'
import { createHistory, nameSession } from './history/history.js'
import { HistoryLog } from './history/history-log.js'
import { createIdentity, type Identity, loadIdentity } from './identity/identity.js'
import { rosterReconciler } from './connect/roster-reconciler.js'
import { RosterChanges } from './identity/next-roster.js'
import { restoredAt } from './identity/roster.js'
import { Rosters } from './identity/rosters.js'
import { kitSavedAt } from './identity/saved-kit.js'
import { createBackfill } from './import/backfill.js'
import { importReconciler } from './import/import-reconciler.js'
import { type Hello, Link, RefusedOffers } from './link/index.js'
import { createMirrors } from './mirror/mirrors.js'
import { checkedName } from './name.js'
import { watchExpiries } from './people/expiries.js'
import { createPeople } from './people/people.js'
import { type Clock, nextTurn } from './port/clock.js'
import type { WatchNetwork } from './port/network.js'
import type { RandomBytes } from './port/random.js'
import type { OpenSocket } from './port/socket.js'
import type { Store } from './port/store.js'
import type { Tabs } from './port/tabs.js'
import { createRecords } from './records/records.js'
import { createSchemas } from './records/schemas.js'
import { Reconcilers } from './reconcilers.js'
import { Age } from './recovery/age.js'
import { createRecovery } from './recovery/recovery.js'
import { restoreOrg } from './recovery/restore.js'
import { Replica } from './replica/index.js'
import { Stamper } from './row/index.js'
import type { Journal } from './row/rows.js'
import { readListings } from './share/listing.js'
import { createSharing } from './share/sharing.js'
import { createSettings } from './settings/settings.js'
import { connectionRotationReconciler } from './rotate/connection-reconciler.js'
import { PublisherAgain } from './rotate/publishing-again.js'
import { ownRotationReconciler, renewRotation } from './rotate/own-reconciler.js'
import { noteRemoval } from './rotate/removals.js'
import { signAgainReconciler } from './rotate/sign-again.js'
import { requestReconciler } from './site/request-reconciler.js'
import { createSite } from './site/site.js'
import { Problems } from './sync/problems.js'
import { createSync } from './sync/sync.js'
import { topicsOfFeed, topicsOfObject, topicsOfRoster } from './sync/topics.js'
import { Watchers } from './sync/watchers.js'
import { openImports } from './records/imports.js'
import { Decisions } from './decide/index.js'
import { createUndo } from './undo/undo.js'
import { DeviceTable } from './device/device-table.js'
import { Drafts } from './device/drafts.js'
import { Format, newerMessage } from './device/format.js'
import { UndoLog } from './device/undo-log.js'

/** The platform of an engine, the address of its relay, and how its org is made. */
export interface OpenEngineOptions {
  /** Holds one org. The engine closes it in `close`, and leaves it open if opening fails. */
  readonly store: Store
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: RandomBytes
  readonly tabs: Tabs
  /** Tells when the device's network goes or comes, so that the line's state shows at once. */
  readonly watchNetwork?: WatchNetwork
  /** Address of the relay's socket, `ws://…/socket` or `wss://…/socket`. */
  readonly relay: string
  /** The join token that the relay's operator gave the org, for a relay that asks for one (rule AM2). Needed until the relay knows the org. */
  readonly join?: string
  /** What this device calls itself to the org's other devices until somebody names it, such as "Firefox on Linux". */
  readonly deviceName?: string
  /** Makes the org if the store is empty, with this person as its first admin. Ignored otherwise. */
  readonly create?: { readonly orgName: string; readonly userName: string }
  /** Brings an org back from its recovery kit and the relay, if the store is empty. This device gets keys of its own; those of the org stay in the kit. */
  readonly restore?: RestoreOptions
}

/**
 * Opens the org of a store: its rows, its line to the relay, and its reconcilers. Resolves when the org can be read and changed; the line comes up by
 * itself. Open an org once in each tab.
 *
 * @throws EngineError NOT_FOUND for an empty store without `create` and `restore`; INVALID for a name in `create` that is empty or over 200 characters; STORE if the store
 *   refuses; INTERNAL for a defect. With `restore` also NOT_ALLOWED for a store that holds an org; INVALID for a file that is no kit or a passphrase that does not open it;
 *   NOT_FOUND where the relay has nothing that the kit opens; OFFLINE where the relay stays away; and what `decide` rejects with. Nothing is restored then
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  return (await assemble(options)).engine
}

function checkedNames({ orgName, userName }: NonNullable<OpenEngineOptions['create']>): NonNullable<OpenEngineOptions['create']> {
  return { orgName: checkedName(orgName, 'The name of the org'), userName: checkedName(userName, 'The name of the person') }
}

/** An opened engine and the parts behind it, for test support that looks behind the API. */
export interface Assembly {
  readonly engine: Engine
  readonly context: EngineContext
  readonly replica: Replica
  readonly reconcilers: Reconcilers
}

/** Opens one org as `openEngine` does, with the same errors. @param throwAway the org of a device that is about to join another */
export async function assemble(options: OpenEngineOptions, throwAway?: Identity): Promise<Assembly> {
  try {
    const assembly = await build(options, throwAway)
    return { ...assembly, engine: withBoundary(assembly.engine) }
  } catch (error) {
    throw toEngineError(error, 'openEngine')
  }
}

async function build(options: OpenEngineOptions, throwAway?: Identity): Promise<Assembly> {
  const { openSocket, clock, random, watchNetwork, relay, join, create, restore, deviceName } = options
  const format = await Format.open(options.store, options.tabs)
  const { store, tabs } = format
  if (restore) await restoreOrg(restore, { store, openSocket, clock, random, relay })
  const identity =
    throwAway ?? (await loadIdentity(store, clock)) ?? (create && (await createIdentity({ ...checkedNames(create), store, clock, random })))
  if (!identity) throw new EngineError('NOT_FOUND', 'This device has no org yet. Create one.')

  const watchers = new Watchers(clock)
  const problems = new Problems(clock, () => watchers.tell(['sync']))
  const problem = (what: string, connection?: string): void => problems.note(what, connection)
  const stamper = new Stamper(clock, random)
  stamper.offset = identity.clockOffset
  const actor = { org: identity.org.id, person: identity.user.id, device: identity.device }
  const audit = new AuditTrail(store, actor, () => rows)
  const historyLog = new HistoryLog(store, problem)
  const journal: Journal = {
    reads: audit.reads,
    concerns: (object) => audit.concerns(object),
    record: (steps, read, now) => audit.record(steps, read, now),
    changed: (steps) => historyLog.changed(steps),
  }
  const late = (feed: FeedName): void => {
    const parsed = parseFeed(feed)
    const connection = parsed.kind === 'connection' ? parsed.connection : undefined
    audit
      .refused(connection, 'An entry: it is sealed under keys that its org had changed', stamper.now())
      .catch((error: unknown) => problem(error instanceof Error ? error.message : 'A refusal could not be written down.'))
  }
  // Each waits for the store most of the time.
  const [replica, age, refused, undoLog, asked, freshness] = await Promise.all([
    Replica.open({ store, tabs, random, stamper, org: identity.org.id, problem, late, journal }),
    Age.open(store, tabs),
    RefusedOffers.open(store, tabs, clock, problem),
    UndoLog.open(store, tabs, clock, stamper.session),
    DeviceTable.open<readonly string[]>(store, tabs, 'asked'),
    FreshnessTable.open(store, tabs),
  ])
  const { rows } = replica
  // Each org has this row from its beginning. Where the store kept the keys of the device and lost its rows, going on would publish nothing that anybody can read.
  if (!rows.get('Key', 'team')) {
    replica.close()
    throw new EngineError(
      'NOT_FOUND',
      'This device has lost what it knew of its org. Let an admin invite it again, or restore the org from its recovery kit.',
    )
  }
  const rosters = new Rosters(rows, actor, () => identity.founding)
  const decisions = new Decisions({ rows, rosters, identity, session: stamper.session })
  replica.judgeBy(decisions)
  const hello: Hello = (introduction) => identity.hello({ ...introduction, ...(join !== undefined && { join }) }, rosters)
  const link = new Link({
    refused,
    replica,
    url: relay,
    openSocket,
    clock,
    random,
    tabs,
    stamper,
    hello,
    roster: async () => (await rosters.highest(identity.org.id))?.token,
    problem,
    scope: age.scope,
    ...(watchNetwork && { watchNetwork }),
  })
  const schemas = createSchemas(rows)
  // Before its age is known, a restored device keeps up with devices and keys alone, so that it reads on (rule RK5).
  const mayDoAll = (): boolean => !age.isOpen
  const reconcilers = new Reconcilers(replica, clock, mayDoAll, (subject, what) => {
    if (what !== '') problem(what, subject)
    watchers.tell(['connections'])
  })
  const drafts = await Drafts.open(store, tabs, clock, rows)
  await rosters.chain(identity.org.id)
  const user = {
    id: identity.user.id,
    name: identity.user.name,
    // An admin may have given this device another role.
    get role(): 'admin' | 'member' {
      const role = rosters.verified(identity.org.id).at(-1)?.devices.get(identity.device)?.role ?? identity.user.role
      return role === 'admin' ? 'admin' : 'member'
    },
  }
  const now = (): number => clock.now() + link.clockOffset
  const rosterChanges = await RosterChanges.open({
    store,
    tabs,
    replica,
    identity,
    rosters,
    now,
    beforeTaken: async () => {
      const known = { rows, replica, rosters, org: identity.org, identity, random }
      await noteRemoval(known, identity.org.id)
      await renewRotation(known)
    },
    problem,
  })
  const context: EngineContext = {
    org: identity.org,
    user,
    rows,
    replica,
    link,
    identity,
    rosters,
    changeRoster: (change) => rosterChanges.change(change),
    undoLog,
    drafts,
    asked,
    noteRefusal: (connection, about, at) => audit.refused(connection, about, at),
    clock,
    random,
    schema: (object) => schemas.get(object),
    problem,
    failureOf: (connection) => reconcilers.failureOf(connection),
  }

  // A crash may have come between the two halves of confirming the kit.
  if (kitSavedAt(rows) !== undefined) await identity.letRootGo()
  const freshnessView = new FreshnessView(context, freshness)
  const judge = new HeadJudge(context, freshness)
  const signer = new HeadSigner(context, freshness, () => age.isOpen)

  const connections = createConnections(context, createAdoptions(context))
  const people = createPeople(context)
  const agreements = createAgreements(context, (connection, object) => readListings(context, connection, object))
  const sharing = createSharing(context)
  const publisherAgain = new PublisherAgain(context, () => watchers.tell(['sync', 'devices']))
  const devices = createDevices(context, {
    keyring: replica.keyring,
    newestHead: (feed) => freshness.get(feed).newest,
    publishedAgain: () => publisherAgain.state(),
  })
  const site = createSite(context)
  const reader = createShareReader(context, freshnessView, refused)
  const mirrors = createMirrors(context, (map) => reader.mirror(map))
  const leader = asLeader(context)
  // First, so that whatever a peer decided is judged by its newest roster.
  reconcilers.add(rosterChanges.reconciler(), true)
  reconcilers.add(rosterReconciler(leader), true)
  // Then what they seal with: nothing leaves under the keys of before.
  reconcilers.add(ownRotationReconciler(leader), true)
  reconcilers.add(connectionRotationReconciler(leader), true)
  reconcilers.add(signAgainReconciler(leader))
  for (const part of [connections, people, agreements, sharing, devices])
    for (const reconciler of part.reconcilers) reconcilers.add(reconciler)
  reconcilers.add(adoptionReconciler(leader))
  for (const makeReconciler of [
    requestReconciler,
    answerReconciler,
    importReconciler,
    resultReconciler,
    recallReconciler,
    recallCopiesReconciler,
    eraseReconciler,
  ])
    reconcilers.add(makeReconciler(leader))
  reconcilers.add(differenceReconciler(leader, freshness))
  reconcilers.add(handingBackReconciler(leader, freshness, async () => restoredAt(await rosters.chain(identity.org.id))))
  reconcilers.add(decisions.reconciler(leader.rows))

  // Only the tab that holds the line does the org's work: two doing it would do everything twice.
  const workWhileLeading = (): void => {
    if (link.isLeading) reconcilers.start()
    else reconcilers.stop()
  }
  const tell = (topics: readonly Topic[]): void => watchers.tell(topics)
  const settings = createSettings(context)
  const peerIndex = new PeerIndex(context, tell)
  const undo = createUndo(context)
  const imports = await openImports({ ...context, store, tabs, undo })
  const ends = [
    // Either may change how much waits.
    rows.watch((changes) => tell(['sync', ...[...new Set(changes.map(({ object }) => object))].flatMap(topicsOfObject)])),
    replica.watchFeeds((changes) => tell(['sync', ...[...new Set(changes.map(({ feed }) => feed))].flatMap(topicsOfFeed)])),
    freshness.watch((feed) => {
      tell(['sync', ...topicsOfFeed(feed)])
      reconcilers.poke()
    }),
    replica.keyring.watch(() => {
      reconcilers.poke()
      tell(['devices'])
    }),
    watchExpiries(context, () => {
      tell(['people', 'site'])
      reconcilers.poke()
    }),
    rows.watch((changes) => {
      if (!changes.some(({ object }) => object === 'Roster')) return
      rosters.chain(identity.org.id).then(
        () => tell(topicsOfRoster),
        () => undefined,
      )
    }),
    ...(throwAway ? [] : [reportDevice(context, deviceName), nameSession(context, stamper.session)]),
    shareTeamHeads(context, freshness, judge),
    () => peerIndex.close(),
    decisions.watch(() => reconcilers.poke()),
    () => judge.stop(),
    () => publisherAgain.stop(),
    () => signer.stop(),
    () => rosterChanges.close(),
    () => freshness.close(),
    refused.watch(() => tell(['records', 'mirrors'])),
    () => refused.close(),
    undoLog.watch(() => tell(['undo'])),
    () => undoLog.close(),
    drafts.watch(() => tell(['drafts'])),
    () => drafts.close(),
    () => asked.close(),
    imports.watch(() => tell(['imports'])),
    () => imports.close(),
    link.watch(() => {
      tell(['sync'])
      workWhileLeading()
    }),
    age.follow(context, freshness),
    age.watch(() => {
      tell(['recovery'])
      reconcilers.poke()
      link.goOn()
    }),
    () => age.close(),
  ]
  format.watch(() => {
    problem(newerMessage)
    link.retire()
  })
  void replica.loadTeam().then(() => replica.heads.hashAhead(() => nextTurn(clock)))
  link.start()
  if (format.isOutdated) link.retire()

  const records = createRecords(context, schemas, createShares(context, reader))
  const engine: Engine = {
    org: identity.org,
    user,
    records,
    connections: connections.api,
    agreements: { ...agreements.api, ...createBackfill(context) },
    sharing: sharing.api,
    people: people.api,
    devices: devices.api,
    site,
    mirrors,
    changes: createChanges(context, peerIndex),
    differences: createDifferences(peerIndex, settings),
    sync: createSync(context, reconcilers, problems, freshnessView),
    recovery: createRecovery(context, age, store, { openSocket, clock, random, relay }),
    settings,
    drafts,
    undo,
    imports: imports.api,
    audit: createAudit(audit, rows, freshness),
    history: createHistory(context, historyLog, records, stamper.session),
    watch: (listener) => watchers.watch(listener),
    async close() {
      reconcilers.stop()
      link.stop()
      for (const end of ends) end()
      watchers.close()
      // The last that is written. A store that refuses it does not keep the engine open.
      const ended = replica.endLead().catch(() => undefined)
      replica.close()
      await store.close()
      await ended
    },
  }

  return { engine, context, replica, reconcilers }
}
