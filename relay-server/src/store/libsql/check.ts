import { setImmediate } from 'node:timers/promises'
import {
  compactDoc,
  decodeStateVector,
  encodeEntryHead,
  type EntryKind,
  entryKinds,
  parseKey,
  policyKey,
  type StateVector,
  vectorOfDoc,
} from '@entente/protocol'
import { openReadConnection, type ReadConnection, type ReadStatement, type SqliteRow, toBytes, toNumber } from './connection.js'
import { refuseOtherVersion } from './file.js'
import { vectorAfter } from './reads.js'
import { sizeOf } from '../account.js'

/** Docs that are read, and problems that are reported, at a time. */
const stepDocs = 256
const mostProblems = 100

const erased = entryKinds.indexOf('erased')
const controlEntry = entryKinds.indexOf('control')

/** Counts that compare whole tables; each row that they give is a problem. */
const tableChecks: readonly { readonly sql: string; readonly problem: (row: SqliteRow) => string }[] = [
  {
    sql: 'SELECT t.feed, t.sequence FROM tails t LEFT JOIN docs d ON d.id = t.doc WHERE d.id IS NULL LIMIT 10',
    problem: (row) => `feed ${cell(row, 'feed')}: the update ${cell(row, 'sequence')} belongs to no doc`,
  },
  {
    sql: 'SELECT s.doc FROM states s LEFT JOIN docs d ON d.id = s.doc WHERE d.id IS NULL LIMIT 10',
    problem: (row) => `the state ${cell(row, 'doc')} belongs to no doc`,
  },
  {
    sql: 'SELECT f.name, d.merged FROM docs d JOIN feeds f ON f.id = d.feed GROUP BY d.feed, d.merged HAVING COUNT(*) > 1 LIMIT 10',
    problem: (row) => `${cell(row, 'name')}: several entries have the sequence ${cell(row, 'merged')}`,
  },
  {
    sql: 'SELECT f.name, t.sequence FROM tails t JOIN docs d ON d.feed = t.feed AND d.merged = t.sequence JOIN feeds f ON f.id = t.feed LIMIT 10',
    problem: (row) => `${cell(row, 'name')}: several entries have the sequence ${cell(row, 'sequence')}`,
  },
  {
    sql: `SELECT f.name FROM feeds f WHERE f.incarnation NOT IN (SELECT n FROM incarnations)
      OR EXISTS (SELECT 1 FROM feed_incarnations fi WHERE fi.feed = f.id AND (fi.head > f.head OR fi.n > f.incarnation)) LIMIT 10`,
    problem: (row) => `${cell(row, 'name')}: what is written down of its incarnations does not fit its head`,
  },
  {
    sql: `WITH held AS (
        SELECT f.owner AS org, SUM(x.bytes) AS bytes, SUM(x.docs) AS docs, SUM(x.tombstones) AS tombstones, SUM(x.tails) AS tail_updates
        FROM feeds f JOIN (SELECT feed, bytes, kind <> ${erased} AS docs, kind = ${erased} AS tombstones, 0 AS tails FROM docs
          UNION ALL SELECT feed, LENGTH(bytes), 0, 0, 1 FROM tails) x ON x.feed = f.id GROUP BY f.owner)
      SELECT h.org FROM held h LEFT JOIN orgs o ON o.org = h.org WHERE o.org IS NULL
      UNION ALL SELECT o.org FROM orgs o LEFT JOIN held h ON h.org = o.org WHERE o.bytes <> COALESCE(h.bytes, 0) OR o.docs <> COALESCE(h.docs, 0)
        OR o.tombstones <> COALESCE(h.tombstones, 0) OR o.tail_updates <> COALESCE(h.tail_updates, 0) LIMIT 10`,
    problem: (row) => `the account of ${cell(row, 'org')} is not the sum of what its feeds hold`,
  },
  {
    sql: `WITH open AS (
        SELECT f.owner AS org, COUNT(*) AS connections FROM docs d JOIN feeds f ON f.id = d.feed JOIN states s ON s.doc = d.id
        WHERE d.key = '${policyKey}' AND d.kind = ${controlEntry} AND f.name NOT LIKE '%/team/%'
          AND instr(s.bytes, CAST('"ended":true' AS BLOB)) = 0 GROUP BY f.owner)
      SELECT o.org FROM orgs o LEFT JOIN open c ON c.org = o.org WHERE o.connections <> COALESCE(c.connections, 0)
      UNION ALL SELECT c.org FROM open c LEFT JOIN orgs o ON o.org = c.org WHERE o.org IS NULL LIMIT 10`,
    problem: (row) => `the account of ${cell(row, 'org')} has another number of connections than policies that have not ended theirs`,
  },
  { sql: 'SELECT 1 FROM settings WHERE length(secret) <> 32', problem: () => 'the store’s secret is not of its length' },
]

/**
 * Reads a store's whole file in one snapshot, while other processes may write: the pages of the database, its tables against each
 * other, and every doc, loaded and compared with its state vector.
 *
 * @returns the first hundred problems, in words that name feeds and keys but no bytes
 * @throws Error when the file is no store of this version
 */
export async function checkLibsqlFile(path: string): Promise<readonly string[]> {
  const reader = openReadConnection(path)
  try {
    refuseOtherVersion(toNumber(reader.prepare('PRAGMA user_version').get([])?.['user_version']), path)
    return await reader.longSnapshot(() => checkAll(reader))
  } finally {
    reader.close()
  }
}

async function checkAll(reader: ReadConnection): Promise<readonly string[]> {
  const problems: string[] = []
  try {
    for (const row of reader.prepare(`PRAGMA integrity_check(${mostProblems})`).all([])) {
      const said = cell(row, 'integrity_check')
      if (said !== 'ok') problems.push(`database: ${said}`)
    }
    for (const { sql, problem } of tableChecks) problems.push(...reader.prepare(sql).all([]).map(problem))
    await new DocCheck(reader, problems).run()
  } catch (error) {
    problems.push(`reading stopped: ${error instanceof Error ? error.message : String(error)}`)
  }
  return problems.length > mostProblems ? [...problems.slice(0, mostProblems), 'and more'] : problems
}

/** Walks along all docs in small steps. */
class DocCheck {
  readonly #problems: string[]
  readonly #docs: ReadStatement
  readonly #tail: ReadStatement

  constructor(reader: ReadConnection, problems: string[]) {
    this.#problems = problems
    this.#docs = reader.prepare(
      `SELECT d.*, f.name, f.head, s.bytes AS state FROM docs d LEFT JOIN feeds f ON f.id = d.feed LEFT JOIN states s ON s.doc = d.id
        WHERE d.id > ? ORDER BY d.id LIMIT ?`,
    )
    this.#tail = reader.prepare('SELECT feed, sequence, head, bytes FROM tails WHERE doc = ? ORDER BY sequence')
  }

  async run(): Promise<void> {
    let after = 0
    while (this.#problems.length <= mostProblems) {
      const rows = this.#docs.all([after, stepDocs])
      for (const row of rows) {
        const problem = this.#problemOf(row)
        if (problem) this.#problems.push(`${cell(row, 'name')} ${cell(row, 'key')}: ${problem}`)
      }
      const last = rows.at(-1)
      if (!last) return
      after = toNumber(last['id'])
      await setImmediate()
    }
  }

  #problemOf(row: SqliteRow): string | undefined {
    if (row['name'] === null) return 'belongs to no feed'
    if (row['state'] === null) return 'has no state'
    const kind = entryKinds[toNumber(row['kind'])]
    if (!kind) return 'is of an unknown kind'
    const merged = toNumber(row['merged'])
    const tail = this.#tail.all([toNumber(row['id'])])
    const last = tail.at(-1)
    if (merged < 1 || toNumber(last?.['sequence'] ?? merged) > toNumber(row['head'])) return 'has a sequence that its feed has not reached'
    if (tail.some((update) => toNumber(update['feed']) !== toNumber(row['feed']))) return 'has updates of another feed'
    if (toNumber(tail[0]?.['sequence'] ?? merged + 1) <= merged) return 'has updates that were merged already'
    if (tail.some((update) => !hasItsHead(row, update))) return 'has an update with the head of another'
    const states = [toBytes(row['state']), ...tail.map((update) => toBytes(update['bytes']))]
    if (sizeOf({ kind, bytes: toBytes(row['state']) }) !== toNumber(row['bytes'])) return 'has another size than is written down'
    return problemOfStates(kind, states, toBytes(row['vector']))
  }
}

/** Whether the head of an update is that of its doc. */
function hasItsHead(doc: SqliteRow, update: SqliteRow): boolean {
  const [sequence, head, bytes] = [update['sequence'], update['head'], update['bytes']]
  const value = {
    sequence: toNumber(sequence),
    key: parseKey(cell(doc, 'key')),
    kind: 'doc',
    whole: false,
    epoch: { version: toNumber(doc['version']), number: toNumber(doc['number']) },
  } as const
  return Buffer.compare(toBytes(head), encodeEntryHead(value, toBytes(bytes).length)) === 0
}

function problemOfStates(kind: EntryKind, [state, ...updates]: readonly Uint8Array[], merged: Uint8Array): string | undefined {
  if (kind !== 'doc') return updates.length > 0 ? 'has updates, but is no doc' : undefined
  if (!state) return 'has no state'
  try {
    const vector = decodeStateVector(merged)
    const isWhole = isSame(vectorOfDoc(state), vector) && isSame(vectorOfDoc(compactDoc([state, ...updates])), vectorAfter(vector, updates))
    return isWhole ? undefined : 'does not load to its state vector'
  } catch {
    return 'cannot be loaded'
  }
}

function isSame(one: StateVector, two: StateVector): boolean {
  return one.size === two.size && [...one].every(([client, clock]) => two.get(client) === clock)
}

function cell(row: SqliteRow, name: string): string {
  const value = row[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
}
