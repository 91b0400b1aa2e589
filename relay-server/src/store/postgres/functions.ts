import { locks, stripes } from './append.js'

/**
 * `copy()` names this copy of the data. The name changes when the server starts, when another server or timeline takes over, or when the tables are created or
 * refilled. `find_incarnation` returns the present incarnation. It draws a new one if the last was drawn for another copy, if the incarnation that the caller
 * knows of this copy is no longer there, or if the caller asks for it and nobody has drawn since it knew the last. When two draw at once, the first one counts.
 */
export const functions = `
CREATE FUNCTION entente.copy() RETURNS text LANGUAGE sql STABLE AS $copy$
  SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
    extract(epoch FROM pg_postmaster_start_time()), (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()),
    pg_relation_filenode('entente.feeds'), 'entente.feeds'::regclass::oid)
$copy$;

CREATE FUNCTION entente.find_incarnation(p_draws boolean, p_mine bigint, p_copy text, p_candidate bigint) RETURNS bigint LANGUAGE plpgsql AS $find$
DECLARE
  v_last record;
  v_now record;
  v_has_mine boolean;
BEGIN
  SELECT i.n, i.id, i.copy INTO v_last FROM entente.incarnations i ORDER BY i.n DESC LIMIT 1;
  IF v_last.copy = entente.copy() THEN
    v_has_mine := EXISTS (SELECT FROM entente.incarnations i WHERE i.id = p_mine);
    IF (v_has_mine OR p_copy IS DISTINCT FROM v_last.copy) AND (NOT p_draws OR v_last.id <> p_mine) THEN
      RETURN v_last.id;
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock(${locks.incarnations});
  SELECT i.n, i.id, i.copy INTO v_now FROM entente.incarnations i ORDER BY i.n DESC LIMIT 1;
  IF v_now.id IS DISTINCT FROM v_last.id THEN RETURN v_now.id; END IF;
  PERFORM set_config('synchronous_commit', 'on', true);
  INSERT INTO entente.incarnations (n, id, copy, filenode)
  VALUES (coalesce(v_last.n, 0) + 1, p_candidate, entente.copy(), pg_relation_filenode('entente.feeds'));
  RETURN p_candidate;
END $find$;

CREATE VIEW entente.accounts AS
  SELECT o.org, o.standing, o.quota_bytes, o.quota_docs, o.quota_connections,
    u.bytes, u.docs, u.connections
  FROM entente.orgs o CROSS JOIN LATERAL (
    SELECT coalesce(sum(x.bytes), 0) AS bytes, coalesce(sum(x.docs), 0) AS docs, coalesce(sum(x.connections), 0) AS connections
    FROM entente.usage x WHERE x.org = o.org
  ) u;

CREATE FUNCTION entente.compact(p_feed text, p_key text, p_merged bigint, p_sequence bigint, p_bytes bytea) RETURNS boolean LANGUAGE plpgsql AS $compact$
DECLARE
  v_feed record;
  v_doc record;
  v_tail bigint;
  v_size int;
  v_freed bigint;
BEGIN
  -- On the disk before anyone sees it, like entries: a reader that was given the merged state and then lost its place to a crash would be given
  -- updates that continue what it never saw.
  SELECT f.id, f.owner INTO v_feed FROM entente.feeds f WHERE f.name = p_feed FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT d.kind, d.merged, d.sequence, d.tails INTO v_doc FROM entente.docs d WHERE d.feed = v_feed.id AND d.key = p_key;
  IF NOT FOUND OR v_doc.kind <> 0 OR v_doc.merged <> p_merged OR v_doc.sequence < p_sequence THEN RETURN false; END IF;
  SELECT octet_length(s.bytes) - octet_length(p_bytes) INTO v_freed FROM entente.states s WHERE s.feed = v_feed.id AND s.key = p_key;
  -- One by one: a plan made while the table was small would rather read all of the feed than look for each.
  FOREACH v_tail IN ARRAY v_doc.tails LOOP
    CONTINUE WHEN v_tail > p_sequence;
    DELETE FROM entente.tails t WHERE t.feed = v_feed.id AND t.sequence = v_tail RETURNING octet_length(t.bytes) INTO v_size;
    v_freed := v_freed + coalesce(v_size, 0);
  END LOOP;
  UPDATE entente.states SET bytes = p_bytes WHERE feed = v_feed.id AND key = p_key;
  UPDATE entente.docs SET merged = p_sequence, bytes = bytes - v_freed,
    tails = ARRAY(SELECT x FROM unnest(v_doc.tails) x WHERE x > p_sequence ORDER BY x) WHERE feed = v_feed.id AND key = p_key;
  UPDATE entente.usage SET bytes = bytes - v_freed WHERE org = v_feed.owner AND stripe = v_feed.id % ${stripes};
  RETURN true;
END $compact$;

CREATE FUNCTION entente.drop(p_feeds text[]) RETURNS void LANGUAGE plpgsql AS $drop$
DECLARE
  v_ids int[];
  r record;
BEGIN
  v_ids := ARRAY(SELECT x.id FROM (SELECT f.id FROM entente.feeds f WHERE f.name = ANY (p_feeds) ORDER BY f.name FOR UPDATE) x);
  FOR r IN
    SELECT f.owner, f.id % ${stripes} AS stripe, sum(d.bytes) AS bytes, sum(d.docs) AS docs
    FROM entente.feeds f CROSS JOIN LATERAL (
      SELECT coalesce(sum(x.bytes), 0) AS bytes, count(*) FILTER (WHERE x.kind <> 3) AS docs FROM entente.docs x WHERE x.feed = f.id
    ) d WHERE f.id = ANY (v_ids) GROUP BY 1, 2 ORDER BY 1, 2
  LOOP
    UPDATE entente.usage u SET bytes = u.bytes - r.bytes, docs = u.docs - r.docs WHERE u.org = r.owner AND u.stripe = r.stripe;
  END LOOP;
  DELETE FROM entente.tails WHERE feed = ANY (v_ids);
  DELETE FROM entente.states WHERE feed = ANY (v_ids);
  DELETE FROM entente.docs WHERE feed = ANY (v_ids);
  DELETE FROM entente.feed_incarnations WHERE feed = ANY (v_ids);
  DELETE FROM entente.feeds WHERE id = ANY (v_ids);
END $drop$;
`
