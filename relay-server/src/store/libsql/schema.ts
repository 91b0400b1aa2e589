/**
 * The tables of the embedded store. `docs` and `states` hold the last whole or merged state of each key: sequence, size, state vector and bytes.
 * `tails` holds the updates since then, ordered by sequence, so that catch-up is a walk along two indexes. `tails.head` is what stands before
 * an update's bytes on the wire, so that a page of updates is one concatenation. An update, the most frequent publish, adds one row
 * and changes none; the doc's vector after it is computed from the updates when it is not cached.
 * `feeds.incarnation` is the incarnation in which a feed was last written; `feed_incarnations` holds its head before the first write of an incarnation.
 * `orgs` holds an operator's decisions about an org, and sums over its feeds, which every transaction on those feeds updates.
 * `rosters` holds the highest roster that was seen of each org.
 */
export const schema = `
CREATE TABLE settings (
  one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, revision INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0
);
INSERT INTO settings (one, secret) VALUES (1, randomblob(32));
CREATE TABLE incarnations (n INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE);
CREATE TABLE feeds (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, head INTEGER NOT NULL, incarnation INTEGER NOT NULL
);
CREATE TABLE feed_incarnations (feed INTEGER NOT NULL, n INTEGER NOT NULL, head INTEGER NOT NULL, PRIMARY KEY (feed, n)) WITHOUT ROWID;
CREATE TABLE docs (
  id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, key TEXT NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL,
  merged INTEGER NOT NULL, bytes INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (feed, key)
);
CREATE INDEX docs_by_merged ON docs (feed, merged);
CREATE TABLE states (doc INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE tails (
  feed INTEGER NOT NULL, sequence INTEGER NOT NULL, doc INTEGER NOT NULL, head BLOB NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (feed, sequence)
) WITHOUT ROWID;
CREATE INDEX tails_by_doc ON tails (doc, sequence);
CREATE TABLE orgs (
  org TEXT PRIMARY KEY, standing TEXT NOT NULL DEFAULT 'none', quota_bytes INTEGER, quota_docs INTEGER, quota_connections INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0, docs INTEGER NOT NULL DEFAULT 0, connections INTEGER NOT NULL DEFAULT 0,
  tombstones INTEGER NOT NULL DEFAULT 0, tail_updates INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE rosters (org TEXT PRIMARY KEY, number INTEGER NOT NULL, token TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE invitations (
  mailbox TEXT PRIMARY KEY, vendor TEXT NOT NULL, partner TEXT, claim_hash BLOB NOT NULL, expires INTEGER NOT NULL, wrong_tries INTEGER NOT NULL,
  void INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX invitations_by_vendor ON invitations (vendor);
`

/** The version of the tables. A change of a table raises it; a relay leaves a store of another version untouched. */
export const schemaVersion = 1
