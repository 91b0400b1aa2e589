import { agree, createConnection, createDevice, type TestConnection, type TestDevice } from '@entente/relay-server/testing'
import type { RelayProcess } from '../node/relay-process.js'
import { Author, type Findings, noFindings } from './author.js'
import { Chance } from './chance.js'
import { type FollowedFeed, feedsOf } from './feeds.js'
import { Line } from './line.js'
import { Replica } from './replica.js'

export interface KillPlan {
  readonly times: number
  /** The same seed gives the same edits and the same moments, as far as the machine allows. */
  readonly seed: number
  /** Keys that each author edits in each of its feeds. */
  readonly keysPerFeed: number
  /** Flags for the relay beside its port and directory. */
  readonly flags: readonly string[]
}

/** Figures of a run; `bad` sums up all that must be 0. */
export interface KillReport extends Findings {
  readonly seed: number
  readonly killed: number
  readonly killedWhileStarting: number
  /** Entries that the reader with a cursor took in, live and catching up. */
  readonly read: number
  /** Entries that came to it at or below its cursor. */
  readonly repeated: number
  /** Keys about which it and a reader from the start differed after a kill. */
  readonly differing: number
  readonly lostCursors: number
  /** Entries in the feeds that nobody offered, or that are missing there. */
  readonly unaccounted: number
  readonly bad: number
  readonly seconds: number
}

/**
 * Kills a relay with SIGKILL again and again while three devices of two orgs write docs and messages into four feeds, and holds what is there
 * afterwards against what was acknowledged and what was fanned out (rule AK1). The relay must be running; it is running at the end.
 *
 * @param tell is given a line per ten kills
 */
export async function killUnderLoad(relay: RelayProcess, plan: KillPlan, tell: (line: string) => void = () => {}): Promise<KillReport> {
  const began = performance.now()
  const chance = new Chance(plan.seed)
  const findings = noFindings()
  const connection = await createConnection()
  await (
    await agreedOnce(relay, connection)
  )()
  const feeds = feedsOf(connection)
  const authors = await createAuthors(connection, feeds, plan, chance, findings)
  const reader = { device: await createDevice(connection.partner), replica: new Replica(feeds) }
  const totals = { killed: 0, killedWhileStarting: 0, differing: 0, unaccounted: 0 }
  for (let round = 0; round <= plan.times; round++) {
    const fresh = await readAll(relay, reader.device, connection, feeds)
    for (const author of authors) author.check(fresh)
    // One entry in each messages feed is its side's policy.
    for (const { number, topic } of feeds) {
      const stored = authors.reduce((sum, author) => sum + author.storedIn(number), topic === 'messages' ? 1 : 0)
      totals.unaccounted += Math.abs(fresh.head(number) - stored)
    }
    const line = await follow(relay, reader.device, connection, reader.replica)
    totals.differing += reader.replica.differences(fresh).length
    if (round === plan.times) {
      await line.close()
      break
    }
    const lines = await Promise.all(authors.map((author) => startWork(relay, author, connection, feeds)))
    await pause(chance.between(1, chance.happens(0.3) ? 40 : 300))
    await relay.kill('SIGKILL')
    totals.killed++
    await Promise.all([line, ...lines].map(({ closed }) => closed))
    if (chance.happens(0.15)) totals.killedWhileStarting += await killWhileStarting(relay, plan, chance)
    await relay.start(plan.flags)
    if (totals.killed % 10 === 0) tell(`${totals.killed} kills, ${findings.acknowledged} acknowledged, ${reader.replica.taken} read`)
  }
  const { replica } = reader
  const bad =
    findings.lostAcknowledged +
    findings.lostFannedOut +
    findings.storedTwice +
    findings.wronglyRefused +
    replica.repeated +
    replica.lost +
    totals.differing +
    totals.unaccounted
  const seconds = Math.round((performance.now() - began) / 100) / 10
  return {
    seed: plan.seed,
    ...totals,
    ...findings,
    read: replica.taken,
    repeated: replica.repeated,
    lostCursors: replica.lost,
    bad,
    seconds,
  }
}

/** Registers both sides' policies. @returns what closes the sessions that did it */
async function agreedOnce(relay: RelayProcess, connection: TestConnection): Promise<() => Promise<void>> {
  const { vera, paul } = await agree(connection, relay.url)
  return async () => {
    await Promise.all([vera.close(), paul.close()])
  }
}

/** Two devices of the vendor and one of the partner, each with keys of its own in the feeds of its side. */
async function createAuthors(
  connection: TestConnection,
  feeds: readonly FollowedFeed[],
  plan: KillPlan,
  chance: Chance,
  findings: Findings,
): Promise<readonly Author[]> {
  const of = (side: FollowedFeed['side']): readonly FollowedFeed[] => feeds.filter((feed) => feed.side === side)
  const second = await createDevice(connection.vendor, { user: 'Vera' })
  return [
    new Author('a', connection.vera, of('vendor'), plan.keysPerFeed, chance, findings),
    new Author('b', second, of('vendor'), plan.keysPerFeed, chance, findings),
    new Author('c', connection.paul, of('partner'), plan.keysPerFeed, chance, findings),
  ]
}

async function readAll(
  relay: RelayProcess,
  device: TestDevice,
  connection: TestConnection,
  feeds: readonly FollowedFeed[],
): Promise<Replica> {
  const fresh = new Replica(feeds)
  await (await follow(relay, device, connection, fresh)).close()
  return fresh
}

async function follow(relay: RelayProcess, device: TestDevice, connection: TestConnection, replica: Replica): Promise<Line> {
  let line: Line | undefined
  line = await Line.open(relay.url, device, connection, (message) => replica.hear(message, line))
  replica.resume(line)
  await replica.upToDate()
  return line
}

/** An author follows its feeds from their present end, so that it hears its own entries, and works. */
async function startWork(relay: RelayProcess, author: Author, connection: TestConnection, feeds: readonly FollowedFeed[]): Promise<Line> {
  const line = await Line.open(relay.url, author.device, connection, (message) => author.hear(message))
  line.send(...feeds.map(({ number, name }) => ({ type: 'subscribe' as const, feed: number, name, after: 0, opening: 0, position: 0 })))
  author.work(line)
  return line
}

async function killWhileStarting(relay: RelayProcess, plan: KillPlan, chance: Chance): Promise<number> {
  const starting = relay.start(plan.flags).then(
    () => 0,
    () => 1,
  )
  await pause(chance.between(20, 350))
  await relay.kill('SIGKILL')
  return starting
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
