import { decodeStateVector, entryKinds, loadDoc, policyKey } from '@entente/protocol'
import pg from 'pg'
import { ask, bytesOf, connectionTo, numberOf, type PostgresRow, textOf } from './connection.js'
import { tombstoneBytes } from '../account.js'
import type { StoreStats } from '../store.js'

const controlEntry = entryKinds.indexOf('control')

const statsStatement = {
  name: 'stats',
  text: `SELECT
    (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = 'entente'::regnamespace AND c.relkind = 'r') AS disk,
    (SELECT count(*) FROM entente.orgs) AS orgs, (SELECT count(*) FROM entente.feeds) AS feeds,
    (SELECT count(*) FROM entente.docs WHERE kind <> 3) AS docs, (SELECT count(*) FROM entente.docs WHERE kind = 3) AS tombstones,
    (SELECT count(*) FROM entente.tails) AS tails, (SELECT count(*) FROM entente.invitations) AS invitations,
    (SELECT count(*) FROM entente.incarnations) AS incarnations`,
}

/** Counts what is there; takes a walk through the tables, so not for every minute of a large database. */
export function statsOf(url: string): Promise<StoreStats> {
  return withConnection(url, async (client) => {
    const [row] = await ask(client, statsStatement, [])
    return {
      diskBytes: numberOf(row, 'disk'),
      orgs: numberOf(row, 'orgs'),
      feeds: numberOf(row, 'feeds'),
      docs: numberOf(row, 'docs'),
      tombstones: numberOf(row, 'tombstones'),
      tailUpdates: numberOf(row, 'tails'),
      invitations: numberOf(row, 'invitations'),
      incarnations: numberOf(row, 'incarnations'),
    }
  })
}

/** The invariants between the tables; each row of an answer is a violation. */
const rules: readonly (readonly [says: string, text: string])[] = [
  [
    'its head is not the last sequence of its keys',
    `SELECT f.name AS feed, NULL AS key FROM entente.feeds f LEFT JOIN (SELECT feed, max(sequence) AS last FROM entente.docs GROUP BY feed) d ON d.feed = f.id
      WHERE f.head <> coalesce(d.last, 0)`,
  ],
  [
    'two entries have the same sequence',
    `SELECT f.name AS feed, NULL AS key FROM entente.feeds f JOIN (
      SELECT feed FROM (SELECT feed, merged AS sequence FROM entente.docs UNION ALL SELECT feed, sequence FROM entente.tails) e
      GROUP BY feed, sequence HAVING count(*) > 1) x ON x.feed = f.id`,
  ],
  [
    'its list of updates does not end at its last sequence',
    `SELECT f.name AS feed, d.key FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed
      WHERE d.sequence <> coalesce(d.tails[cardinality(d.tails)], d.merged) OR d.merged >= ALL (d.tails) AND cardinality(d.tails) > 0`,
  ],
  [
    'it has no merged state',
    `SELECT f.name AS feed, d.key FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed LEFT JOIN entente.states s ON s.feed = d.feed AND s.key = d.key
      WHERE s.feed IS NULL`,
  ],
  [
    'updates that it lists are missing, or others lie there',
    `SELECT f.name AS feed, d.key FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed
      LEFT JOIN (SELECT feed, key, array_agg(sequence ORDER BY sequence) AS found FROM entente.tails GROUP BY feed, key) t ON t.feed = d.feed AND t.key = d.key
      WHERE coalesce(t.found, '{}') <> d.tails`,
  ],
  [
    'its size is counted wrongly',
    `SELECT f.name AS feed, d.key FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed
      LEFT JOIN entente.states s ON s.feed = d.feed AND s.key = d.key
      LEFT JOIN (SELECT feed, key, sum(octet_length(bytes)) AS size FROM entente.tails GROUP BY feed, key) t ON t.feed = d.feed AND t.key = d.key
      WHERE d.bytes <> coalesce(octet_length(s.bytes), 0) + coalesce(t.size, 0) + CASE WHEN d.kind = 3 THEN ${tombstoneBytes} ELSE 0 END`,
  ],
  [
    'something is filed under a key that does not exist',
    `SELECT coalesce(f.name, 'a feed that does not exist') AS feed, x.key FROM (
        SELECT feed, key FROM entente.states UNION SELECT feed, key FROM entente.tails UNION SELECT feed, key FROM entente.docs) x
      LEFT JOIN entente.feeds f ON f.id = x.feed LEFT JOIN entente.docs d ON d.feed = x.feed AND d.key = x.key WHERE f.id IS NULL OR d.feed IS NULL`,
  ],
  [
    'what its incarnations reached does not rise to its head',
    `SELECT f.name AS feed, NULL AS key FROM entente.feeds f LEFT JOIN (
        SELECT feed, n, head, lead(head) OVER (PARTITION BY feed ORDER BY n) AS next FROM entente.feed_incarnations) i ON i.feed = f.id
      WHERE i.feed IS NULL OR i.head > coalesce(i.next, f.head) OR (i.next IS NULL AND i.n <> f.incarnation)`,
  ],
  [
    'its account is not the sum of what lies in its feeds',
    `SELECT coalesce(u.org, s.owner) AS feed, NULL AS key
      FROM (SELECT org, sum(bytes) AS bytes, sum(docs) AS docs FROM entente.usage GROUP BY org) u
      FULL JOIN (SELECT f.owner, sum(d.bytes) AS bytes, count(*) FILTER (WHERE d.kind <> 3) AS docs FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed
        GROUP BY f.owner) s ON s.owner = u.org
      WHERE coalesce(u.bytes, 0) <> coalesce(s.bytes, 0) OR coalesce(u.docs, 0) <> coalesce(s.docs, 0)`,
  ],
  [
    'its account has another number of connections than policies that have not ended theirs',
    `SELECT coalesce(u.org, s.owner) AS feed, NULL AS key
      FROM (SELECT org, sum(connections) AS connections FROM entente.usage GROUP BY org) u
      FULL JOIN (SELECT f.owner, count(*) AS connections FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed
        JOIN entente.states p ON p.feed = d.feed AND p.key = d.key
        WHERE d.key = '${policyKey}' AND d.kind = ${controlEntry} AND f.name NOT LIKE '%/team/%' AND NOT encode(p.bytes, 'escape') ~ '"ended"\\s*:\\s*true'
        GROUP BY f.owner) s ON s.owner = u.org
      WHERE coalesce(u.connections, 0) <> coalesce(s.connections, 0)`,
  ],
]

const docsStatement = {
  name: 'check-docs',
  text: `SELECT f.name, d.feed, d.key, d.kind, d.vector, s.bytes AS state,
      (SELECT string_agg(encode(t.bytes, 'hex'), ',' ORDER BY t.sequence) FROM entente.tails t WHERE t.feed = d.feed AND t.sequence = ANY (d.tails)) AS updates
    FROM entente.docs d JOIN entente.feeds f ON f.id = d.feed JOIN entente.states s ON s.feed = d.feed AND s.key = d.key
    WHERE (d.feed, d.key) > ($1, $2) ORDER BY d.feed, d.key LIMIT 200`,
}

const mostFindings = 100

/** Compares the tables with each other in one snapshot, then loads every doc. @returns the problems, at most 100 of each kind */
export function checkDatabase(url: string): Promise<readonly string[]> {
  return withConnection(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const wrong: string[] = []
    for (const [index, [says, text]] of rules.entries()) {
      const rows = await ask(client, { name: `check-${index}`, text: `${text} LIMIT ${mostFindings}` }, [])
      wrong.push(...rows.map((row) => `${textOf(row, 'feed')}${row['key'] ? ` ${row['key']}` : ''}: ${says}.`))
    }
    wrong.push(...(await findUnreadable(client)))
    await client.query('COMMIT')
    return wrong
  })
}

async function findUnreadable(client: pg.ClientBase): Promise<readonly string[]> {
  const wrong: string[] = []
  let [feed, key] = [0, '']
  for (;;) {
    const rows = await ask(client, docsStatement, [feed, key])
    const last = rows.at(-1)
    if (!last || wrong.length >= mostFindings) return wrong
    for (const row of rows) if (!isReadable(row)) wrong.push(`${textOf(row, 'name')} ${textOf(row, 'key')}: it cannot be read as a doc.`)
    feed = numberOf(last, 'feed')
    key = textOf(last, 'key')
  }
}

function isReadable(row: PostgresRow): boolean {
  if (numberOf(row, 'kind') !== 0) return true
  const updates = row['updates'] ? row['updates'].split(',').map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))) : []
  try {
    decodeStateVector(bytesOf(row, 'vector'))
    loadDoc([bytesOf(row, 'state'), ...updates]).destroy()
    return true
  } catch {
    return false
  }
}

/** A connection for slow work. */
async function withConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connectionTo(url), query_timeout: undefined })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('SET bytea_output = hex')
    return await work(client)
  } finally {
    await client.end()
  }
}
