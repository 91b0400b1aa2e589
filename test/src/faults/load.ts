import type { RelayMessage } from '@entente/protocol'
import { agree, createConnection, createDevice, type TestConnection, type TestDevice } from '@entente/relay-server/testing'
import { Author, type Findings, noFindings } from './author.js'
import { Chance } from './chance.js'
import { type FollowedFeed, feedsOf } from './feeds.js'
import { LoadClient } from './load-client.js'
import { Replica } from './replica.js'

/** Where the load goes: a relay, or several behind one address. */
export interface Dialled {
  readonly url: string
}

export interface LoadPlan {
  /** The same seed gives the same edits, as far as the machine allows. */
  readonly seed: number
  /** Keys that each author edits in each of its feeds. */
  readonly keysPerFeed: number
}

/** Three devices of two orgs that write docs and messages into the four feeds of their connection, and one that reads. */
export interface Load {
  readonly connection: TestConnection
  readonly chance: Chance
  readonly findings: Findings
  /** What the reader knows; it keeps its cursors over its sessions. */
  readonly reader: Replica
  /** Lets all authors work until their sockets are cut. @param hear is given what they hear */
  work(hear?: (message: RelayMessage) => void): Promise<readonly LoadClient[]>
  /** Brings the reader up to date. @returns its client, on which it goes on hearing */
  read(): Promise<LoadClient>
  /**
   * Reads everything from the start and holds it against what the authors know.
   *
   * @returns how many entries are there that nobody offered, or are missing, and about how many keys the reader differs
   */
  check(): Promise<{ readonly unaccounted: number; readonly fresh: Replica }>
}

/** Prepares a load on a running relay: both sides agree, nobody works yet. */
export async function startLoad(relay: Dialled, plan: LoadPlan): Promise<Load> {
  const connection = await createConnection()
  const sessions = await agree(connection, relay.url)
  await Promise.all([sessions.vera.close(), sessions.paul.close()])
  const chance = new Chance(plan.seed)
  const findings = noFindings()
  const feeds = feedsOf(connection)
  const device = await createDevice(connection.partner, { user: 'Paul' })
  const reader = new Replica(feeds)
  const authors = await createAuthors(connection, feeds, plan, chance, findings)
  const follow = (replica: Replica): Promise<LoadClient> => followAll(relay, device, connection, replica)
  return {
    connection,
    chance,
    findings,
    reader,
    work: (hear = () => {}) => Promise.all(authors.map((author) => startWork(relay, author, connection, feeds, hear))),
    read: () => follow(reader),
    check: async () => {
      const fresh = new Replica(feeds)
      await (await follow(fresh)).close()
      for (const author of authors) author.check(fresh)
      const unaccounted = feeds.reduce((sum, feed) => sum + Math.abs(fresh.head(feed.number) - storedIn(feed, authors)), 0)
      return { unaccounted, fresh }
    },
  }
}

/** Two devices of the vendor and one of the partner, each with keys of its own in the feeds of its side. */
async function createAuthors(
  connection: TestConnection,
  feeds: readonly FollowedFeed[],
  { keysPerFeed }: LoadPlan,
  chance: Chance,
  findings: Findings,
): Promise<readonly Author[]> {
  const of = (side: FollowedFeed['side']): readonly FollowedFeed[] => feeds.filter((feed) => feed.side === side)
  const second = await createDevice(connection.vendor, { user: 'Vera' })
  return [
    new Author('a', connection.vera, of('vendor'), keysPerFeed, chance, findings),
    new Author('b', second, of('vendor'), keysPerFeed, chance, findings),
    new Author('c', connection.paul, of('partner'), keysPerFeed, chance, findings),
  ]
}

async function followAll(relay: Dialled, device: TestDevice, connection: TestConnection, replica: Replica): Promise<LoadClient> {
  let client: LoadClient | undefined
  client = await LoadClient.open(relay.url, device, connection, (message) => replica.hear(message, client))
  replica.resume(client)
  await replica.upToDate()
  return client
}

/** An author reads all feeds, so that it hears its own entries, and works. */
async function startWork(
  relay: Dialled,
  author: Author,
  connection: TestConnection,
  feeds: readonly FollowedFeed[],
  hear: (message: RelayMessage) => void,
): Promise<LoadClient> {
  const client = await LoadClient.open(relay.url, author.device, connection, (message) => {
    author.hear(message)
    hear(message)
  })
  client.send(
    ...feeds.map(({ number, name }) => ({ type: 'subscribe' as const, feed: number, name, after: 0, incarnation: 0, position: 0 })),
  )
  author.work(client)
  return client
}

/** One entry in each messages feed is its side's policy. */
function storedIn(feed: FollowedFeed, authors: readonly Author[]): number {
  return authors.reduce((sum, author) => sum + author.storedIn(feed.number), feed.topic === 'messages' ? 1 : 0)
}
