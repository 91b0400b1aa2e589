import { encodeStateVector } from '@entente/protocol'
import type { Account } from './account.js'
import { locks, stripes } from './postgres-append.js'
import { listOf, type PostgresRow, type PostgresValue } from './postgres-connection.js'
import { toAccount } from './postgres-reads.js'
import type { Write } from './store.js'

/** Up to so many, taking updates one by one costs the server less than preparing to take them together. */
const mostUpdates = 16

/**
 * What `append` does, in a fraction of its time, for what most commits are: a few updates of docs of one feed that was written to in this opening
 * before. It answers NULL and has changed nothing where that is not so, or where an entry that they were judged by has moved on; `append` decides
 * then. It is right by the same steps, but for these:
 *
 * - It never waits for an opening that is being drawn.
 * - The feed's counter is raised in the statement that locks its row, and set back where an update is not taken.
 * - The entries that the updates were judged by are locked by themselves, not with all of their feeds, so that those who publish messages there
 *   need not wait for this one's fsync, nor this one for theirs. A key without an entry cannot be locked; `append` takes what was judged by one.
 *
 * Starting a statement costs more than the row that it finds, so there are as few of them as can be. The answer is one text: the account, in the order of
 * `accountColumns`, then sequence and tail of each update, 0 and 0 where it was not taken.
 */
export const extend = `
CREATE FUNCTION entente.extend(
  p_opening bigint, p_feed text, p_key text[], p_seen bigint[], p_size int[], p_vector_size int[], p_blob bytea,
  g_feed text[], g_key text[], g_sequence bigint[]
) RETURNS text LANGUAGE plpgsql AS $extend$
#variable_conflict use_column
DECLARE
  v_feed int;
  v_first bigint;
  v_head bigint;
  v_owner text;
  v_at int := 1;
  v_tail int;
  v_bytes bigint := 0;
  v_done text := '';
  v_account text;
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(${locks.openings}) THEN RETURN NULL; END IF;
  UPDATE entente.feeds SET head = head + cardinality(p_key)
  WHERE name = p_feed AND opening = (
    SELECT CASE WHEN o.id = p_opening AND o.place = pg_relation_filenode('entente.feeds') THEN o.n END
    FROM entente.openings o ORDER BY o.n DESC LIMIT 1)
  RETURNING id, head - cardinality(p_key), owner INTO v_feed, v_first, v_owner;
  IF NOT FOUND THEN RETURN NULL; END IF;

  FOR i IN 1..cardinality(g_key) LOOP
    PERFORM FROM entente.docs
    WHERE feed = (SELECT f.id FROM entente.feeds f WHERE f.name = g_feed[i]) AND key = g_key[i] AND sequence = g_sequence[i] FOR SHARE;
    IF NOT FOUND THEN
      UPDATE entente.feeds SET head = v_first WHERE id = v_feed;
      RETURN NULL;
    END IF;
  END LOOP;

  v_head := v_first;
  FOR i IN 1..cardinality(p_key) LOOP
    UPDATE entente.docs SET sequence = v_head + 1, bytes = bytes + p_size[i], tails = tails || (v_head + 1),
      vector = substring(p_blob FROM v_at + p_size[i] FOR p_vector_size[i])
    WHERE feed = v_feed AND key = p_key[i] AND sequence = p_seen[i] AND kind = 0
    RETURNING cardinality(tails) INTO v_tail;
    IF FOUND THEN
      v_head := v_head + 1;
      v_bytes := v_bytes + p_size[i];
      INSERT INTO entente.tails (feed, sequence, key, bytes) VALUES (v_feed, v_head, p_key[i], substring(p_blob FROM v_at FOR p_size[i]));
      v_done := v_done || ',' || v_head || ',' || v_tail;
    ELSE
      v_done := v_done || ',0,0';
    END IF;
    v_at := v_at + p_size[i] + p_vector_size[i];
  END LOOP;
  IF v_head < v_first + cardinality(p_key) THEN UPDATE entente.feeds SET head = v_head WHERE id = v_feed; END IF;

  UPDATE entente.usage SET bytes = bytes + v_bytes WHERE org = v_owner AND stripe = v_feed % ${stripes};
  SELECT array_to_string(ARRAY[x.standing, x.quota_bytes::text, x.quota_docs::text, x.quota_connections::text, x.bytes::text, x.docs::text,
    x.connections::text], ',', '') INTO v_account FROM entente.accounts x WHERE x.org = v_owner;
  RETURN v_owner || ',' || v_account || v_done;
END $extend$;
`

export const extendStatement = { name: 'extend', text: 'SELECT entente.extend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS done' } as const

const accountColumns = ['org', 'standing', 'quota_bytes', 'quota_docs', 'quota_connections', 'bytes', 'docs', 'connections'] as const

/** What became of the writes of one commit. */
export interface Outcome {
  readonly sequences: readonly number[]
  readonly tails: readonly number[]
  readonly accounts: readonly Account[]
}

/** The values of a call of `extend`, or undefined where the writes are not what it is for. */
export function extensionOf(writes: readonly Write[], opening: number): readonly PostgresValue[] | undefined {
  const [first] = writes
  if (!first || writes.length > mostUpdates) return undefined
  const { feed, given } = first
  const isUpdate = (write: Write): boolean => write.kind === 'doc' && !write.whole && write.feed === feed && write.given === given
  if (!writes.every(isUpdate) || given.some(({ sequence }) => sequence === 0)) return undefined
  if (new Set(writes.map(({ key }) => key)).size < writes.length) return undefined
  const vectors = writes.map(({ vector }) => encodeStateVector(vector))
  return [
    opening,
    feed,
    listOf(writes.map(({ key }) => key)),
    listOf(writes.map(({ seen }) => seen)),
    listOf(writes.map(({ bytes }) => bytes.length)),
    listOf(vectors.map((vector) => vector.length)),
    Buffer.concat(writes.flatMap(({ bytes }, index) => [bytes, vectors[index] ?? nothing])),
    listOf(given.map((one) => one.feed)),
    listOf(given.map((one) => one.key)),
    listOf(given.map((one) => one.sequence)),
  ]
}

/** What a call of `extend` did, or undefined where it left all to `append`. */
export function extensionOutcome(row: PostgresRow | undefined): Outcome | undefined {
  const done = row?.['done']
  if (typeof done !== 'string') return undefined
  const values = done.split(',')
  const account: PostgresRow = Object.fromEntries(accountColumns.map((column, index) => [column, values[index] || null]))
  const numbers = values.slice(accountColumns.length).map(Number)
  return {
    sequences: numbers.filter((_, index) => index % 2 === 0),
    tails: numbers.filter((_, index) => index % 2 === 1),
    accounts: [toAccount(account)],
  }
}

const nothing = new Uint8Array()
