import { tombstoneBytes } from '../account.js'

/** The advisory locks of this program in its database, two numbers each. */
export const locks = { relays: '1702260340, 1', incarnations: '1702260340, 2', schema: '1702260340, 3' } as const

/** The rows into which an org's usage is split, so that commits of different feeds of one org do not wait for each other's fsync. */
export const stripes = 16

/**
 * A commit in one round trip. Its correctness rests on the order of its steps:
 *
 * 1. Compare the incarnation under a shared lock. Drawing an incarnation takes that lock exclusively, so no write happens under an old incarnation.
 * 2. Lock the rows of all feeds of the batch in the order of their names, so that commits cannot deadlock: exclusively for feeds to write, shared for
 *    feeds that hold policies (`given`). The feed's row is its counter. No other transaction increments it before this one has committed, so
 *    sequences become visible in their order. A plain sequence would not do: 8 may commit before 7, and a reader whose cursor went to 8 meanwhile
 *    never sees 7. A counter for all feeds would not do either: its row stays locked through the fsync of each commit.
 * 3. Statements of this function see what was committed before they began (READ COMMITTED), hence, after step 2, the last entries of all keys.
 * 4. Update the usage of the orgs last, also in one order: a row for each org and stripe of feeds.
 *
 * The planner has no choice anywhere: each row is looked up by its primary key in a subquery of its own (OFFSET 0 keeps it one), or is a conflict
 * of an insert. A plan made while the tables were small could turn a join round, and would then read a whole feed for each key.
 *
 * `p_follows` is null, or for a head the last sequence that its feed must have. It is compared with the counter as it was locked, so a head is the first
 * write of its feed in its call.
 *
 * `p_connects` is true if a write adds a connection to its org, null if it removes one, else false.
 *
 * All bytes travel in one value, because the driver sends a lone buffer as it is but spells one in an array as text; each write says where its bytes begin.
 * The answer names the accepted writes (`taken`, counted from 1, in any order), with their sequences and tails; it is empty if the incarnation is
 * another. The keys of one call differ, and no entry by which a write was judged is written before it in the same call.
 */
export const append = `
CREATE FUNCTION entente.append(
  p_incarnation bigint, p_is_last boolean, p_feeds text[], p_owners text[], p_written int,
  p_feed int[], p_key text[], p_seen bigint[], p_follows bigint[], p_kind int[], p_whole boolean[], p_version bigint[], p_number bigint[],
  p_at int[], p_size int[], p_vector_size int[], p_connects boolean[], p_given int[],
  g_list int[], g_feed int[], g_key text[], g_sequence bigint[], p_blob bytea
) RETURNS TABLE (taken text, sequences text, tails text, accounts text) LANGUAGE plpgsql AS $append$
#variable_conflict use_column
DECLARE
  v_incarnation record;
  v_feed record;
  r record;
  v_ids int[] := array_fill(0, ARRAY[cardinality(p_feeds)]);
  v_heads bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_feeds)]);
  v_owners text[] := array_fill(''::text, ARRAY[cardinality(p_feeds)]);
  v_incarnations int[] := array_fill(0, ARRAY[cardinality(p_feeds)]);
  v_new int[] := '{}';
  v_taken text;
  v_sequences text;
  v_tails text;
  v_grown int[];
  v_bytes bigint[];
  v_docs bigint[];
  v_connections bigint[];
  v_entries bigint[];
  v_of int[];
  v_gone bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${locks.incarnations});
  SELECT i.n, i.id, i.filenode INTO v_incarnation FROM entente.incarnations i ORDER BY i.n DESC LIMIT 1;
  IF v_incarnation.id IS DISTINCT FROM p_incarnation OR v_incarnation.filenode IS DISTINCT FROM pg_relation_filenode('entente.feeds') THEN
    RETURN;
  END IF;

  FOR r IN SELECT u.name, u.i FROM unnest(p_feeds) WITH ORDINALITY u(name, i) ORDER BY u.name COLLATE "C" LOOP
    IF r.i <= p_written THEN
      LOOP
        SELECT f.id, f.head, f.owner, f.incarnation INTO v_feed FROM entente.feeds f WHERE f.name = r.name FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO entente.feeds (name, owner, head, incarnation) VALUES (r.name, p_owners[r.i], 0, 0) ON CONFLICT (name) DO NOTHING;
      END LOOP;
      v_heads[r.i] := v_feed.head;
      v_owners[r.i] := v_feed.owner;
      v_incarnations[r.i] := v_feed.incarnation;
      IF v_feed.head = 0 THEN v_new := v_new || v_feed.id; END IF;
    ELSE
      SELECT f.id INTO v_feed FROM entente.feeds f WHERE f.name = r.name FOR SHARE;
    END IF;
    v_ids[r.i] := coalesce(v_feed.id, 0);
  END LOOP;

  WITH w AS (
    SELECT u.*, v_ids[u.f] AS feed
    FROM unnest(p_feed, p_key, p_seen, p_follows, p_kind, p_whole, p_version, p_number, p_at, p_size, p_vector_size, p_connects, p_given)
      WITH ORDINALITY u(f, key, seen, follows, kind, whole, version, number, at, size, vector_size, connects, given, i)
  ), stale AS MATERIALIZED (
    SELECT g.list
    FROM unnest(g_list, g_feed, g_key, g_sequence) g(list, f, key, sequence)
    LEFT JOIN LATERAL (SELECT d.sequence FROM entente.docs d WHERE d.feed = v_ids[g.f] AND d.key = g.key OFFSET 0) d ON true
    WHERE coalesce(d.sequence, 0) <> g.sequence
  ), a AS MATERIALIZED (
    SELECT w.*, w.size + CASE WHEN w.kind = 3 THEN ${tombstoneBytes} ELSE 0 END AS counted, v_heads[w.f] + row_number() OVER (PARTITION BY w.f ORDER BY w.i) AS sequence,
      d.bytes IS NOT NULL AND w.kind = 0 AND NOT w.whole AS extends, coalesce(d.kind, 3) <> 3 AS was_there,
      d.version AS old_version, d.number AS old_number, d.merged AS old_merged, coalesce(d.bytes, 0) AS old_bytes, coalesce(d.tails, '{}') AS old_tails
    FROM w LEFT JOIN LATERAL (SELECT d.* FROM entente.docs d WHERE d.feed = w.feed AND d.key = w.key OFFSET 0) d ON true
    WHERE coalesce(d.sequence, 0) = w.seen AND coalesce(w.follows = v_heads[w.f], true) AND NOT EXISTS (SELECT FROM stale s WHERE s.list = w.given)
  ), kept AS (
    INSERT INTO entente.docs AS d (feed, key, kind, version, number, sequence, merged, bytes, tails, vector)
    SELECT feed, key, kind, CASE WHEN extends THEN old_version ELSE version END, CASE WHEN extends THEN old_number ELSE number END, sequence,
      CASE WHEN extends THEN old_merged ELSE sequence END, CASE WHEN extends THEN old_bytes + counted ELSE counted END,
      CASE WHEN extends THEN old_tails || sequence ELSE '{}' END, substring(p_blob FROM at + size + 1 FOR vector_size)
    FROM a
    ON CONFLICT (feed, key) DO UPDATE SET kind = excluded.kind, version = excluded.version, number = excluded.number, sequence = excluded.sequence,
      merged = excluded.merged, bytes = excluded.bytes, tails = excluded.tails, vector = excluded.vector
  ), stated AS (
    INSERT INTO entente.states (feed, key, bytes) SELECT feed, key, substring(p_blob FROM at + 1 FOR size) FROM a WHERE NOT extends
    ON CONFLICT (feed, key) DO UPDATE SET bytes = excluded.bytes
  ), tailed AS (
    INSERT INTO entente.tails (feed, sequence, key, bytes)
    SELECT feed, sequence, key, substring(p_blob FROM at + 1 FOR size) FROM a WHERE extends
  ), grown AS MATERIALIZED (
    SELECT f, feed, count(*) AS entries, sum(CASE WHEN extends THEN counted ELSE counted - old_bytes END) AS bytes,
      sum((kind <> 3)::int - was_there::int) AS docs, sum(CASE WHEN connects THEN 1 WHEN connects IS NULL THEN -1 ELSE 0 END) AS connections
    FROM a GROUP BY f, feed
  )
  SELECT string_agg(a.i::text, ','), string_agg(a.sequence::text, ','),
    string_agg((CASE WHEN a.extends THEN cardinality(a.old_tails) + 1 ELSE 0 END)::text, ','),
    (SELECT array_agg(g.f ORDER BY g.f) FROM grown g), (SELECT array_agg(g.bytes ORDER BY g.f) FROM grown g),
    (SELECT array_agg(g.docs ORDER BY g.f) FROM grown g), (SELECT array_agg(g.connections ORDER BY g.f) FROM grown g),
    (SELECT array_agg(g.entries ORDER BY g.f) FROM grown g),
    (SELECT array_agg(b.feed) FROM a b CROSS JOIN unnest(b.old_tails) WHERE NOT b.extends),
    (SELECT array_agg(t) FROM a b CROSS JOIN unnest(b.old_tails) t WHERE NOT b.extends)
  INTO v_taken, v_sequences, v_tails, v_grown, v_bytes, v_docs, v_connections, v_entries, v_of, v_gone
  FROM a;

  IF cardinality(v_new) > 0 THEN
    INSERT INTO entente.orgs (org)
    SELECT DISTINCT v_owners[u.f] AS org FROM unnest(v_grown) u(f) WHERE v_heads[u.f] = 0 ORDER BY org ON CONFLICT DO NOTHING;
    IF p_is_last THEN DELETE FROM entente.feeds f WHERE f.id = ANY (v_new) AND f.head = 0; END IF;
  END IF;
  INSERT INTO entente.feeds (id, name, owner, head, incarnation) OVERRIDING SYSTEM VALUE
  SELECT v_ids[u.f], p_feeds[u.f], v_owners[u.f], v_heads[u.f] + u.entries, v_incarnation.n FROM unnest(v_grown, v_entries) u(f, entries)
  ON CONFLICT (id) DO UPDATE SET head = excluded.head, incarnation = excluded.incarnation;
  INSERT INTO entente.feed_incarnations (feed, n, head)
  SELECT v_ids[f], v_incarnation.n, v_heads[f] FROM unnest(v_grown) f WHERE v_incarnations[f] < v_incarnation.n;
  FOR r IN SELECT * FROM unnest(v_of, v_gone) u(feed, sequence) LOOP
    DELETE FROM entente.tails t WHERE t.feed = r.feed AND t.sequence = r.sequence;
  END LOOP;
  INSERT INTO entente.usage AS u (org, stripe, bytes, docs, connections)
  SELECT v_owners[g.f] AS org, v_ids[g.f] % ${stripes} AS stripe, sum(g.bytes), sum(g.docs), sum(g.connections)
  FROM unnest(v_grown, v_bytes, v_docs, v_connections) g(f, bytes, docs, connections)
  GROUP BY v_owners[g.f], v_ids[g.f] % ${stripes} ORDER BY v_owners[g.f] COLLATE "C", v_ids[g.f] % ${stripes}
  ON CONFLICT (org, stripe)
  DO UPDATE SET bytes = u.bytes + excluded.bytes, docs = u.docs + excluded.docs, connections = u.connections + excluded.connections;

  RETURN QUERY SELECT coalesce(v_taken, ''), v_sequences, v_tails,
    (SELECT json_agg(x)::text FROM entente.accounts x
      WHERE x.org = ANY (ARRAY(SELECT DISTINCT v_owners[g.f] FROM unnest(v_grown) g(f))));
END $append$;
`
