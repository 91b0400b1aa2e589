import { type OrgId, type Roster, rosterFeedOf, zeroStamp } from '@entente/protocol'
import { Judge } from '../decide/index.js'
import { EngineError } from '../error.js'
import { verifyHead } from '../identity/decision.js'
import { exchangeKeyOf } from '../identity/keys.js'
import { openOwnRotationByKit, readOwnRotation } from '../identity/own-rotation.js'
import type { OpenedKit } from '../identity/recovery-kit.js'
import { readRoster } from '../identity/roster.js'
import { rootHello, rootKeyOf } from '../identity/root-key.js'
import { Link } from '../link/index.js'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { OpenSocket } from '../port/socket.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import { teamFeed } from '../replica/feed-role.js'
import { Replica } from '../replica/index.js'
import { Stamper } from '../row/index.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { rowKey, rowWrite } from '../row/stored-row.js'

/** What reading an org's team from a relay takes. */
export interface ReadTeamOptions {
  readonly kit: OpenedKit
  /** An empty one. */
  readonly store: Store
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: RandomBytes
  readonly relay: string
  /** The rows that decide of a backup whose other rows the store holds. The relay may stay away then. */
  readonly unjudged?: readonly Row[] | undefined
  /** Hears how many entries have come. */
  readonly onProgress?: ((entries: number) => void) | undefined
}

/** An org as its team's feeds have it. */
export interface ReadTeam {
  readonly replica: Replica
  /** All that verify, in their order: each follows the one before it. */
  readonly rosters: readonly Roster[]
  /** When a device of the org signed just what was read, in milliseconds since 1970. Undefined where no head says so. */
  readonly signedAt: number | undefined
  /** Milliseconds since 1970, by the relay's clock. */
  readonly now: number
  close(): void
}

/** How long the relay may stay away, or bring nothing, in ms. */
const patienceMs = 30_000

/**
 * Reads an org's team from the relay into a store, with the keys of its recovery kit, as the org's root key: it changes nothing at the relay (rule ID8). Secrets of later
 * generations come with the org's rotations, which seal them to the kit.
 *
 * @throws EngineError INVALID for a kit whose key is not its org's; NOT_FOUND where the relay does not know the org; OFFLINE where it stays away
 */
export async function readTeam(options: ReadTeamOptions): Promise<ReadTeam> {
  const { kit, store, openSocket, clock, random, relay, unjudged, onProgress } = options
  const { org } = kit
  const root = await rootKeyOf(kit)
  const stamper = new Stamper(clock, random)
  // The lowest stamp, so that the row of the org itself takes its place.
  const [known] = await store.get([rowKey('Key', 'team')])
  const key: Row = { object: 'Key', id: 'team', registers: { secret: [zeroStamp, kit.team] } }
  if (known === undefined) await store.update([], () => ({ writes: [rowWrite(key)], result: undefined }))
  const replica = await Replica.open({ store, tabs: alone, random, stamper, org })
  // What decides waits until all rosters have come.
  let history: readonly Roster[] = []
  const judge = new Judge(org, replica.rows, async () => history)
  replica.judgeBy(judge)
  const link = new Link({
    replica,
    url: relay,
    openSocket,
    clock,
    random,
    tabs: alone,
    stamper,
    hello: rootHello(root),
    scope: () => 'read',
  })
  const close = (): void => {
    link.stop()
    replica.close()
  }
  try {
    link.start()
    let isAway = false
    const read = async (): Promise<void> => {
      if (isAway) return
      await readAll(link, clock, onProgress).catch((error: unknown) => {
        if (!unjudged) throw error
        isAway = true
      })
    }
    await read()
    let rosters = await rostersOf(replica, org)
    // A rotation is sealed under the generation before it, so each lets the next one be read.
    while (await takeRotations(replica, kit, rosters)) {
      await read()
      rosters = await rostersOf(replica, org)
    }
    if (rosters.length === 0)
      throw new EngineError('NOT_FOUND', 'This relay has nothing that this kit opens. Ask on which relay the org was.')
    history = rosters
    await replica.judgeAgain()
    if (unjudged) await replica.rows.save((await judge.admit(unjudged)).rows.flatMap(editsOf))
    return { replica, rosters, signedAt: await signedAt(replica, org, rosters), now: stamper.now(), close }
  } catch (error) {
    close()
    throw error
  }
}

/** What sets the registers of a row where they stand above those that are there. */
const editsOf = ({ object, id, registers }: Row): readonly RowEdit[] =>
  Object.entries(registers).map(([field, [stamp, value, proof]]) => ({
    object,
    id,
    values: { [field]: value },
    stamp,
    ...(proof !== undefined && { proof }),
  }))

/** This page is the only one that knows of the store. */
const alone: Tabs = {
  lead(lead) {
    lead()
    return () => undefined
  },
  tell: () => undefined,
  listen: () => () => undefined,
}

/** Resolves once all has been read. */
function readAll(link: Link, clock: Clock, onProgress: ReadTeamOptions['onProgress']): Promise<void> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => undefined
    let entries = -1
    const end = (settle: () => void): void => {
      cancel()
      unwatch()
      settle()
    }
    const away = (): void => {
      end(() => reject(new EngineError('OFFLINE', 'The relay cannot be reached, or brings nothing. Try again when it is there.')))
    }
    const look = (): void => {
      const { state, reason, entriesIn } = link.status()
      if (state === 'refused' && reason === 'AUTH')
        return end(() =>
          reject(new EngineError('NOT_FOUND', 'This relay does not know the org of this kit. Ask on which relay the org was.')),
        )
      if (link.isSynced) return end(resolve)
      if (entriesIn === entries) return
      entries = entriesIn
      onProgress?.(entries)
      cancel()
      cancel = clock.after(patienceMs, away)
    }
    const unwatch = link.watch(look)
    look()
  })
}

/** The rosters of an org as its team has them, from the first to the highest. */
async function rostersOf({ rows }: Replica, org: OrgId): Promise<readonly Roster[]> {
  const [published, kept] = [`${rosterFeedOf(org)}#roster.`, `${org}.`]
  const tokens = new Map<number, unknown>()
  for (const row of rows.list('ControlEntry').values())
    if (row.id.startsWith(published)) tokens.set(Number(row.id.slice(published.length)), valueOf(row, 'body'))
  for (const row of rows.list('Roster').values())
    if (row.id.startsWith(kept)) tokens.set(Number(row.id.slice(kept.length)), valueOf(row, 'token'))
  const rosters: Roster[] = []
  for (const [, token] of [...tokens].sort(([a], [b]) => a - b)) {
    const roster = typeof token === 'string' ? await readRoster(token, org, rosters.at(-1)) : undefined
    if (roster) rosters.push(roster)
  }
  return rosters
}

/** Takes the secrets that rotations have sealed to the kit. @returns whether there were new ones */
async function takeRotations({ rows, keyring, org }: Replica, kit: OpenedKit, rosters: readonly Roster[]): Promise<boolean> {
  const published = `${rosterFeedOf(org)}#rotation.`
  let isNew = false
  for (const row of rows.list('Message').values()) {
    const body = valueOf(row, 'body')
    if (!row.id.startsWith(published) || typeof body !== 'string') continue
    const rotation = await readOwnRotation(body, org, rosters)
    if (!rotation || keyring.own(rotation.generation) !== undefined) continue
    const secret = await openOwnRotationByKit(rotation, await exchangeKeyOf(kit.recovery))
    if (secret === undefined) continue
    await keyring.addOwn(rotation.generation, secret)
    isNew = true
  }
  return isNew
}

/** When a device on the highest roster signed what was read of the team's rows. */
async function signedAt({ heads }: Replica, org: OrgId, rosters: readonly Roster[]): Promise<number | undefined> {
  const feed = teamFeed(org, 'rows')
  const covered = heads.covered(feed)
  const devices = rosters.at(-1)?.devices
  const head = covered && (await verifyHead(covered.token, org, { device: async (_, device) => devices?.get(device) }))
  if (!covered || !head || head === 'stranger') return undefined
  const fits =
    head.feed === feed && head.sequence === covered.covers && head.root === covered.root && head.incarnation === covered.incarnation
  return fits && !covered.deferred ? head.time : undefined
}
