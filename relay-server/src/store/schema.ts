/**
 * The tables of the embedded store. `docs` holds the small row that each publish changes, `states` the merged bytes, which change only when a
 * doc is replaced or compacted, and `tails` the updates since then, filed by sequence so that catching up is a walk along two indexes.
 */
export const schema = `
CREATE TABLE IF NOT EXISTS openings (n INTEGER PRIMARY KEY, id INTEGER NOT NULL, position INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS openings_by_id ON openings (id);
CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, tried INTEGER NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO counter (one, position) VALUES (1, 0);
CREATE TABLE IF NOT EXISTS feeds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS docs (
  id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, key TEXT NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL,
  sequence INTEGER NOT NULL, merged INTEGER NOT NULL, tail INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (feed, key)
);
CREATE INDEX IF NOT EXISTS docs_by_merged ON docs (feed, merged);
CREATE TABLE IF NOT EXISTS states (doc INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tails (feed INTEGER NOT NULL, sequence INTEGER NOT NULL, doc INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (feed, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tails_by_doc ON tails (doc, sequence);
CREATE TABLE IF NOT EXISTS invitations (
  mailbox TEXT PRIMARY KEY, vendor TEXT NOT NULL, partner TEXT, claim_hash BLOB NOT NULL, expires INTEGER NOT NULL, wrong_tries INTEGER NOT NULL,
  void INTEGER NOT NULL
) WITHOUT ROWID;
`

/** Raised when a table changes; a store written by a newer relay is left untouched. */
export const schemaVersion = 1
