import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseKey } from '@entente/protocol'
import type { TestPostgres } from '@entente/relay-server/testing'
import { inTurn, median } from '../measure.js'
import { against } from './figure.js'
import { createHistories, type History } from './payload.js'
import { agreeAt, RelayLine } from './relay-line.js'
import type { Measurement, Options } from './report.js'
import { ServerProcess } from './server-process.js'

const feeds = 64
/** Docs of a feed; the feed's writer has an update of each on its way at any time. */
const docs = 50
/** Each node compiles its own code while it works, three of them at a third of the pace; what is compared is how fast they are after that. */
const warmUpMs = 4_000
const windowMs = 3_000
/** Before each turn, so that the merges and the disk of whoever came before are at rest. */
const restMs = 2_000
/** How often each has its turn in a round. */
const windows = 4

/**
 * Publishes per second over many feeds with one node and with three on one database, and what that database can take from a program of its own.
 * Every feed is written by one device, as a feed belongs to one org, and a device's session is at one node for as long as it lasts: so a load
 * balancer leaves each feed's writer at one node, and so it is here. Both are up all the time and take short turns, so that whatever else
 * the machine does meets both.
 */
export async function benchScale({ rounds, quick, postgres }: Options): Promise<Omit<Measurement, 'name'>> {
  if (!postgres) return { figures: [], details: 'Only where the store is PostgreSQL: --store postgres' }
  const histories = createHistories(docs, quick ? 300 : 1_000)
  const single = await Nodes.start(postgres, 1, histories)
  const several = await Nodes.start(postgres, 3, histories)
  const database = await Ceiling.prepare(postgres)
  try {
    for (const nodes of [single, several]) await nodes.publish(warmUpMs)
    const ms = quick ? windowMs / 3 : windowMs
    const rates = await inTurn(rounds * windows, {
      one: () => single.publish(ms),
      three: () => several.publish(ms),
      database: () => database.fill(ms),
    })
    const three = { name: `${feeds} feeds, 3 nodes`, unit: 'publishes/s', ours: median(rates.three) }
    return {
      figures: [
        against(three, '1 node', median(rates.one), { atLeast: 1 }),
        against({ ...three, name: `${feeds} feeds, 1 node`, ours: median(rates.one) }, 'the database alone', median(rates.database)),
      ],
      details: rates,
    }
  } finally {
    await single.stop()
    await several.stop()
  }
}

/** Relays on one database, and the writers of all feeds, spread over them. */
class Nodes {
  readonly #servers: readonly ServerProcess[]
  readonly #writers: readonly Writer[]

  private constructor(servers: readonly ServerProcess[], writers: readonly Writer[]) {
    this.#servers = servers
    this.#writers = writers
  }

  static async start(postgres: TestPostgres, count: number, histories: readonly History[]): Promise<Nodes> {
    const url = postgres.url(await postgres.newDatabase())
    const servers: ServerProcess[] = []
    // One after the other: the first lays out the database.
    for (let node = 0; node < count; node++) servers.push(await ServerProcess.relay(['--store', url]))
    const writers: Writer[] = []
    for (let feed = 0; feed < feeds; feed++) writers.push(await Writer.open(servers[feed % count]?.url ?? '', histories))
    return new Nodes(servers, writers)
  }

  /** @returns publishes of all writers per second, from when all of them are under way */
  async publish(ms: number): Promise<number> {
    await pause(restMs)
    let isOver = false
    const work = this.#writers.map((writer) => writer.work(() => isOver))
    await pause(ms / 5)
    const before = this.#taken
    const start = performance.now()
    await pause(ms)
    const rate = ((this.#taken - before) * 1000) / (performance.now() - start)
    isOver = true
    await Promise.all(work)
    return rate
  }

  async stop(): Promise<void> {
    for (const writer of this.#writers) writer.close()
    for (const server of this.#servers) await server.stop()
  }

  get #taken(): number {
    return this.#writers.reduce((sum, { taken }) => sum + taken, 0)
  }
}

/** A device that has an update of each doc of its feed on its way at any time. */
class Writer {
  readonly #line: RelayLine
  readonly #histories: readonly History[]
  /** Up to which update every doc is published, -1 where it is not yet. */
  #turn = -1

  private constructor(line: RelayLine, histories: readonly History[]) {
    this.#line = line
    this.#histories = histories
  }

  static async open(url: string, histories: readonly History[]): Promise<Writer> {
    const feed = await agreeAt(url)
    const line = await RelayLine.open(feed, feed.connection.vera)
    await line.follow()
    const writer = new Writer(line, histories)
    await writer.#round()
    return writer
  }

  get taken(): number {
    return this.#line.accepted
  }

  /** Publishes every doc once more, again and again. @throws Error when the histories are too short */
  async work(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.#round()
  }

  close(): void {
    this.#line.close()
  }

  async #round(): Promise<void> {
    const turn = this.#turn++
    this.#line.offer(
      this.#histories.map(({ key, whole, updates }, doc) => {
        const bytes = turn < 0 ? whole : updates[turn]
        if (!bytes) throw new Error('The histories have no more updates.')
        const seen = turn < 0 ? 0 : turn * docs + doc + 1
        return { id: doc, key: parseKey(key), kind: 'doc' as const, whole: turn < 0, epoch: { version: 1, number: 0 }, bytes, seen }
      }),
    )
    const aim = (turn + 2) * docs
    await new Promise<void>((resolve) => {
      this.#line.onHeard = () => this.taken >= aim && resolve()
    })
  }
}

/**
 * What pgbench gets out of the same database with transactions of the store's kind and size, without a relay: a feed's counter under its lock, a row
 * added and a row changed for each of its docs.
 */
class Ceiling {
  readonly #postgres: TestPostgres
  readonly #database: string
  readonly #script: string

  private constructor(postgres: TestPostgres, database: string, script: string) {
    this.#postgres = postgres
    this.#database = database
    this.#script = script
  }

  static async prepare(postgres: TestPostgres): Promise<Ceiling> {
    const database = await postgres.newDatabase()
    await postgres.query(
      `CREATE TABLE feeds (id int PRIMARY KEY, head bigint NOT NULL);
       CREATE TABLE docs (feed int, doc int, sequence bigint NOT NULL, vector bytea NOT NULL, PRIMARY KEY (feed, doc));
       CREATE TABLE tails (feed int, sequence bigint, doc int NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (feed, sequence));
       INSERT INTO feeds SELECT id, 0 FROM generate_series(1, ${feeds}) id;
       INSERT INTO docs SELECT feed, doc, 0, decode(repeat('00', 20), 'hex') FROM generate_series(1, ${feeds}) feed, generate_series(1, ${docs}) doc`,
      database,
    )
    const script = join(tmpdir(), `entente-bench-${process.pid}.sql`)
    await writeFile(
      script,
      `\\set feed random(1, ${feeds})
BEGIN;
UPDATE feeds SET head = head + ${docs} WHERE id = :feed RETURNING head \\gset
INSERT INTO tails SELECT :feed, :head - n, n, decode(repeat('ab', 138), 'hex') FROM generate_series(1, ${docs}) n;
UPDATE docs SET sequence = :head, vector = decode(repeat('01', 20), 'hex') WHERE feed = :feed;
COMMIT;
`,
    )
    return new Ceiling(postgres, database, script)
  }

  /** @returns rows added per second */
  async fill(ms: number): Promise<number> {
    const { searchParams } = new URL(this.#postgres.url(this.#database).replace('postgresql:///', 'postgresql://local/'))
    const where = ['-h', searchParams.get('host') ?? '', '-U', searchParams.get('user') ?? '', this.#database]
    const how = ['-n', '-c', '8', '-j', '1', '-T', String(Math.ceil(ms / 1000)), '-f', this.#script]
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/lib/postgresql/15/bin` }
    const { stdout } = await promisify(execFile)('pgbench', [...how, ...where], { env })
    return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]) * docs
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
