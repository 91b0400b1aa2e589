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
const measuredMs = 8_000
/** Each node compiles its own code while it works, three of them at a third of the pace; what is compared is how fast they are after that. */
const warmUpMs = 4_000

/**
 * Publishes per second over many feeds with one node and with three on one database, and what that database can take from a program of its own.
 * Every feed is written by one device, as a feed belongs to one org, and a device's session is at one node for as long as it lasts: so a load
 * balancer leaves each feed's writer at one node, and so it is here.
 */
export async function benchScale({ rounds, quick, postgres }: Options): Promise<Omit<Measurement, 'name'>> {
  if (!postgres) return { figures: [], details: 'Only where the store is PostgreSQL: --store postgres' }
  const ms = quick ? 1_500 : measuredMs
  const warmUp = quick ? 1_500 : warmUpMs
  const histories = createHistories(docs, 400)
  const rates = await inTurn(rounds, {
    one: () => publishAt(postgres, 1, histories, warmUp, ms),
    three: () => publishAt(postgres, 3, histories, warmUp, ms),
    database: () => ceiling(postgres, ms),
  })
  const three = { name: `${feeds} feeds, 3 nodes`, unit: 'publishes/s', ours: median(rates.three) }
  return {
    figures: [
      against(three, '1 node', median(rates.one), { atLeast: 1 }),
      against({ ...three, name: `${feeds} feeds, 1 node`, ours: median(rates.one) }, 'the database alone', median(rates.database)),
    ],
    details: rates,
  }
}

/** Publishes of all writers per second, the writers spread over the nodes. */
async function publishAt(
  postgres: TestPostgres,
  nodes: number,
  histories: readonly History[],
  warmUp: number,
  ms: number,
): Promise<number> {
  const url = postgres.url(await postgres.newDatabase())
  const servers: ServerProcess[] = []
  try {
    // One after the other: the first lays out the database.
    for (let node = 0; node < nodes; node++) servers.push(await ServerProcess.relay(['--store', url]))
    const writers: Writer[] = []
    for (let feed = 0; feed < feeds; feed++) writers.push(await openWriter(servers[feed % nodes]?.url ?? '', histories))
    let isOver = false
    const work = writers.map((writer) => writer.work(() => isOver))
    await pause(warmUp)
    const before = taken(writers)
    const start = performance.now()
    await pause(ms)
    const rate = ((taken(writers) - before) * 1000) / (performance.now() - start)
    isOver = true
    await Promise.all(work)
    for (const { line } of writers) line.close()
    return rate
  } finally {
    for (const server of servers) await server.stop()
  }
}

interface Writer {
  readonly line: RelayLine
  /** Publishes every doc once more, again and again. */
  work(isOver: () => boolean): Promise<void>
}

async function openWriter(url: string, histories: readonly History[]): Promise<Writer> {
  const feed = await agreeAt(url)
  const line = await RelayLine.open(feed, feed.connection.vera)
  await line.follow()
  const round = async (turn: number): Promise<void> => {
    const whole = turn < 0
    line.offer(
      histories.map(({ key, whole: state, updates }, doc) => ({
        id: doc,
        key: parseKey(key),
        kind: 'doc' as const,
        whole,
        epoch: { version: 1, number: 0 },
        bytes: whole ? state : (updates[turn] ?? state),
        seen: whole ? 0 : turn * docs + doc + 1,
      })),
    )
    const aim = (turn + 2) * docs
    await new Promise<void>((resolve) => {
      line.onHeard = () => line.accepted >= aim && resolve()
    })
  }
  await round(-1)
  return {
    line,
    work: async (isOver) => {
      const turns = histories[0]?.updates.length ?? 0
      for (let turn = 0; turn < turns && !isOver(); turn++) await round(turn)
    },
  }
}

function taken(writers: readonly Writer[]): number {
  return writers.reduce((sum, { line }) => sum + line.accepted, 0)
}

/**
 * What pgbench gets out of the same database with transactions of the store's kind and size, without a relay: a feed's counter under its lock, a row
 * added and a row changed for each of its docs. In rows added per second.
 */
async function ceiling(postgres: TestPostgres, ms: number): Promise<number> {
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
  const url = new URL(postgres.url(database).replace('postgresql:///', 'postgresql://local/'))
  const { stdout } = await promisify(execFile)(
    'pgbench',
    [
      '-n',
      '-c',
      '8',
      '-j',
      '1',
      '-T',
      String(Math.ceil(ms / 1000)),
      '-f',
      script,
      '-h',
      url.searchParams.get('host') ?? '',
      '-U',
      url.searchParams.get('user') ?? '',
      database,
    ],
    { env: { ...process.env, PATH: `${process.env['PATH']}:/usr/lib/postgresql/15/bin` } },
  )
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]) * docs
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
