import { encodeStateVector } from '@entente/protocol'
import type { Account } from '../account.js'
import { locks, stripes } from './append.js'
import { listOf, type PostgresRow, type PostgresValue } from './connection.js'
import { toAccount } from './reads.js'
import type { Write } from '../store.js'

/**
 * What `append` does, in less time, for what most commits are: updates of docs of one feed that was written to in this incarnation before.
 * It answers NULL and has changed nothing where that is not so, or where an entry that they were judged by has moved on; `append` decides then. It
 * is right by the same steps, but for these:
 *
 * - It never waits for an incarnation that is being drawn.
 * - The feed's counter is raised in the statement that locks its row, and set back where an update is not taken.
 * - The entries that the updates were judged by are locked by themselves, not with all of their feeds, so that those who publish messages there
 *   need not wait for this one's fsync, nor this one for theirs. A key without an entry cannot be locked; `append` takes what was judged by one.
 * - While the feed's row is locked nobody changes its docs, so that a doc's place in the table, found by its key, serves to change it.
 *
 * For one update, starting a statement costs more than the rows that it finds: hence there are as few of them as can be. The answer is one text: the
 * feed's head before, the account in the order of `accountColumns`, and for each update how many then wait behind its doc's merged state, 0 where
 * it was not taken.
 */
export const extend = `
CREATE FUNCTION entente.extend(
  p_incarnation bigint, p_feed text, p_key text[], p_seen bigint[], p_at int[], p_size int[], p_vector_size int[], p_blob bytea,
  g_feed text[], g_key text[], g_sequence bigint[]
) RETURNS text LANGUAGE plpgsql AS $extend$
#variable_conflict use_column
DECLARE
  v_feed int;
  v_first bigint;
  v_owner text;
  v_judges int;
  v_taken int;
  v_bytes bigint;
  v_tails text;
  v_account text;
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(${locks.incarnations}) THEN RETURN NULL; END IF;
  UPDATE entente.feeds SET head = head + cardinality(p_key)
  WHERE name = p_feed AND incarnation = (
    SELECT CASE WHEN o.id = p_incarnation AND o.place = pg_relation_filenode('entente.feeds') THEN o.n END
    FROM entente.incarnations o ORDER BY o.n DESC LIMIT 1)
  RETURNING id, head - cardinality(p_key), owner INTO v_feed, v_first, v_owner;
  IF NOT FOUND THEN RETURN NULL; END IF;

  SELECT count(*) INTO v_judges FROM unnest(g_feed, g_key, g_sequence) g(feed, key, sequence) CROSS JOIN LATERAL (
    SELECT FROM entente.docs d
    WHERE d.feed = (SELECT f.id FROM entente.feeds f WHERE f.name = g.feed) AND d.key = g.key AND d.sequence = g.sequence FOR SHARE OFFSET 0
  ) d;
  IF v_judges < cardinality(g_key) THEN
    UPDATE entente.feeds SET head = v_first WHERE id = v_feed;
    RETURN NULL;
  END IF;

  WITH a AS MATERIALIZED (
    SELECT u.*, d.place, d.tail, v_first + count(d.place) OVER (ORDER BY u.i) AS sequence
    FROM unnest(p_key, p_seen, p_at, p_size, p_vector_size) WITH ORDINALITY u(key, seen, at, size, vector_size, i)
    LEFT JOIN LATERAL (
      SELECT d.ctid AS place, cardinality(d.tails) + 1 AS tail FROM entente.docs d
      WHERE d.feed = v_feed AND d.key = u.key AND d.sequence = u.seen AND d.kind = 0 OFFSET 0
    ) d ON true
  ), kept AS (
    UPDATE entente.docs d SET sequence = a.sequence, bytes = d.bytes + a.size, tails = d.tails || a.sequence,
      vector = substring(p_blob FROM a.at + a.size + 1 FOR a.vector_size)
    FROM a WHERE d.ctid = a.place
  ), tailed AS (
    INSERT INTO entente.tails (feed, sequence, key, bytes)
    SELECT v_feed, a.sequence, a.key, substring(p_blob FROM a.at + 1 FOR a.size) FROM a WHERE a.place IS NOT NULL
  )
  SELECT count(a.place), coalesce(sum(a.size) FILTER (WHERE a.place IS NOT NULL), 0), string_agg(coalesce(a.tail, 0)::text, ',' ORDER BY a.i)
  INTO v_taken, v_bytes, v_tails FROM a;
  IF v_taken < cardinality(p_key) THEN UPDATE entente.feeds SET head = v_first + v_taken WHERE id = v_feed; END IF;

  UPDATE entente.usage u SET bytes = u.bytes + v_bytes
  FROM entente.orgs o, (
    SELECT coalesce(sum(x.bytes), 0) AS bytes, coalesce(sum(x.docs), 0) AS docs, coalesce(sum(x.connections), 0) AS connections
    FROM entente.usage x WHERE x.org = v_owner AND x.stripe <> v_feed % ${stripes}
  ) others
  WHERE u.org = v_owner AND u.stripe = v_feed % ${stripes} AND o.org = v_owner
  RETURNING concat(o.standing, ',', o.quota_bytes, ',', o.quota_docs, ',', o.quota_connections, ',',
    others.bytes + u.bytes, ',', others.docs + u.docs, ',', others.connections + u.connections) INTO STRICT v_account;
  RETURN concat(v_first, ',', v_owner, ',', v_account, ',', v_tails);
END $extend$;
`

export const extendStatement = {
  name: 'extend',
  text: 'SELECT entente.extend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS done',
} as const

const accountColumns = ['org', 'standing', 'quota_bytes', 'quota_docs', 'quota_connections', 'bytes', 'docs', 'connections'] as const

/** What became of the writes of one commit. */
export interface Outcome {
  readonly sequences: readonly number[]
  readonly tails: readonly number[]
  readonly accounts: readonly Account[]
}

/** The values of a call of `extend`, or undefined where the writes are not what it is for. */
export function extensionOf(writes: readonly Write[], incarnation: number): readonly PostgresValue[] | undefined {
  const [first] = writes
  if (!first) return undefined
  const { feed, given } = first
  if (given.some(({ sequence }) => sequence === 0)) return undefined
  const keys = new Set<string>()
  const [seen, places, sizes, vectorSizes]: [number[], number[], number[], number[]] = [[], [], [], []]
  const parts: Uint8Array[] = []
  let size = 0
  for (const write of writes) {
    if (write.kind !== 'doc' || write.whole || write.feed !== feed || write.given !== given) return undefined
    const { bytes } = write
    const vector = encodeStateVector(write.vector)
    keys.add(write.key)
    seen.push(write.seen)
    places.push(size)
    sizes.push(bytes.length)
    vectorSizes.push(vector.length)
    parts.push(bytes, vector)
    size += bytes.length + vector.length
  }
  if (keys.size < writes.length) return undefined
  return [
    incarnation,
    feed,
    listOf([...keys]),
    listOf(seen),
    listOf(places),
    listOf(sizes),
    listOf(vectorSizes),
    Buffer.concat(parts, size),
    listOf(given.map((one) => one.feed)),
    listOf(given.map((one) => one.key)),
    listOf(given.map((one) => one.sequence)),
  ]
}

/** What a call of `extend` did, or undefined where it left all to `append`. */
export function extensionOutcome(row: PostgresRow | undefined): Outcome | undefined {
  const done = row?.['done']
  if (typeof done !== 'string') return undefined
  const [first, ...values] = done.split(',')
  const account: PostgresRow = Object.fromEntries(accountColumns.map((column, index) => [column, values[index] || null]))
  const tails = values.slice(accountColumns.length).map(Number)
  let sequence = Number(first)
  return { sequences: tails.map((tail) => (tail === 0 ? 0 : ++sequence)), tails, accounts: [toAccount(account)] }
}
